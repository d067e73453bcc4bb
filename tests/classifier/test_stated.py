"""What a model states of itself is read part by part; what is not a figure is left out."""

import json

import pytest

from classifier import stated
from classifier.inference import CLASSES

GOOD = {
    "cells": 10,
    "accuracy": 0.9,
    "accuracy_interval": [0.8, 0.95],
    "answered": {"cells": 8, "accuracy": 1.0, "accuracy_interval": [0.7, 1.0]},
    "areas_under_roc": {"basophil": 0.99, "monocyte": None},
    "areas_under_roc_intervals": {"basophil": [0.98, 1.0], "monocyte": None},
    "confusion": [[2 if row == column else 0 for column in range(5)] for row in range(5)],
}


def test_figures_come_with_their_intervals():
    (found,) = stated.sources({"sets": {"pbc/test": GOOD}})
    assert (found.name, found.cells) == ("pbc/test", 10)
    assert found.accuracy == stated.Figure(0.9, (0.8, 0.95))
    assert found.answered == stated.Figure(1.0, (0.7, 1.0))
    assert found.macro_f1 is None
    assert dict(found.areas) == {"basophil": stated.Figure(0.99, (0.98, 1.0))}
    assert found.table.sum() == 10


ODD = [None, True, "0.9", [], {}, [[1]], float("nan"), float("inf"), 10**400, -1e300]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: repr(odd)[:20])
@pytest.mark.parametrize("name", [*GOOD, "sets", "macro_f1"])
def test_what_is_not_a_figure_is_left_out_and_breaks_nothing(name, odd):
    part = {**GOOD, name: odd}
    for metrics in ({"sets": {"a": part}}, {"sets": odd}, {"sets": {"a": odd}}):
        for source in stated.sources(metrics):
            assert source.macro_f1 is None
            assert source.cells is None or source.cells == 10
            assert source.accuracy is None or source.accuracy.value == 0.9


@pytest.mark.parametrize("odd", [*ODD, 1.5, -1], ids=lambda odd: repr(odd)[:20])
def test_a_table_of_anything_but_counts_is_none(odd):
    table = [row[:] for row in GOOD["confusion"]]
    table[2][3] = odd
    (found,) = stated.sources({"sets": {"a": {**GOOD, "confusion": table}}})
    assert found.table is None


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: repr(odd)[:20])
def test_abstention_is_a_share_of_each_kind(odd):
    metrics = {
        "abstention": {"near": {"all": 0.8, "platelet": odd}, "own kind": odd, "x": {"y": 2}},
        "abstention_intervals": {"near": {"all": [0.7, 0.9]}, "own kind": odd},
    }
    found = dict(stated.abstention(metrics))
    assert found == {"Cells of other kinds": [("all", stated.Figure(0.8, (0.7, 0.9)))]}
    assert stated.abstention({"abstention": odd}) == []


def test_epochs_are_counted_by_phase():
    text = "phase,epoch,loss,accuracy,val_loss,val_accuracy\n"
    text += "head,1,0.6,0.8,0.2,0.9\nhead,2,0.5,0.9,,nan\ntuning,1,x,,0.1,0.95\n,,,,,\n"
    found = stated.epochs(text.encode())
    assert [(row.phase, row.number) for row in found] == [("head", 1), ("head", 2), ("tuning", 1)]
    assert (found[1].val_loss, found[1].val_accuracy) == (None, None)
    assert (found[2].loss, found[2].val_accuracy) == (None, 0.95)


@pytest.mark.parametrize(
    "data", [None, b"", b"\xff\xfe", b"a,b\n1,2\n", b"\0\0\n", b'"' * 200_000, b"loss\n1e400\n"]
)
def test_a_file_that_is_no_history_has_no_epochs(data):
    assert stated.epochs(data) == []


@pytest.mark.parametrize("data", [None, b"", b"[", b"[1]", b"7", b"[" * 100_000, b"\xff"])
def test_a_file_that_is_no_object_states_nothing(data):
    assert stated.parsed(data) == {}


def test_speed_is_said_with_its_units():
    found = dict(
        stated.speed(
            {
                "engine": 42.04,
                "ready_s": 2.9,
                "computed": "f32",
                "x": 1,
                "machine": {"processor": "A"},
            }
        )
    )
    assert found == {
        "Engine alone, crops in memory": "42.0 images/s",
        "Ready after its start": "2.9 s",
        "Arithmetic": "f32",
        "Processor": "A",
    }
    assert stated.speed({"computed": "f32"}) == []


def test_what_the_shipped_model_states_is_all_there(settings):
    (folder,) = (path for path in settings.MODEL_DIRS[0].iterdir() if path.is_dir())
    metrics = json.loads((folder / "metrics.json").read_text())
    for source in stated.sources(metrics):
        assert None not in (source.cells, source.accuracy, source.macro_f1, source.ece)
        assert source.table.sum() == source.cells
        assert list(source.areas) == list(CLASSES)
    assert len(stated.abstention(metrics)) == 3
    assert len(stated.epochs((folder / "history.csv").read_bytes())) > 50


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: repr(odd)[:20])
def test_a_machine_that_is_no_machine_is_not_named(odd):
    found = dict(stated.speed({"engine": 1, "machine": odd, "computed": "f32"}))
    assert list(found)[1:] == ["Arithmetic"]

"""The gate on real models: every check is made by what makes it in the product."""

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as op

from audit.models import AuditEvent
from classifier import examination
from classifier.choices import ModelState, PromotionState
from classifier.gate import refused
from classifier.inference import locked
from classifier.inference.locked import write_locked
from classifier.models import ModelVersion
from classifier.promotion import (
    promotion_ask,
)
from classifier.queueing import active_version
from classifier.registry import model_register
from ml.export import rewrite_manifest
from tests.inference.conftest import CHANNELS, SIZE
from tests.servers.candidates import sets, write_candidate

pytestmark = pytest.mark.django_db
DONE, WAITING, REFUSED = PromotionState.DONE, PromotionState.WAITING, PromotionState.REFUSED


def events(action):
    return list(AuditEvent.objects.filter(action=action))


def state(version):
    return ModelVersion.objects.get(pk=version.pk).state


def refusals(version, active):
    return {
        finding.code: finding.sentence for finding in refused(examination.examine(version, active))
    }


def test_a_model_that_is_as_good_passes_and_reads_new_pictures(administrator, first, second):
    promotion = promotion_ask(actor=administrator, version=second, reason="Newer weights")
    assert promotion.state == DONE
    assert [finding["passed"] for finding in promotion.findings] == [True] * 10
    assert active_version() == second
    assert state(first) == ModelState.RETIRED
    (event,) = events("promotion.done")
    assert event.actor_name == administrator.email
    assert event.data["manifest_sha256"] == second.manifest_sha256
    assert event.data["before"] == "first"
    assert len(events("model.activated")) == 2


def test_a_first_model_passes_without_another(administrator, folder):
    good = folder / "second"
    write_locked(good / locked.FILE_NAME, sets(other={"abstained": 0.9}))
    rewrite_manifest(good)
    promotion = promotion_ask(actor=administrator, version=model_register(directory=good))
    assert promotion.state == DONE
    assert promotion.before is None


def test_a_worse_model_is_refused(administrator, first, folder):
    worse = write_candidate(folder / "worse", sets(test={"wrong": range(40)}))
    version = model_register(directory=worse)
    promotion = promotion_ask(actor=administrator, version=version)
    assert promotion.state == REFUSED
    assert active_version() == first
    assert state(version) == ModelState.CANDIDATE
    (event,) = events("promotion.refused")
    assert (
        event.data["refused_by"] == ["accuracy", "recall"]
        or "accuracy" in (event.data["refused_by"])
    )
    assert events("promotion.done") == []


def test_a_model_whose_classes_stand_in_another_order_is_refused(first, folder):
    def permute(content):
        for row in content["pictures"].values():
            row["probabilities"] = row["probabilities"][1:] + row["probabilities"][:1]

    version = model_register(directory=write_candidate(folder / "permuted", stated=permute))
    found = refusals(version, first)
    assert set(found) == {"golden"}
    assert "does not give the answers that it states" in found["golden"]


def test_a_miscalibrated_model_is_refused(first, folder):
    version = model_register(directory=write_candidate(folder / "unsure", sets(test={"sure": 0.8})))
    assert set(refusals(version, first)) == {"calibration"}


def test_a_file_that_was_changed_after_registering_is_refused(first, second, folder):
    path = folder / "second" / "graph.bin"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    findings = examination.examine(second, first)
    assert [(f.code, f.passed) for f in findings][:3] == [
        ("files", False), ("golden", None), ("locked", None),
    ]  # fmt: skip
    assert "graph.bin is not the one the manifest names" in findings[0].sentence


def test_a_manifest_that_was_changed_after_registering_is_refused(first, second, folder):
    rewrite_manifest(folder / "second", created="yesterday")
    assert "not those that were registered" in refusals(second, first)["files"]


def slow(rng):
    """Much more to work out than the others, for the same outputs."""
    image = op.parameter([-1, SIZE, SIZE, 3], ov.Type.f32)
    level, sources, maps = op.transpose(image, np.array([0, 3, 1, 2])), 3, []
    for _ in range(6):
        kernel = rng.normal(0, 0.05, (96, sources, 3, 3)).astype(np.float32)
        level, sources = op.relu(op.convolution(level, kernel, [1, 1], [1, 1], [1, 1], [1, 1])), 96
    for channels, stride in zip(CHANNELS, (5, 3), strict=True):
        kernel = rng.normal(0, 0.05, (channels, sources, 3, 3)).astype(np.float32)
        level = op.relu(op.convolution(level, kernel, [stride] * 2, [1, 1], [1, 1], [1, 1]))
        maps.append(op.transpose(level, np.array([0, 2, 3, 1])))
        sources = channels
    return ov.Model([op.result(each) for each in maps], [image], "slow")


def test_a_slow_model_is_refused(first, folder):
    version = model_register(directory=write_candidate(folder / "slow", network=slow))
    found = refusals(version, first)
    assert set(found) == {"speed"}
    assert "too slow" in found["speed"]


def test_a_model_that_states_nothing_of_the_locked_sets_is_refused(first, second, folder, quick):
    (folder / "third" / locked.FILE_NAME).unlink()
    rewrite_manifest(folder / "third")
    version = model_register(directory=folder / "third")
    assert "predictions.csv is missing" in refusals(version, first)["locked"]


@pytest.mark.parametrize("text", ["", "a,b\n", "\xff\x00", "pbc/test," * 11])
def test_a_table_that_cannot_be_read_is_refused(first, folder, quick, text):
    (folder / "third" / locked.FILE_NAME).write_text(text)
    rewrite_manifest(folder / "third")
    version = model_register(directory=folder / "third")
    assert "predictions.csv" in refusals(version, first)["locked"]


def test_where_the_active_model_is_damaged_the_candidate_is_held_against_fixed_bounds(
    first, folder, quick
):
    (folder / "first" / "graph.bin").write_bytes(b"")
    version = model_register(
        directory=write_candidate(folder / "good", sets(other={"abstained": 0.9}))
    )
    findings = {finding.code: finding for finding in examination.examine(version, first)}
    assert "So the candidate is held against fixed bounds" in findings["locked"].sentence
    assert refused(list(findings.values())) == []


def test_the_margins_are_this_installations(first, folder, quick, settings):
    version = model_register(
        directory=write_candidate(folder / "worse", sets(outside={"wrong": range(100)}))
    )
    assert set(refusals(version, first)) == {"external"}
    settings.GATE_MARGINS = {**settings.GATE_MARGINS, "external": 0.1}
    assert refusals(version, first) == {}

"""One model's page: its curves and their numbers, its mistakes, its files."""

import hashlib
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from django.urls import reverse

from classifier import model_figures
from classifier.inference.locked import write_locked
from tests.classifier.test_compared import made
from tests.servers import engine

pytestmark = pytest.mark.django_db
HISTORY = "phase,epoch,loss,accuracy,val_loss,val_accuracy\n" + "".join(
    f"{phase},{n},{0.5 / n},{1 - 0.2 / n},{0.4 / n},{1 - 0.1 / n}\n"
    for phase in ("head", "fine-tuning")
    for n in range(1, 6)
)
METRICS = {
    "sets": {
        "pbc/test": {"cells": 200, "accuracy": 0.7654, "accuracy_interval": [0.7, 0.8]},
        "single cells": {
            "cells": 10,
            "accuracy": 0.9,
            "confusion": (2 * np.eye(5, dtype=int)).tolist(),
        },
    },
    "abstention": {"near": {"all": 0.812, "platelet": 0.9}},
}


def put(folder, files, *, drop=()):
    """Write files into a model directory and name them in its manifest."""
    content = json.loads((folder / "manifest.json").read_text())
    for name, data in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)
        content["files"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    for name in drop:
        content["files"].pop(name)
    (folder / "manifest.json").write_text(json.dumps(content))


def with_predictions(folder, sets):
    write_locked(folder / "predictions.csv", sets)
    put(folder, {"predictions.csv": (folder / "predictions.csv").read_bytes()})


SETS = {
    "pbc/test": made(200),
    "pbc_other/test": made(60, seed=3, kinds=("platelet", "ig")),
}


@pytest.fixture
def directory(settings, tmp_path):
    folder = engine.write_model(tmp_path)
    put(
        folder,
        {
            "history.csv": HISTORY,
            "metrics.json": json.dumps(METRICS),
            "benchmark.json": json.dumps({"engine": 42.04}),
        },
    )
    with_predictions(folder, SETS)
    settings.MODEL_DIRS = [tmp_path]
    return folder


@pytest.fixture
def page(client, people, directory):
    client.force_login(people.clinician)

    def get(**query):
        answer = client.get(reverse("classifier:model", args=[engine.MODEL_ID]), query)
        assert answer.status_code == 200
        return answer.content.decode()

    return get


def text(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_curves_and_their_numbers_are_on_the_page(page):
    html = page()
    for name in (
        "Accuracy",
        "Loss",
        "ROC curve by class",
        "Precision and recall by class",
        "Reliability",
        "Risk and coverage",
    ):
        assert f"<h3>{name}</h3>" in html
    assert html.count('role="img"') == 6
    said = text(html)
    for words in ("0.7654", "0.700–0.800", "By class", "42.0 images/s", "81.2 %", "fine-tuning"):
        assert words in said


def test_everything_drawn_has_a_title_a_description_and_no_script_or_style(page):
    html = page()
    for drawing in re.findall(r'<svg [^>]*role="img".*?</svg>', html, re.DOTALL):
        title, what = re.search(r'aria-labelledby="(\S+) (\S+)"', drawing).groups()
        assert f'<title id="{title}">' in drawing
        assert f'<desc id="{what}">' in drawing
    assert " style=" not in html
    assert "nan" not in re.findall(r' d="([^"]*)"', html)
    assert not re.search(r' d="[^"]*(nan|inf)', html)


def test_the_confusion_table_counts_every_cell(page):
    html = page()
    table = html.partition('class="table table-sm taken"')[2].partition("</table>")[0]
    counts = [int(n) for n in re.findall(r"<td[^>]*>(?:<a [^>]*>)?(\d+)", table)]
    rows = np.array(counts).reshape(5, 6)
    locked = SETS["pbc/test"]
    assert rows[:, :5].sum() == 200
    assert np.trace(rows[:, :5]) == (locked.predicted == locked.truth).sum()
    assert rows[:, 5].sum() == locked.abstained.sum()


def test_another_set_is_chosen_by_a_link(page):
    html = page(set="pbc_other/test")
    assert "On pbc_other/test, 60 cells" in text(html)
    assert "Immature granulocyte" in html
    assert "ROC curve" not in html
    assert "On pbc/test" in text(page(set="no such set"))


def test_a_set_of_stated_figures_alone_has_its_tables_and_no_curves(page):
    html = page(set="single cells")
    assert "On single cells, 10 cells" in text(html)
    assert "What was taken for what" in html
    assert "ROC curve" not in html
    assert "Cell by cell" not in html


def mistakes(html):
    table = html.partition('id="answers"')[2].partition("</table>")[0]
    return [
        [text(cell).strip() for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)]
        for row in re.findall(r"<tr[^>]*>(.*?)</tr>", table.partition("<tbody")[2], re.DOTALL)
    ]


def test_mistakes_are_listed_the_surest_first_and_paged(page):
    locked = SETS["pbc/test"]
    wrong = int((locked.predicted != locked.truth).sum())
    found = [row for n in range(1, 9) for row in mistakes(page(page=n)) if n <= -(-wrong // 20)]
    assert len(found) == wrong
    sure = [float(row[3]) for row in found]
    assert sure == sorted(sure, reverse=True)
    best = max(
        np.flatnonzero(locked.predicted != locked.truth),
        key=lambda n: locked.probabilities[n].max(),
    )
    assert found[0][0].replace(" ", "") == locked.pictures[best][0]


def test_a_field_of_the_confusion_table_leads_to_its_cells(page):
    html = page()
    address, count = re.search(
        r'<td class="shade[^>]*><a href="\?([^"]*)#answers"[^>]*>(\d|1\d)</a>', html
    ).groups()
    query = dict(part.split("=") for part in address.replace("&amp;", "&").split("&"))
    found = mistakes(page(**query))
    assert len(found) == int(count)
    assert {row[1].lower() for row in found} == {query["truth"]}


def test_right_answers_are_listed_the_least_sure_first(page):
    locked = SETS["pbc/test"]
    right = np.flatnonzero(locked.predicted == locked.truth)
    found = mistakes(page(show="right"))
    sure = [float(row[3]) for row in found]
    assert sure == sorted(sure)
    assert sure[0] == pytest.approx(locked.probabilities[right].max(axis=1).min(), abs=6e-4)
    diagonal = mistakes(page(truth="monocyte", said="monocyte"))
    assert {(row[1], row[2].split()[-1]) for row in diagonal} == {("Monocyte", "Monocyte")}


def test_of_cells_of_no_class_those_that_were_answered_are_mistakes(page):
    locked = SETS["pbc_other/test"]
    found = [row for n in (1, 2, 3) for row in mistakes(page(set="pbc_other/test", page=n))]
    assert {row[4] for row in found} == {"answered"}
    assert len({row[0] for row in found}) == (~locked.abstained).sum()


@pytest.mark.parametrize(
    "query", [{"page": "x"}, {"page": "-1"}, {"page": "99999"}, {"truth": "a\0"}]
)
def test_odd_questions_have_a_page_for_an_answer(page, query):
    assert "Cell by cell" in page(**query)


def test_a_model_of_an_earlier_version_without_predictions_still_has_its_page(page, directory):
    put(directory, {}, drop=["predictions.csv"])
    said = text(page())
    assert "came without predictions.csv" in said
    assert "0.7654" in said
    assert "Learning curves" in said


def test_a_model_that_states_nothing_says_so(page, directory):
    put(directory, {}, drop=["predictions.csv", "metrics.json", "history.csv", "benchmark.json"])
    assert "The manifest states no figures." in text(page())


def test_predictions_that_were_changed_are_not_shown(page, directory):
    with (directory / "predictions.csv").open("a") as stream:
        stream.write("pbc/test,x.png,00,monocyte,1,0,0,0,0,0\n")
    said = text(page())
    assert "not the one that its manifest names" in said
    assert "ROC curve" not in said


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("predictions.csv", "set,what\n1,2\n"),
        ("predictions.csv", b"\xff\0"),
        ("metrics.json", "[1, 2"),
        ("metrics.json", json.dumps({"sets": {"pbc/test": {"cells": "x", "confusion": 7}}})),
        ("history.csv", "phase\n\0"),
        ("benchmark.json", "{"),
        ("MODEL_CARD.md", b"\xff\xfe"),
    ],
)
def test_files_that_are_not_what_they_should_be_break_no_page(page, directory, name, data):
    put(directory, {name: data})
    assert "Facts" in page()


def test_names_from_a_model_are_text_and_nothing_else(page, directory):
    evil = '"><script>alert(1)</script>'
    locked = made(40)
    named = replace(
        locked, kinds=(evil,) * 40, pictures=tuple((f"{evil}/{n}", "0") for n in range(40))
    )
    with_predictions(directory, {"pbc/test": locked, evil: named})
    put(
        directory,
        {
            "history.csv": HISTORY.replace("head", "<b>head"),
            "metrics.json": json.dumps({"abstention": {evil: {evil: 0.5}}}),
        },
    )
    for query in ({}, {"set": evil}, {"set": evil, "truth": evil, "said": "monocyte"}):
        html = page(**query)
        assert "<script>alert" not in html
        assert "<b>head" not in html
    assert "&lt;script&gt;" in html


def test_a_manifest_with_odd_metrics_breaks_no_page(client, people, directory):
    content = json.loads((directory / "manifest.json").read_text())
    client.force_login(people.clinician)
    for odd in ([1], "soon", 7, {"pbc/test": [1]}, {"pbc/test": {"accuracy": True}}):
        (directory / "manifest.json").write_text(
            json.dumps({**content, "metrics": odd, "data": odd})
        )
        for address in (
            reverse("classifier:models"),
            reverse("classifier:model", args=[engine.MODEL_ID]),
            reverse("classifier:compare"),
        ):
            assert client.get(address).status_code == 200


def test_what_was_worked_out_is_kept(page, monkeypatch):
    page()
    monkeypatch.setattr(model_figures, "read_locked", None)
    monkeypatch.setattr(model_figures, "reliability", None)
    assert "Reliability" in page()


# Files


def test_every_file_that_the_manifest_names_can_be_had_with_its_hash(client, page, directory):
    html = page()
    names = [*json.loads((directory / "manifest.json").read_text())["files"], "manifest.json"]
    for name in names:
        data = (directory / name).read_bytes()
        answer = client.get(reverse("classifier:model-file", args=[engine.MODEL_ID, name]))
        assert b"".join(answer.streaming_content) == data
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert hashlib.sha256(data).hexdigest() in html


def test_nothing_else_of_the_machine_can_be_had(client, page, directory):
    (directory / "stray.txt").write_text("stray")
    (directory.parent / "secret").write_text("secret")
    sha256 = hashlib.sha256(b"secret").hexdigest()
    content = json.loads((directory / "manifest.json").read_text())
    content["files"] |= {
        "../secret": sha256,
        str(directory.parent / "secret"): sha256,
        "link": sha256,
    }
    (directory / "link").symlink_to(directory.parent / "secret")
    (directory / "manifest.json").write_text(json.dumps(content))
    for name in (
        "stray.txt",
        "../secret",
        "%2e%2e/secret",
        str(directory.parent / "secret")[1:],
        "link",
    ):
        address = reverse("classifier:model", args=[engine.MODEL_ID]) + f"files/{name}"
        assert client.get(address).status_code in (404, 301)
    assert "not on this machine" in page()


def test_a_file_that_was_changed_is_not_given_out(client, page, directory):
    (directory / "history.csv").write_text(HISTORY + "\n")
    address = reverse("classifier:model-file", args=[engine.MODEL_ID, "history.csv"])
    assert client.get(address).status_code == 404

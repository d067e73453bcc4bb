"""The last word about a model directory: the served artefact, through the path that serves.

Nothing here chooses anything; every set is one that training and calibration never saw, except
pbc/val, which is reported beside them.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from classifier.inference import merit
from classifier.inference.classes import CLASSES
from classifier.inference.locked import FILE_NAME as PREDICTIONS
from classifier.inference.locked import PREFIX, Locked, write_locked
from classifier.inference.model import Model, load_model
from classifier.inference.result import CellResult
from ml import curves, figures, intervals, runs
from ml.attributes import read_attributes
from ml.data import Sample, labels, read_set, read_single_cells
from ml.head import read_history
from ml.scenes import SPOILED, far
from ml.summary import attributes, summary

TEST, BOXES, FIELDS = "pbc/test", "bccd single cells, cut by their boxes", "bccd whole fields"
OTHER_CELLS = "pbc_other/test"
DRAWN = {TEST: "", FIELDS: "_bccd"}
"""Sets of which figures are drawn, and what is added to the names of those."""
FAR_SEED = 7001  # any number; no threshold was chosen on these pictures
FAR_COUNT = 30
SPOILED_COUNT = 100
SHOWN = 24  # cells of a figure of samples


def results(
    model: Model, pictures: Iterable[Callable[[], np.ndarray]], total: int, what: str
) -> list[CellResult]:
    found = []
    jobs = enumerate(pictures)
    for item in tqdm(model.pipeline(jobs), total=total, desc=what, unit="picture"):
        if item.exception is not None:
            raise item.exception
        found.append(item.result)
    return found


def evaluate(directory: Path, data: Path, out: Path, *, limit: int = 0) -> dict[str, Any]:
    """Write figures/, predictions.csv and metrics.json into `out`; return what metrics.json holds."""
    model = load_model(directory)
    (out / "figures").mkdir(parents=True, exist_ok=True)
    sets = {
        "pbc/val": read_set(data, "pbc", "val", limit=limit),
        TEST: read_set(data, "pbc", "test", limit=limit),
        BOXES: read_single_cells(data),
        FIELDS: read_set(data, "bccd_fields"),
    }
    found: dict[str, Any] = {"model": model.id, "precision": model.precision, "sets": {}}
    drawn, locked = {}, {}
    for name, samples in sets.items():
        if not samples:
            continue
        answers = results(model, (sample.rgb for sample in samples), len(samples), name)
        truth, probabilities = labels(samples), np.array([a.probabilities for a in answers])
        abstained = np.array([answer.abstained for answer in answers])
        if name != BOXES:
            locked[name] = _locked(samples, answers)
        found["sets"][name] = summary(truth, probabilities, abstained)
        if model.manifest.attributes and name.startswith("pbc/"):
            seen = [{each.name: each.value for each in answer.attributes} for answer in answers]
            found["sets"][name] |= attributes(read_attributes(data, samples), seen)
        if name in DRAWN:
            drawn[name] = (truth, probabilities)
            _draw(out / "figures", DRAWN[name], samples, answers, truth, probabilities)
    curves.risk_coverage_curves(drawn, out / "figures" / "risk_coverage.png")
    shares, other_cells = abstention(model, data, limit=limit)
    found |= shares
    write_locked(out / PREDICTIONS, locked | {OTHER_CELLS: other_cells})
    history = directory / "history.csv"
    if history.is_file():
        figures.learning_curves(read_history(history), out / "figures" / "learning_curves.png")
    runs.write_json(out / "metrics.json", found)
    return found


def abstention(model: Model, data: Path, *, limit: int = 0) -> tuple[dict[str, Any], Locked]:
    """Share abstained, by kind: near (other cells), far (no blood), spoiled (a ruined picture);
    and what was said of the other cells."""
    near = read_set(data, "pbc_other", "test", limit=limit)
    strange = far(min(FAR_COUNT, limit) if limit else FAR_COUNT, FAR_SEED)
    test = read_set(data, "pbc", "test", limit=limit)
    some = test[:: max(1, len(test) // SPOILED_COUNT)][:SPOILED_COUNT]
    groups: dict[str, tuple[str, list[tuple[str, Callable[[], np.ndarray]]]]] = {
        "near": ("other cells", [(sample.kind, sample.rgb) for sample in near]),
        "far": ("no blood", [(kind, lambda p=picture: p) for kind, picture in strange]),
        "spoiled": (
            "spoiled",
            [
                (kind, lambda f=spoil, s=sample: f(s.rgb()))
                for kind, spoil in SPOILED.items()
                for sample in some
            ],
        ),
    }
    found: dict[str, Any] = {"abstention": {}, "abstention_intervals": {}}
    for group, (what, jobs) in groups.items():
        answers = results(model, (picture for _, picture in jobs), len(jobs), what)
        if group == "near":
            other_cells = _locked(near, answers)
        flags = np.array([answer.abstained for answer in answers])
        names = np.array([kind for kind, _ in jobs])
        rows = {"all": flags} | {
            kind: flags[names == kind] for kind in dict.fromkeys(names.tolist())
        }
        found["abstention"][group] = {kind: float(row.mean()) for kind, row in rows.items()}
        found["abstention_intervals"][group] = {
            kind: intervals.share(int(row.sum()), len(row)) for kind, row in rows.items()
        }
    return found, other_cells


def _locked(samples: Sequence[Sample], answers: Sequence[CellResult]) -> Locked:
    return Locked(
        pictures=tuple((sample.name, sample.sha256[:PREFIX]) for sample in samples),
        kinds=tuple(sample.kind for sample in samples),
        probabilities=np.array([answer.probabilities for answer in answers]).reshape(
            len(answers), -1
        ),
        abstained=np.array([answer.abstained for answer in answers], bool),
    )


def _draw(
    folder: Path,
    suffix: str,
    samples: Sequence[Sample],
    answers: Sequence[CellResult],
    truth: np.ndarray,
    probabilities: np.ndarray,
) -> None:
    predicted = probabilities.argmax(axis=1)

    def path(name: str) -> Path:
        return folder / f"{name}{suffix}.png"

    figures.confusion_matrix(merit.confusion(truth, predicted), path("confusion_matrix"))
    curves.reliability_diagram(truth, probabilities, path("reliability"))
    curves.roc_curves(truth, probabilities, path("roc"))
    curves.precision_recall_curves(truth, probabilities, path("precision_recall"))
    wrong, right = np.flatnonzero(predicted != truth), np.flatnonzero(predicted == truth)
    for name, rows in (("samples_wrong", wrong), ("samples_right", right)):
        path(name).unlink(missing_ok=True)  # of an evaluation before, which may have had some
        entries = [
            {
                "picture": samples[row].rgb(),
                "true": CLASSES[truth[row]],
                "predicted": answers[row].label,
                "confidence": answers[row].confidence,
                "abstained": answers[row].abstained,
            }
            for row in rows[:: max(1, len(rows) // SHOWN)][:SHOWN]
        ]
        if entries:
            figures.sample_predictions(entries, path(name))

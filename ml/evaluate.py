"""The last word about a model directory: the served artefact, through the path that serves.

Nothing here chooses anything; every set is one that training and calibration never saw, except the
validation cells, which are reported beside them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

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
from ml.progress import tqdm
from ml.scenes import SPOILED, far
from ml.summary import attributes, summary

TEST, BOXES, FIELDS = "pbc/test", "bccd single cells, cut by their boxes", "bccd whole fields"
OTHER_CELLS = "pbc_other/test"
FAR_SEED = 7001  # any number; no threshold was chosen on these pictures
FAR_COUNT = 30
OWN_FAR_COUNT, OWN_SPOILED_COUNT = 5, 20  # of models of one's own, that are measured more often
SPOILED_COUNT = 100
SHOWN = 24  # cells of a figure of samples


@dataclass(frozen=True)
class Sets:
    """The cells that a model is measured on, by the names that its report gives them."""

    known: Mapping[str, Sequence[Sample]]
    """Of our classes, in the order of the report."""
    drawn: Mapping[str, str]
    """Those of which figures are drawn, and what is added to the names of the figures."""
    spoiled: Sequence[Sample]
    """Cells that are ruined, to see whether it abstains."""
    other: Mapping[str, Sequence[Sample]] = field(default_factory=dict)
    """Of no class of ours."""
    far_count: int = FAR_COUNT
    """Pictures of each kind that show no blood."""
    spoiled_count: int = SPOILED_COUNT
    """How many of the `spoiled`, evenly taken."""


def published_sets(data: Path, *, limit: int = 0) -> Sets:
    """Those that the shipped model is measured on."""
    test = read_set(data, "pbc", "test", limit=limit)
    known = {
        "pbc/val": read_set(data, "pbc", "val", limit=limit),
        TEST: test,
        BOXES: read_single_cells(data),
        FIELDS: read_set(data, "bccd_fields"),
    }
    other = {OTHER_CELLS: read_set(data, "pbc_other", "test", limit=limit)}
    return Sets(
        known,
        {TEST: "", FIELDS: "_bccd"},
        test,
        other,
        far_count=min(FAR_COUNT, limit) if limit else FAR_COUNT,
    )


def own_sets(data: Path, names: Sequence[str]) -> Sets:
    """Validation and test cells of data sets of one's own, each by its name."""
    splits = {
        f"{name}/{split}": read_set(data, name, split)
        for split in ("val", "test")
        for name in names
    }
    known = {key: [s for s in rows if s.label >= 0] for key, rows in splits.items()}
    tests = [key for key in known if key.endswith("/test") and known[key]]
    other = {
        f"{key}, other kinds": [s for s in rows if s.label < 0]
        for key, rows in splits.items()
        if key.endswith("/test")
    }
    return Sets(
        known,
        {tests[0]: ""} if tests else {},
        [sample for key in tests for sample in known[key]],
        {key: rows for key, rows in other.items() if rows},
        far_count=OWN_FAR_COUNT,
        spoiled_count=OWN_SPOILED_COUNT,
    )


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


def evaluate(directory: Path, out: Path, sets: Sets) -> dict[str, Any]:
    """Write figures/, predictions.csv and metrics.json into `out`; return what metrics.json holds."""
    model = load_model(directory)
    (out / "figures").mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {"model": model.id, "precision": model.precision, "sets": {}}
    drawn, locked = {}, {}
    for name, samples in sets.known.items():
        if not samples:
            continue
        answers = results(model, (sample.rgb for sample in samples), len(samples), name)
        truth, probabilities = labels(samples), np.array([a.probabilities for a in answers])
        abstained = np.array([answer.abstained for answer in answers])
        if name != BOXES:
            locked[name] = _locked(samples, answers)
        found["sets"][name] = summary(truth, probabilities, abstained)
        if model.manifest.attributes and name not in (BOXES, FIELDS):
            seen = [{each.name: each.value for each in answer.attributes} for answer in answers]
            found["sets"][name] |= attributes(read_attributes(samples[0].folder, samples), seen)
        if name in sets.drawn:
            drawn[name] = (truth, probabilities)
            _draw(out / "figures", sets.drawn[name], samples, answers, truth, probabilities)
    if drawn:
        curves.risk_coverage_curves(drawn, out / "figures" / "risk_coverage.png")
    shares, others = abstention(model, sets)
    found |= shares
    write_locked(out / PREDICTIONS, locked | others)
    history = directory / "history.csv"
    if history.is_file():
        figures.learning_curves(read_history(history), out / "figures" / "learning_curves.png")
    runs.write_json(out / "metrics.json", found)
    return found


def locked_answers(model: Model, name: str, samples: Sequence[Sample]) -> Locked:
    """What a model says of the cells of one set."""
    return _locked(samples, results(model, (s.rgb for s in samples), len(samples), name))


def abstention(model: Model, sets: Sets) -> tuple[dict[str, Any], dict[str, Locked]]:
    """Share abstained, by kind: near (other cells), far (no blood), spoiled (a ruined picture);
    and what was said of the other cells."""
    near = [sample for samples in sets.other.values() for sample in samples]
    strange = far(sets.far_count, FAR_SEED)
    most = sets.spoiled_count
    some = sets.spoiled[:: max(1, len(sets.spoiled) // most)][:most]
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
    others: dict[str, Locked] = {}
    for group, (what, jobs) in groups.items():
        if not jobs:
            continue
        answers = results(model, (picture for _, picture in jobs), len(jobs), what)
        if group == "near":
            begin = 0
            for name, samples in sets.other.items():
                others[name] = _locked(samples, answers[begin : begin + len(samples)])
                begin += len(samples)
        flags = np.array([answer.abstained for answer in answers])
        names = np.array([kind for kind, _ in jobs])
        rows = {"all": flags} | {
            kind: flags[names == kind] for kind in dict.fromkeys(names.tolist())
        }
        found["abstention"][group] = {kind: float(row.mean()) for kind, row in rows.items()}
        found["abstention_intervals"][group] = {
            kind: intervals.share(int(row.sum()), len(row)) for kind, row in rows.items()
        }
    return found, others


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

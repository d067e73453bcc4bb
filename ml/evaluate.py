"""The last word about a model directory: the served artefact, through the path that serves.

Nothing here chooses anything; every set is one that training and calibration never saw, except
pbc/val, which is reported beside them.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from classifier.inference.classes import CLASSES
from classifier.inference.model import Model, load_model
from classifier.inference.result import CellResult
from ml import figures, metrics, runs
from ml.attributes import read_attributes
from ml.data import Sample, labels, read_set, read_single_cells
from ml.head import read_history
from ml.scenes import SPOILED, far

FAR_SEED = 7001  # any number; no threshold was chosen on these pictures
FAR_COUNT = 30
SPOILED_COUNT = 100


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


def evaluate(directory: Path, data: Path, run: Path, *, limit: int = 0) -> dict[str, Any]:
    """Write figures/ and metrics.json into `run`; return what metrics.json holds."""
    model = load_model(directory)
    (run / "figures").mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {"model": model.id, "precision": model.precision}

    test = read_set(data, "pbc", "test", limit=limit)
    sets = {
        "pbc/val": read_set(data, "pbc", "val", limit=limit),
        "pbc/test": test,
        "bccd single cells, cut by their boxes": read_single_cells(data),
        "bccd whole fields": read_set(data, "bccd_fields"),
    }
    found["sets"] = {}
    for name, samples in sets.items():
        if not samples:
            continue
        answers = results(model, (sample.rgb for sample in samples), len(samples), name)
        truth, probabilities, abstained = _arrays(samples, answers)
        found["sets"][name] = metrics.summary(truth, probabilities, abstained)
        if model.manifest.attributes and name.startswith("pbc/"):
            seen = [{each.name: each.value for each in answer.attributes} for answer in answers]
            known = read_attributes(data, samples)
            found["sets"][name]["attributes"] = metrics.attribute_accuracy(known, seen)
        if name == "pbc/test":
            _draw(test, answers, truth, probabilities, run)
    found["abstention"] = abstention(model, data, limit=limit)

    history = run / "history.csv"
    if history.is_file():
        figures.learning_curves(read_history(history), run / "figures" / "learning_curves.png")
    runs.write_json(run / "metrics.json", found)
    return found


def abstention(model: Model, data: Path, *, limit: int = 0) -> dict[str, Any]:
    """Share abstained, by kind: near (other cells), far (no blood), spoiled (a ruined picture)."""
    near = read_set(data, "pbc_other", "test", limit=limit)
    answers = results(model, (sample.rgb for sample in near), len(near), "other cells")
    groups = {"near": _shares([sample.kind for sample in near], answers)}

    strange = far(min(FAR_COUNT, limit) if limit else FAR_COUNT, FAR_SEED)
    answers = results(
        model, ((lambda p=picture: p) for _, picture in strange), len(strange), "no blood"
    )
    groups["far"] = _shares([kind for kind, _ in strange], answers)

    test = read_set(data, "pbc", "test", limit=limit)
    some = test[:: max(1, len(test) // SPOILED_COUNT)][:SPOILED_COUNT]
    jobs = [(kind, spoil, sample) for kind, spoil in SPOILED.items() for sample in some]
    answers = results(
        model,
        ((lambda f=spoil, s=sample: f(s.rgb())) for _, spoil, sample in jobs),
        len(jobs),
        "spoiled",
    )
    groups["spoiled"] = _shares([kind for kind, _, _ in jobs], answers)
    return groups


def _shares(kinds: Sequence[str], answers: Sequence[CellResult]) -> dict[str, float]:
    flags = np.array([answer.abstained for answer in answers])
    names = np.array(kinds)
    shares = {kind: float(flags[names == kind].mean()) for kind in dict.fromkeys(kinds)}
    return {"all": float(flags.mean()), **shares}


def _arrays(
    samples: Sequence[Sample], answers: Sequence[CellResult]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return (
        labels(samples),
        np.array([answer.probabilities for answer in answers]),
        np.array([answer.abstained for answer in answers]),
    )


def _draw(
    samples: Sequence[Sample],
    answers: Sequence[CellResult],
    truth: np.ndarray,
    probabilities: np.ndarray,
    run: Path,
) -> None:
    predicted = probabilities.argmax(axis=1)
    folder = run / "figures"
    figures.confusion_matrix(metrics.confusion(truth, predicted), folder / "confusion_matrix.png")
    figures.reliability_diagram(truth, probabilities, folder / "reliability.png")
    figures.risk_coverage_curve(truth, probabilities, folder / "risk_coverage.png")
    wrong = np.flatnonzero(predicted != truth)
    right = np.flatnonzero(predicted == truth)
    for name, rows in (("wrong", wrong[:24]), ("right", right[:: max(1, len(right) // 24)][:24])):
        entries = [
            {
                "picture": samples[row].rgb(),
                "true": CLASSES[truth[row]],
                "predicted": answers[row].label,
                "confidence": answers[row].confidence,
                "abstained": answers[row].abstained,
            }
            for row in rows
        ]
        figures.sample_predictions(entries, folder / f"samples_{name}.png")

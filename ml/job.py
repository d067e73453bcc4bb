"""One training job of the product, from data sets on disk to a measured model directory.

A job is a folder. ``job.json`` says what is wanted (see ``Job``), ``data/`` holds the data sets in
the layout of ml.data. The job writes

    run/          the run (ml.runs), and in run/model/ the directory that the registry takes
    head/         of a fine-tuning that begins with ImageNet's weights: its first phase
    baseline.csv  what the model that reads now says of the same test cells
    progress.json history is in run/history.csv (head/history.csv before)
    error.txt     why it failed, in one sentence

It knows no database. Killed at any moment and started again it goes on: finished phases are not
repeated, features and patches are cached, fine-tuning goes on with the epoch that it was in.
"""

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from classifier.inference.locked import write_locked
from classifier.inference.manifest import load_manifest
from classifier.inference.model import load_model
from ml.config import ConfigError, TrainConfig, load_config, with_options
from ml.data import DataError, read_known
from ml.evaluate import Sets, evaluate, locked_answers, own_sets, published_sets
from ml.export import export
from ml.fine_tune import fine_tune
from ml.parity import compare, keras_reference
from ml.progress import tell
from ml.report import publish
from ml.report_page import write_reports
from ml.restore import restore_run
from ml.train import train
from ml.weights import Weights, find_weights

JOB, BASELINE, ERROR, RESULT = "job.json", "baseline.csv", "error.txt", "result.json"
RANDOM = "random"  # instead of weights: for trials of the machinery, never for cells
KEPT = ("split.csv", "calibration.json")  # of the run, in the model directory too
PARITY_PICTURES = 60


@dataclass(frozen=True)
class Job:
    kind: str
    """``transfer``: a new head on a network that stays as it is; ``fine-tuning``."""
    sets: tuple[str, ...]
    """Folders in data/."""
    options: dict[str, Any]
    """Fields of TrainConfig that differ from the start's, or from its defaults."""
    model_id: str
    start: str = ""
    """Model directory to go on from; "" begins with ImageNet's weights."""
    weights: str = ""
    """File of ImageNet's weights, "" for the official download, or ``random``."""
    baseline: str = ""
    """Model directory to measure on the same test cells."""
    published: str = ""
    """Data folder with the published locked sets, to be measured on these as well."""


def read_job(folder: Path) -> Job:
    content = json.loads((folder / JOB).read_text())
    return Job(**{**content, "sets": tuple(content["sets"])})


def run_job(folder: Path) -> Path:
    """Do what is left to do; the model directory. ConfigError, DataError, ModelError or WeightsError
    say in a sentence why it cannot be done."""
    job, run = read_job(folder), folder / "run"
    data, cache = folder / "data", folder / "cache"
    tell("Reading the data sets")
    config, weights = _config(job), _weights(job)
    for name in job.sets:
        if not (data / name / "manifest.csv").is_file():
            raise DataError(f"The data set {name} is not there.")
    if not _trained(run):
        _train(job, config, data, weights, folder, cache)
    tell("Making the model that serves")
    directory = export(run, run / "model", weights, model_id=job.model_id)
    val = read_known(data, config.val_sets, "val")
    few = val[:: max(1, len(val) // PARITY_PICTURES)]
    compare(directory, few, keras_reference(run, weights), "Keras in float32")
    sets = _sets(job, data)
    found = evaluate(directory, run, sets)
    write_reports(directory, run, found)
    for name in KEPT:
        shutil.copyfile(run / name, directory / name)
    publish(directory, run, found)
    if job.baseline:
        _measure_baseline(Path(job.baseline), own_sets(data, job.sets), folder)
    (folder / RESULT).write_text(json.dumps({"sha256": load_manifest(directory).sha256}))
    tell("Handing the model over")
    return directory


def _config(job: Job) -> TrainConfig:
    base = load_config(Path(job.start) / "config.json") if job.start else TrainConfig()
    base = replace(base, other_share=0.0, limit=0, train_sets=job.sets, val_sets=job.sets)
    try:
        return with_options(base, job.options)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"The options are not those of a run: {error}.") from error


def _weights(job: Job) -> Weights | None:
    if job.weights == RANDOM:
        return None
    return find_weights(job.weights or None)


def _trained(run: Path) -> bool:
    """Its last step was the calibration, and no fine-tuning is half done."""
    return (run / "calibration.json").is_file() and not (run / "backup").exists()


def _train(
    job: Job, config: TrainConfig, data: Path, weights: Weights | None, folder: Path, cache: Path
) -> None:
    run, source = folder / "run", Path(job.start) if job.start else None
    if job.kind == "transfer":
        if source:
            source = restore_run(source, folder / "source", weights)
        train(config, data, weights, run, cache=cache, source=source)
        return
    if source is None:
        source = folder / "head"
        if not _trained(source):
            train(config, data, weights, source, cache=cache)
    fine_tune(config, data, weights, source, run, cache=cache)


def _sets(job: Job, data: Path) -> Sets:
    own = own_sets(data, job.sets)
    if not job.published:
        return own
    others = published_sets(Path(job.published))
    known = {name: rows for name, rows in others.known.items() if name != "pbc/val"}
    return replace(own, known={**own.known, **known}, other={**own.other, **others.other})


def _measure_baseline(directory: Path, sets: Sets, folder: Path) -> None:
    model = load_model(directory)
    tests = {
        name: rows
        for name, rows in {**sets.known, **sets.other}.items()
        if rows and not name.endswith("/val")
    }
    said = {
        name: locked_answers(model, f"{name}, by {model.id}", rows) for name, rows in tests.items()
    }
    write_locked(folder / BASELINE, said)

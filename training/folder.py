"""A run's folder on the worker's disk: what the training process is told, and what it tells."""

import csv
import json
import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from django.conf import settings

from classifier.clock import database_now
from classifier.model_files import TEXT_LIMIT
from classifier.queueing import active_version
from classifier.registry import model_directory
from datasets.contents import write_folder
from training.choices import ENDED_STATES
from training.models import TrainingJob

JOB, PROGRESS, ERROR, LOG, BASELINE = (
    "job.json", "progress.json", "error.txt", "log.txt", "baseline.csv",
)  # fmt: skip
MODEL = Path("run") / "model"
HISTORIES = (Path("run") / "history.csv", Path("head") / "history.csv")
KEPT_SECONDS = 7 * 24 * 3600  # that a stopped or failed run keeps its pictures
TAIL = 6000  # bytes of the log that are looked at
LINES = 40
MOST_ROWS = 5000
# What the numeric libraries say of themselves at each start, of no use to who watches a run.
_NOISE = re.compile(
    r"^(WARNING: All log messages before absl|[IW]\d{4} \d\d:\d\d:).*\n?", re.MULTILINE
)
_BAR_ENDS = re.compile(r"[^\n]*\r")


def folder_of(job: TrainingJob) -> Path:
    return Path(settings.TRAINING_DIR) / str(job.public_id)


def prepare(job: TrainingJob, *, progress: Callable[[Iterable], Iterable]) -> dict[str, str]:
    """Write the data sets and job.json; what is there already stays. Returns what the baseline is:
    model_id and manifest_sha256, or nothing. Errors as of ``datasets.contents.write_folder`` and
    ``model_directory``."""
    folder = folder_of(job)
    (folder / "data").mkdir(mode=0o700, parents=True, exist_ok=True)
    sets = list(job.data_sets.order_by("slug"))
    for each in sets:
        write_folder(each, folder / "data", progress=progress)
    active = active_version()
    content = {
        "kind": job.kind,
        "sets": [each.slug for each in sets],
        "options": job.options,
        "model_id": job.model_id,
        "start": str(model_directory(job.start)) if job.start else "",
        "weights": settings.TRAINING_WEIGHTS,
        "baseline": str(model_directory(active)) if active else "",
        "published": _published(),
    }
    (folder / JOB).write_text(json.dumps(content, indent=2))
    return {"model_id": active.model_id, "sha256": active.manifest_sha256} if active else {}


def _published() -> str:
    given = Path(settings.TRAINING_LOCKED_DATA or "/nonexistent")
    whole = all((given / name / "manifest.csv").is_file() for name in ("pbc", "bccd_fields"))
    return str(given) if whole else ""


def look(folder: Path) -> dict[str, Any]:
    """What the process told until now, as fields of a TrainingJob."""
    return {
        "progress": _progress(folder / PROGRESS),
        "history": _history(folder),
        "log": _tail(folder),
    }


def reason(folder: Path) -> str:
    """Why it says that it failed; else the last words of its log."""
    said = _text(folder / ERROR)
    if said:
        return said
    lines = [line for line in _tail(folder).splitlines() if line.strip()]
    return f"The training process ended with an error: {lines[-1] if lines else 'it said nothing.'}"


def clear(job: TrainingJob) -> None:
    """The model is registered: pictures, caches and checkpoints are not needed any more; logs of
    TensorBoard and reports stay."""
    folder = folder_of(job)
    for name in ("data", "cache", "source", "head", str(MODEL)):
        shutil.rmtree(folder / name, ignore_errors=True)


def forget_old() -> None:
    """Pictures of runs that ended a week ago and were not resumed are removed; a run that is resumed
    later writes them anew."""
    before = database_now(plus_seconds=-KEPT_SECONDS)
    for job in TrainingJob.objects.filter(state__in=ENDED_STATES, finished_at__lt=before):
        for name in ("data", "cache"):
            shutil.rmtree(folder_of(job) / name, ignore_errors=True)


def _progress(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError):
        return {}


def _history(folder: Path) -> list[dict[str, Any]]:
    """Rows of the history, in the order of the epochs."""
    for name in HISTORIES:
        try:
            with (folder / name).open(newline="") as stream:
                rows = list(csv.DictReader(stream))[:MOST_ROWS]
                return [
                    {"phase": row.pop("phase"), **{key: float(row[key]) for key in row}}
                    for row in rows
                ]
        except (OSError, ValueError, KeyError, TypeError):
            continue  # not there yet, or being written at this moment
    return []


def _tail(folder: Path) -> str:
    """The last lines of the log; of a bar that was drawn over and over, its last state."""
    try:
        with (folder / LOG).open("rb") as stream:
            stream.seek(max(0, (folder / LOG).stat().st_size - TAIL))
            text = stream.read().decode(errors="replace")
    except OSError:
        return ""
    text = _BAR_ENDS.sub("", text.replace("\r\n", "\n")).replace(f"{folder}/", "")
    text = _NOISE.sub("", text.replace("\x00", ""))
    return "\n".join(line.rstrip() for line in text.splitlines()[-LINES:])


def _text(path: Path) -> str:
    try:
        return path.read_text()[:TEXT_LIMIT].strip()
    except OSError:
        return ""

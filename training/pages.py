"""What the pages of training show."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from classifier.charts import Chart
from classifier.drawn import learning_charts
from classifier.inference.classes import CLASSES
from classifier.stated import Epoch
from datasets.choices import SetState, Split
from datasets.models import DataSet
from training.models import TrainingJob
from training.options import BY_NAME
from training.same import cells

NAMES = {
    "input_size": "Input",
    "levels": "Blocks that are read",
    "tensorboard": "Logs for TensorBoard",
}
MINUTE, HOUR = 60, 3600


@dataclass(frozen=True)
class Choice:
    """A data set that one may train with."""

    data_set: DataSet
    counts: list[tuple[str, int]]
    """(split, cells of the five classes)."""


def choices() -> list[Choice]:
    ready = DataSet.objects.filter(state=SetState.READY)
    return [Choice(each, _counts(each)) for each in ready]


def _counts(data_set: DataSet) -> list[tuple[str, int]]:
    found = cells([data_set])
    return [(str(split.label), sum(found[label, split] for label in CLASSES)) for split in Split]


@dataclass(frozen=True)
class Going:
    """How far a run has come, in words and as a share."""

    step: str
    done: int
    total: int
    details: list[str]


def going(job: TrainingJob) -> Going:
    told = job.progress or {}
    step = str(told.get("step") or "Starting").capitalize()
    if told.get("unit") == "picture":
        step = f"Pictures: {told.get('step')}"
    total, done = _whole(told.get("total")), _whole(told.get("done"))
    details = []
    if told.get("epoch") and told.get("epochs"):
        details.append(f"epoch {told['epoch']} of {told['epochs']}")
    if total and told.get("unit"):
        unit = told["unit"]
        details.append(f"{unit} {done:,} of {total:,}" if unit != "epoch" else "")
    if told.get("rate"):
        details.append(_rate(float(told["rate"]), str(told.get("unit") or "step")))
    if told.get("left") is not None:
        details.append(f"about {_span(float(told['left']))} left")
    return Going(step, done, total, [each for each in details if each])


def _rate(rate: float, unit: str) -> str:
    if rate >= 1:
        return f"{rate:.1f} {_plural(unit)} a second"
    return f"{1 / rate:.1f} s {'an' if unit[0] in 'aeiou' else 'a'} {unit}"


def _plural(unit: str) -> str:
    return unit + ("es" if unit.endswith("ch") and unit != "epoch" else "s")


def _span(seconds: float) -> str:
    if seconds < MINUTE:
        return f"{max(1, round(seconds))} s"
    if seconds < HOUR:
        return f"{round(seconds / MINUTE)} min"
    return f"{seconds / HOUR:.1f} h"


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and value >= 0 else 0


def epochs(job: TrainingJob) -> list[Epoch]:
    return [
        Epoch(
            phase=str(row.get("phase", "")),
            number=int(row.get("epoch", 0)),
            **{name: row.get(name) for name in ("loss", "accuracy", "val_loss", "val_accuracy")},
        )
        for row in job.history
    ]


def curves(job: TrainingJob) -> Sequence[Chart]:
    return learning_charts(epochs(job))


def options(job: TrainingJob) -> list[tuple[str, str]]:
    """(what, value), in the order of the form."""
    names = [*NAMES, *BY_NAME]
    rows = [(name, job.options[name]) for name in names if name in job.options]
    return [
        (NAMES[name] if name in NAMES else BY_NAME[name].label, _said(value))
        for name, value in rows
    ]


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) and value < 10**7 else str(value)

"""What a model directory states of itself: metrics.json, history.csv, benchmark.json.

The files come with the model, perhaps from another house or an older version, so every part is
optional, and what is not a number of the kind that belongs there is left out.
"""

import csv
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from classifier.inference.classes import CLASSES

MOST_EPOCHS = 5000
MOST = 1e9  # no figure of a model is larger
GROUPS = {
    "near": "Cells of other kinds",
    "far": "Pictures without blood",
    "spoiled": "Spoiled pictures of known cells",
}


@dataclass(frozen=True)
class Figure:
    value: float
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Source:
    """The figures of one set; what is not stated is None."""

    name: str
    cells: int | None
    accuracy: Figure | None
    macro_f1: Figure | None
    ece: Figure | None
    loss: Figure | None
    abstained: Figure | None
    answered: Figure | None
    """Accuracy of the cells that were answered."""
    table: np.ndarray | None
    """(5, 5) counts; rows are the truth."""
    areas: Mapping[str, Figure]
    """Under the ROC curve of each class."""


@dataclass(frozen=True)
class Epoch:
    phase: str
    number: int
    loss: float | None
    accuracy: float | None
    val_loss: float | None
    val_accuracy: float | None


def parsed(data: bytes | None) -> dict[str, Any]:
    """A JSON object; an empty one for anything else."""
    try:
        content = json.loads(data) if data else None
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def sources(metrics: Mapping[str, Any]) -> list[Source]:
    """One row a set, in the order of metrics.json."""
    sets = metrics.get("sets")
    if not isinstance(sets, dict):
        return []
    return [_source(str(name), part) for name, part in sets.items() if isinstance(part, dict)]


def _source(name: str, part: Mapping[str, Any]) -> Source:
    cells = part.get("cells")
    answered = part.get("answered")
    areas = part.get("areas_under_roc")
    intervals = part.get("areas_under_roc_intervals")
    return Source(
        name=name,
        cells=cells if type(cells) is int and 0 < cells <= MOST else None,
        accuracy=figure_of(part, "accuracy"),
        macro_f1=figure_of(part, "macro_f1"),
        ece=figure_of(part, "calibration_error"),
        loss=figure_of(part, "loss"),
        abstained=figure_of(part, "abstained"),
        answered=figure_of(answered, "accuracy") if isinstance(answered, dict) else None,
        table=_table(part.get("confusion")),
        areas={
            label: found
            for label in CLASSES
            if (found := _with(areas, intervals, label)) is not None
        },
    )


def abstention(metrics: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, Figure]]]]:
    """Group in words -> (kind, share abstained on), as measured on what has no right answer."""
    groups, intervals = metrics.get("abstention"), metrics.get("abstention_intervals")
    if not isinstance(groups, dict):
        return []
    found = []
    for name, kinds in groups.items():
        if not isinstance(kinds, dict):
            continue
        ends = intervals.get(name) if isinstance(intervals, dict) else None
        rows = [
            (str(kind), figure)
            for kind in kinds
            if (figure := _with(kinds, ends, kind)) is not None and 0 <= figure.value <= 1
        ]
        if rows:
            found.append((GROUPS.get(str(name), str(name)), rows))
    return found


def epochs(data: bytes | None) -> list[Epoch]:
    """history.csv, one row an epoch; empty where it is not one."""
    try:
        text = (data or b"").decode("utf-8")
        rows = list(csv.DictReader(io.StringIO(text)))[:MOST_EPOCHS]
    except (ValueError, csv.Error):
        return []
    found, counted = [], dict[str, int]()
    for row in rows:
        phase = str(row.get("phase") or "training")
        counted[phase] = counted.get(phase, 0) + 1
        values = {
            name: _parse(row.get(name)) for name in ("loss", "accuracy", "val_loss", "val_accuracy")
        }
        if any(value is not None for value in values.values()):
            found.append(Epoch(phase=phase, number=counted[phase], **values))
    return found


SPEED = (
    ("engine", "Engine alone, crops in memory", "images/s"),
    ("pipeline", "From stored picture to result", "images/s"),
    ("latency_p50_ms", "One picture alone, median", "ms"),
    ("latency_p95_ms", "One picture alone, 95th percentile", "ms"),
    ("ready_s", "Ready after its start", "s"),
    ("resident_mb", "Memory of a fresh process", "MB"),
    ("size_mb", "Files that serving reads", "MB"),
)


def speed(benchmark: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(what, figure with its unit) of benchmark.json."""
    found = [
        (words, f"{figure.value:.1f} {unit}")
        for name, words, unit in SPEED
        if (figure := figure_of(benchmark, name)) is not None
    ]
    machine = benchmark.get("machine")
    named = {
        "Arithmetic": benchmark.get("computed"),
        "Processor": machine.get("processor") if isinstance(machine, dict) else None,
    }
    if found:
        found += [(words, value) for words, value in named.items() if isinstance(value, str)]
    return found


def figure_of(part: Mapping[str, Any], name: str) -> Figure | None:
    """The number of this name, with the interval that stands beside it; None of anything else."""
    value = number(part.get(name))
    return None if value is None else Figure(value, _interval(part.get(f"{name}_interval")))


def _with(values: Any, intervals: Any, name: Any) -> Figure | None:
    value = number(values.get(name)) if isinstance(values, dict) else None
    if value is None:
        return None
    return Figure(value, _interval(intervals.get(name)) if isinstance(intervals, dict) else None)


def number(value: Any) -> float | None:
    """A finite number of a sensible size; None for anything else, true and false among it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) and abs(value) <= MOST else None
    except OverflowError:
        return None


def _parse(text: str | None) -> float | None:
    try:
        return number(float(text or ""))
    except (TypeError, ValueError):
        return None


def _interval(value: Any) -> tuple[float, float] | None:
    if not isinstance(value, list) or len(value) != 2:
        return None
    low, high = number(value[0]), number(value[1])
    return None if low is None or high is None else (low, high)


def _table(value: Any) -> np.ndarray | None:
    size = len(CLASSES)
    if not isinstance(value, list) or len(value) != size:
        return None
    if not all(isinstance(row, list) and len(row) == size for row in value):
        return None
    counts = [count for row in value for count in row]
    if not all(type(count) is int and 0 <= count < 10**9 for count in counts):
        return None
    return np.array(value, np.int64)

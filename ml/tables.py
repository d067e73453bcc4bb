"""What was found, as titled tables: the same ones for report.md, report.html and the model card."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from classifier.inference.classes import CLASSES

Found = dict[str, Any]
TITLES = {"near": "other cells", "far": "no blood", "spoiled": "spoiled PBC pictures"}
FIELDS = "bccd whole fields"
INTRODUCTION = (
    "Accuracy counts every cell, abstained or not. In brackets: 95 % intervals, by bootstrap over "
    "cells; of plain shares (abstained, accuracy of the answered) Wilson's."
)


@dataclass(frozen=True)
class Section:
    title: str
    text: str = ""
    head: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)


def sections(found: Found, extras: dict[str, Found]) -> list[Section]:
    """`found` as in metrics.json; `extras`: what other files of the model directory hold, by the
    stem of their name (parity, quantisation, benchmark), where there are any."""
    made = [_results(found["sets"])]
    for name, row in found["sets"].items():
        if name.endswith("/test") or name == FIELDS:
            made += [_by_class(name, row), _confusion(name, row)]
    for name, row in found["sets"].items():
        if name.endswith("/test") and "attributes" in row:
            made.append(_attributes(name, row))
    made.append(_abstention(found))
    for stem, make in (("parity", _parity), ("quantisation", _quantisation), ("benchmark", _speed)):
        if stem in extras:
            made.append(make(extras[stem]))
    return made


def figure(row: Found, key: str, show: str = ".4f") -> str:
    """A figure and its interval, where there are any: 0.9867 (0.9807–0.9920)."""
    value, ends = row.get(key), row.get(f"{key}_interval")
    if value is None:
        return "-"
    if not ends:
        return format(value, show)
    return f"{value:{show}} ({ends[0]:{show}}–{ends[1]:{show}})"


def _results(sets: Found) -> Section:
    rows: list[tuple[str, Callable[[Found], str]]] = [
        ("cells", lambda row: str(row["cells"])),
        ("accuracy", lambda row: figure(row, "accuracy")),
        ("balanced accuracy", lambda row: figure(row, "balanced_accuracy")),
        ("macro-F1", lambda row: figure(row, "macro_f1")),
        ("loss", lambda row: figure(row, "loss")),
        ("ECE", lambda row: figure(row, "calibration_error")),
        ("Brier", lambda row: figure(row, "brier")),
        ("abstained", lambda row: figure(row, "abstained", ".1%")),
        ("answered", lambda row: str(row["answered"]["cells"])),
        ("accuracy of the answered", lambda row: figure(row["answered"], "accuracy")),
        (
            "error, all answered",
            lambda row: figure(row.get("selective", {}), "error_of_all", ".1%"),
        ),
        (
            "error, surest 80 % answered",
            lambda row: figure(row.get("selective", {}), "error", ".1%"),
        ),
        ("ratio of the two errors", lambda row: figure(row.get("selective", {}), "ratio", ".2f")),
        ("AUGRC", lambda row: format(row["generalised_risk"], ".4f")),
    ]
    return Section(
        "Results",
        INTRODUCTION,
        ["", *sets],
        [[name, *(show(row) for row in sets.values())] for name, show in rows],
    )


def _by_class(name: str, row: Found) -> Section:
    areas, ends = row["areas_under_roc"], row.get("areas_under_roc_intervals", {})
    return Section(
        f"{name} by class",
        head=["class", "precision", "recall", "F1", "AUC", "cells"],
        rows=[
            [
                kind,
                *(format(values[key], ".4f") for key in ("precision", "recall", "f1")),
                figure({"auc": areas[kind], "auc_interval": ends.get(kind)}, "auc"),
                str(values["support"]),
            ]
            for kind, values in row["classes"].items()
        ],
    )


def _confusion(name: str, row: Found) -> Section:
    return Section(
        f"{name}: what was taken for what",
        head=["true \\ suggested", *CLASSES],
        rows=[
            [kind, *map(str, counts)]
            for kind, counts in zip(CLASSES, row["confusion"], strict=True)
        ],
    )


def _attributes(name: str, test: Found) -> Section:
    rows = dict(test["attributes"])
    if "attributes_mean" in test:
        rows["mean"] = test["attributes_mean"]
    return Section(
        f"What it sees of the cell ({name})",
        head=["attribute", "accuracy", "always the commonest value"],
        rows=[
            [name, figure(row, "accuracy"), format(row["commonest_value"], ".4f")]
            for name, row in rows.items()
        ],
    )


def _abstention(found: Found) -> Section:
    ends = found.get("abstention_intervals", {})
    return Section(
        "What it does not answer",
        head=["pictures", "abstained"],
        rows=[
            [
                f"{title}: {kind}",
                figure({"x": share, "x_interval": ends.get(group, {}).get(kind)}, "x", ".1%"),
            ]
            for group, title in TITLES.items()
            for kind, share in found["abstention"].get(group, {}).items()
        ],
    )


def _parity(parity: Found) -> Section:
    return Section(
        f"Against {parity['reference']}",
        f"On {parity['pictures']} validation pictures: same class {parity['same_label']:.1%}, "
        f"probabilities differ by {parity['mean_probability_difference']:.5f} on average and "
        f"{parity['largest_probability_difference']:.4f} at most.",
    )


def _quantisation(done: Found) -> Section:
    right, truth = done["accuracy"], done["probability_of_truth"]
    return Section(
        "Quantisation",
        f"{done['in_integers']} of {done['convolutions']} convolutions are computed in 8-bit "
        f"integers, the rest in float32 ({done['by']}; ranges from {done['calibration_cells']} "
        f"cells of pbc/train; made from {done['from']['id']}). On pbc/val ({done['validation_cells']} "
        f"cells): accuracy {right['float']:.4f} in float and {right['int8']:.4f} in int8, mean "
        f"probability of the true class {truth['float']:.4f} and {truth['int8']:.4f}.",
    )


def _speed(row: Found) -> Section:
    machine = row["machine"]
    return Section(
        "Speed",
        f"On {machine['processor']} ({', '.join(machine['instructions']) or 'no wide arithmetic'}), "
        f"{row['threads']} threads, computed in {row['computed']}; the best of {row['rounds']} rounds.",
        ["", ""],
        [
            ["engine alone, crops in memory", f"{row['engine']:.1f} pictures/s"],
            ["stored PNG to result", f"{row['pipeline']:.1f} pictures/s"],
            ["one picture alone, half of them within", f"{row['latency_p50_ms']:.1f} ms"],
            ["one picture alone, 95 % within", f"{row['latency_p95_ms']:.1f} ms"],
            ["ready after", f"{row['ready_s']:.2f} s"],
            ["resident memory", f"{row['resident_mb']:.0f} MB"],
            ["size of the model", f"{row['size_mb']:.1f} MB"],
        ],
    )

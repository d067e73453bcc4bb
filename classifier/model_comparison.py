"""What the page that compares two models shows: classifier.compared, in rows and words."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from classifier.charts import nice_top
from classifier.compared import MOVES, Changed, Compared, Difference, paired
from classifier.inference.classes import CLASSES
from classifier.inference.errors import ModelError
from classifier.inference.locked import FILE_NAME as PREDICTIONS
from classifier.inference.locked import read_locked
from classifier.model_figures import locked_sets
from classifier.model_pages import ModelFacts

WORDS = {
    "lost": "From right to wrong",
    "gained": "From wrong to right",
    "still wrong": "To another wrong class",
    "other": "Of no class: to another class",
    "abstains": "Now abstained on",
    "answers": "Now answered",
}
WIDE = 100.0  # units of the drawing of one interval, either side of none


@dataclass(frozen=True)
class FigureRow:
    """One figure of both and its difference. ``better``: +1 where more is better, -1 where less
    is, 0 where neither is."""

    name: str
    label: str
    """The class, of a recall."""
    found: Difference
    better: int
    scale: float
    """The difference at the edge of the drawing."""

    @property
    def verdict(self) -> str:
        if self.found.low <= 0 <= self.found.high:
            return "no difference shown"
        if not self.better:
            return "more" if self.found.low > 0 else "less"
        return "better" if (self.found.low > 0) == (self.better > 0) else "worse"

    @property
    def at(self) -> float:
        return self._place(self.found.difference)

    @property
    def ends(self) -> tuple[float, float]:
        return self._place(self.found.low), self._place(self.found.high)

    @property
    def interval(self) -> tuple[float, float]:
        return self.found.low, self.found.high

    def _place(self, value: float) -> float:
        return round(WIDE * min(1.0, max(-1.0, value / self.scale)), 1)


def same_sets(a: ModelFacts, b: ModelFacts) -> tuple[list[str], list[str]]:
    """Locked sets that both answered, and those that only one did; ModelError as locked_sets."""
    of_a, of_b = locked_sets(a), locked_sets(b)
    both = [name for name in of_a if name in of_b]
    return both, [*(n for n in of_a if n not in of_b), *(n for n in of_b if n not in of_a)]


def compare(a: ModelFacts, b: ModelFacts, name: str) -> Compared:
    """Of one set that both have; ModelError, in one sentence, where the cells are not the same."""
    locked_sets(a), locked_sets(b)  # their files are those that the manifests name
    return _compared(_key(a), _key(b), name, a.directory, b.directory)


def _key(facts: ModelFacts) -> str:
    return str(facts.manifest["files"][PREDICTIONS])


@lru_cache(maxsize=8)
def _compared(sha_a: str, sha_b: str, name: str, a: Path, b: Path) -> Compared:
    return paired(read_locked(a / PREDICTIONS)[name], read_locked(b / PREDICTIONS)[name])


def rows(compared: Compared) -> list[FigureRow]:
    """Whatever the set has figures of."""
    overall = [
        ("Accuracy", "", compared.accuracy, 1),
        ("Macro-F1", "", compared.macro_f1, 1),
        ("Calibration error", "", compared.ece, -1),
        ("Log loss", "", compared.loss, -1),
        ("Abstained", "", compared.abstained, 0),
    ]
    recalls = [("Recall", name, compared.recall.get(name), 1) for name in CLASSES]
    # A log loss has no upper end, and a class of three cells says nothing: neither sets the scale.
    scale = nice_top(
        1.2
        * max(
            max(abs(found.low), abs(found.high), 0.001)
            for name, _, found, _ in overall
            if found is not None and name != "Log loss"
        )
    )
    return [
        FigureRow(name, label, found, better, scale)
        for name, label, found, better in [*overall, *recalls]
        if found is not None
    ]


def moves(compared: Compared) -> list[tuple[str, str, int]]:
    """(move, its words, how many cells) of each that occurs."""
    counted = Counter(row.move for row in compared.changed)
    return [(move, WORDS[move], counted[move]) for move in MOVES if counted[move]]


def chosen(compared: Compared, move: str) -> Sequence[Changed]:
    return [row for row in compared.changed if not move or row.move == move]


def facts_beside(a: ModelFacts, b: ModelFacts) -> list[tuple[str, str, str, bool]]:
    """(what, of the first, of the second, whether they differ)."""
    first, second = _facts(a), _facts(b)
    return [
        (name, value, second.get(name, "not stated"), value != second.get(name, "not stated"))
        for name, value in first.items()
    ] + [(name, "not stated", value, True) for name, value in second.items() if name not in first]


def _facts(facts: ModelFacts) -> dict[str, str]:
    manifest = facts.manifest
    found: dict[str, Any] = {
        "State": facts.version.get_state_display() if facts.version else "Not registered",
        "Made": manifest.get("created") or "not stated",
        "Precision": manifest.get("precision"),
        "Input size": f"{manifest.get('input_size')} pixels",
        "Preprocessing": manifest.get("preprocessing"),
        "Temperature": _short(manifest.get("temperature")),
        "Softening": _short(manifest.get("softening") or 0.0),
    }
    for name, value in (manifest.get("thresholds") or {}).items():
        found[f"Threshold: {name.replace('_', ' ')}"] = _short(value)
    for name, value in _mapping(manifest.get("data")).items():
        found[f"Data: {name}"] = str(value)[:16]
    found["Code"] = manifest.get("code_version") or "not stated"
    found["Manifest SHA-256"] = facts.manifest_sha256[:16]
    return {name: str(value) for name, value in found.items()}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _short(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, int | float) else str(value)


def pair(found: list[ModelFacts], first: str, second: str) -> tuple[ModelFacts, ModelFacts]:
    """The two models asked for; ModelError, in one sentence, where that is not two of them."""
    by_id = {facts.model_id: facts for facts in found}
    for name in (first, second):
        if not name:
            raise ModelError("Choose two models.")
        if name not in by_id:
            raise ModelError(f"There is no model {name[:100]!r} here.")
    if first == second:
        raise ModelError("Choose two different models: one and the same differs in nothing.")
    return by_id[first], by_id[second]

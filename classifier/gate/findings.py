"""What the gate may say, and how much worse a candidate may be."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from classifier.compared import Difference

FILES, GOLDEN, LOCKED, SPEED, SHADOW = "files", "golden", "locked", "speed", "shadow"
TITLES = {
    FILES: "Files",
    GOLDEN: "Golden set",
    LOCKED: "Same locked pictures",
    "accuracy": "Accuracy",
    "recall": "Recall of each class",
    "calibration": "Calibration",
    "other": "Cells of other kinds",
    "abstained": "Left to people",
    "external": "Another laboratory",
    SPEED: "Speed",
    SHADOW: "As a shadow",
}
UNASKED = {
    "other": "Not asked: this installation compares on no cells of other kinds.",
    "external": "Not asked: this installation compares on no cells of another laboratory.",
}


@dataclass(frozen=True)
class Policy:
    """How much worse a candidate may be. Shares of cells, unless it is said otherwise."""

    accuracy: float = 0.005
    recall: float = 0.02
    external: float = 0.02
    calibration: float = 0.01
    """How much the expected calibration error may grow."""
    abstained: float = 0.05
    speed: float = 0.5
    """The least pictures a second, as a share of the active model's."""
    # Whatever is active, and all that is asked where nothing is that one could compare with:
    most_ece: float = 0.05
    least_accuracy: float = 0.95
    least_recall: float = 0.90
    least_other: float = 0.5
    most_abstained: float = 0.2
    # The locked sets: names, or patterns as of fnmatch, separated by commas; the first that both
    # models were measured on counts. "" asks for none, and there must be test cells.
    test: str = "pbc/test"
    other: str = "pbc_other/test"
    outside: str = "bccd whole fields"


@dataclass(frozen=True)
class Figure:
    """One line of a finding; None is what there is not."""

    name: str
    active: float | None
    candidate: float
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    digits: int = 4


@dataclass(frozen=True)
class Finding:
    code: str
    passed: bool | None
    """None: not tried, or told without being judged."""
    sentence: str
    figures: tuple[Figure, ...] = field(default=())

    @property
    def title(self) -> str:
        return TITLES[self.code]

    def as_json(self) -> dict[str, Any]:
        """As a Promotion keeps it."""
        return {"title": self.title, **asdict(self), "figures": [asdict(f) for f in self.figures]}


def refused(findings: Sequence[Finding]) -> list[Finding]:
    """Those that stand against the candidate; none: it may become active."""
    return [finding for finding in findings if finding.passed is False]


def unasked(code: str) -> Finding:
    return Finding(code, None, UNASKED[code])


def not_tried(codes: Sequence[str], why: str) -> list[Finding]:
    return [Finding(code, None, why) for code in codes]


def line(name: str, found: Difference) -> Figure:
    return Figure(name, found.a, found.b, found.difference, found.low, found.high)

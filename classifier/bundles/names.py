"""Which files a model directory may have, and how large each may be."""

import re
from pathlib import PurePosixPath

from classifier.inference.golden import LIMIT as GOLDEN_LIMIT
from classifier.inference.manifest import FILE_NAME, GRAPH, MANIFEST_LIMIT, STATISTICS, WEIGHTS

_MB = 1024 * 1024
_NAMED = {
    FILE_NAME: MANIFEST_LIMIT,
    GRAPH: 8 * _MB,
    WEIGHTS: 200 * _MB,
    STATISTICS: 16 * _MB,
    "golden.json": GOLDEN_LIMIT,
    "predictions.csv": 32 * _MB,
    "MODEL_CARD.md": 1 * _MB,
}
_KINDS = (
    (re.compile(r"[a-z0-9_-]{1,60}\.json"), 4 * _MB),
    (re.compile(r"[a-z0-9_-]{1,60}\.csv"), 8 * _MB),
)
_FIGURE = re.compile(r"[A-Za-z0-9_-]{1,80}\.png")
_FIGURE_LIMIT = 5 * _MB
MOST_FILES = 100
LARGEST = 250 * _MB  # bytes of all files together


def limit_of(name: str) -> int | None:
    """How many bytes the file of this name (relative, POSIX) may have; None where there may be
    none."""
    if name in _NAMED:
        return _NAMED[name]
    parts = PurePosixPath(name).parts
    if len(parts) == 2 and parts[0] == "figures" and name == "/".join(parts):
        return _FIGURE_LIMIT if _FIGURE.fullmatch(parts[1]) else None
    return next((limit for kind, limit in _KINDS if kind.fullmatch(name)), None)

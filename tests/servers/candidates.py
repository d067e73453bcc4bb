"""Small real models that state what they say of the golden set and of three locked sets.

The weights are drawn, so that what they state of the locked sets is drawn too: as good as a test
wants it. What they state of the golden set is what they really say.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from classifier.gate import Policy
from classifier.inference import CLASSES, golden, locked
from classifier.inference.locked import Locked, write_locked
from ml.export import rewrite_manifest
from tests.inference.conftest import write_model

SETS = Policy()
Sets = dict[str, Locked]


def said(
    cells: int,
    *,
    wrong: Collection[int] = range(10),
    abstained: float = 0.05,
    sure: float = 0.99,
    kinds: Sequence[str] = CLASSES,
) -> Locked:
    """Answers of `sure` confidence to cells of each kind in turn; which of them are wrong."""
    labels = [kinds[n % len(kinds)] for n in range(cells)]
    probabilities = np.full((cells, len(CLASSES)), (1 - sure) / (len(CLASSES) - 1))
    for n, label in enumerate(labels):
        right = CLASSES.index(label) if label in CLASSES else n % len(CLASSES)
        probabilities[n, (right + (n in wrong)) % len(CLASSES)] = sure
    return Locked(
        pictures=tuple((f"set/{n:05}.png", f"{n:016x}") for n in range(cells)),
        kinds=tuple(labels),
        probabilities=probabilities,
        abstained=np.arange(cells) % 100 < 100 * abstained,
    )


def sets(
    *, test: Mapping[str, Any] = {}, other: Mapping[str, Any] = {}, outside: Mapping[str, Any] = {}
) -> Sets:
    """What a good model says, with these changes."""
    return {
        SETS.test: said(1000, **test),
        SETS.other: said(200, kinds=("platelet",), **{"abstained": 0.2, **other}),
        SETS.outside: said(300, **{"wrong": range(90), **outside}),
    }


def write_candidate(
    directory: Path,
    found: Sets | None = None,
    *,
    stated: Callable[[dict], None] = lambda content: None,
    **changes: Any,
) -> Path:
    """`stated` changes what is stated of the golden set; other changes are ``write_model``'s."""
    write_model(directory, **changes)
    content = golden.answers(directory)
    stated(content)
    (directory / golden.FILE_NAME).write_text(json.dumps(content))
    write_locked(directory / locked.FILE_NAME, sets() if found is None else found)
    rewrite_manifest(directory)
    return directory


def permuted(found: Locked) -> Locked:
    """The same answers, with the classes in another order."""
    return replace(found, probabilities=np.roll(found.probabilities, 1, axis=1))

"""Each picture's cell, located once: white background, twice as wide as what the network sees.

Augmented views are cut from patches, so that no epoch decodes or searches a picture again.
"""

import hashlib
import inspect
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from classifier.inference import canonical, locator_engine, locator_net
from classifier.inference import locate as locating
from classifier.inference.canonical import canonical_view
from ml.data import Sample, fingerprint
from ml.progress import tqdm

DIAMETERS = 2.2  # cell diameters that a patch is wide
SIDE = 320  # pixels


def patches(samples: Sequence[Sample], cache: Path, what: str = "cells") -> np.ndarray:
    """(N, SIDE, SIDE, 3) uint8 RGB, kept in `cache` and mapped from there."""
    code = "".join(map(inspect.getsource, (canonical, locating, locator_net, locator_engine)))
    boxes = [sample.box for sample in samples]
    key = f"{fingerprint(samples)} {boxes} {DIAMETERS} {SIDE} {code}"
    path = cache / f"patches-{hashlib.sha256(key.encode()).hexdigest()[:32]}.npy"
    if not path.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        shape = (len(samples), SIDE, SIDE, 3)
        kept = np.lib.format.open_memmap(part, mode="w+", dtype=np.uint8, shape=shape)
        with ThreadPoolExecutor(2) as pool:
            found = pool.map(patch, samples)
            for row, pixels in enumerate(
                tqdm(found, total=len(samples), desc=what, unit="picture")
            ):
                kept[row] = pixels
        kept.flush()
        part.replace(path)
    return np.load(path, mmap_mode="r")


def patch(sample: Sample) -> np.ndarray:
    """(SIDE, SIDE, 3) uint8 RGB around the picture's main cell."""
    return canonical_view(sample.rgb(), diameters=DIAMETERS, size=SIDE).pixels

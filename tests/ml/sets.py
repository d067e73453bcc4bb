"""Pictures and folders for the tests of ml.datasets."""

import csv
from pathlib import Path

import cv2
import numpy as np


def picture(seed: int, side: int = 96) -> np.ndarray:
    """Soft coloured blobs: no two seeds look alike."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)


def save(path: Path, rgb: np.ndarray | int, *options: int) -> Path:
    """A picture, or the one of that seed; the ending says the format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rgb = picture(rgb) if isinstance(rgb, int) else rgb
    done, data = cv2.imencode(path.suffix, rgb[:, :, ::-1], options)
    assert done
    path.write_bytes(data.tobytes())
    return path


def folders(root: Path, counts: dict[str, int], first: int = 0) -> Path:
    """A folder per class with so many pictures, no two alike."""
    for kind, count in counts.items():
        for number in range(count):
            save(root / kind / f"{number:03d}.png", first)
            first += 1
    return root


def table(path: Path, rows: list[dict[str, object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def manifest(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))

"""What drift alarms on, and on what it does not: real cells through the shipped model.

    python -m bench.drift --data FOLDER [--cells 1400]

FOLDER is the one of real images. So many cells that the model did not learn from are read as they are,
and some others as another stain, lamp or focus would show them. Windows of 200 are held against
references of 400, as the product does: re-samples of the same population many times, and each change
with 180 and with 100 changed cells among the 200.
"""

import argparse
import csv
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from classifier.inference import CLASSES, find_model, load_model
from classifier.inference.model import Model
from monitoring.cells import Cells, joined
from monitoring.drift import REFERENCE, WINDOW, Measured, measure

SAMPLES = 60  # references; five windows of each
CHANGED = 200  # cells
Change = Callable[[np.ndarray], np.ndarray]


def turned(share: float) -> Change:
    """The hue moved on by a share of the circle."""

    def change(rgb: np.ndarray) -> np.ndarray:
        hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV_FULL).astype(np.int32)
        hsv[..., 0] = (hsv[..., 0] + round(256 * share)) % 256
        return cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB_FULL)

    return change


CHANGES: dict[str, Change] = {
    "hue +10 %": turned(0.10),
    "hue -10 %": turned(-0.10),
    "hue +5 %": turned(0.05),
    "hue -5 %": turned(-0.05),
    "hue +2 %": turned(0.02),
    "15 % darker": lambda rgb: (rgb * 0.85).astype(np.uint8),
    "blur of 1.5 pixels": lambda rgb: cv2.GaussianBlur(rgb, (0, 0), 1.5),
}


def pictures(folder: Path) -> list[np.ndarray]:
    """Of cells that the model did not learn from, in a fixed random order."""
    with (folder / "pbc" / "manifest.csv").open() as stream:
        rows = [row for row in csv.DictReader(stream) if row["split"] in ("val", "test")]
    order = np.random.default_rng(0).permutation(len(rows))
    return [cv2.imread(str(folder / rows[n]["path"]), cv2.IMREAD_COLOR_RGB) for n in order]


def read(model: Model, shown: Iterator[np.ndarray]) -> Cells:
    results = [item.result for item in model.pipeline(enumerate(shown)) if item.result]
    count = len(results)
    return Cells(
        key=np.arange(count),
        case=np.arange(count),
        at=np.arange(count, dtype=float),
        label=np.array([CLASSES.index(one.label) for one in results], np.int8),
        abstained=np.array([one.abstained for one in results], bool),
        confidence=np.array([one.confidence for one in results], np.float32),
        score=np.array([one.in_distribution for one in results], np.float32),
        place=np.array([np.frombuffer(one.embedding, "<f2") for one in results]),
    )


def line(name: str, found: Measured) -> str:
    share = 100 * found.abstained / found.cells
    figures = f"{found.confidence_psi:>11.3f}{found.classes_psi:>9.3f}{found.distance or 0:>12.4f}"
    return f"{name:<30}{figures}{share:>10.1f} %  {', '.join(sorted(found.over)) or 'none'}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.drift", description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("TELEHEME_DATA") or None)
    parser.add_argument("--cells", type=int, default=1400, help="read as they are")
    options = parser.parse_args()
    if options.data is None:
        parser.error("give the folder of real images.")
    if options.cells < REFERENCE + WINDOW:
        parser.error(f"there must be {REFERENCE + WINDOW} cells or more.")
    model, shown = load_model(find_model()), pictures(options.data)
    plain = read(model, iter(shown[: options.cells]))
    others = shown[options.cells : options.cells + CHANGED]
    rng = np.random.default_rng(1)
    windows = min(5, (len(plain) - REFERENCE) // WINDOW)
    found = []
    for _ in range(SAMPLES):
        order = rng.permutation(len(plain))
        reference = plain.taken(order[:REFERENCE])
        for n in range(windows):
            begin = REFERENCE + n * WINDOW
            found.append(measure(plain.taken(order[begin : begin + WINDOW]), reference))
    alarms = sum(bool(one.over) for one in found)
    print(f"model {model.id}; {len(found)} re-samples of {len(plain)} cells: {alarms} alarms")
    print(
        f"highest PSI of confidence {max(one.confidence_psi for one in found):.3f}, of classes "
        f"{max(one.classes_psi for one in found):.3f}, distance "
        f"{max(one.distance or 0 for one in found):.4f}"
    )
    print(
        f"{'200 cells, of them':<30}{'confidence':>11}{'classes':>9}{'distance':>12}{'abstained':>12}  alarms"
    )
    for name, change in CHANGES.items():
        changed = read(model, (change(one) for one in others))
        for many in (180, 100):
            rest = plain.taken(order[REFERENCE : REFERENCE + WINDOW - many])
            window = joined(rest, changed.taken(slice(0, many)))
            print(line(f"{many} with {name}", measure(window, reference)), flush=True)


if __name__ == "__main__":
    main()

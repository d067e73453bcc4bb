"""What locating the cell costs beside the network: python -m bench.locator [--data FOLDER].

Milliseconds of processor time for a picture, all threads together: the smallest of some rounds,
since other work on the machine only ever makes it slower. The goal is a quarter of the network's
forward pass.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in the worker (telemed)

import argparse
import time
from collections.abc import Callable, Sequence

import cv2
import numpy as np

from classifier.inference import find_model, load_model
from classifier.inference.canonical import canonical_view
from classifier.inference.locate import locate
from classifier.inference.preprocess import decode
from ml.benchmark import stored_pictures
from ml.data import data_folder

PICTURES = 60
ROUNDS = 7


def cost(work: Callable[[int], object], count: int = PICTURES) -> float:
    """Milliseconds a picture of the fastest round; `work` does one picture, by number."""
    fastest = np.inf
    for _ in range(ROUNDS):
        begin = time.process_time()
        for number in range(count):
            work(number)
        fastest = min(fastest, (time.process_time() - begin) / count * 1e3)
    return float(fastest)


def measure(pictures: Sequence[np.ndarray]) -> list[tuple[str, float]]:
    """(what, milliseconds) of locating, cropping and classifying (height, width, 3) pictures."""
    count = len(pictures)
    model = load_model(find_model(), threads=1, streams=1)
    size = model.manifest.input_size
    located = [locate(rgb) for rgb in pictures]
    crops = [
        canonical_view(rgb, found, size=size).pixels
        for rgb, found in zip(pictures, located, strict=True)
    ]
    return [
        ("locate", cost(lambda i: locate(pictures[i]), count)),
        (
            f"canonical crop, {size} pixels",
            cost(lambda i: canonical_view(pictures[i], located[i], size=size), count),
        ),
        (
            f"forward pass, {size} pixels, {model.precision}",
            cost(lambda i: model.runtime.start(crops[i]).result(), count),
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.locator", description=__doc__)
    parser.add_argument("--data", default=os.environ.get("TELEHEME_DATA"))
    options = parser.parse_args()
    cv2.setNumThreads(1)
    stored = stored_pictures(data_folder(options.data) if options.data else None, PICTURES)
    rows = measure([decode(data) for data in stored])
    for name, milliseconds in rows:
        print(f"{name:<40} {milliseconds:7.2f} ms")
    print(f"{'locate / forward pass (goal 0.25)':<40} {rows[0][1] / rows[2][1]:7.2f}")


if __name__ == "__main__":
    main()

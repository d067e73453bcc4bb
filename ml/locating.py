"""How well the locator finds white cells: python -m ml.locating --data FOLDER.

Boxes of people are the truth: txl_pbc (crops of two laboratories) and bccd_fields (whole fields of
a third). A found box is right when it overlaps a true one, its own, by at least half (IoU). Each
row is given as the sets have it, and with their known errors (ml/locator/errata.csv) set right.
Milliseconds are processor time of one thread.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in the worker (telemed)

import argparse
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

import cv2
import numpy as np

from classifier.inference.locate import Located, locate
from classifier.inference.preprocess import decode
from ml.data import data_folder
from ml.locator.boxes import Picture, Score, read_boxes

HEADER = (
    f"{'set':28} {'pictures':>8} | as labelled: recall precision IoU |"
    " errors set right: recall precision IoU | ms/picture ms/Mpx"
)


class Measured(NamedTuple):
    labelled: Score
    corrected: Score
    wrong: list[str]
    """Pictures where, errors set right, a cell was missed or invented."""


def measure(
    pictures: Iterable[tuple[Picture, Picture]], find: Callable[[np.ndarray], Located] = locate
) -> Measured:
    """Score pairs of the same picture, as labelled and corrected."""
    labelled, corrected, wrong = Score(), Score(), []
    for given, better in pictures:
        rgb = decode(given.path.read_bytes())
        begin = time.thread_time()
        located = find(rgb)
        labelled.seconds += time.thread_time() - begin
        labelled.pixels += rgb.shape[0] * rgb.shape[1]
        found = [cell.box for cell in located.cells]
        labelled.add(given.boxes, found)
        if not corrected.add(better.boxes, found, better.unmarked):
            wrong.append(given.name)
    return Measured(labelled, corrected, wrong)


def row(title: str, measured: Measured) -> str:
    first = measured.labelled
    figures = " | ".join(
        f"{score.true:4d} cells: {score.recall:.3f}  {score.precision:.3f}  {score.mean_iou:.3f}"
        for score in (first, measured.corrected)
    )
    milliseconds = first.seconds * 1e3
    return (
        f"{title:28} {first.pictures:8d} | {figures} | "
        f"{milliseconds / max(1, first.pictures):6.1f} {milliseconds * 1e6 / max(1, first.pixels):6.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="folder with txl_pbc/ and bccd_fields/; or TELEHEME_DATA")
    parser.add_argument("--wrong", action="store_true", help="name the pictures with an error")
    options = parser.parse_args()
    folder = data_folder(options.data)
    cv2.setNumThreads(1)
    print(HEADER)
    for name in ("bccd_fields", "txl_pbc"):
        pairs = list(
            zip(read_boxes(folder, name), read_boxes(folder, name, corrected=True), strict=True)
        )
        sources = sorted({given.source for given, _ in pairs})
        for split in ("train", "val", "test", ""):
            for source in ("", *sources) if len(sources) > 1 else ("",):
                group = [
                    pair
                    for pair in pairs
                    if split in ("", pair[0].split) and source in ("", pair[0].source)
                ]
                measured = measure(group)
                print(row(f"{name} {split or 'all'} {source}", measured), flush=True)
                if options.wrong:
                    print("\n".join(f"    {each}" for each in measured.wrong))


if __name__ == "__main__":
    main()

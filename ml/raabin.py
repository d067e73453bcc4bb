"""How a model does on cells of another laboratory: python -m ml.raabin --data FOLDER.

txl_pbc holds 500 single cells of Raabin-WBC without a class. One person, no haematologist, read
479 of them from the pictures (``raabin_read.csv``) and left out 21 that could be two things. They
are for choosing between models, not for teaching: the further laboratory that nobody tunes on
(bccd_fields) stays for the last word. Models trained with ``--unlabelled txl_pbc:raabin`` have seen
the pictures of all splits but test, without these labels.
"""

import argparse
import csv
from dataclasses import replace
from pathlib import Path

import numpy as np

from classifier.counting import exact_interval
from classifier.inference.classes import CLASSES
from classifier.inference.discovery import find_model
from classifier.inference.locked import Locked
from classifier.inference.model import load_model
from ml.data import DataError, Sample, data_folder, read_unlabelled
from ml.evaluate import locked_answers

READ = Path(__file__).with_name("raabin_read.csv")
PARTS = {"test": ("test",), "train and val": ("train", "val")}


def read_raabin(folder: Path, *splits: str) -> list[Sample]:
    """The cells that were read, of these splits of txl_pbc."""
    with READ.open(newline="") as stream:
        read = {row["path"]: row["class"] for row in csv.DictReader(stream)}
    return [
        replace(cell, label=CLASSES.index(read[cell.name]), kind=read[cell.name])
        for cell in read_unlabelled(folder, "txl_pbc:raabin", *splits)
        if cell.name in read
    ]


def table(title: str, said: Locked) -> str:
    """Accuracy with its exact 95 % interval, abstention, and what each class was taken for."""
    truth, answers = said.truth, said.predicted
    right, many = int((truth == answers).sum()), len(truth)
    low, high = exact_interval(right, many)
    kept = ~said.abstained
    lines = [
        f"{title}: {right} of {many} right, {right / many:.3f} ({low:.3f}-{high:.3f}); "
        f"abstained on {int(said.abstained.sum())}, "
        f"right on {int((truth == answers)[kept].sum())} of the other {int(kept.sum())}",
        f"  {'read as':12} " + " ".join(f"{name:>11}" for name in CLASSES),
    ]
    for label, name in enumerate(CLASSES):
        counts = np.bincount(answers[truth == label], minlength=len(CLASSES))
        lines.append(f"  {name:12} " + " ".join(f"{count:11}" for count in counts))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m ml.raabin", description=__doc__)
    parser.add_argument("--data", help="default: $TELEHEME_DATA")
    parser.add_argument(
        "--model", type=Path, default=find_model(), help="default: the one that ships"
    )
    options = parser.parse_args()
    try:
        folder = data_folder(options.data)
        model = load_model(options.model)
        for title, splits in PARTS.items():
            said = locked_answers(model, title, read_raabin(folder, *splits))
            print(table(f"{model.id}, {title}", said))
    except DataError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()

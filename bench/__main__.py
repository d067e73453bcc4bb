"""``make bench``: naive Keras, raw OpenVINO and TeleHeme's worker, in one run.

    python -m bench [--data FOLDER] [--count 300]

FOLDER is the one of real images (default: $TELEHEME_DATA); without it the pictures are drawn.
"""

import argparse
import os
from pathlib import Path

from bench.models import naive_keras
from bench.worker import pictures, run, table
from ml.benchmark import best_rates


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("TELEHEME_DATA") or None)
    parser.add_argument("--count", type=int, default=300)
    options = parser.parse_args()
    folder = Path(options.data, "pbc") if options.data else None
    if folder is not None and not folder.is_dir():
        parser.error(f"{folder} is not a folder: give the folder of real images, or none.")
    figures = run(folder, options.count)
    (naive,) = best_rates(naive_keras(pictures(folder, 24)), rounds=3)
    print(f"{'naive Keras predict, one by one':<34}{naive:>9.1f} images/s")
    print(table(figures))
    print(f"{'worker / naive Keras (goal 5)':<34}{figures.images_per_second / naive:>9.1f}")


if __name__ == "__main__":
    main()

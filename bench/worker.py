"""TeleHeme's worker from end to end: a file in the store to a result in the database.

    python -m bench.worker --data FOLDER --count 300

Starts a queue server and a worker on a fresh SQLite data directory, submits a case of so many
pictures three times, and times each from its first message to its last result. FOLDER holds
pictures in any depth (JPEG or PNG); without it the pictures are drawn. Between the rounds the same
pictures, already decoded and cropped, go through OpenVINO alone: the ratio says what everything
around the network costs. Each figure is the best of its rounds, because other work on the machine
only ever makes it slower.
"""

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
from tqdm import tqdm

KINDS = {".jpg", ".jpeg", ".png"}
PATIENCE = 900  # seconds for the whole case
ROUNDS = 3


@dataclass
class Figures:
    images: int
    seconds: float
    images_per_second: float
    start_up_seconds: float  # spawn to the worker taking messages with its model loaded
    parent_mb: float  # resident, at the end
    child_mb: float  # resident, at the end
    raw_images_per_second: float  # OpenVINO alone, same pictures, same process limits

    @property
    def ratio(self) -> float:
        return self.images_per_second / self.raw_images_per_second


@contextmanager
def fresh_installation() -> Iterator[Path]:
    """A data directory of its own, migrated, with the shipped model active, and a queue server."""
    directory = Path(tempfile.mkdtemp(prefix="teleheme-bench-"))
    os.environ |= {
        "TELEHEME_DATA_DIR": str(directory),
        "TELEHEME_LOG_LEVEL": "INFO",
        "DJANGO_SETTINGS_MODULE": "telemed.settings",
    }
    os.environ.pop("DATABASE_URL", None)
    from tests.servers.valkey import Valkey

    valkey = Valkey(directory / "valkey").start()
    os.environ["TELEHEME_BROKER_URL"] = valkey.url
    try:
        import django

        django.setup()
        from django.core.management import call_command

        from classifier.services import ensure_shipped_model

        call_command("migrate", interactive=False, verbosity=0)
        if ensure_shipped_model() is None:
            raise SystemExit("There is no shipped model to measure.")
        yield directory
    finally:
        valkey.stop()
        shutil.rmtree(directory, ignore_errors=True)


def pictures(folder: Path | None, count: int) -> list[bytes]:
    """Rebuilt PNGs, as an upload makes them."""
    from patients.images import rebuild

    if folder is None:
        import cv2

        from ml.phantoms import draw_cell

        labels = ("basophil", "eosinophil", "lymphocyte", "monocyte", "neutrophil")
        drawn = (draw_cell(labels[seed % 5], seed).image for seed in range(count))
        originals = (
            cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()
            for image in drawn
        )
    else:
        files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in KINDS)
        if not files:
            raise SystemExit(f"{folder} holds no pictures.")
        chosen = random.Random(1).sample(files, min(count, len(files)))  # noqa: S311
        originals = (path.read_bytes() for path in chosen)
    bar = tqdm(originals, total=count, desc="pictures", disable=not sys.stderr.isatty())
    return list({rebuilt.sha256: rebuilt.png for rebuilt in map(rebuild, bar)}.values())


def stored_case(pngs: list[bytes]) -> Any:
    from tests import factories
    from tests.servers.reading import add_picture

    people = factories.make_people()
    case = factories.make_case(people.clinician)
    for png in pngs:
        width, height = (int.from_bytes(png[at : at + 4], "big") for at in (16, 20))
        add_picture(case, png, width=width, height=height)
    return people, case


def measure(directory: Path, pngs: list[bytes], *, rounds: int = ROUNDS) -> Figures:
    from django.db import connection

    from tests.servers.valkey import wait_until
    from tests.servers.worker import Worker

    alone = [raw(pngs)]
    cases = [stored_case(pngs) for _ in range(rounds)]
    connection.close()
    begin = time.perf_counter()
    worker = Worker(log=directory / "worker.log", environment={}, name="bench")
    try:
        worker.ready()
        wait_until(lambda: " loaded, " in worker.said(), seconds=120, what="the model is loaded")
        start_up = time.perf_counter() - begin
        seconds = []
        for people, case in cases:
            seconds.append(read_by(worker, people, case))
            alone.append(raw(pngs))
        parent = psutil.Process(worker.pid).memory_info().rss
        child = max(each.memory_info().rss for each in worker.children())
    finally:
        worker.terminate()
    return Figures(
        images=len(pngs),
        seconds=min(seconds),
        images_per_second=len(pngs) / min(seconds),
        start_up_seconds=start_up,
        parent_mb=parent / 2**20,
        child_mb=child / 2**20,
        raw_images_per_second=max(alone),
    )


def read_by(worker: Any, people: Any, case: Any) -> float:
    """Seconds from the first message of this case to its last result."""
    from django.db.models import Max, Min

    from classifier.choices import PredictionState
    from classifier.models import Prediction
    from tests.servers.reading import submit

    submit(people, case)
    rows = Prediction.objects.filter(cell__image__case=case)
    total = rows.count()
    deadline = time.monotonic() + PATIENCE
    with tqdm(total=total, desc="worker", disable=not sys.stderr.isatty()) as bar:
        read = 0
        while read < total:
            if time.monotonic() > deadline:
                raise SystemExit(f"Not done after {PATIENCE} s:\n{worker.said()[-2000:]}")
            time.sleep(1)  # looking costs processor time that is the worker's
            before, read = read, rows.filter(state=PredictionState.DONE).count()
            bar.update(read - before)
    times = rows.aggregate(first=Min("published_at"), last=Max("finished_at"))
    return (times["last"] - times["first"]).total_seconds()


def raw(pngs: list[bytes]) -> float:
    """Images a second through the compiled graph alone, with the worker's own limits."""
    from django.conf import settings

    from classifier.inference import find_model, load_model
    from ml.benchmark import best_rates, engine

    model = load_model(find_model(folders=settings.MODEL_DIRS), threads=settings.INFERENCE_THREADS)
    (rate,) = best_rates(engine(model, pngs), rounds=1)
    return rate


def table(figures: Figures) -> str:
    return "\n".join(
        [
            f"{'OpenVINO alone, crops in memory':<34}{figures.raw_images_per_second:>9.1f} images/s",
            f"{'worker, file to database row':<34}{figures.images_per_second:>9.1f} images/s",
            f"{'ratio (goal 0.70)':<34}{figures.ratio:>9.2f}",
            f"{'worker start-up':<34}{figures.start_up_seconds:>9.1f} s",
            f"{'resident memory, main process':<34}{figures.parent_mb:>9.0f} MB",
            f"{'resident memory, pool child':<34}{figures.child_mb:>9.0f} MB",
        ]
    )


def run(data: Path | None, count: int) -> Figures:
    with fresh_installation() as directory:
        return measure(directory, pictures(data, count))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of pictures; without it they are drawn")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    options = parser.parse_args()
    figures = run(options.data, options.count)
    if options.json:
        print(json.dumps({**asdict(figures), "ratio": figures.ratio}))
        return
    print(table(figures))


if __name__ == "__main__":
    main()

"""TeleHeme's worker from end to end: a file in the store to a result in the database.

    python -m bench.worker --data FOLDER --count 300

Starts a queue server and a worker on a fresh SQLite data directory, submits one case of so many
pictures, and times from the first message to the last result. FOLDER holds pictures in any depth
(JPEG or PNG); without it the pictures are drawn. Before and afterwards the same pictures, already decoded and cropped, go through
OpenVINO alone (the better of the two counts): the ratio says what everything around the network costs.
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


@dataclass
class Figures:
    images: int
    seconds: float
    images_per_second: float
    start_up_seconds: float  # spawn to the worker taking messages with its model loaded
    parent_mb: float  # resident, at the end of the case
    child_mb: float  # resident, the highest seen
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


def measure(directory: Path, pngs: list[bytes]) -> Figures:
    from django.db import connection
    from django.db.models import Max, Min

    from classifier.choices import PredictionState
    from classifier.models import Prediction
    from tests.servers.reading import submit
    from tests.servers.valkey import wait_until
    from tests.servers.worker import Worker

    people, case = stored_case(pngs)
    alone = raw(pngs)
    connection.close()
    begin = time.perf_counter()
    worker = Worker(log=directory / "worker.log", environment={}, name="bench")
    try:
        worker.ready()
        wait_until(lambda: " loaded, " in worker.said(), seconds=120, what="the model is loaded")
        start_up = time.perf_counter() - begin
        submit(people, case)
        done = Prediction.objects.filter(state=PredictionState.DONE)
        child = 0.0
        deadline = time.monotonic() + PATIENCE
        with tqdm(total=len(pngs), desc="worker", disable=not sys.stderr.isatty()) as bar:
            finished = 0
            while finished < len(pngs):
                if time.monotonic() > deadline:
                    raise SystemExit(f"Not done after {PATIENCE} s:\n{worker.said()[-2000:]}")
                time.sleep(1)  # looking costs processor time that is the worker's
                before, finished = finished, done.count()
                bar.update(finished - before)
                child = max([child, *(each.memory_info().rss for each in worker.children())])
        parent = psutil.Process(worker.pid).memory_info().rss
        times = done.aggregate(first=Min("published_at"), last=Max("finished_at"))
    finally:
        worker.terminate()
    seconds = (times["last"] - times["first"]).total_seconds()
    return Figures(
        images=len(pngs),
        seconds=seconds,
        images_per_second=len(pngs) / seconds,
        start_up_seconds=start_up,
        parent_mb=parent / 2**20,
        child_mb=child / 2**20,
        raw_images_per_second=max(alone, raw(pngs)),
    )


def raw(pngs: list[bytes]) -> float:
    """Images a second through the compiled graph alone, as many under way as it likes."""
    from collections import deque

    from django.conf import settings

    from classifier.inference import find_model, load_model

    model = load_model(find_model(folders=settings.MODEL_DIRS), threads=settings.INFERENCE_THREADS)
    prepared = [model.prepare(png) for png in pngs]
    for each in prepared[:8]:
        model.start(each).result()
    running: deque[Any] = deque()
    begin = time.perf_counter()
    for each in prepared:
        if len(running) == model.runtime.slots:
            running.popleft().result()
        running.append(model.start(each))
    while running:
        running.popleft().result()
    return len(prepared) / (time.perf_counter() - begin)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of pictures; without it they are drawn")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    options = parser.parse_args()
    with fresh_installation() as directory:
        figures = measure(directory, pictures(options.data, options.count))
    if options.json:
        print(json.dumps({**asdict(figures), "ratio": figures.ratio}))
        return
    print(f"{'OpenVINO alone':<34}{figures.raw_images_per_second:>9.1f} images/s")
    print(f"{'worker, file to database row':<34}{figures.images_per_second:>9.1f} images/s")
    print(f"{'ratio (goal 0.70)':<34}{figures.ratio:>9.2f}")
    print(f"{'worker start-up':<34}{figures.start_up_seconds:>9.1f} s")
    print(f"{'resident memory, main process':<34}{figures.parent_mb:>9.0f} MB")
    print(f"{'resident memory, pool child':<34}{figures.child_mb:>9.0f} MB")


if __name__ == "__main__":
    main()

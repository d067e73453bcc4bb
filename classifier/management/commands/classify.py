"""manage.py classify: the worker's own path from picture to class, from the shell."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from classifier.inference import (
    CLASSES,
    DEFAULT_MODEL,
    CellResult,
    ModelError,
    explain,
    find_model,
    load_model,
)

ENDINGS = {".jpg", ".jpeg", ".png", ".tif", ".tiff"}


class Command(BaseCommand):
    help = (
        "Classify white-blood-cell pictures. Every picture is first rebuilt exactly as an upload "
        "is, so the answer is the one the web page would give. Directories are walked. Needs no "
        "server and no database. Where a picture's folder is named after a class (neutrophil, ...), "
        "the accuracy is said at the end. Exit status 1 if any picture could not be read."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")
        parser.add_argument(
            "--model", default=DEFAULT_MODEL, metavar="ID", help="default: %(default)s"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        # Imported here: the sanitiser prepares child processes that --help has no use for.
        from patients.images import rebuild

        try:
            model = load_model(find_model(options["model"], settings.MODEL_DIRS))
        except ModelError as error:
            raise CommandError(str(error)) from error

        def picture(path: Path) -> Callable[[], bytes]:
            return lambda: rebuild(path.read_bytes()).png

        paths = list(walk(options["paths"]))
        show = self.show_json if options["json"] else self.show_row
        counts: Counter[str] = Counter()
        marks = Marks()
        items = model.pipeline(((path, picture(path)) for path in paths), decoders=4)
        # None: tqdm draws only where a person sees it.
        with tqdm(total=len(paths), unit="picture", file=sys.stderr, disable=None) as bar:
            for item in items:
                bar.clear()
                if item.result is None:
                    show(item.key, None, describe(item.exception))
                    counts["unreadable"] += 1
                else:
                    show(item.key, item.result, None)
                    counts[item.result.label] += 1
                    counts["left to human eyes"] += item.result.abstained
                    marks.add(item.key, item.result)
                bar.update()
        if not options["json"]:
            self.stdout.write(summarise(len(paths), counts))
        if marks.known:  # apart from the objects, which stay one a line
            self.stderr.write(str(marks))
        if counts["unreadable"]:
            sys.exit(1)

    def show_json(self, path: Path, result: CellResult | None, error: str | None) -> None:
        content: dict[str, Any] = {"path": str(path)}
        if result is None:
            content["error"] = error
        else:
            content |= {
                "label": result.label,
                "probabilities": {k: round(v, 6) for k, v in result.by_class.items()},
                "abstained": result.abstained,
                "reasons": list(result.reasons),
                "model": result.model_id,
                "milliseconds": round(result.milliseconds, 1),
            }
        self.stdout.write(json.dumps(content, ensure_ascii=False))

    def show_row(self, path: Path, result: CellResult | None, error: str | None) -> None:
        if result is None:
            self.stdout.write(f"{'not read':<12}         {path}  {error}")
            return
        reasons = "  " + " ".join(map(explain, result.reasons)) if result.abstained else ""
        mark = "?" if result.abstained else " "
        self.stdout.write(f"{result.label:<12}{mark} {result.confidence:6.1%} {path}{reasons}")


@dataclass
class Marks:
    """How many were right, of those pictures whose folder is named after a class."""

    known: int = 0
    right: int = 0
    answered: int = 0
    answered_right: int = 0

    def add(self, path: Path, result: CellResult) -> None:
        truth = path.absolute().parent.name
        if truth not in CLASSES:
            return
        right = result.label == truth
        self.known += 1
        self.right += right
        self.answered += not result.abstained
        self.answered_right += right and not result.abstained

    def __str__(self) -> str:
        said = (
            f"{self.known} pictures lie in folders named after a class: "
            f"{self.right} right, accuracy {self.right / self.known:.4f}"
        )
        if self.answered:
            said += (
                f"; {self.answered} answered, of which {self.answered_right} right, "
                f"accuracy {self.answered_right / self.answered:.4f}"
            )
        return said + "."


def walk(paths: Iterable[Path]) -> Iterator[Path]:
    """Files as they are given; directories by name, picture files only, hidden ones left out."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        for found in sorted(path.rglob("*")):
            hidden = any(part.startswith(".") for part in found.relative_to(path).parts)
            if found.suffix.lower() in ENDINGS and not hidden and found.is_file():
                yield found


def describe(exception: Exception | None) -> str:
    if isinstance(exception, OSError):
        return f"The file cannot be read: {exception.strerror or exception}."
    return str(exception)


def summarise(total: int, counts: Counter[str]) -> str:
    parts = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()) if count)
    return f"{total} pictures: {parts}" if total else "No picture found."

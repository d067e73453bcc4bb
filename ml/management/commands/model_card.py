"""manage.py model_card"""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from classifier.inference.discovery import DEFAULT_MODEL, find_model
from classifier.inference.errors import ModelError
from classifier.inference.manifest import FILE_NAME, load_manifest


class Command(BaseCommand):
    help = (
        "Print the model card of an evaluated model, made from its manifest, config.json, "
        "history.csv and metrics.json, and from parity.json, quantisation.json and benchmark.json "
        "where it has them. With --write the card goes into the model directory, and the manifest "
        "gets the hashes of the files that are there: the model's identity changes with it."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "model", nargs="?", default=DEFAULT_MODEL, metavar="MODEL",
            help="directory, name of a shipped model, or a run, whose RUN/model is meant "
            "(default: %(default)s)",
        )  # fmt: skip
        parser.add_argument("--write", action="store_true", help="into MODEL_CARD.md instead")

    def handle(self, *_args: Any, **options: Any) -> None:
        from ml.report import CARD, METRICS, card, refresh_card

        try:
            directory = self._find(options["model"])
            load_manifest(directory)  # a card must not vouch for files that were tampered with
            for name in ("config.json", "history.csv", METRICS):
                if not (directory / name).is_file():
                    raise CommandError(f"{directory} has no {name}; evaluate_model makes it.")
            if not options["write"]:
                self.stdout.write(card(directory))
                return
            refresh_card(directory)
        except ModelError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{directory / CARD} written; manifest SHA-256 {load_manifest(directory).sha256}.\n"
            "Next: register the model again where it was registered before."
        )

    def _find(self, name: str) -> Path:
        for directory in (Path(name), Path(name) / "model"):
            if (directory / FILE_NAME).is_file():
                return directory
        return find_model(name)

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from classifier.choices import ModelState
from classifier.inference.errors import ModelError
from classifier.registry import ensure_shipped_model, model_activate, model_register


class Command(BaseCommand):
    help = "Verify a model directory and record it; with --activate new pictures are read with it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("directory", nargs="?", type=Path, help="holds manifest.json")
        parser.add_argument("--activate", action="store_true", help="read new pictures with it")
        parser.add_argument(
            "--shipped",
            action="store_true",
            help="register and activate the shipped model unless one is active already",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["shipped"] == bool(options["directory"]):
            raise CommandError("Name one model directory, or give --shipped.")
        try:
            if options["shipped"]:
                version = ensure_shipped_model()
                if version is None:
                    raise CommandError("There is no shipped model in this installation.")
            else:
                version = model_register(directory=options["directory"])
                if options["activate"]:
                    version = model_activate(version=version)
        except ModelError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{version.model_id}: {ModelState(version.state).label.lower()}")
        self.stdout.write(f"manifest {version.manifest_sha256}, {version.precision}")
        if version.state == ModelState.CANDIDATE:
            self.stdout.write("Read new pictures with it: the same command with --activate.")

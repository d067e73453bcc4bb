from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from classifier.choices import ModelState
from classifier.inference.errors import ModelError
from classifier.models import ModelVersion
from classifier.registry import (
    ensure_shipped_model,
    model_activate,
    model_alias_set,
    model_take_in,
    model_upload,
)
from patients.errors import DomainError


class Command(BaseCommand):
    help = (
        "Check a model directory, or a zip file of one, and record it as a candidate; with "
        "--activate new pictures are read with it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "model", nargs="?", type=Path, help="a directory with manifest.json, or a zip file"
        )
        parser.add_argument("--activate", action="store_true", help="read new pictures with it")
        parser.add_argument("--alias", metavar="NAME", help="a name that shall stand for it")
        parser.add_argument(
            "--shipped",
            action="store_true",
            help="register and activate the shipped model unless one is active already",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["shipped"] == bool(options["model"]):
            raise CommandError("Name one model directory or zip file, or give --shipped.")
        try:
            version = ensure_shipped_model() if options["shipped"] else self.take(options["model"])
            if version is None:
                raise CommandError("There is no shipped model in this installation.")
            if options["activate"]:
                version = model_activate(version=version)
            if options["alias"]:
                model_alias_set(version=version, name=options["alias"])
        except (ModelError, DomainError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{version.model_id}: {ModelState(version.state).label.lower()}")
        self.stdout.write(f"manifest {version.manifest_sha256}, {version.precision}")
        if version.state == ModelState.CANDIDATE:
            self.stdout.write(
                "Read new pictures with it: compare it with the active one on its page, or the "
                "same command with --activate."
            )

    def take(self, model: Path) -> ModelVersion:
        if model.is_dir():
            return model_take_in(directory=model).version
        if not model.is_file():
            raise CommandError(f"There is no {model}.")
        return model_upload(archive=model).version

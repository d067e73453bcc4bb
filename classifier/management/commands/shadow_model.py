from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from classifier.management.naming import registered_version
from classifier.shadow import shadow_end, shadow_start
from patients.errors import DomainError


class Command(BaseCommand):
    help = (
        "Have a candidate read along as a shadow: each new cell after the active model, seen by "
        "nobody who treats patients. What comes of it is on the model's page."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("model", metavar="ID", help="of a registered model, or an alias")
        parser.add_argument("--end", action="store_true", help="read along no more")

    def handle(self, *args: Any, **options: Any) -> None:
        version = registered_version(options["model"])
        try:
            (shadow_end if options["end"] else shadow_start)(version=version)
        except DomainError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{version} reads along no more. What it has read stays on its page."
            if options["end"]
            else f"{version} reads along from now on. See its page for what comes of it."
        )

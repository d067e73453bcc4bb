"""Remove files of pictures that no row points to."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from patients.services.orphans import orphans_found, orphans_sweep
from patients.storage import StorageUnavailable


class Command(BaseCommand):
    help = "Remove picture files that no row points to (older than an hour). Beat does it hourly."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="list them, remove nothing")
        parser.add_argument("--older-than", type=int, default=60, metavar="MINUTES")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["older_than"] < 1:
            raise CommandError("--older-than must be at least 1 minute: uploads are under way.")
        older_than = timedelta(minutes=options["older_than"])
        try:
            if options["dry_run"]:
                keys = list(orphans_found(older_than=older_than))
                for key in keys:
                    self.stdout.write(key)
                self.stdout.write(f"{len(keys)} files without a row. Nothing was removed.")
                return
            removed = orphans_sweep(older_than=older_than)
        except StorageUnavailable as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{removed} files without a row were removed.")

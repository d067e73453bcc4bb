"""manage.py import_dataset"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    DjangoHelpFormatter,
)
from tqdm import tqdm

from classifier.bundles.zips import ZipRefused
from datasets import archives
from datasets.choices import SetState
from datasets.errors import SetRefused
from datasets.making import LEASE_SECONDS, make_slice
from datasets.models import DataSet
from datasets.services import data_set_from_folder

TEACH = """\
what is taken:
  neutrophil/a.jpg               a folder per class; eosinophils, SNE, "Band neutrophil" are understood
  neutrophil/patient7/b.jpg      patient7 is then a source group
  train/neutrophil/a.jpg         your own split, kept as it is
  cells.csv                      columns path and class, and source_group and split if you have them
  manifest.csv and images/       a set that was exported from TeleHeme
  any of them as one zip file    checked member by member

An interrupted import goes on where it stopped when the same command is given again.

example:
  manage.py import_dataset ~/our-smears --slug our-smears --licence "CC BY 4.0"
"""
PATIENCE = LEASE_SECONDS + 30  # seconds without a step forward


class _Help(DjangoHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """The examples keep their lines."""


class Command(BaseCommand):
    help = "Import labelled pictures as a data set for training."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(
            prog_name, subcommand, epilog=TEACH, formatter_class=_Help, **kwargs
        )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", type=Path, metavar="FOLDER_TABLE_OR_ZIP")
        parser.add_argument("--slug", required=True, help="short name: letters, digits, hyphens")
        parser.add_argument(
            "--name", default="", help="title on the pages (default: the short name)"
        )
        parser.add_argument("--licence", required=True, help="under which it may be used")
        parser.add_argument("--source-text", default="", help="citation or address")
        parser.add_argument("--description", default="")

    def handle(self, *_: Any, **options: Any) -> None:
        source = options["source"].expanduser()
        if not source.exists():
            raise CommandError(f"There is no {source}.")
        try:
            with _readable(source) as root:
                data_set = data_set_from_folder(
                    slug=options["slug"],
                    name=(options["name"] or options["slug"])[:120],
                    licence=options["licence"][:120],
                    source=options["source_text"][:500],
                    description=options["description"][:2000],
                )
                self._make(data_set, root)
        except (SetRefused, ZipRefused) as error:
            raise CommandError(str(error)) from error
        data_set.refresh_from_db()
        if data_set.state != SetState.READY:
            raise CommandError(data_set.error or "The data set was not finished; try again.")
        facts = data_set.facts
        self.stdout.write(
            f"{data_set.slug}: {facts['pictures']:,} pictures of {len(facts['classes'])} classes; "
            f"left out: {facts['left_out']:,}. Its page: /datasets/{data_set.slug}/"
        )

    def _make(self, data_set: DataSet, root: Path) -> None:
        with tqdm(desc="imported", unit="picture", disable=None) as bar:
            moved, before = time.monotonic(), (-1, -1)
            while data_set.state not in (SetState.READY, SetState.FAILED, SetState.REMOVED):
                more = make_slice(data_set_id=data_set.pk, source=root)
                data_set.refresh_from_db()
                bar.total = data_set.planned or None
                bar.update(data_set.filled - bar.n)
                now = (data_set.filled, data_set.compared)
                if now != before:
                    moved, before = time.monotonic(), now
                if not more and data_set.state == SetState.RUNNING:
                    if time.monotonic() - moved > PATIENCE:
                        raise CommandError(
                            "Nothing moves any more: is the store, or another import of the same "
                            "name, in the way? Give the same command again."
                        )
                    time.sleep(1)


@contextmanager
def _readable(source: Path) -> Iterator[Path]:
    """The folder or table; a zip file is unpacked beside the other work and removed afterwards."""
    if source.suffix.lower() != ".zip":
        yield source
        return
    folder = Path(tempfile.mkdtemp(prefix="teleheme-import-"))
    try:
        archives.unpack(source, folder / "files")
        yield folder / "files"
    finally:
        shutil.rmtree(folder, ignore_errors=True)

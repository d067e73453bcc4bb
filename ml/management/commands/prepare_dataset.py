"""manage.py prepare_dataset"""

import argparse
import os
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    DjangoHelpFormatter,
)

from datasets.layouts.source import SHARES, DatasetError, Source
from ml.config import TrainConfig
from ml.data import VARIABLE
from ml.datasets import KNOWN, read
from ml.datasets.fetch import Found, fetch, unpack
from ml.datasets.prepare import Order, prepare
from ml.datasets.report import summary
from ml.download import digest

DOWNLOADS = ".downloads"
TEACH = """\
known sets, downloaded where --from does not give a copy:
{known}

anything else is a folder or a table of yours:
  neutrophil/a.jpg               a folder per class; eosinophils, SNE, "Band neutrophil" are understood
  neutrophil/patient7/b.jpg      patient7 is then a source group
  train/neutrophil/a.jpg         your own split, kept as it is
  cells.csv                      columns path and class, and source_group and split if you have them

what comes out, in DATA/NAME/: the pictures, manifest.csv (and boxes.csv), and report.md, which says
what is in it: counts, unusable files, the same picture twice (turned, mirrored, recoded or taken
again), classes that contradict each other, and what lies on both sides of a split. Pictures of one
source group and repeats of one picture stay on one side of every split that is drawn here.

An interrupted run goes on where it stopped when the same command is given again.

examples:
  manage.py prepare_dataset pbc --data data
  manage.py prepare_dataset txl_pbc --from ~/Downloads/TXL-PBC.zip --data data --against pbc
  manage.py prepare_dataset ~/our-laboratory --name ours --data data --against pbc bccd_fields --drop
  manage.py train_model --data data
"""


class _Help(DjangoHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """The examples keep their lines."""


class Command(BaseCommand):
    help = (
        "Bring a set of pictures into the layout that train_model and evaluate_model read,\n"
        "and find out what is wrong with it before a model does."
    )
    requires_system_checks: list[str] = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        known = "\n".join(
            f"  {s.name:10} {s.title}\n{'':13}{s.licence}; {s.page}" for s in KNOWN.values()
        )
        return super().create_parser(
            prog_name,
            subcommand,
            formatter_class=_Help,
            epilog=TEACH.format(known=known),
            **kwargs,
        )

    def add_arguments(self, parser: CommandParser) -> None:
        seed = TrainConfig().seed
        parser.add_argument("source", metavar="NAME|PATH", help="a known set, a folder or a table")
        parser.add_argument(
            "--from", dest="origin", type=Path, metavar="PATH", help="a local copy: folder or ZIP"
        )
        parser.add_argument("--data", type=Path, metavar="FOLDER", help=f"default: ${VARIABLE}")
        parser.add_argument("--name", help="of the prepared set; default: the folder's own")
        parser.add_argument(
            "--against",
            nargs="+",
            default=[],
            metavar="SET",
            help="prepared sets (names in the data folder, or paths): report what is in them too",
        )
        parser.add_argument(
            "--val",
            type=float,
            metavar="SHARE",
            help="for pictures that have no split; default 0.1",
        )
        parser.add_argument("--test", type=float, metavar="SHARE", help="the same; default 0.3")
        parser.add_argument(
            "--seed", type=int, default=seed, help="of the split; default %(default)s"
        )
        parser.add_argument(
            "--link", action="store_true", help="hard links instead of copies, where possible"
        )
        parser.add_argument(
            "--drop",
            action="store_true",
            help="leave out repeats, contradictions, and what is in val or test of the sets of "
            "--against",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            content, folder = self._prepare(options)
        except DatasetError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(
                f"{error.filename or 'A file'}: {error.strerror or error}. What was read and "
                "copied before is kept; give the same command again to go on."
            ) from error
        except KeyboardInterrupt:
            raise CommandError(
                "Stopped. What was read and copied is kept; give the same command again to go on.",
                returncode=130,
            ) from None
        about = content["about"]
        for file in about["files"]:
            if not file["known"]:
                self.stdout.write(
                    f"{file['name']}: no checksum is known for it; its SHA-256 is {file['sha256']}."
                )
        if about["licence"]:
            self.stdout.write(f"Licence: {about['licence']}. Cite: {about['citation']}")
        self.stdout.write(
            f"{content['name']}: {content['pictures']:,} pictures in {folder}.\n"
            f"{summary(content)}\n"
            f"Read {folder / 'report.md'}. Next: "
            + (
                f"python manage.py train_model --data {folder.parent}"
                if (folder.parent / "pbc" / "manifest.csv").is_file()
                else f"python manage.py prepare_dataset pbc --data {folder.parent} (train_model "
                "learns from pbc)"
            )
        )

    def _prepare(self, options: dict[str, Any]) -> tuple[dict[str, Any], Path]:
        known, data = KNOWN.get(options["source"]), _data(options["data"])
        given = options["origin"] or (None if known else Path(options["source"]))
        if given is not None and not given.exists():
            raise DatasetError(
                f"There is no {given}."
                + ("" if known else f" The known sets are {', '.join(KNOWN)}.")
            )
        if options["origin"] and known is None:
            raise DatasetError("--from goes with a known set; give your own folder as it is.")
        order = Order(
            _name(options["name"], known, given),
            data,
            _shares(known, options["val"], options["test"]),
            options["seed"],
            tuple(_prepared(data, name) for name in options["against"]),
            options["link"],
            options["drop"],
        )
        if order.seed < 0:
            raise DatasetError("--seed must be 0 or more.")
        target = (data / order.name).resolve()
        if target in (path.resolve() for path in order.against):
            raise DatasetError(
                "--against names the set itself; repeats within it are found anyway."
            )
        if given is not None and given.is_dir() and target.is_relative_to(given.resolve()):
            raise DatasetError(
                f"{data / order.name} would lie inside the folder it is made from; choose another "
                "--data."
            )
        downloads = data / DOWNLOADS
        if given is not None:
            folder, files = _local(given, downloads)
        else:  # by its first file: pbc and pbc_other come in the same archive
            known = KNOWN[options["source"]]
            folder, files = fetch(known, downloads / Path(known.files[0].name).stem)
        contents = read(folder, known)
        about = {
            "title": known.title if known else "pictures of your own",
            "licence": known.licence if known else "",
            "citation": known.citation if known else "",
            "page": known.page if known else "",
            "files": [asdict(file) for file in files],
        }
        return prepare(order, contents, about), data / order.name


def _data(given: Path | None) -> Path:
    folder = given or os.environ.get(VARIABLE)
    if not folder:
        raise DatasetError(f"Say where the sets shall lie: --data FOLDER, or set {VARIABLE}.")
    return Path(folder)


def _name(given: str | None, known: Source | None, path: Path | None) -> str:
    name = given or (known.folder if known else "")
    if not name and path is not None:
        name = re.sub(r"[^a-z0-9]+", "_", path.resolve().stem.lower()).strip("_")
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,59}", name):
        raise DatasetError("Give the set a --name of small letters, digits, - and _.")
    return name


def _shares(
    known: Source | None, val: float | None, test: float | None
) -> tuple[float, float, float]:
    _, usual_val, usual_test = known.shares if known else SHARES
    val = usual_val if val is None else val
    test = usual_test if test is None else test
    train = round(1 - val - test, 9)
    if not all(0 <= share <= 1 for share in (train, val, test)):
        raise DatasetError("--val and --test are shares: 0 or more, and together 1 at most.")
    return (train, val, test)


def _prepared(data: Path, name: str) -> Path:
    for folder in (data / name, Path(name)):
        if (folder / "manifest.csv").is_file():
            return folder
    raise DatasetError(f"--against {name}: there is no such prepared set in {data}.")


def _local(given: Path, downloads: Path) -> tuple[Path, list[Found]]:
    """The folder or table to read, and the archive it came in, if it came in one."""
    if given.suffix.lower() != ".zip":
        return given, []
    sha256 = digest(given)
    return unpack(given, downloads / sha256[:16]), [Found(given.name, "local", sha256, False)]

"""manage.py run_training"""

import ctypes
import os
import signal
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from classifier.inference.errors import ModelError

PR_SET_PDEATHSIG = 1  # prctl(2)


class Command(BaseCommand):
    help = (
        "Do a training job of the product (ml.job) in this process: what the training worker starts. "
        "FOLDER holds job.json and the data sets; the job goes on where an earlier process left it. "
        "Touches no database."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument(
            "--parent", type=int, help="end with this process, whatever ends it (Linux)"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["parent"]:
            _end_with(options["parent"])
        from ml.config import ConfigError
        from ml.data import DataError
        from ml.job import ERROR, run_job
        from ml.progress import tell_into
        from ml.weights import WeightsError

        folder: Path = options["folder"]
        tell_into(folder)
        (folder / ERROR).unlink(missing_ok=True)
        try:
            directory = run_job(folder)
        except (ConfigError, DataError, ModelError, WeightsError) as error:
            (folder / ERROR).write_text(str(error))
            raise CommandError(str(error)) from error
        self.stdout.write(f"{directory} is ready to be registered.")


def _end_with(parent: int) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it ended before the kernel was told
        raise CommandError("The process that started this one has ended.")

"""manage.py average_models"""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from classifier.inference.errors import ModelError
from ml.config import ConfigError
from ml.restore import is_model
from ml.weights import WeightsError, find_weights


class Command(BaseCommand):
    help = (
        "Make one network of several: the mean of the weights of runs, or model directories, that "
        "were fine-tuned from one another. It is as fast as one of them and often better in other "
        "laboratories. What is known besides the weights is taken from the last one named. "
        "Calibrate the result before exporting it."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("sources", nargs="+", type=Path, metavar="RUN_OR_MODEL")
        parser.add_argument("--run-dir", type=Path, required=True, metavar="FOLDER")
        parser.add_argument(
            "--shares", type=float, nargs="+", metavar="NUMBER", help="default: the same of each"
        )
        parser.add_argument("--weights", metavar="FILE", help="as given to train_model")
        parser.add_argument("--weights-sha256", metavar="HEX", help="as given to train_model")

    def handle(self, *_args: Any, **options: Any) -> None:
        from ml.soup import average

        sources, run = options["sources"], options["run_dir"]
        shares = options["shares"] or [1.0] * len(sources)
        if len(sources) < 2:
            raise CommandError("Name two runs or more.")
        if len(shares) != len(sources) or min(shares) < 0 or sum(shares) <= 0:
            raise CommandError("--shares needs one number a run, none below 0 and one above it.")
        for source in sources:
            if not (source / "backbone.weights.h5").is_file() and not is_model(source):
                raise CommandError(f"{source} holds no fine-tuned network.")
            if source.resolve() == run.resolve():
                raise CommandError("--run-dir must be another folder than those that are averaged.")
        try:
            weights = find_weights(options["weights"], sha256=options["weights_sha256"])
            average(sources, shares, run, weights)
        except (ConfigError, ModelError, WeightsError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{run} written.\nNext: python manage.py calibrate_model --run-dir {run}")

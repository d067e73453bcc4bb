"""manage.py ablate_model"""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from classifier.inference.errors import ModelError
from ml.config import ConfigError
from ml.data import DataError, data_folder
from ml.management.options import add_options, chosen_options
from ml.weights import WeightsError, find_weights


class Command(BaseCommand):
    help = (
        "Show what each step of the recipe brings: trains the runs that ml/recipes/ablations.toml "
        "lists, each from another one's folder, and measures all alike, on pbc/test and BCCD. Runs "
        "that are there are not trained again, so an interrupted table goes on where it was; "
        "fine-tuning takes hours on two cores. Writes ablation.json and ablation.md."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--runs", type=Path, default=Path("runs"), metavar="FOLDER")
        parser.add_argument(
            "--only", nargs="+", metavar="STEP", help="folders of the steps, in this order"
        )
        parser.add_argument("--data", metavar="FOLDER", help="default: $TELEHEME_DATA")
        parser.add_argument("--weights", metavar="FILE", help="as given to train_model")
        parser.add_argument("--weights-sha256", metavar="HEX", help="as given to train_model")
        add_options(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        from ml import ablation

        try:
            steps = {step.folder: step for step in ablation.read_steps()}
            wanted = options["only"] or list(steps)
            if unknown := sorted(set(wanted) - set(steps)):
                raise CommandError(f"There is no step {unknown}; there are {sorted(steps)}.")
            extra = chosen_options(options)
            data = data_folder(options["data"])
            weights = find_weights(options["weights"], sha256=options["weights_sha256"])
            rows = []
            for name in wanted:
                directory = ablation.make(steps[name], options["runs"], data, weights, extra)
                limit = extra.get("limit", 0)
                rows.append(ablation.measure(steps[name], directory, data, limit=limit))
                ablation.write(options["runs"], rows)
        except (ConfigError, DataError, ModelError, WeightsError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(ablation.table(rows))
        self.stdout.write(f"Written to {options['runs'] / 'ablation.md'}.")

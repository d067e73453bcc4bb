"""manage.py train_model"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ml.config import ConfigError, TrainConfig
from ml.data import DataError, data_folder
from ml.management.options import add_options, chosen_options
from ml.weights import WeightsError, find_weights


class Command(BaseCommand):
    help = (
        "Train the classifier: frozen InceptionV3 with ImageNet weights, global average pooling, "
        "dropout, dense softmax of five. The frozen network runs once over each picture and its "
        "features are kept, so that a second run with another head takes seconds. Fits the head, "
        "the temperature, the in-distribution statistics and the thresholds; never reads a test "
        "picture. Leaves one folder: config.json, split.csv, history.csv, head.npz, indist.npz, "
        "calibration.json."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data", metavar="FOLDER", help="default: $TELEHEME_DATA")
        parser.add_argument(
            "--weights", metavar="FILE", help="ImageNet weights; default: the official download"
        )
        parser.add_argument("--weights-sha256", metavar="HEX", help="trust this file of weights")
        parser.add_argument("--run-dir", type=Path, default=Path("runs/train"), metavar="FOLDER")
        add_options(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        from ml.train import train

        config = replace(TrainConfig(), **chosen_options(options))
        run: Path = options["run_dir"]
        try:
            data = data_folder(options["data"])
            weights = find_weights(options["weights"], sha256=options["weights_sha256"])
            head, calibration = train(config, data, weights, run, cache=run.parent / ".features")
        except (ConfigError, DataError, WeightsError) as error:
            raise CommandError(str(error)) from error
        best = min(head.history, key=lambda row: row["val_loss"])
        self.stdout.write(
            f"Best epoch {best['epoch']:.0f}: validation loss {best['val_loss']:.4f}, accuracy "
            f"{best['val_accuracy']:.4f}; temperature {calibration.temperature:.3f}.\n"
            f"Next: python manage.py export_model --run-dir {run}"
        )

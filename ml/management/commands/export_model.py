"""manage.py export_model"""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from classifier.inference.discovery import DEFAULT_MODEL
from ml.data import DataError, data_folder, read_set
from ml.weights import WeightsError, find_weights

PARITY_PICTURES = 60


class Command(BaseCommand):
    help = (
        "Make the served model of a training run: one OpenVINO graph (uint8 picture in; calibrated "
        "probabilities, class-activation maps and features out) with its manifest, in RUN/model. "
        "Compares it with the Keras model on validation pictures."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--run-dir", type=Path, default=Path("runs/train"), metavar="FOLDER")
        parser.add_argument("--id", default=DEFAULT_MODEL, help="default: %(default)s")
        parser.add_argument("--data", metavar="FOLDER", help="default: $TELEHEME_DATA")
        parser.add_argument("--weights", metavar="FILE", help="as given to train_model")
        parser.add_argument("--weights-sha256", metavar="HEX", help="as given to train_model")

    def handle(self, *_args: Any, **options: Any) -> None:
        from ml.export import export, parity
        from ml.runs import write_json

        run: Path = options["run_dir"]
        if not (run / "head.npz").is_file():
            raise CommandError(f"{run} holds no trained head; run train_model first.")
        try:
            data = data_folder(options["data"])
            weights = find_weights(options["weights"], sha256=options["weights_sha256"])
            directory = export(run, run / "model", weights, model_id=options["id"])
            val = read_set(data, "pbc", "val")
            compared = parity(run, directory, weights, val[:: max(1, len(val) // PARITY_PICTURES)])
        except (DataError, WeightsError, ValueError) as error:
            raise CommandError(str(error)) from error
        write_json(run / "parity.json", compared)
        self.stdout.write(
            f"{directory} written. Against Keras in float32 on {compared['pictures']} pictures: "
            f"same class {compared['same_label']:.1%}, probabilities differ by "
            f"{compared['mean_probability_difference']:.5f} on average and "
            f"{compared['largest_probability_difference']:.4f} at most.\n"
            f"Next: python manage.py evaluate_model --run-dir {run}"
        )

"""manage.py calibrate_model"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ml.config import ConfigError, load_config
from ml.data import DataError, data_folder, read_unlabelled
from ml.management.options import add_options, chosen_options
from ml.weights import WeightsError, find_weights


class Command(BaseCommand):
    help = (
        "Fit again what is fitted to the network of a fine-tuned run: attribute heads, temperature, "
        "softening, in-distribution statistics and abstention thresholds. The network stays as it "
        "is, so this takes minutes. fine_tune_model does it at its end; do it again after changing "
        "--abstain-share, --components and their like."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data", metavar="FOLDER", help="default: $TELEHEME_DATA")
        parser.add_argument("--weights", metavar="FILE", help="as given to train_model")
        parser.add_argument("--weights-sha256", metavar="HEX", help="as given to train_model")
        parser.add_argument("--run-dir", type=Path, required=True, metavar="FOLDER")
        parser.add_argument(
            "--unlabelled", metavar="SET[:SOURCE]", help="as given to fine_tune_model"
        )
        add_options(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        from ml.fine_tune import PSEUDO, finish
        from ml.runs import BACKBONE, change_options, load_head

        run: Path = options["run_dir"]
        if not (run / BACKBONE).is_file():
            raise CommandError(f"{run} holds no fine-tuned network; run fine_tune_model first.")
        if (run / PSEUDO).is_file() != bool(options["unlabelled"]):
            raise CommandError("Give --unlabelled as it was given to fine_tune_model.")
        try:
            config = replace(load_config(run / "config.json"), **chosen_options(options))
            data = data_folder(options["data"])
            weights = find_weights(options["weights"], sha256=options["weights_sha256"])
            others = read_unlabelled(data, options["unlabelled"]) if options["unlabelled"] else []
            calibration = finish(
                config, data, weights, run, load_head(run), cache=run.parent / ".features",
                unlabelled=others,
            )  # fmt: skip
        except (ConfigError, DataError, WeightsError) as error:
            raise CommandError(str(error)) from error
        change_options(run, config)
        limits = calibration.thresholds
        self.stdout.write(
            f"Temperature {calibration.temperature:.3f}, softening {calibration.softening:.3f}; "
            f"abstains below confidence {limits.confidence:.4f} and in-distribution score "
            f"{limits.in_distribution:.4f}.\n"
            f"Next: python manage.py export_model --run-dir {run} --id NAME"
        )

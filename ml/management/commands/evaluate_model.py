"""manage.py evaluate_model"""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from classifier.inference.errors import ModelError
from ml.data import DataError, data_folder


class Command(BaseCommand):
    help = (
        "Measure the exported model of a run on pictures it has never seen, through the code that "
        "serves it: accuracy, macro-F1, precision and recall by class, calibration, another "
        "laboratory's pictures, and what it refuses to answer. Writes metrics.json, report.md and "
        "figures/ into the run, and metrics and model card into RUN/model."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--run-dir", type=Path, default=Path("runs/train"), metavar="FOLDER")
        parser.add_argument("--data", metavar="FOLDER", help="default: $TELEHEME_DATA")
        parser.add_argument("--limit", type=int, default=0, help="pictures a class, for a trial")

    def handle(self, *_args: Any, **options: Any) -> None:
        from ml.evaluate import evaluate
        from ml.report import publish

        run: Path = options["run_dir"]
        try:
            found = evaluate(
                run / "model", data_folder(options["data"]), run, limit=options["limit"]
            )
        except (DataError, ModelError) as error:
            raise CommandError(str(error)) from error
        publish(run, found)
        test = found["sets"]["pbc/test"]
        low, high = test["accuracy_interval"]
        self.stdout.write(
            f"pbc/test: accuracy {test['accuracy']:.4f} (95 % {low:.4f}-{high:.4f}), macro-F1 "
            f"{test['macro_f1']:.4f}, calibration error {test['calibration_error']:.4f}, "
            f"{test['abstained']:.1%} abstained.\n"
            f"Read {run / 'report.md'}. Next: copy {run / 'model'} to classifier/shipped/ID or "
            "register it in the product."
        )

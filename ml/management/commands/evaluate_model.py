"""manage.py evaluate_model"""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from classifier.inference.errors import ModelError
from classifier.inference.manifest import read_manifest
from ml.data import DataError, data_folder


class Command(BaseCommand):
    help = (
        "Measure an exported model on pictures it has never seen, through the code that serves it: "
        "accuracy, macro-F1, precision and recall by class, calibration, another laboratory's "
        "pictures, what it refuses to answer, and how sure each figure is (95 % intervals). Writes "
        "metrics.json, report.md, report.html (one page, figures included) and figures/ into the "
        "run, and metrics, figures and model card into RUN/model. With --model as well, another "
        "model of the run (RUN/model-int8, say) is measured, and its report goes to "
        "RUN/evaluations/NAME. --model alone measures a model directory that has no run and leaves "
        "it as it is, unless --publish is given."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--run-dir", type=Path, metavar="FOLDER", help="default without --model: runs/train"
        )
        parser.add_argument(
            "--model", type=Path, metavar="DIR", help="a model directory (default: RUN/model)"
        )
        parser.add_argument(
            "--to", type=Path, metavar="FOLDER",
            help="with --model alone: for the report (default: runs/evaluations/ID)",
        )  # fmt: skip
        parser.add_argument(
            "--publish", action="store_true",
            help="with --model alone: put metrics, figures and card into it too",
        )  # fmt: skip
        parser.add_argument("--data", metavar="FOLDER", help="default: $TELEHEME_DATA")
        parser.add_argument("--limit", type=int, default=0, help="pictures a class, for a trial")

    def handle(self, *_args: Any, **options: Any) -> None:
        from ml.evaluate import evaluate, published_sets
        from ml.report import publish
        from ml.report_page import write_reports

        try:
            directory, out, published = self._places(options)
            if published and not (directory / "config.json").is_file():
                raise ModelError(f"{directory} has no config.json, of which its card is made.")
            data = data_folder(options["data"])
            found = evaluate(directory, out, published_sets(data, limit=options["limit"]))
        except (DataError, ModelError) as error:
            raise CommandError(str(error)) from error
        write_reports(directory, out, found)
        if published:
            publish(directory, out, found)
        test = found["sets"]["pbc/test"]
        low, high = test["accuracy_interval"]
        after = (
            f"copy {directory} to classifier/shipped/ID or register it in the product."
            if published
            else "give --publish to put these figures into the model directory."
        )
        self.stdout.write(
            f"pbc/test: accuracy {test['accuracy']:.4f} (95 % {low:.4f}-{high:.4f}), macro-F1 "
            f"{test['macro_f1']:.4f}, calibration error {test['calibration_error']:.4f}, "
            f"{test['abstained']:.1%} abstained.\n"
            f"Read {out / 'report.md'} or open {out / 'report.html'}. Next: {after}"
        )

    def _places(self, options: dict[str, Any]) -> tuple[Path, Path, bool]:
        """The model directory, where the report goes, and whether the directory gets it too."""
        run, model, out = options["run_dir"], options["model"], options["to"]
        if model is None or run is not None:
            if out or options["publish"]:
                raise CommandError(
                    "--to and --publish go with --model alone; a run has its places."
                )
            run = run or Path("runs/train")
            own = run / "model"
            if model is None or model.resolve() == own.resolve():
                return own, run, True
            return model, run / "evaluations" / model.name, True
        out = out or Path("runs/evaluations") / read_manifest(model).id
        if out.resolve() == model.resolve():
            raise CommandError("--to must be another folder than the model's.")
        return model, out, options["publish"]

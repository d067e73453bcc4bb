"""manage.py compare_sizes"""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ml.config import ConfigError
from ml.data import DataError, data_folder
from ml.weights import WeightsError, find_weights


class Command(BaseCommand):
    help = (
        "Show what a run's network gives for its time: accuracy on pbc/val, pbc/test and BCCD, and "
        "images a second of the engine alone, by input size, precision and number of views that "
        "are averaged. Nothing is trained. Writes front.json, front.md and figures/front.png into "
        "the run. Choose by pbc/val; run it on a machine that does nothing else."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--run-dir", type=Path, required=True, metavar="FOLDER")
        parser.add_argument(
            "--sizes", type=int, nargs="+", default=[128, 160, 192, 224, 256], metavar="PIXELS"
        )
        parser.add_argument(
            "--precisions", nargs="+", choices=("f32", "bf16"), default=["f32"], metavar="f32|bf16",
            help="bf16 only where the processor has it (default: f32)",
        )  # fmt: skip
        parser.add_argument("--data", metavar="FOLDER", help="default: $TELEHEME_DATA")
        parser.add_argument("--weights", metavar="FILE", help="as given to train_model")
        parser.add_argument("--weights-sha256", metavar="HEX", help="as given to train_model")
        parser.add_argument("--limit", type=int, default=0, help="pictures a class, for a trial")

    def handle(self, *_args: Any, **options: Any) -> None:
        from ml import figures, front
        from ml.runs import write_json

        run: Path = options["run_dir"]
        if not (run / "head.npz").is_file():
            raise CommandError(f"{run} holds no trained head; run train_model first.")
        if not all(75 <= size <= 512 for size in options["sizes"]):
            raise CommandError("InceptionV3 takes pictures of 75 to 512 pixels here.")
        try:
            points = front.measure(
                run,
                data_folder(options["data"]),
                find_weights(options["weights"], sha256=options["weights_sha256"]),
                sizes=options["sizes"],
                precisions=options["precisions"],
                cache=run.parent / ".features",
                limit=options["limit"],
            )
        except (ConfigError, DataError, WeightsError) as error:
            raise CommandError(str(error)) from error
        (run / "figures").mkdir(exist_ok=True)
        write_json(run / "front.json", front.as_json(points))
        (run / "front.md").write_text(front.table(points))
        figures.front(points, run / "figures" / "front.png")
        self.stdout.write(front.table(points))
        self.stdout.write(
            f"Next: look at {run / 'figures' / 'front.png'}; --input-size of train_model and "
            "fine_tune_model trains for another size."
        )

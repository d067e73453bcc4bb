"""manage.py export_model"""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from classifier.inference.discovery import DEFAULT_MODEL
from classifier.inference.errors import ModelError
from classifier.inference.manifest import FILE_NAME, PRECISIONS, read_manifest
from ml.data import DataError, Sample, data_folder, read_set
from ml.weights import WeightsError, find_weights

PARITY_PICTURES = 60


class Command(BaseCommand):
    help = (
        "Make the served model of a training run: one OpenVINO graph (uint8 picture in; calibrated "
        "probabilities, class-activation maps and features out) with its manifest, in RUN/model. "
        "Afterwards, with --precision, the same model in another arithmetic, in RUN/model-int8 for "
        "example: f32 and bf16 share the graph; for int8 the convolutions are quantised (NNCF), "
        "calibrated on 300 training cells, and taken back to float one by one where pbc/val falls "
        "by more than --max-drop. Each is an artefact of its own, to be evaluated by itself. "
        "Compares what it made with the Keras model in float32 on validation pictures. "
        "--model DIR --to FOLDER does the same for a model directory that has no run."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        source = parser.add_mutually_exclusive_group()
        source.add_argument("--run-dir", type=Path, default=Path("runs/train"), metavar="FOLDER")
        source.add_argument(
            "--model", type=Path, metavar="DIR", help="a model directory instead of a run"
        )
        parser.add_argument("--to", type=Path, metavar="FOLDER", help="with --model: what to write")
        parser.add_argument(
            "--precision", choices=PRECISIONS,
            help="default: the run's own; another one needs RUN/model first",
        )  # fmt: skip
        parser.add_argument(
            "--max-drop", type=float, default=0.002, metavar="SHARE",
            help="int8: how far the mean probability of the true class may fall on pbc/val "
            "(default: %(default)s)",
        )  # fmt: skip
        parser.add_argument(
            "--id", help=f"default: {DEFAULT_MODEL}, or the model's own with its precision added"
        )
        parser.add_argument("--data", metavar="FOLDER", help="default: $TELEHEME_DATA")
        parser.add_argument("--weights", metavar="FILE", help="as given to train_model")
        parser.add_argument("--weights-sha256", metavar="HEX", help="as given to train_model")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            of = self._of_directory if options["model"] else self._of_run
            directory, compared, next_step = of(options)
        except (DataError, ModelError, WeightsError, ValueError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{directory} written. Against {compared['reference']} on {compared['pictures']} "
            f"pictures: same class {compared['same_label']:.1%}, probabilities differ by "
            f"{compared['mean_probability_difference']:.5f} on average and "
            f"{compared['largest_probability_difference']:.4f} at most.\n"
            f"Next: python manage.py evaluate_model {next_step}"
        )

    def _of_run(self, options: dict[str, Any]) -> tuple[Path, dict[str, Any], str]:
        from ml.config import load_config
        from ml.export import export
        from ml.parity import compare, keras_reference

        run: Path = options["run_dir"]
        if options["to"]:
            raise CommandError("--to goes with --model; a run's models are written into the run.")
        if not (run / "head.npz").is_file():
            raise CommandError(f"{run} holds no trained head; run train_model first.")
        data = data_folder(options["data"])
        weights = find_weights(options["weights"], sha256=options["weights_sha256"])
        own, precision = load_config(run / "config.json").precision, options["precision"]
        directory, next_step = run / "model", f"--run-dir {run}"
        if precision in (None, own):
            export(run, directory, weights, model_id=options["id"] or DEFAULT_MODEL)
        elif (directory / FILE_NAME).is_file():
            source, directory = directory, run / f"model-{precision}"
            next_step += f" --model {directory}"
            self._variant(source, directory, data, options)
        else:
            raise CommandError(
                f"{directory} is what {precision} is made from, and it is not there yet: give the "
                "same command without --precision first."
            )
        reference = keras_reference(run, weights)
        return directory, compare(directory, few(data), reference, "Keras in float32"), next_step

    def _of_directory(self, options: dict[str, Any]) -> tuple[Path, dict[str, Any], str]:
        from ml.parity import compare, graph_reference

        source, target = options["model"], options["to"]
        if not target or not options["precision"]:
            raise CommandError("--model needs --precision and --to FOLDER.")
        data = data_folder(options["data"])
        self._variant(source, target, data, options)
        compared = compare(
            target, few(data), graph_reference(source), "the graph it was made from in float32"
        )
        return target, compared, f"--model {target} --publish"

    def _variant(self, source: Path, target: Path, data: Path, options: dict[str, Any]) -> None:
        from ml.variants import make_variant

        precision = options["precision"]
        done = make_variant(
            source,
            target,
            precision=precision,
            model_id=options["id"] or f"{read_manifest(source).id}-{precision}",
            data=data,
            max_drop=options["max_drop"],
        )
        if done:
            truth, right = done["probability_of_truth"], done["accuracy"]
            self.stdout.write(
                f"{done['in_integers']} of {done['convolutions']} convolutions are in integers. "
                f"pbc/val: accuracy {right['float']:.4f} in float, {right['int8']:.4f} in int8; "
                f"probability of the true class {truth['float']:.4f} and {truth['int8']:.4f}."
            )


def few(data: Path) -> list[Sample]:
    """Some validation pictures, evenly taken."""
    val = read_set(data, "pbc", "val")
    return val[:: max(1, len(val) // PARITY_PICTURES)]

"""manage.py fine_tune_model"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from classifier.inference.errors import ModelError
from ml.config import ConfigError, load_config
from ml.data import DataError, data_folder, read_unlabelled
from ml.management.options import add_options, chosen_options
from ml.weights import WeightsError, find_weights


class Command(BaseCommand):
    help = (
        "Fine-tune the network of a run: the convolutions behind --frozen-through learn too, with "
        "a very low learning rate, over random views that never repeat, and a moving average of "
        "the weights is kept. BatchNorm stays ImageNet's. The attributes of WBCAtt are learnt "
        "beside the classes; cells of other kinds (pbc_other/val) teach it to be unsure. With "
        "--unlabelled, cells of other laboratories teach as well: the network itself says what "
        "they are, evenly over the classes, and only its surest answers count. It starts from a "
        "run of train_model or fine_tune_model, or from a model directory as it is shipped. An "
        "interrupted run goes on with its last whole epoch when the same command is given again. "
        "Options not given are those of the run fine-tuned from."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data", metavar="FOLDER", help="default: $TELEHEME_DATA")
        parser.add_argument("--weights", metavar="FILE", help="as given to train_model")
        parser.add_argument("--weights-sha256", metavar="HEX", help="as given to train_model")
        parser.add_argument(
            "--from", dest="source", type=Path, default=Path("runs/train"), metavar="FOLDER",
            help="the run, or model directory, to start from (default: %(default)s)",
        )  # fmt: skip
        parser.add_argument(
            "--run-dir", type=Path, default=Path("runs/fine-tuned"), metavar="FOLDER"
        )
        parser.add_argument(
            "--unlabelled", metavar="SET[:SOURCE]",
            help="cells without labels, for example txl_pbc:raabin; its test split is left out",
        )  # fmt: skip
        add_options(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        from ml.fine_tune import fine_tune
        from ml.restore import is_model

        source, run = options["source"], options["run_dir"]
        if not (source / "head.npz").is_file() and not is_model(source):
            raise CommandError(f"{source} holds no trained head; run train_model first.")
        if source.resolve() == run.resolve():
            raise CommandError(
                "--run-dir must be another folder than --from, which stays as it is."
            )
        try:
            config = replace(load_config(source / "config.json"), **chosen_options(options))
            data = data_folder(options["data"])
            weights = find_weights(options["weights"], sha256=options["weights_sha256"])
            others = read_unlabelled(data, options["unlabelled"]) if options["unlabelled"] else []
            head, calibration = fine_tune(
                config, data, weights, source, run, cache=run.parent / ".features",
                unlabelled=others,
            )  # fmt: skip
        except (ConfigError, DataError, ModelError, WeightsError) as error:
            raise CommandError(str(error)) from error
        last = head.history[-1]
        self.stdout.write(
            f"Epoch {last['epoch']}: validation loss {last['val_loss']:.4f}, accuracy "
            f"{last['val_accuracy']:.4f}; temperature {calibration.temperature:.3f}.\n"
            f"Next: python manage.py export_model --run-dir {run} --id NAME"
        )

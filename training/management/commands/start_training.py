"""manage.py start_training"""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from classifier.registry import version_named
from datasets.models import DataSet
from patients.errors import DomainError
from training.choices import Kind
from training.forms import StartForm
from training.models import TrainingJob
from training.options import BY_NAME, INPUT_SIZES, NETWORKS
from training.services import training_start


class Command(BaseCommand):
    help = (
        "Queue a training run, as the page does: it makes a model from data sets of this "
        "installation and registers it as a candidate. A training worker does the work."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("model_id", help="name of the model that it makes")
        parser.add_argument("--kind", choices=Kind.values, default=Kind.TRANSFER.value)
        parser.add_argument("--data-set", action="append", default=[], metavar="SLUG")
        parser.add_argument(
            "--start", metavar="MODEL", help="a version, or an alias, to go on from"
        )
        parser.add_argument("--network", choices=list(NETWORKS), default="full")
        parser.add_argument("--input-size", type=int, choices=INPUT_SIZES, default=192)
        for option in BY_NAME.values():
            parser.add_argument(
                f"--{option.name.replace('_', '-')}",
                type=type(option.default),
                default=option.default,
                help=f"{option.label}; default: {option.default}",
            )

    def handle(self, *_args: Any, **given: Any) -> None:
        start = version_named(given["start"]) if given["start"] else None
        if given["start"] and start is None:
            raise CommandError(f"There is no model {given['start']}.")
        values = {name: given[name] for name in ("model_id", "kind", "network", "input_size")}
        form = StartForm(
            {
                **values,
                **{name: given[name] for name in BY_NAME},
                "data_sets": given["data_set"],
                "start": start.model_id if start else "",
            }
        )
        if not form.is_valid():
            raise CommandError(_sentence(form))
        try:
            job = training_start(
                actor=None,
                kind=given["kind"],
                data_sets=list(DataSet.objects.filter(slug__in=given["data_set"])),
                options=form.options(),
                start=start,
                model_id=given["model_id"],
            )
        except DomainError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(_queued(job))


def _sentence(form: StartForm) -> str:
    errors = json.loads(form.errors.as_json())
    name, found = next(iter(errors.items()))
    return f"{name.replace('_', ' ').capitalize()}: {found[0]['message']}"


def _queued(job: TrainingJob) -> str:
    return (
        f"{job.model_id} waits for a training worker. Watch it at /training/{job.public_id}/ or stop "
        "it there."
    )

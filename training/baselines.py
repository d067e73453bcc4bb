"""What the model that read at the time said of a run's test cells: kept, and looked up by the gate."""

import logging
from collections.abc import Mapping

from classifier.inference.errors import ModelError
from classifier.inference.locked import Locked, parse_locked
from classifier.models import ModelVersion
from training.models import Baseline, TrainingJob

log = logging.getLogger(__name__)


def baseline_keep(*, job: TrainingJob, version: ModelVersion, sha256: str, answers: str) -> None:
    """`answers` as predictions.csv holds them. ModelError where they are not of that form."""
    parse_locked(answers, "baseline.csv")
    Baseline.objects.update_or_create(
        job=job, version=version, defaults={"manifest_sha256": sha256, "answers": answers}
    )


def said_by(version: ModelVersion) -> Mapping[str, Locked]:
    """Of every set that a run measured this version on; of the same set the newest."""
    found: dict[str, Locked] = {}
    rows = Baseline.objects.filter(version=version, manifest_sha256=version.manifest_sha256)
    for answers in rows.order_by("pk").values_list("answers", flat=True):
        try:
            found |= parse_locked(answers, "baseline.csv")
        except ModelError:
            log.warning("a baseline of %s cannot be read", version, exc_info=True)
    return found

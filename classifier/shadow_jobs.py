"""The jobs of shadows: made when the job that counts is done, sent last, and ended with the shadow.

A dead or slow shadow costs the cases nothing but the batch in hand: after one that broke off, the
version rests for a minute before anything of it is tried again.
"""

import logging
from collections.abc import Sequence

from django.core.cache import cache
from django.db import Error, transaction

from classifier.choices import SHADOW_QUEUE, ModelState, PredictionState
from classifier.models import ModelVersion, Prediction
from classifier.queueing import cancel_open

log = logging.getLogger(__name__)

REST_SECONDS = 60
ENDED = "The version reads along no more."


def follow(rows: Sequence[Prediction]) -> list[int]:
    """A job beside each of these fresh results for each shadow; ids, to be sent after commit.

    Inside the transaction that writes the results. Should the database refuse, the results stand.
    """
    shadows = ModelVersion.objects.filter(state=ModelState.SHADOW).only("pk") if rows else ()
    made: list[int] = []
    for version in shadows:
        try:
            with transaction.atomic():
                Prediction.jobs.bulk_create(
                    [
                        Prediction(
                            cell_id=row.cell_id,
                            model_version=version,
                            image_sha256=row.image_sha256,
                            queue=SHADOW_QUEUE,
                            beside=row,
                        )
                        for row in rows
                        if row.model_version_id != version.pk
                    ],
                    ignore_conflicts=True,
                )
        except Error:
            log.exception("no jobs were made for a shadow")
            continue
        made += Prediction.jobs.filter(
            beside__in=rows, model_version=version, state=PredictionState.QUEUED
        ).values_list("pk", flat=True)
    return made


def end_jobs(version: ModelVersion) -> int:
    """Nothing that it has still to read along goes on; what it has read stays."""
    return cancel_open(Prediction.jobs.of_shadows().filter(model_version=version), reason=ENDED)


def end_strays() -> int:
    """Jobs that were made while their shadow was being ended."""
    strays = Prediction.jobs.of_shadows().open().exclude(model_version__state=ModelState.SHADOW)
    return cancel_open(strays, reason=ENDED) if strays.exists() else 0


def rest(version: ModelVersion, *, why: str) -> None:
    """Leave a shadow alone for a minute, because reading with it broke off."""
    log.error("shadow %s rests for %d s: %s", version.model_id, REST_SECONDS, why)
    cache.set(_key(version.pk), why[:300], REST_SECONDS)


def rests(version: ModelVersion) -> str:
    """Why this shadow is left alone now; empty when it is not."""
    return str(cache.get(_key(version.pk)) or "")


def at_rest() -> list[int]:
    """Primary keys of the shadows that are left alone now."""
    shadows = ModelVersion.objects.filter(state=ModelState.SHADOW).values_list("pk", flat=True)
    keys = {_key(pk): pk for pk in shadows}
    return [keys[key] for key in cache.get_many(keys)]


def _key(pk: int) -> str:
    return f"shadow.rests.{pk}"

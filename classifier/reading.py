"""Reading one batch: claim, open, infer, finish. What a task does, and nothing of Celery."""

import logging
import time
from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

import numpy as np
from billiard.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import Error, connection

from classifier.attempts import TOO_SLOW
from classifier.claiming import Claim, claim, lease_kept, versions_waiting
from classifier.finishing import Answer, Written, finish, sentence
from classifier.inference.errors import ModelError
from classifier.inference.preprocess import decode
from classifier.loading import model_for
from classifier.models import ModelVersion
from classifier.shadow_jobs import rest, rests
from patients.storage import read_verified
from telemed.database import went_away

log = logging.getLogger(__name__)

DECODERS = 2  # threads that open pictures while the engine works


def read_batch(*, prediction_ids: Sequence[int], token: UUID) -> int:
    """Read those of the rows that still wait; returns how many results were written.

    Safe to run twice and at the same time. ``token`` marks the rows as this run's. A model that
    cannot be loaded costs no attempt: its rows keep waiting, and the sweep brings them back.
    """
    done = 0
    for version in versions_waiting(prediction_ids):
        try:
            model = model_for(version)
        except ModelError as error:
            log.critical("rows of model %s wait: %s", version.model_id, error)
            continue
        done += _read(prediction_ids, version, model, token)[0]
    return done


def read_shadow_batch(*, prediction_ids: Sequence[int], token: UUID) -> int:
    """The same for jobs of shadows. One that cannot be loaded or takes too long rests a while."""
    done = 0
    for version in versions_waiting(prediction_ids):
        if rests(version):
            continue
        try:
            model = model_for(version, shadow=True)
        except Exception as error:  # whatever it is, cases must not wait for it again and again
            rest(version, why=str(error) if isinstance(error, ModelError) else sentence(error))
            continue
        read, too_slow = _read(prediction_ids, version, model, token)
        if too_slow:
            rest(version, why=TOO_SLOW)
        done += read
    return done


def _read(
    prediction_ids: Sequence[int], version: ModelVersion, model: Any, token: UUID
) -> tuple[int, bool]:
    """How many results were written, and whether the time ran out."""
    claims = claim(
        prediction_ids=prediction_ids,
        version=version,
        token=token,
        lease_seconds=settings.LEASE_SECONDS,
    )
    if not claims:
        return 0, False
    begin = time.perf_counter()
    with lease_kept(token):
        answers = _answers(claims, model)
        written = _finish(answers)
    log.info(
        "batch of %d: %d read, %d failed, %d fenced in %.0f ms",
        len(claims), written.done, written.failed, written.fenced,
        (time.perf_counter() - begin) * 1e3,
    )  # fmt: skip
    too_slow = any(isinstance(each.exception, SoftTimeLimitExceeded) for each in answers)
    return written.done, too_slow


def _finish(answers: Sequence[Answer]) -> Written:
    """``finish``, also when the database went away meanwhile: for one lease's time it is tried again.

    Nothing is written twice: rows that the first try did finish are no longer ours.
    """
    deadline = time.monotonic() + settings.LEASE_SECONDS
    while True:
        try:
            return finish(answers=answers)
        except Error as error:
            if not went_away(error) or time.monotonic() > deadline:
                raise
            log.warning("results not written yet (%s), trying again", type(error).__name__)
            connection.close()
            time.sleep(0.5)


def _answers(claims: Sequence[Claim], model: Any) -> list[Answer]:
    """One answer a claim. What the engine or the clock breaks off leaves the rest unanswered."""
    answers: list[Answer] = []
    cause: BaseException | None = None
    try:
        jobs = ((each, partial(open_picture, each)) for each in claims)
        for item in model.pipeline(jobs, decoders=DECODERS):
            if isinstance(item.exception, SoftTimeLimitExceeded):
                raise item.exception
            answers.append(Answer(item.key, item.result, item.exception))
    except Exception as error:  # the engine's, or out of time or memory
        log.exception("batch broken off after %d of %d", len(answers), len(claims))
        cause = error
    rest = claims[len(answers) :]
    return [*answers, *(Answer(each, exception=cause) for each in rest)]


def open_picture(claimed: Claim) -> bytes | np.ndarray:
    """The picture's verified bytes, or the pixels of the cell's box where it is only a part."""
    data = read_verified(claimed.picture_key, sha256=claimed.image_sha256)
    if claimed.box is None:
        return data
    x, y, width, height = claimed.box
    return np.ascontiguousarray(decode(data)[y : y + height, x : x + width])

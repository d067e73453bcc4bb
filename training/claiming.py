"""Owning a run: one worker at a time, while the database's clock says so."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Coalesce

import audit.services as audit
from audit.models import Outcome
from classifier.clock import database_now
from classifier.models import ModelVersion
from training.choices import JobState
from training.models import TrainingJob

MOST_ATTEMPTS = 5
KILLED = (
    "The training process was killed {count} times. Its worker may have too little memory; smaller "
    "batches or a smaller input take less. Resume it to try again."
)


@dataclass(frozen=True)
class Claim:
    job: TrainingJob
    token: UUID


def claim_next() -> Claim | None:
    """The oldest run that waits, now ours; None where there is none or another one runs."""
    token = uuid4()
    try:
        with transaction.atomic():
            if TrainingJob.objects.filter(state=JobState.RUNNING).exists():
                return None
            waiting = TrainingJob.objects.filter(state=JobState.QUEUED).order_by("asked_at", "pk")
            first = waiting.values_list("pk", flat=True).first()
            if first is None:
                return None
            TrainingJob.objects.filter(pk=first, state=JobState.QUEUED).update(
                state=JobState.RUNNING,
                attempt=F("attempt") + 1,
                lease_token=token,
                lease_expires_at=database_now(plus_seconds=settings.TRAINING_LEASE_SECONDS),
                started_at=Coalesce("started_at", database_now()),
            )
    except IntegrityError:  # somebody else was faster
        return None
    job = TrainingJob.objects.filter(lease_token=token).select_related("start", "asked_by").first()
    return Claim(job, token) if job else None


def seen(claim: Claim, **facts: Any) -> bool | None:
    """Renew the lease and write down what was seen; whether a stop was asked for. None: the run is
    not ours any more."""
    ours = TrainingJob.objects.filter(lease_token=claim.token, state=JobState.RUNNING)
    renewed = ours.update(
        lease_expires_at=database_now(plus_seconds=settings.TRAINING_LEASE_SECONDS), **facts
    )
    return ours.values_list("stop_asked", flat=True).first() if renewed else None


def give_back(claim: Claim) -> None:
    """Ours no more, to be taken up again: nothing is wrong with it."""
    _end(claim.token, JobState.QUEUED, attempt=F("attempt") - 1)


def died(claim: Claim) -> None:
    """The process was killed: once more, or given up."""
    with transaction.atomic():
        attempt = TrainingJob.objects.filter(lease_token=claim.token).values_list(
            "attempt", flat=True
        )
        count = attempt.first() or 0
        if count < MOST_ATTEMPTS:
            _end(claim.token, JobState.QUEUED)
        else:
            failed(claim, KILLED.format(count=count))


@transaction.atomic
def stopped(claim: Claim) -> None:
    if _end(claim.token, JobState.STOPPED, finished_at=database_now()):
        _record("stopped", claim.job)


@transaction.atomic
def failed(claim: Claim, why: str) -> None:
    if _end(claim.token, JobState.FAILED, finished_at=database_now(), error=why[:500]):
        _record("failed", claim.job, Outcome.FAILED)


@transaction.atomic
def done(claim: Claim, version: ModelVersion) -> None:
    if _end(claim.token, JobState.DONE, finished_at=database_now(), version=version, progress={}):
        _record("done", claim.job, manifest_sha256=version.manifest_sha256)


def _end(token: UUID, state: JobState, **facts: Any) -> int:
    return TrainingJob.objects.filter(lease_token=token, state=JobState.RUNNING).update(
        state=state, lease_token=None, lease_expires_at=None, stop_asked=False, **facts
    )


@transaction.atomic
def free_expired() -> None:
    """Runs whose worker is gone: queued again, or stopped where that was asked for."""
    expired = TrainingJob.objects.select_for_update().filter(
        state=JobState.RUNNING, lease_expires_at__lt=database_now()
    )
    for job in expired:
        assert job.lease_token  # noqa: S101  a constraint says so
        claim = Claim(job, job.lease_token)
        if job.stop_asked:
            stopped(claim)
        else:
            died(claim)


def _record(name: str, job: TrainingJob, outcome: str = Outcome.DONE, **facts: Any) -> None:
    audit.record(
        action=f"training.{name}",
        obj=job,
        outcome=outcome,
        kind=job.kind,
        model=job.model_id,
        **facts,
    )

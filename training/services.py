"""What people do with training runs: start, stop, let go on."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

import audit.services as audit
from classifier.inference.errors import ModelError
from classifier.models import ModelVersion
from classifier.registry import model_directory
from datasets.models import DataSet
from training import bell
from training.choices import ENDED_STATES, JobState
from training.errors import TrainingRefused
from training.models import TrainingJob
from training.same import fingerprint, require_enough, require_new


def training_start(
    *,
    actor: Any,
    kind: str,
    data_sets: Sequence[DataSet],
    options: Mapping[str, Any],
    model_id: str,
    start: ModelVersion | None = None,
) -> TrainingJob:
    """Queue a run. TrainingRefused where its data are not enough, nothing changed since a run like
    it, or the name is taken."""
    require_enough(data_sets)
    mark = fingerprint(kind=kind, data_sets=data_sets, options=options, start=start)
    if start is not None:
        _require_files(start)
    try:
        with transaction.atomic():
            require_new(mark)
            if ModelVersion.objects.filter(model_id__iexact=model_id).exists():
                raise TrainingRefused(f"There is a model {model_id} already.", code="name")
            job = TrainingJob.objects.create(
                kind=kind,
                options=dict(options),
                start=start,
                model_id=model_id,
                fingerprint=mark,
                asked_by=actor,
            )
            job.data_sets.set(data_sets)
            _record("asked", job, actor, data_sets=sorted(each.slug for each in data_sets))
            transaction.on_commit(lambda: bell.ring_for(job), robust=True)
    except IntegrityError as error:
        raise TrainingRefused(
            f"Another run makes a model called {model_id}; choose another name.", code="name"
        ) from error
    return job


@transaction.atomic
def training_stop(*, actor: Any, job: TrainingJob) -> TrainingJob:
    """Ask a run to stop; one that only waits is stopped at once. Quiet where it was asked before."""
    row = _locked(job)
    if row.state == JobState.QUEUED:
        row.state, row.finished_at = JobState.STOPPED, timezone.now()
        row.save(update_fields=["state", "finished_at"])
    elif row.state != JobState.RUNNING:
        raise TrainingRefused(f"This run is not running: {row.shown_state.lower()}.", code="state")
    elif row.stop_asked:
        return row
    else:
        row.stop_asked = True
        row.save(update_fields=["stop_asked"])
    _record("stop_asked", row, actor)
    return row


@transaction.atomic
def training_resume(*, actor: Any, job: TrainingJob) -> TrainingJob:
    """Let a stopped or failed run go on with the last epoch that it finished."""
    row = _locked(job)
    if row.state not in ENDED_STATES:
        raise TrainingRefused(f"This run cannot go on: {row.shown_state.lower()}.", code="state")
    require_enough(list(row.data_sets.all()))
    require_new(row.fingerprint)
    row.state, row.error, row.attempt = JobState.QUEUED, "", 0
    row.finished_at = row.published_at = None
    row.save(update_fields=["state", "error", "attempt", "finished_at", "published_at"])
    _record("resumed", row, actor)
    transaction.on_commit(lambda: bell.ring_for(row), robust=True)
    return row


def _require_files(start: ModelVersion) -> None:
    try:
        model_directory(start)
    except ModelError as error:
        raise TrainingRefused(f"{error} Nothing was started.", code="files") from error


def _locked(job: TrainingJob) -> TrainingJob:
    return TrainingJob.objects.select_for_update().get(pk=job.pk)


def _record(name: str, job: TrainingJob, actor: Any, **facts: Any) -> None:
    audit.record(
        action=f"training.{name}", actor=actor, obj=job, kind=job.kind, model=job.model_id, **facts
    )

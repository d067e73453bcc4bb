"""How the reading is doing: facts for the operations page and for machines. No patient in them."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, Exists, Max, Min, OuterRef
from django.utils import timezone

from audit.models import AuditEvent
from classifier import heartbeat
from classifier.choices import QUEUES, ModelState, PredictionState
from classifier.clock import seconds_ahead, wrong_clock
from classifier.dispatch import messages_waiting
from classifier.models import Cell, ModelVersion, Prediction
from patients.choices import CaseStatus, Priority

SILENT_AFTER = timedelta(minutes=2)  # a worker sweeps every 15 s
OLD_AFTER = timedelta(minutes=5)  # the same as the invariant "stuck"
LATEST = 20


@dataclass(frozen=True)
class Facts:
    counts: dict[str, int]  # rows by state, every state
    waiting: dict[str, int]  # QUEUED rows by queue; shadows' are not counted here, nor above
    messages: dict[str, int] | None  # by queue; None = the broker does not answer
    oldest_queued: timedelta | None
    last_finished: datetime | None
    finished_last_hour: int
    active_model: ModelVersion | None
    without_job: int  # cells of open cases that wait for a model
    workers: list[heartbeat.Seen]
    ahead: float  # seconds that this web server's clock is ahead of the database's
    quarantined: list[Prediction]  # the latest
    shadows: list[ModelVersion]
    shadow_waiting: int  # their QUEUED rows
    checked: AuditEvent | None  # the last nightly check
    warnings: list[str] = field(default_factory=list)


def facts() -> Facts:
    """Everything at once, by a handful of queries on open work and indexes."""
    rows = Prediction.objects.all()
    counts = dict.fromkeys(PredictionState.values, 0)
    counts |= dict(rows.order_by().values_list("state").annotate(number=Count("pk")))
    queued = rows.filter(state=PredictionState.QUEUED)
    waiting = dict.fromkeys(Priority.values, 0)
    waiting |= dict(queued.order_by().values_list("queue").annotate(number=Count("pk")))
    oldest = queued.aggregate(at=Min("created_at"))["at"]
    ahead = seconds_ahead()
    now = timezone.now() - timedelta(seconds=ahead)
    found = Facts(
        counts=counts,
        waiting=waiting,
        messages=messages_waiting(QUEUES),
        oldest_queued=max(now - oldest, timedelta()) if oldest else None,
        last_finished=rows.aggregate(at=Max("finished_at"))["at"],
        finished_last_hour=rows.filter(finished_at__gt=now - timedelta(hours=1)).count(),
        active_model=ModelVersion.objects.filter(state=ModelState.ACTIVE).first(),
        without_job=Cell.objects.filter(
            ~Exists(Prediction.objects.filter(cell=OuterRef("pk"))),
            image__removed_at=None,
            image__case__status=CaseStatus.CLASSIFYING,
        ).count(),
        workers=heartbeat.seen(),
        ahead=ahead,
        quarantined=list(
            rows.filter(state=PredictionState.QUARANTINED)
            .select_related("model_version")
            .order_by("-pk")[:LATEST]
        ),
        shadows=list(ModelVersion.objects.filter(state=ModelState.SHADOW)),
        shadow_waiting=Prediction.jobs.of_shadows().filter(state=PredictionState.QUEUED).count(),
        checked=AuditEvent.objects.filter(action__startswith="invariants.")
        .order_by("-sequence")
        .first(),
    )
    found.warnings.extend(_warnings(found, now))
    return found


def _warnings(found: Facts, now: datetime) -> list[str]:
    """What an administrator should act on, as sentences."""
    warnings = []
    if found.active_model is None:
        warnings.append(
            "No model is active: pictures are kept and wait. "
            "Activate one with manage.py register_model DIRECTORY --activate."
        )
    if found.messages is None:
        warnings.append(
            "The queue server does not answer. Uploads still succeed; work is sent when it is back."
        )
    if not found.workers or now - found.workers[0].at > SILENT_AFTER:
        warnings.append("No worker was heard of for two minutes. Is one running?")
    alive = [worker for worker in found.workers if now - worker.at <= SILENT_AFTER]
    clocks = [("this web server", found.ahead)]
    clocks += [(f"worker {worker.name}", worker.ahead) for worker in alive]
    warnings += filter(None, (wrong_clock(whose, ahead) for whose, ahead in clocks))
    if found.oldest_queued and found.oldest_queued > OLD_AFTER:
        minutes = round(found.oldest_queued.total_seconds() / 60)
        warnings.append(f"The oldest picture has waited for {minutes} minutes.")
    if found.counts[PredictionState.QUARANTINED]:
        warnings.append(
            f"{found.counts[PredictionState.QUARANTINED]} cells were not analysed after three "
            "attempts and are left to be read by eye."
        )
    if found.checked is not None and found.checked.action == "invariants.violated":
        warnings.append("The nightly check found something wrong. Run manage.py verify_invariants.")
    return warnings

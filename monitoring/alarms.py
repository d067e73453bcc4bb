"""Alarms: opened and closed by what is measured, acknowledged and closed by administrators."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

import audit.services as audit
from accounts.models import Organisation
from classifier.models import ModelVersion
from monitoring.choices import LIVE_STATES, AlarmKind, AlarmState
from monitoring.models import Alarm, Stream
from patients.errors import DomainError

BY_ITSELF = "Wholly new cells are below the limit."


class AlarmDecided(DomainError):
    """Somebody else was faster. Nothing was changed."""

    code = "alarm_decided"


@transaction.atomic
def alarm_settle(
    *,
    kind: str,
    organisation: Organisation,
    version: ModelVersion,
    stream: Stream | None,
    over: bool,
    value: float,
    limit: float,
    cells: int,
    oldest_at: datetime,
    newest_at: datetime,
) -> Alarm | None:
    """Bring the one alarm of this cause in line with what was just measured on cells that were read
    (or signed) between these times; returns it, or None where there is none.

    It opens when the value is over the limit, and closes by itself when cells that all came after
    the last time it was over are below.
    """
    alarm = (
        Alarm.objects.select_for_update()
        .filter(kind=kind, state__in=LIVE_STATES, stream=stream)
        .filter(organisation=organisation, version=version)
        .first()
    )
    if alarm is None:
        if not over:
            return None
        alarm = Alarm.objects.create(
            kind=kind,
            organisation=organisation,
            version=version,
            stream=stream,
            opened_at=newest_at,
            cells=cells,
            value=value,
            limit=limit,
            latest=value,
            over_at=newest_at,
        )
        _record("opened", alarm, actor=None, value=round(value, 4), limit=round(limit, 4))
        return alarm
    alarm.latest = value
    if over:
        alarm.over_at = max(alarm.over_at, newest_at)
    elif oldest_at > alarm.over_at:
        _close(alarm, actor=None, reason=BY_ITSELF)
    alarm.save(update_fields=["latest", "over_at"])
    return alarm


@transaction.atomic
def alarm_acknowledge(*, actor: Any, alarm: Alarm) -> Alarm:
    """Somebody has seen it and looks after it."""
    held = Alarm.objects.select_for_update().get(pk=alarm.pk)
    if held.state != AlarmState.OPEN:
        raise AlarmDecided(f"This alarm is {held.get_state_display().lower()} already.")
    held.state = AlarmState.ACKNOWLEDGED
    held.acknowledged_by, held.acknowledged_at = actor, timezone.now()
    held.save(update_fields=["state", "acknowledged_by", "acknowledged_at"])
    _record("acknowledged", held, actor=actor)
    return held


@transaction.atomic
def alarm_close(*, actor: Any, alarm: Alarm, reason: str) -> Alarm:
    """Nothing more is to be done. If the cause still stands, it opens anew when next measured."""
    if not reason.strip():
        raise DomainError("Say in a sentence why it is closed.", code="no_reason")
    held = Alarm.objects.select_for_update().get(pk=alarm.pk)
    if held.state == AlarmState.CLOSED:
        raise AlarmDecided("This alarm is closed already.")
    _close(held, actor=actor, reason=reason.strip())
    return held


def close_alarms_of(stream: Stream, *, actor: Any, reason: str) -> None:
    """Every one of a stream that is not closed, inside the caller's transaction."""
    for alarm in Alarm.objects.select_for_update().filter(stream=stream, state__in=LIVE_STATES):
        _close(alarm, actor=actor, reason=reason)


def _close(alarm: Alarm, *, actor: Any, reason: str) -> None:
    alarm.state = AlarmState.CLOSED
    alarm.closed_by, alarm.closed_at, alarm.reason = actor, timezone.now(), reason
    alarm.save(update_fields=["state", "closed_by", "closed_at", "reason"])
    _record("closed", alarm, actor=actor, reason=reason)


def _record(what: str, alarm: Alarm, *, actor: Any, **facts: Any) -> None:
    audit.record(
        action=f"monitoring.alarm_{what}",
        actor=actor,
        obj=alarm,
        kind=alarm.kind,
        model=alarm.version.model_id,
        organisation=str(alarm.organisation.public_id),
        **facts,
    )


def open_alarms() -> int:
    """How many nobody has acknowledged: one query of a small index."""
    return Alarm.objects.filter(state=AlarmState.OPEN).count()


MEASURES = {
    AlarmKind.CONFIDENCE: "The model's confidence is spread otherwise than on the reference cells",
    AlarmKind.CLASSES: "The model calls the cells otherwise than the reference cells",
    AlarmKind.APPEARANCE: "The cells look different to the model from the reference cells",
    AlarmKind.ABSTENTION: "The model abstains more often than on the reference cells",
    AlarmKind.OVERRIDES: "Readers override the model more often than before",
}
"""What an alarm of each kind says, without its figures."""

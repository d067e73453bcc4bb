"""Following what the active model reads: each cell goes into its stream once, in the order in which
it was read, and every few cells the stream's newest are measured against its reference."""

import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

import audit.services as audit
from classifier.choices import ModelState, PredictionState
from classifier.models import Prediction
from monitoring import cells as packed
from monitoring.alarms import alarm_settle, close_alarms_of
from monitoring.cells import Cells
from monitoring.drift import REFERENCE, WINDOW, Measured, measure
from monitoring.models import Drift, Followed, Stream
from monitoring.names import Names
from patients.errors import DomainError

FEWEST = 100  # in a window, for it to be measured
STEP = 20  # cells between two measurements
# A cell's time is written some moments before it is committed; what is younger waits.
LAG = timedelta(seconds=90)
SLICE = 2000  # cells in one transaction
_MARK = "cells"
_CASE = "cell__image__case__"


def follow(*, now: datetime | None = None, seconds: float = 20) -> bool:
    """Take in what was read since the last time; True where time ran out and more waits."""
    deadline = time.monotonic() + seconds
    now = now or timezone.now()
    while follow_slice(until=now - LAG) == SLICE:
        if time.monotonic() > deadline:
            return True
    return False


@transaction.atomic
def follow_slice(*, until: datetime) -> int:
    """The next cells behind the mark, into their streams; how many that was. The mark moves in the
    same transaction, so that no cell is taken twice, by whomever."""
    Followed.objects.get_or_create(name=_MARK)
    mark = Followed.objects.select_for_update().get(name=_MARK)
    rows = list(_behind(mark, until)[:SLICE])
    if not rows:
        return 0
    mark.at, mark.key = rows[-1]["at"], rows[-1]["pk"]
    mark.save(update_fields=["at", "key"])
    names, groups = Names(), defaultdict(list)
    for row in rows:
        organisation = row[f"{_CASE}organisation"]
        device = names.device(organisation, row[f"{_CASE}device"])
        groups[organisation, row[f"{_CASE}stain"], device, row["model_version"]].append(row)
    for organisation, stain, device, version in sorted(groups):
        stream, _ = Stream.objects.get_or_create(
            organisation_id=organisation, stain=stain, device=device, version_id=version
        )
        stream = _locked(stream)
        _take_in(stream, packed.from_rows(groups[organisation, stain, device, version]))
    return len(rows)


def _behind(mark: Followed, until: datetime) -> Any:
    rows = Prediction.objects.filter(
        state=PredictionState.DONE,
        model_version__state=ModelState.ACTIVE,
        finished_at__lte=until,
    )
    if mark.at is not None:
        rows = rows.filter(finished_at__gte=mark.at).filter(
            Q(finished_at__gt=mark.at) | Q(pk__gt=mark.key)
        )
    return rows.order_by("finished_at", "pk").values(
        "pk",
        "label",
        "abstained",
        "confidence",
        "in_distribution",
        "embedding",
        "model_version",
        f"{_CASE}organisation",
        f"{_CASE}stain",
        f"{_CASE}device",
        at=F("finished_at"),
        case=F("cell__image__case"),
    )


def _locked(stream: Stream) -> Stream:
    return (
        Stream.objects.select_for_update(of=("self",))
        .select_related("organisation", "version")
        .get(pk=stream.pk)
    )


def _take_in(stream: Stream, new: Cells) -> None:
    """First the reference is filled, then the window moves on and is measured every few cells."""
    stream.newest_at = _time(new, -1)
    if stream.reference_at is None:
        new = _into_reference(stream, new)
    reference, window = packed.unpack(stream.reference), packed.unpack(stream.window)
    while len(new):
        many = max(1, STEP - stream.unmeasured)
        window = packed.joined(window, new.taken(slice(0, many)))
        window = window.taken(slice(max(0, len(window) - WINDOW), None))
        stream.unmeasured += min(many, len(new))
        new = new.taken(slice(many, None))
        if stream.unmeasured >= STEP and len(window) >= FEWEST:
            _keep(stream, window, measure(window, reference))
            stream.unmeasured = 0
    stream.window = window.pack() if len(window) else b""
    stream.save(
        update_fields=[
            "newest_at",
            "reference",
            "reference_cells",
            "reference_cases",
            "reference_at",
            "window",
            "unmeasured",
        ]
    )


def _into_reference(stream: Stream, new: Cells) -> Cells:
    """What of the new cells the reference has no room for."""
    reference = packed.unpack(stream.reference)
    room = REFERENCE - len(reference)
    reference = packed.joined(reference, new.taken(slice(0, room)))
    _set_reference(stream, reference)
    if len(reference) >= REFERENCE:
        stream.reference_at = _time(reference, -1)
    return new.taken(slice(room, None))


def _set_reference(stream: Stream, reference: Cells) -> None:
    stream.reference = reference.pack()
    stream.reference_cells, stream.reference_cases = len(reference), reference.cases


def _keep(stream: Stream, window: Cells, measured: Measured) -> None:
    oldest, newest = _time(window, 0), _time(window, -1)
    Drift.objects.create(
        stream=stream,
        at=newest,
        newest=int(window.key[-1]),
        cells=measured.cells,
        cases=measured.cases,
        confidence_psi=measured.confidence_psi,
        classes_psi=measured.classes_psi,
        distance=measured.distance,
        abstained=measured.abstained,
    )
    for kind, value in measured.values.items():
        alarm_settle(
            kind=kind,
            organisation=stream.organisation,
            version=stream.version,
            stream=stream,
            over=kind in measured.over,
            value=value,
            limit=measured.limits[kind],
            cells=measured.cells,
            oldest_at=oldest,
            newest_at=newest,
        )


@transaction.atomic
def reference_renew(*, actor: Any, stream: Stream, reason: str) -> Stream:
    """The newest cells become what later ones are held against: a new stain or lamp, looked at and
    found good. The stream's alarms are closed with the same reason."""
    if not reason.strip():
        raise DomainError("Say in a sentence why the reference is replaced.", code="no_reason")
    held = _locked(stream)
    window = packed.unpack(held.window)
    if held.reference_at is None or len(window) < FEWEST:
        raise DomainError(
            f"A reference needs {FEWEST} cells read after the present one; there are "
            f"{len(window)}. Nothing was changed.",
            code="too_few",
        )
    _set_reference(held, window)
    held.reference_at, held.reference_set_by = timezone.now(), actor
    held.window, held.unmeasured = b"", 0
    held.save(
        update_fields=[
            "reference",
            "reference_cells",
            "reference_cases",
            "reference_at",
            "reference_set_by",
            "window",
            "unmeasured",
        ]
    )
    close_alarms_of(held, actor=actor, reason=reason.strip())
    audit.record(
        action="monitoring.reference_set",
        actor=actor,
        obj=held,
        model=held.version.model_id,
        organisation=str(held.organisation.public_id),
        count=len(window),
        reason=reason.strip(),
    )
    return held


def _time(cells: Cells, place: int) -> datetime:
    return datetime.fromtimestamp(float(cells.at[place]), UTC)

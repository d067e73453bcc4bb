"""What the desk's page gives its scripts: the cells of a reading, as little as their tiles need."""

import hashlib
from base64 import b64encode
from typing import Any

from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from classifier.choices import PredictionState
from patients.models import Case
from review.choices import LETTERS, LEUKOCYTES, OUTSIDE, ActKind, Label, ReadingKind
from review.current import CellState, cell_states, latest_verdicts, primary_reading
from review.keys import ACTIONS, DEFAULTS, keys_of
from review.models import DeskSettings, Reading
from review.progress import reading_progress
from review.rights import may_write

# The order in which the desk shows the classes: what is not decided, what counts, the rest.
ORDER: tuple[str, ...] = (Label.UNIDENTIFIED, *LEUKOCYTES, *OUTSIDE)
# Where there is little room.
SHORT: dict[str, str] = {
    Label.IMMATURE_GRANULOCYTE: "Immature",
    Label.ATYPICAL_LYMPHOCYTE: "Atypical",
    Label.ERYTHROBLAST: "NRBC",
    Label.SMUDGE_CELL: "Smudge",
}
FIELDS = ("name", "width", "height", "guess", "confidence", "label", "flags")
# Bits of "flags".
SAID, SEEN, ABSTAINED, UNREAD, WAITING = 1, 2, 4, 8, 16
_NOBODY = "00000000-0000-0000-0000-000000000000"


def desk_data(*, user: User, case: Case, reading: Reading) -> dict[str, Any]:
    """The whole of ``#desk-data``. Labels are places in ``labels``; a blind reading's cells carry
    nothing of the model.

    ``cells`` is columns, which compress best: ``ids`` (base64 of 16 bytes of the cell and 16 of its
    picture, for each cell), and a list for each of FIELDS: ``confidence`` per mille, ``guess`` the
    model's class or -1. A second opinion has one more, ``held``: what the asker calls it, or -1.
    """
    # Before the cells: an act in between is then told once more, instead of never.
    progress = reading_progress(reading).as_dict()
    states = cell_states(reading)
    settings = DeskSettings.objects.filter(user=user).first()
    return {
        "reading": str(reading.public_id),
        "user": user.public_id.hex,
        "writes": may_write(user, reading),
        "hidden": reading.hides_model,
        "labels": [
            [name, str(Label(name).label), LETTERS[name], SHORT.get(name, str(Label(name).label))]
            for name in ORDER
        ],
        "keys": keys_of(settings),
        "defaults": DEFAULTS,
        "actions": ACTIONS,
        "auto": settings.auto_advance if settings else True,
        "zone": timezone.get_current_timezone_name(),
        "pixel": case.pixel_size_nm and float(case.pixel_size_nm),
        "progress": progress,
        "urls": _addresses(reading),
        "cells": _columns(reading, _shuffled(reading, states)),
    }


def _addresses(reading: Reading) -> dict[str, str]:
    named = ("acts", "seen", "commit", "evidence")
    return {
        **{name: reverse(f"review:api-{name}", args=[reading.public_id]) for name in named},
        "desk": reverse("review:api-desk"),
        "like": reverse("review:api-like", args=[_NOBODY]),
        "reference": reverse("review:api-reference", args=[_NOBODY]),
        "thumbnail": reverse("patients:thumbnail", args=[_NOBODY]),
        "picture": reverse("patients:picture", args=[_NOBODY]),
    }


def _columns(reading: Reading, states: list[CellState]) -> dict[str, Any]:
    several = {state.cell.image_id for state in states if state.cell.index > 1}
    rows = [_row(state, reading.hides_model, state.cell.image_id in several) for state in states]
    ids = b"".join(
        state.cell.public_id.bytes + state.cell.image.public_id.bytes for state in states
    )
    columns = zip(*rows, strict=True) if rows else ([] for _ in FIELDS)
    given = {name: list(column) for name, column in zip(FIELDS, columns, strict=True)}
    if held := _held(reading):
        given["held"] = [
            ORDER.index(held[state.cell.pk]) if state.cell.pk in held else -1 for state in states
        ]
    return {"ids": b64encode(ids).decode(), **given}


def _row(state: CellState, hidden: bool, numbered: bool) -> list[Any]:
    image, row = state.cell.image, state.prediction
    flags = SAID * _stands(state) | SEEN * state.seen
    guess, confidence = -1, 0
    if not hidden:
        if row is not None and row.state == PredictionState.DONE:
            guess, confidence = ORDER.index(row.label), round(1000 * (row.confidence or 0))
            flags |= ABSTAINED * row.abstained
        elif row is not None and row.state == PredictionState.QUARANTINED:
            flags |= UNREAD
        else:
            flags |= WAITING
    return [
        f"{image.position}.{state.cell.index}" if numbered else str(image.position),
        image.width,
        image.height,
        guess,
        confidence,
        ORDER.index(state.label),
        flags,
    ]


def _stands(state: CellState) -> bool:
    """Somebody calls it so; an undo that went back to where the cell began is nobody's word."""
    verdict = state.verdict
    if verdict is None:
        return False
    began = state.suggested or Label.UNIDENTIFIED
    return verdict.act.kind != ActKind.UNDO or verdict.label != began


def _shuffled(reading: Reading, states: list[CellState]) -> list[CellState]:
    """A blinded second reading meets the cells in an order of its own, always the same."""
    if reading.kind != ReadingKind.SECOND:
        return states
    seed = reading.public_id.bytes
    return sorted(
        states,
        key=lambda state: hashlib.sha256(seed + state.cell.public_id.bytes).digest(),
    )


def _held(reading: Reading) -> dict[int, str]:
    """What the holder of the case calls each cell: for whoever is asked for a second opinion."""
    primary = primary_reading(reading.case) if reading.kind == ReadingKind.OPINION else None
    if primary is None:
        return {}
    return {cell: verdict.label for cell, verdict in latest_verdicts(primary).items()}

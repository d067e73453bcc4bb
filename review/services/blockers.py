"""Why a case cannot be signed yet, each reason with its sentence and the cells it is about."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from accounts.models import User
from classifier.choices import OPEN_STATES
from patients.choices import CaseStatus
from patients.models import Case
from review.choices import ReadingKind, ReportState
from review.comparing import compare_readings
from review.current import CellState, cell_states
from review.models import Reading, Report


@dataclass(frozen=True)
class Reason:
    """One thing that stands between a case and its signature."""

    code: str
    sentence: str
    cells: tuple[str, ...] = ()  # public ids
    places: tuple[int, ...] = ()  # their numbers in the case, from 1, in upload order

    def as_dict(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "sentence": self.sentence,
            "cells": list(self.cells),
            "places": list(self.places),
        }


def sign_blockers(reading: Reading, *, actor: User | None = None) -> list[Reason]:
    """Everything that must be done before this primary reading is signed; empty when nothing is.

    With ``actor``, also whether the case is theirs to sign.
    """
    case = reading.case
    states = cell_states(reading, show_model=True)
    return [
        *_about_the_case(case, actor),
        *_about_the_cells(states),
        *_about_the_readings(reading, states),
    ]


def _about_the_case(case: Case, actor: User | None) -> Iterator[Reason]:
    if Report.objects.filter(case=case, state=ReportState.AWAITING).exists():
        yield Reason("awaiting", "The report is signed once and waits for its second signature.")
    if case.status == CaseStatus.CLASSIFYING:
        yield Reason("classifying", "Pictures were added, and the model is still reading them.")
    elif case.status != CaseStatus.IN_REVIEW:
        yield Reason("not_in_review", f"The case is not in review: {_status(case)}.")
    if actor is not None and case.reader_id != actor.pk:
        holder = f"{case.reader} holds it" if case.reader_id else "nobody holds it"
        yield Reason("not_held", f"The case is not yours to sign: {holder}.")


def _about_the_cells(states: Sequence[CellState]) -> Iterator[Reason]:
    if not states:
        yield Reason("no_cells", "There is no cell in this case, so there is nothing to report.")
        return
    open_cells = [
        state for state in states if state.prediction is None or _is_open(state)
    ]  # no verdict ends the model's work
    unidentified = [state for state in states if not state.decided and state not in open_cells]
    unseen = [state for state in states if not state.seen]
    for code, found, is_one, are_many in (
        ("reading", open_cells, "is still being read", "are still being read by the model"),
        ("unidentified", unidentified, "is unidentified", "are unidentified"),
        ("unseen", unseen, "has not been looked at", "have not been looked at"),
    ):
        if found:
            words = f"1 cell {is_one}" if len(found) == 1 else f"{len(found)} cells {are_many}"
            yield _about(code, f"{words}.", found, states)


def _is_open(state: CellState) -> bool:
    return state.prediction is not None and state.prediction.state in OPEN_STATES


def _about_the_readings(reading: Reading, states: Sequence[CellState]) -> Iterator[Reason]:
    if reading.hides_model:
        yield Reason(
            "blind",
            "The case is read before the model's answers are shown, and the reading is not "
            "committed yet.",
        )
    second = Reading.objects.filter(case=reading.case, kind=ReadingKind.SECOND).first()
    if second is None:
        return
    if second.finished_at is None:
        who = f" by {second.reader}" if second.reader_id else ": nobody has taken it"
        yield Reason("second", f"The blinded second reading is not finished{who}.")
        return
    differ = [
        difference.state
        for difference in compare_readings(reading, second).differences
        if not difference.decided
    ]
    if differ:
        words = "1 cell" if len(differ) == 1 else f"{len(differ)} cells"
        yield _about(
            "adjudication",
            f"The two readers call {words} by different names, and nobody has decided yet.",
            differ,
            states,
        )


def _about(
    code: str, sentence: str, found: Iterable[CellState], states: Sequence[CellState]
) -> Reason:
    place = {state.cell.pk: number for number, state in enumerate(states, 1)}
    found = list(found)
    return Reason(
        code,
        sentence,
        tuple(str(state.cell.public_id) for state in found),
        tuple(place[state.cell.pk] for state in found),
    )


def _status(case: Case) -> str:
    return {
        CaseStatus.READY: "it is on the worklist",
        CaseStatus.SIGNED: "it is signed",
        CaseStatus.WITHDRAWN: "it was withdrawn",
    }.get(CaseStatus(case.status), "it is not submitted")

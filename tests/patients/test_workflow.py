"""Every move of a case: those that are allowed, and all others."""

import itertools

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.models import AuditEvent
from patients.choices import ALLOWED_MOVES, CaseStatus
from patients.errors import MoveRefused
from patients.models import Case
from patients.services import (
    case_claim,
    case_move,
    case_release,
    case_submit,
    case_withdraw,
    image_remove,
)
from tests import factories

pytestmark = pytest.mark.django_db
ALL_MOVES = list(itertools.product(CaseStatus.values, CaseStatus.values))


def case_in(people, status: str, **fields) -> Case:
    fields = {
        "submitted_at": None if status == CaseStatus.DRAFT else timezone.now(),
        "reader": people.specialist if status == CaseStatus.IN_REVIEW else None,
    } | fields
    return factories.make_case(people.clinician, status=status, **fields)


@pytest.mark.parametrize(("before", "after"), ALL_MOVES)
def test_a_move_is_made_if_the_table_allows_it_and_refused_otherwise(people, before, after):
    reader = people.specialist if CaseStatus.IN_REVIEW in (before, after) else None
    if before not in (CaseStatus.IN_REVIEW, CaseStatus.CLASSIFYING):
        reader = None
    case = case_in(people, before, reader=reader)
    possible = after in ALLOWED_MOVES[before] and (
        after != CaseStatus.IN_REVIEW or reader is not None
    )
    if before == CaseStatus.DRAFT and after == CaseStatus.CLASSIFYING:
        return  # only by submitting: it sets the time
    if not possible:
        with pytest.raises(MoveRefused):
            case_move(case=case, to=after)
        case.refresh_from_db()
        assert case.status == before
        return
    assert case_move(case=case, to=after).status == after
    assert AuditEvent.objects.get(action="case.status").data == {"from": before, "to": after}


def test_submitting_needs_a_picture(people, draft):
    with pytest.raises(MoveRefused) as refusal:
        case_submit(actor=people.clinician, case=draft)
    assert refusal.value.code == "no_images"


def test_submitting_hands_every_picture_to_the_readers_once(people, draft, receive, reading):
    images = [receive(draft, number) for number in (1, 2)]
    image_remove(actor=people.clinician, image=receive(draft, 3))
    for _ in range(2):  # a double click
        case = case_submit(actor=people.clinician, case=draft)
    assert (case.status, case.submitted_at is None) == (CaseStatus.CLASSIFYING, False)
    assert reading.told == [("received", [image.pk for image in images])]
    assert AuditEvent.objects.filter(action="case.submitted").count() == 1


@pytest.mark.parametrize("status", [CaseStatus.DRAFT, CaseStatus.CLASSIFYING, CaseStatus.READY])
def test_a_case_is_withdrawn_until_a_specialist_holds_it(people, reading, status):
    case = case_in(people, status)
    assert case_withdraw(actor=people.clinician, case=case).status == CaseStatus.WITHDRAWN
    assert reading.told == [("withdrawn", case.pk)]


@pytest.mark.parametrize("status", [CaseStatus.IN_REVIEW, CaseStatus.CLASSIFYING])
def test_a_case_that_a_specialist_holds_is_not_withdrawn(people, status):
    case = case_in(people, status, reader=people.specialist)
    with pytest.raises(MoveRefused, match="release"):
        case_withdraw(actor=people.clinician, case=case)


def test_a_specialist_takes_a_ready_case_and_gives_it_back(people):
    case = case_in(people, CaseStatus.READY)
    taken = case_claim(actor=people.specialist, case=case)
    assert (taken.status, taken.reader) == (CaseStatus.IN_REVIEW, people.specialist)
    back = case_release(actor=people.specialist, case=case)
    assert (back.status, back.reader) == (CaseStatus.READY, None)


@pytest.mark.parametrize("status", [CaseStatus.DRAFT, CaseStatus.CLASSIFYING, CaseStatus.WITHDRAWN])
def test_only_a_ready_case_can_be_taken(people, status):
    case = case_in(people, status)
    with pytest.raises(MoveRefused):
        case_claim(actor=people.specialist, case=case)


def test_a_case_is_taken_by_one_specialist_only(people):
    case = case_in(people, CaseStatus.READY)
    other = factories.make_user("specialist", people.centre)
    case_claim(actor=people.specialist, case=case)
    case_claim(actor=people.specialist, case=case)  # again, oneself: quiet
    with pytest.raises(MoveRefused) as refusal:
        case_claim(actor=other, case=case)
    assert refusal.value.code == "claimed"
    with pytest.raises(MoveRefused):
        case_release(actor=other, case=case)
    assert AuditEvent.objects.filter(action="case.claimed").count() == 1


def test_a_case_returns_to_its_reader_after_pictures_were_added(people, receive, reading):
    case = case_in(people, CaseStatus.IN_REVIEW)
    receive(case, 1)
    case.refresh_from_db()
    assert (case.status, case.reader) == (CaseStatus.CLASSIFYING, people.specialist)
    back = case_move(case=case, to=CaseStatus.READY)
    assert (back.status, back.reader) == (CaseStatus.IN_REVIEW, people.specialist)


def test_a_reader_who_gives_up_while_pictures_are_read_leaves_the_case_to_be_ready(people):
    case = case_in(people, CaseStatus.CLASSIFYING, reader=people.specialist)
    assert case_release(actor=people.specialist, case=case).status == CaseStatus.CLASSIFYING
    assert case_move(case=case, to=CaseStatus.READY).status == CaseStatus.READY


@pytest.mark.parametrize(
    "impossible",
    [
        {"status": "archived"},
        {"priority": "soon"},
        {"status": CaseStatus.DRAFT, "submitted_at": timezone.now()},
        {"status": CaseStatus.READY, "submitted_at": None},
        {"status": CaseStatus.IN_REVIEW, "reader": None},
        {"status": CaseStatus.READY, "reader": "somebody"},
        {"total_wbc": -1},
        {"total_wbc": 1001},
        {"pixel_size_nm": 4},
        {"pixel_size_nm": 5001},
    ],
)
def test_the_database_itself_refuses_what_must_not_be(people, impossible):
    case = case_in(people, CaseStatus.READY)
    if impossible.get("reader") == "somebody":
        impossible = impossible | {"reader": people.specialist}
    with pytest.raises(IntegrityError), transaction.atomic():
        Case.objects.filter(pk=case.pk).update(**impossible)

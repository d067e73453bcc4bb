"""Twenty at the same moment: double clicks, retries that overtake each other, two specialists."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connections

from audit.models import AuditEvent
from patients import storage
from patients.choices import CaseStatus
from patients.errors import KeyReused, MoveRefused
from patients.models import Case, CaseCounter, SmearImage
from patients.services import (
    case_claim,
    case_create,
    case_submit,
    image_receive,
    patient_create,
)
from tests import factories
from tests.patients import pictures

TOGETHER = 20


def at_once(act: Callable[[int], Any], times: int = TOGETHER) -> list[Any]:
    """What each of ``times`` threads got: its result, or the error it met."""
    start = threading.Barrier(times)
    got: list[Any] = [None] * times

    def run(number: int) -> None:
        start.wait(timeout=30)
        try:
            got[number] = act(number)
        except Exception as error:
            got[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
        assert not thread.is_alive(), "a thread hangs"
    return got


def errors(got: list[Any]) -> list[Any]:
    return [one for one in got if isinstance(one, Exception)]


def test_cases_opened_at_once_get_numbers_without_a_gap(shared_people):
    patient = factories.make_patient(shared_people.clinic)
    got = at_once(lambda _: case_create(actor=shared_people.clinician, patient=patient))
    assert errors(got) == []
    assert sorted(int(case.number[-5:]) for case in got) == list(range(1, TOGETHER + 1))
    assert CaseCounter.objects.get().last == TOGETHER


def test_one_form_sent_by_twenty_clicks_opens_one_case(shared_people):
    new = {"mrn": "A-1", "family_name": "Sato"}
    got = at_once(
        lambda _: case_create(actor=shared_people.clinician, new_patient=new, key="form-1")
    )
    assert errors(got) == []
    assert len({case.pk for case in got}) == 1
    assert (Case.objects.count(), CaseCounter.objects.get().last) == (1, 1)


def test_one_upload_sent_twenty_times_makes_one_row_and_one_pair_of_files(shared_people):
    case = factories.make_case(shared_people.clinician)
    before = set(storage.list_keys("pictures")) | set(storage.list_keys("thumbnails"))
    got = at_once(
        lambda _: image_receive(
            actor=shared_people.clinician,
            case=case,
            name="a.png",
            data=pictures.png(),
            upload_key="key-1",
        )
    )
    assert errors(got) == []
    image = SmearImage.objects.get()
    assert {received.image.pk for received in got} == {image.pk}
    assert sum(received.new for received in got) == 1
    after = set(storage.list_keys("pictures")) | set(storage.list_keys("thumbnails"))
    assert after - before == {image.picture_key, image.thumbnail_key}
    assert AuditEvent.objects.filter(action="image.received").count() == 1


def test_one_key_with_two_bodies_keeps_one_and_refuses_the_other(shared_people):
    case = factories.make_case(shared_people.clinician)
    got = at_once(
        lambda number: image_receive(
            actor=shared_people.clinician,
            case=case,
            name="a.png",
            data=pictures.png(number % 2),
            upload_key="key-1",
        ),
        times=8,
    )
    assert SmearImage.objects.count() == 1
    assert len(errors(got)) == 4
    assert all(isinstance(error, KeyReused) for error in errors(got))


def test_different_pictures_at_once_get_places_of_their_own(shared_people):
    case = factories.make_case(shared_people.clinician)
    got = at_once(
        lambda number: image_receive(
            actor=shared_people.clinician,
            case=case,
            name=f"{number}.png",
            data=pictures.png(number),
            upload_key=f"key-{number}",
        ),
        times=8,
    )
    assert errors(got) == []
    assert sorted(received.image.position for received in got) == list(range(1, 9))


def test_a_case_submitted_twenty_times_is_submitted_once(shared_people):
    case = factories.make_case(shared_people.clinician)
    image_receive(
        actor=shared_people.clinician,
        case=case,
        name="a.png",
        data=pictures.png(),
        upload_key="key-1",
    )
    got = at_once(lambda _: case_submit(actor=shared_people.clinician, case=case))
    assert errors(got) == []
    assert AuditEvent.objects.filter(action="case.submitted").count() == 1


def test_twenty_specialists_take_a_case_and_one_has_it(shared_people):
    specialists = [factories.make_user("specialist", shared_people.centre) for _ in range(TOGETHER)]
    case = factories.make_case(
        shared_people.clinician,
        status=CaseStatus.READY,
        submitted_at="2026-01-01T00:00:00Z",
    )
    got = at_once(lambda number: case_claim(actor=specialists[number], case=case))
    refused = errors(got)
    assert len(refused) == TOGETHER - 1
    assert all(isinstance(error, MoveRefused) for error in refused)
    winner = next(one for one in got if not isinstance(one, Exception))
    case.refresh_from_db()
    assert (case.status, case.reader_id) == (CaseStatus.IN_REVIEW, winner.reader_id)


def test_one_mrn_at_once_makes_one_patient(shared_people):
    got = at_once(
        lambda _: patient_create(actor=shared_people.clinician, mrn="1", family_name="A"), times=8
    )
    assert len(errors(got)) == 7

"""The case list: who sees what, filters in the address, a bounded number of queries."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from audit.models import AuditEvent
from patients.choices import CaseStatus
from patients.models import Case
from tests import factories

pytestmark = pytest.mark.django_db
MOST_QUERIES = 20


def numbers(client, **query) -> list[str]:
    response = client.get(reverse("patients:cases"), query)
    assert response.status_code == 200
    return [case.number for case in response.context["cases"]]


def make(people, status=CaseStatus.READY, hours=1, **fields) -> Case:
    fields = {
        "submitted_at": None
        if status == CaseStatus.DRAFT
        else timezone.now() - timedelta(hours=hours),
        "reader": people.specialist if status == CaseStatus.IN_REVIEW else None,
    } | fields
    return factories.make_case(fields.pop("clinician", people.clinician), status=status, **fields)


def test_a_clinician_sees_the_cases_of_their_organisation_in_every_status(people, sign_in):
    mine = {make(people, status).number for status in CaseStatus.values}
    make(people, clinician=people.other_clinician)
    assert set(numbers(sign_in(people.colleague))) == mine


def test_a_specialist_sees_open_submitted_cases_the_most_urgent_and_oldest_first(people, sign_in):
    make(people, CaseStatus.DRAFT)
    make(people, CaseStatus.WITHDRAWN)
    make(people, clinician=people.other_clinician)
    late = make(people, hours=1, priority="stat")
    early = make(people, hours=2, priority="stat")
    low = make(people, hours=9, priority="background")
    usual = make(people, hours=5)
    listed = numbers(sign_in(people.specialist))
    assert listed == [case.number for case in (early, late, usual, low)]
    assert numbers(sign_in(people.other_specialist)) == [
        case.number for case in Case.objects.filter(organisation=people.elsewhere)
    ]


def test_an_administrator_sees_no_case(people, sign_in):
    assert sign_in(people.administrator).get(reverse("patients:cases")).status_code == 403


def test_filters_narrow_the_list(people, sign_in):
    client = sign_in(people.clinician)
    stat = make(people, priority="stat", clinical_question="Blasts?")
    theirs = make(people, CaseStatus.CLASSIFYING, clinician=people.colleague)
    assert numbers(client, priority="stat") == [stat.number]
    assert numbers(client, status="classifying") == [theirs.number]
    assert numbers(client, mine="1") == [stat.number]
    assert numbers(client, q="blasts") == [stat.number]
    assert numbers(client, q=stat.patient.mrn) == [stat.number]
    assert numbers(client, q=f"{stat.patient.family_name} blasts") == [stat.number]
    assert numbers(client, q=stat.number) == [stat.number]
    assert numbers(client, q="nobody") == []
    assert set(numbers(client, sort="oldest")) == {stat.number, theirs.number}


def test_a_specialist_filters_by_organisation(people, sign_in):
    own = make(people, clinician=factories.make_user("clinician", people.centre))
    make(people)
    client = sign_in(people.specialist)
    assert numbers(client, organisation=str(people.centre.public_id)) == [own.number]
    assert numbers(client, organisation=str(people.elsewhere.public_id)) == []


@pytest.mark.parametrize(
    "query",
    [
        {"status": "nonsense", "sort": "'; DROP TABLE", "priority": "x", "page": "-1"},
        {"organisation": "no-uuid", "page": "ten"},
        {"q": "\x00", "mine": "maybe", "page": "999999999999"},
        {"q": "%_\\ ' \" 𠜎 \ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16")},
        {"q": "x" * 100_000},
    ],
)
def test_senseless_filters_are_ignored(people, sign_in, query):
    make(people)
    for user in (people.clinician, people.specialist):
        assert sign_in(user).get(reverse("patients:cases"), query).status_code == 200


def test_pages_of_25_keep_the_filters_in_the_address(people, sign_in):
    patient = factories.make_patient(people.clinic)
    for _ in range(30):
        make(people, patient=patient)
    client = sign_in(people.clinician)
    first = client.get(reverse("patients:cases"), {"status": "ready", "q": patient.mrn})
    assert len(first.context["cases"]) == 25
    assert f"status=ready&amp;q={patient.mrn}&amp;page=2" in first.content.decode()
    assert len(numbers(client, status="ready", page="2")) == 5


def test_the_status_tabs_count_what_the_other_filters_leave(people, sign_in):
    make(people, priority="stat")
    make(people, CaseStatus.DRAFT)
    response = sign_in(people.clinician).get(reverse("patients:cases"), {"priority": "stat"})
    counts = {value: count for value, _, count in response.context["list"].statuses}
    assert (counts["all"], counts["open"], counts["ready"], counts["draft"]) == (1, 1, 1, 0)


def test_htmx_gets_the_list_alone_and_the_history_the_whole_page(people, sign_in):
    client = sign_in(people.clinician)
    partial = client.get(reverse("patients:cases"), headers={"HX-Request": "true"})
    assert b"<html" not in partial.content
    whole = client.get(
        reverse("patients:cases"),
        headers={"HX-Request": "true", "HX-History-Restore-Request": "true"},
    )
    assert b"<html" in whole.content


def test_an_empty_list_says_what_to_do(people, sign_in):
    assert b"New case" in sign_in(people.clinician).get(reverse("patients:cases")).content
    nothing = sign_in(people.specialist).get(reverse("patients:cases")).content
    assert b"Nothing to read" in nothing
    searched = sign_in(people.clinician).get(reverse("patients:cases"), {"q": "zzz"}).content
    assert b"No case matches" in searched


@pytest.mark.parametrize("role", ["clinician", "specialist"])
@pytest.mark.parametrize("view", ["patients:cases", "patients:api-cases"])
def test_the_number_of_queries_does_not_grow_with_the_list(people, sign_in, role, view):
    def count() -> int:
        client = sign_in(getattr(people, role))
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(reverse(view)).status_code == 200
        return len(queries)

    make(people, CaseStatus.IN_REVIEW)
    few = count()
    for _ in range(24):
        make(people, CaseStatus.IN_REVIEW)
    assert count() == few <= MOST_QUERIES


def test_an_mrn_written_in_groups_is_found_by_each_of_them(people, sign_in):
    client = sign_in(people.clinician)
    case = make(people)
    case.patient.mrn = "KH Q471 9Z"
    case.patient.save(update_fields=["mrn"])
    make(people)
    for text in ("kh q471 9z", "Q471", "9Z", "KH", "q47"):
        assert numbers(client, q=text) == [case.number], text
    assert numbers(client, q="Z") == [], "a group is known by its beginning"


def test_looking_at_the_list_is_recorded_once_and_without_what_was_searched(people, sign_in):
    sign_in(people.clinician).get(reverse("patients:cases"), {"q": "Canary"})
    event = AuditEvent.objects.get(action="case.listed")
    assert event.data["searched"] is True
    assert "Canary" not in str(event.data)

"""What people read of the record: the case's history and the administrators' page."""

import re
import uuid
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.models import AuditEvent
from audit.sentences import SENTENCES
from audit.services import record
from audit.timeline import events_of

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]


def test_the_history_is_in_order_and_in_plain_words(people):
    case_id = uuid.uuid4()
    record(action="case.created", actor=people.clinician, case_id=case_id)
    record(action="image.received", actor=people.clinician, case_id=case_id)
    record(action="case.status", case_id=case_id, **{"from": "draft", "to": "in_review"})
    rows = events_of(case_id)
    assert [row.who for row in rows] == [str(people.clinician)] * 2 + [""]
    assert [row.what for row in rows] == [
        "opened a new case",
        "added an image",
        "status changed to in review",
    ]


def test_the_same_act_many_times_in_a_row_is_one_line(people):
    case_id = uuid.uuid4()
    for _ in range(20):
        record(action="image.received", actor=people.clinician, case_id=case_id)
    record(action="case.viewed", actor=people.specialist, case_id=case_id)
    assert [(row.action, row.count) for row in events_of(case_id)] == [
        ("image.received", 20),
        ("case.viewed", 1),
    ]


def test_denials_and_other_cases_are_not_in_it(people):
    case_id = uuid.uuid4()
    record(action="access.denied", actor=people.other_clinician, case_id=case_id)
    record(action="case.viewed", actor=people.clinician, case_id=uuid.uuid4())
    assert events_of(case_id) == []


def test_a_long_history_costs_one_query(people):
    case_id = uuid.uuid4()
    for number in range(60):
        actor = (people.clinician, people.specialist)[number % 2]
        record(action="case.viewed", actor=actor, case_id=case_id)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert len(events_of(case_id)) == 60
    assert len(queries) == 1


def test_every_action_that_the_code_records_has_a_sentence():
    actions = set()
    for app in ("accounts", "audit", "patients", "classifier", "telemed"):
        for file in (ROOT / app).rglob("*.py"):
            actions |= set(re.findall(r'record\(\s*action="([a-z_.]+)"', file.read_text()))
    assert len(actions) > 20
    assert actions - set(SENTENCES) == set()


@pytest.fixture
def page(client, people):
    client.force_login(people.administrator)

    def get(**query):
        response = client.get(reverse("accounts:audit"), query)
        assert response.status_code == 200
        return response

    return get


def shown(response):
    return [event.sequence for event, _ in response.context["rows"]]


def test_the_page_goes_on_by_sequence_and_reaches_every_event(page, people):
    for _ in range(250):
        record(action="case.viewed", actor=people.clinician)
    total = AuditEvent.objects.count()
    seen, query = [], {}
    while True:
        response = page(**query)
        seen += shown(response)
        if "older" not in response.context:
            break
        query = {"before": seen[-1]}
    assert seen == list(range(total, 0, -1))


def test_a_page_costs_the_same_few_queries_at_any_length(
    page, people, django_assert_max_num_queries
):
    for _ in range(150):
        record(action="case.viewed", actor=people.clinician)
    with django_assert_max_num_queries(6):
        page()


def test_filters_narrow_by_person_action_outcome_and_day(page, people):
    record(action="case.viewed", actor=people.specialist)
    record(action="access.denied", actor=people.other_clinician, outcome="denied")
    mine = page(who=people.specialist.email).context["rows"]
    assert {event.actor_id for event, _ in mine} == {people.specialist.pk}
    assert {event.action for event, _ in page(action="access.denied").context["rows"]} == {
        "access.denied"
    }
    assert {event.outcome for event, _ in page(outcome="denied").context["rows"]} == {"denied"}
    today = AuditEvent.objects.latest("sequence").at.date().isoformat()
    assert shown(page(since=today)) == shown(page())
    assert shown(page(until="2001-01-01")) == []
    assert shown(page(since="2999-01-01")) == []


def test_filters_that_make_no_sense_are_said_and_not_an_error(page):
    response = page(since="tomorrow", outcome="<script>", before="x")
    assert "not understood" in response.content.decode()


def test_what_somebody_typed_is_not_shown(page, people):
    record(action="image.refused", actor=people.clinician, name="Jane Doe smear.jpg", code="empty")
    text = page(action="image.refused").content.decode()
    assert "Jane Doe" not in text
    assert "empty" in text

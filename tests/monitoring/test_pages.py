"""Monitoring's pages: for administrators, quick, without a patient, and deaf to nonsense."""

import csv
import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from monitoring.alarms import alarm_settle
from monitoring.counting import day_count
from monitoring.drift import REFERENCE, WINDOW
from monitoring.models import Alarm, Drift, Origin, ReadCount, SignedCount, Stream
from monitoring.streams import follow
from review.services.readings import case_take
from tests.monitoring.cells import active_model, drawn, new_case, read
from tests.review.signed import call, look_at_all, sign

pytestmark = pytest.mark.django_db
PAGE = reverse("monitoring:monitoring")


@pytest.fixture
def admin(sign_in, people):
    return sign_in(people.administrator)


@pytest.fixture
def signed_case(people):
    """Sixty cells of a signed case, one of them overridden; five cases make the names known."""
    for _ in range(4):
        new_case(people)
    case = new_case(people)
    read(case, drawn(60, seed=1), at=timezone.now())
    reading = case_take(actor=people.specialist, case=case)
    call(reading, people.specialist, 4, "blast")
    look_at_all(reading, people.specialist)
    sign(reading, people.specialist)
    day_count(day=timezone.localdate())
    return case


@pytest.fixture
def alarm(people) -> Alarm:
    cases = [new_case(people) for _ in range(5)]
    at = timezone.now() - timedelta(days=1)
    read(cases[0], drawn(REFERENCE, seed=1), at=at)
    read(cases[1], drawn(WINDOW, seed=2, away=0.7), at=at + timedelta(hours=1))
    follow()
    return Alarm.objects.get()


def text(response) -> str:
    return " ".join(response.content.decode().split())


def test_an_empty_house_says_what_comes(admin):
    response = admin.get(PAGE)
    assert response.status_code == 200
    assert "Nothing was read or signed in this period" in text(response)
    assert "No alarm is open" in text(response)


def test_the_page_says_what_was_read_signed_and_overridden(admin, signed_case):
    page = text(admin.get(PAGE))
    assert "Overridden by week" in page
    assert "1 of 60" in page  # overridden
    for name in ("May-Grünwald-Giemsa", "Scanner A", "Ward 3", "for-tests", "Blast"):
        assert name in page


def test_no_patient_and_no_case_is_named(admin, signed_case):
    page = text(admin.get(PAGE))
    assert signed_case.patient.family_name not in page
    assert signed_case.patient.mrn not in page
    assert signed_case.number not in page


def test_conditions_narrow_the_figures_and_go_into_the_files(admin, signed_case):
    here = f"{PAGE}?stain=mgg&device=Scanner+A&site=Ward+3&model=for-tests&weeks=4"
    assert "1 of 60" in text(admin.get(here))
    there = admin.get(f"{here}&organisation={signed_case.organisation.public_id}")
    assert "1 of 60" in text(there)
    address = reverse("monitoring:download", args=["signed"])
    assert address.replace(".csv", ".csv?weeks=4&amp;") in text(there)
    Origin.objects.create(organisation=signed_case.organisation, stain="giemsa")
    assert "Nothing was read or signed" in text(admin.get(f"{PAGE}?stain=giemsa"))


@pytest.mark.parametrize(
    "query",
    ["weeks=nine", "organisation=x", "stain=%00", "device=nobody's", "site=%F0", "model=../x"],
    ids=["weeks", "organisation", "stain", "device", "site", "model"],
)
def test_nonsense_in_the_address_gets_its_sentence(admin, query):
    for address in (PAGE, reverse("monitoring:download", args=["read"])):
        response = admin.get(f"{address}?{query}")
        assert response.status_code == 400
        assert "Select a valid choice" in text(response)


def test_what_is_not_stated_can_be_chosen(admin, people):
    read(new_case(people, stain="", device="", site=""), drawn(10, seed=1), at=timezone.now())
    day_count(day=timezone.localdate())
    assert "not stated" in text(admin.get(f"{PAGE}?device=-&stain=-&site=-"))


def test_the_counts_come_as_csv(admin, signed_case):
    response = admin.get(reverse("monitoring:download", args=["signed"]))
    assert response["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode())))
    assert sum(int(row["cells"]) for row in rows) == 60
    assert {row["signed"] for row in rows if row["said"] != row["signed"]} == {"blast"}
    response = admin.get(reverse("monitoring:download", args=["read"]))
    rows = list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode())))
    assert sum(int(row["read"]) for row in rows) == 60
    assert admin.get(reverse("monitoring:download", args=["people"])).status_code == 404


def test_a_name_in_a_file_is_never_a_formula(admin, people):
    origin = Origin.objects.create(organisation=people.clinic, device="=1+1")
    ReadCount.objects.create(
        day=timezone.localdate(), origin=origin, version=active_model(), label="monocyte", read=1
    )
    response = admin.get(reverse("monitoring:download", args=["read"]))
    assert ",'=1+1," in b"".join(response.streaming_content).decode()


def test_the_page_asks_the_database_no_more_for_more(admin, people, signed_case, alarm):
    admin.get(PAGE)
    with CaptureQueriesContext(connection) as few:
        admin.get(PAGE)
    _many(people)
    with CaptureQueriesContext(connection) as many:
        response = admin.get(f"{PAGE}?weeks=52")
    assert response.status_code == 200
    assert len(many) == len(few) <= 20, [query["sql"] for query in many]


def _many(people) -> None:
    """Ten scanners with a year of days each, and as many streams and alarms."""
    version, today = active_model(), timezone.localdate()
    for number in range(10):
        facts = {"organisation": people.clinic, "stain": "mgg", "device": f"Scanner {number}"}
        origin = Origin.objects.create(**facts)
        stream = Stream.objects.create(**facts, version=version, newest_at=timezone.now())
        Drift.objects.create(
            stream=stream, at=timezone.now(), newest=1, cells=200, cases=4,
            confidence_psi=0.3, classes_psi=0.1, distance=0.01, abstained=3,
        )  # fmt: skip
        _alarm(stream)
        ReadCount.objects.bulk_create(
            ReadCount(
                day=today - timedelta(days=n), origin=origin, version=version, label="monocyte",
                read=9, abstained=1, confidence_9=9, score_5=9,
            )
            for n in range(365)
        )  # fmt: skip
        SignedCount.objects.bulk_create(
            SignedCount(
                day=today - timedelta(days=n), origin=origin, version=version, said="monocyte",
                abstained=False, signed="monocyte", cells=9,
            )
            for n in range(365)
        )  # fmt: skip


def _alarm(stream: Stream) -> None:
    alarm_settle(
        kind="confidence", organisation=stream.organisation, version=stream.version, stream=stream,
        over=True, value=0.3, limit=0.25, cells=200, oldest_at=timezone.now(),
        newest_at=timezone.now(),
    )  # fmt: skip


def test_an_open_alarm_is_told_beside_the_navigation_of_administrators_alone(
    admin, alarm, sign_in, people
):
    assert "1 open alarm" in text(admin.get(reverse("accounts:people")))
    assert "open alarm" not in text(sign_in(people.specialist).get(reverse("review:worklist")))


def test_an_alarm_is_looked_at_acknowledged_and_closed(admin, alarm, people):
    address = reverse("monitoring:alarm", args=[alarm.public_id])
    page = text(admin.get(address))
    assert "The cells look different to the model" in page
    assert "Drift of the newest cells" in page
    admin.post(reverse("monitoring:acknowledge", args=[alarm.public_id]))
    page = text(admin.get(address))
    assert "Acknowledge: I look after it" not in page
    assert str(people.administrator) in page
    response = admin.post(address, {"reason": ""})
    assert response.status_code == 422
    assert "This field is required" in text(response)
    admin.post(address, {"reason": "New lamp, looked at."})
    alarm.refresh_from_db()
    assert (alarm.state, alarm.reason) == ("closed", "New lamp, looked at.")
    again = admin.post(address, {"reason": "Again."}, follow=True)
    assert "closed already" in text(again)
    assert "New lamp, looked at." in text(again)
    assert "Closed" in text(admin.get(reverse("monitoring:alarms")))


def test_a_stream_shows_its_drift_and_takes_another_reference(admin, alarm):
    address = reverse("monitoring:stream", args=[alarm.stream.public_id])
    page = text(admin.get(address))
    assert "The newest measurements" in page
    assert "So few cases say little" in page
    response = admin.post(address, {"reason": "New stain."}, follow=True)
    assert "held against the newest ones from now on" in text(response)
    assert "None yet" in text(response)
    response = admin.post(address, {"reason": "Once more."}, follow=True)
    assert "Nothing was changed" in text(response)

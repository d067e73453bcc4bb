"""Days are counted whole, as often as wanted, from what was read and what was signed."""

from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from monitoring.counting import bounds, day_count, days_to_count
from monitoring.models import DayCounted, Origin, ReadCount, SignedCount
from monitoring.names import SELDOM
from patients.choices import CaseStatus
from patients.models import Case
from review.models import Report
from review.services.amending import amendment_begin
from review.services.readings import case_take
from tests.monitoring.cells import active_model, new_case, read
from tests.review.signed import call, look_at_all, sign, signed_report

pytestmark = pytest.mark.django_db


def today():
    return timezone.localdate()


def read_today() -> Counter:
    return Counter({row.label: row.read for row in ReadCount.objects.filter(day=today())})


def signed_pairs() -> dict:
    return {(row.said, row.abstained, row.signed): row.cells for row in SignedCount.objects.all()}


def test_cells_are_counted_by_class_and_band(people):
    answers = [
        {"label": "eosinophil", "confidence": 0.999, "in_distribution": 0.45},
        {"label": "eosinophil", "confidence": 0.55, "in_distribution": 0.05, "abstained": True},
        {"label": "eosinophil", "confidence": 1.0, "in_distribution": None},
        {"label": "monocyte", "confidence": 0.97},
    ]
    read(new_case(people), answers, at=timezone.now())
    assert day_count(day=today()) == 4
    row = ReadCount.objects.get(label="eosinophil")
    assert (row.read, row.abstained) == (3, 1)
    assert (row.confidence_1, row.confidence_9) == (1, 2)
    assert (row.score_0, row.score_4) == (1, 1)  # the third has no score
    assert ReadCount.objects.get(label="monocyte").confidence_6 == 1


def test_counting_twice_changes_nothing(people):
    read(new_case(people), [{"label": "neutrophil"}] * 3, at=timezone.now())
    for _ in range(2):
        day_count(day=today())
        assert read_today() == {"neutrophil": 3}
    assert DayCounted.objects.count() == 1


def test_what_comes_later_is_there_when_the_day_is_counted_again(people):
    case = new_case(people)
    read(case, [{"label": "neutrophil"}], at=timezone.now())
    day_count(day=today())
    read(case, [{"label": "neutrophil"}] * 2, at=timezone.now())
    day_count(day=today())
    assert read_today() == {"neutrophil": 3}


def test_cells_of_another_day_are_not_counted(people):
    begin, end = bounds(today())
    case = new_case(people)
    read(case, [{"label": "basophil"}], at=begin - timedelta(microseconds=1))
    read(case, [{"label": "neutrophil"}], at=begin)
    read(case, [{"label": "monocyte"}], at=end)
    day_count(day=today())
    assert read_today() == {"neutrophil": 1}


def test_a_case_is_counted_under_its_stain_microscope_and_site(people):
    for number in range(5):
        name = "Scanner  A " if number % 2 else "scanner a"
        read(new_case(people, device=name), [{"label": "neutrophil"}], at=timezone.now())
    day_count(day=today())
    (origin,) = Origin.objects.all()
    assert (origin.organisation, origin.stain) == (people.clinic, "mgg")
    assert (origin.device, origin.site) == ("scanner a", "Ward 3")  # the most used spelling


def test_a_name_that_few_cases_bear_is_not_kept(people):
    """Whoever fills in a form may type anything, a patient's name too."""
    for _ in range(4):
        case = new_case(people, device="Canarybird's smear", site="")
        read(case, [{"label": "neutrophil"}], at=timezone.now())
    day_count(day=today())
    assert Origin.objects.get().device == SELDOM
    read(
        new_case(people, device="Canarybird's smear", site=""),
        [{"label": "neutrophil"}],
        at=timezone.now(),
    )
    day_count(day=today())
    assert "Canarybird's smear" in Origin.objects.values_list("device", flat=True)


@pytest.fixture
def report(people) -> Report:
    """Three eosinophils, one of them called a monocyte, and one that the model abstained on."""
    case = new_case(people)
    answers = [{"label": "eosinophil"}] * 3 + [{"label": "basophil", "abstained": True}]
    read(case, answers, at=timezone.now())
    reading = case_take(actor=people.specialist, case=case)
    call(reading, people.specialist, 0, "monocyte")
    call(reading, people.specialist, 3, "blast")
    look_at_all(reading, people.specialist)
    return sign(reading, people.specialist)


def test_signed_cells_are_counted_by_what_was_said_and_what_was_signed(report):
    day_count(day=today())
    assert signed_pairs() == {
        ("eosinophil", False, "eosinophil"): 2,
        ("eosinophil", False, "monocyte"): 1,
        ("basophil", True, "blast"): 1,
    }
    assert SignedCount.objects.first().version == active_model()


def test_an_amended_report_counts_instead_of_the_one_it_replaces(people, report):
    yesterday = today() - timedelta(days=1)
    Report.objects.filter(pk=report.pk).update(final_at=bounds(yesterday)[0])
    day_count(day=yesterday)
    assert SignedCount.objects.filter(day=yesterday).count() == 3
    reading = amendment_begin(actor=people.specialist, case=Case.objects.get(pk=report.case_id))
    call(reading, people.specialist, 0, "eosinophil")
    sign(reading, people.specialist, reason="Looked again.")
    for day in days_to_count(timezone.now()):
        day_count(day=day)
    assert not SignedCount.objects.filter(day=yesterday).exists()
    assert signed_pairs() == {
        ("eosinophil", False, "eosinophil"): 3,
        ("basophil", True, "blast"): 1,
    }


def test_a_report_that_waits_for_its_second_signature_does_not_count_yet(report):
    Report.objects.filter(pk=report.pk).update(state="awaiting", final_at=None)
    day_count(day=today())
    assert not SignedCount.objects.exists()


def test_a_damaged_report_counts_for_nothing_and_stops_nothing(people, report, monkeypatch):
    other = new_case(people)
    read(other, [{"label": "neutrophil"}], at=timezone.now())
    signed_report(people, other)
    whole = Report.objects.exclude(pk=report.pk).get()
    from monitoring import counting

    known = counting.answers_of
    monkeypatch.setattr(
        counting, "answers_of", lambda text: known("{" if text != whole.content else text)
    )
    day_count(day=today())
    assert signed_pairs() == {("neutrophil", False, "neutrophil"): 1}


def test_nothing_read_is_nothing_to_count():
    assert days_to_count(timezone.now()) == []


def test_days_are_counted_in_order_from_the_first_on(people):
    first = today() - timedelta(days=3)
    read(new_case(people), [{"label": "neutrophil"}], at=bounds(first)[0])
    assert days_to_count(timezone.now()) == [first + timedelta(days=n) for n in range(4)]


def test_a_day_is_settled_an_hour_after_its_end(people):
    day = today() - timedelta(days=5)
    read(new_case(people), [{"label": "neutrophil"}], at=bounds(day)[0])
    end = bounds(day)[1]
    day_count(day=day, now=end + timedelta(minutes=59))
    assert days_to_count(end + timedelta(minutes=59))[0] == day
    day_count(day=day, now=end + timedelta(minutes=60))
    assert days_to_count(end + timedelta(minutes=60))[0] == day + timedelta(days=1)


def test_a_withdrawn_draft_lends_no_name(people):
    for _ in range(5):
        case = new_case(people, device="Only drafts")
        Case.objects.filter(pk=case.pk).update(status=CaseStatus.DRAFT, submitted_at=None)
    read(new_case(people, device="Only drafts"), [{"label": "neutrophil"}], at=timezone.now())
    day_count(day=today())
    assert Origin.objects.get().device == SELDOM

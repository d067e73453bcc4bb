"""What is read goes into its stream once, is held against the first that came, and alarms."""

from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import AuditEvent
from classifier.choices import ModelState
from classifier.models import ModelVersion
from monitoring import cells as packed
from monitoring.choices import AlarmKind, AlarmState
from monitoring.drift import REFERENCE, WINDOW
from monitoring.models import Alarm, Drift, Stream
from monitoring.streams import LAG, follow, follow_slice, reference_renew
from patients.errors import DomainError
from tests.monitoring.cells import active_model, drawn, new_case, read

pytestmark = pytest.mark.django_db


def stream() -> Stream:
    return Stream.objects.get()


def kinds() -> set[str]:
    return set(Alarm.objects.exclude(state=AlarmState.CLOSED).values_list("kind", flat=True))


class Feed:
    """Cells of one scanner, an hour apart, so that each lot comes after the one before."""

    def __init__(self, people) -> None:
        # Five of them, so that the scanner has a name.
        self.cases = [new_case(people) for _ in range(5)]
        self.at = timezone.now() - timedelta(days=2)

    def __call__(self, count: int, *, seed: int, **how) -> None:
        self.at += timedelta(hours=1)
        read(self.cases[seed % 5], drawn(count, seed=seed, **how), at=self.at)
        follow()


@pytest.fixture
def feed(people) -> Feed:
    return Feed(people)


def test_the_first_cells_are_the_reference(feed):
    feed(REFERENCE - 1, seed=1)
    assert stream().reference_cells == REFERENCE - 1
    assert stream().reference_at is None
    feed(3, seed=2)
    one = stream()
    assert (one.reference_cells, one.reference_cases) == (REFERENCE, 2)
    assert one.reference_at is not None
    assert len(packed.unpack(one.window)) == 2
    assert str(one).endswith("May-Grünwald-Giemsa, Scanner A")


def test_a_cell_is_taken_once_whoever_follows_and_how_often(feed):
    feed(REFERENCE + 150, seed=1)
    points = Drift.objects.count()
    for _ in range(3):
        follow()
    one = stream()
    assert one.reference_cells + len(packed.unpack(one.window)) == REFERENCE + 150
    assert Drift.objects.count() == points > 0


def test_cells_of_the_same_moment_are_all_taken(people, monkeypatch):
    """Many cells of one batch share a time, and a slice may end among them."""
    monkeypatch.setattr("monitoring.streams.SLICE", 7)
    at = timezone.now() - timedelta(hours=1)
    rows = read(new_case(people), drawn(20, seed=1), at=at)
    type(rows[0]).objects.update(finished_at=at)
    assert [follow_slice(until=timezone.now()) for _ in range(4)] == [7, 7, 6, 0]
    assert stream().reference_cells == 20


def test_what_was_read_a_moment_ago_waits(people):
    now = timezone.now()
    read(new_case(people), drawn(5, seed=1), at=now)
    follow(now=now)
    assert not Stream.objects.exists()
    follow(now=now + LAG + timedelta(seconds=1))
    assert stream().reference_cells == 5


def test_each_organisation_stain_and_microscope_is_a_stream_of_its_own(people):
    for facts in ({}, {"stain": "giemsa"}, {"stain": "", "device": ""}):
        read(new_case(people, **facts), drawn(5, seed=1))
    follow()
    assert Stream.objects.count() == 3


def test_only_the_model_that_reads_is_followed(people):
    other = active_model("candidate")
    ModelVersion.objects.filter(pk=other.pk).update(state=ModelState.CANDIDATE)
    read(new_case(people), drawn(5, seed=1), version=other)
    follow()
    assert not Stream.objects.exists()


def test_five_re_samples_do_not_alarm_and_a_shift_does_within_two_hundred_cells(feed):
    feed(REFERENCE, seed=1)
    for seed in range(2, 7):
        feed(WINDOW, seed=seed)
    assert kinds() == set()
    assert Drift.objects.count() >= 40
    feed(WINDOW, seed=7, away=0.7)
    assert kinds() == {AlarmKind.APPEARANCE}
    alarm = Alarm.objects.get()
    assert alarm.stream == stream()
    assert alarm.value > alarm.limit
    assert AuditEvent.objects.filter(action="monitoring.alarm_opened").count() == 1


def test_one_cause_is_one_alarm_and_it_closes_by_itself_on_wholly_new_cells(feed):
    feed(REFERENCE, seed=1)
    feed(2 * WINDOW, seed=2, away=0.7)
    assert Alarm.objects.count() == 1
    feed(WINDOW - 20, seed=3)
    assert kinds() == {AlarmKind.APPEARANCE}
    feed(WINDOW, seed=4)
    alarm = Alarm.objects.get()
    assert (alarm.state, alarm.closed_by) == (AlarmState.CLOSED, None)
    assert alarm.latest < alarm.limit
    feed(WINDOW, seed=5, away=0.7)
    assert Alarm.objects.count() == 2


def test_another_reference_is_taken_with_a_reason_and_closes_what_it_settles(feed, people):
    feed(REFERENCE, seed=1)
    feed(WINDOW, seed=2, away=0.7)
    reference_renew(actor=people.administrator, stream=stream(), reason="New lot of stain.")
    one = stream()
    assert (one.reference_cells, one.reference_set_by) == (WINDOW, people.administrator)
    assert Alarm.objects.get().reason == "New lot of stain."
    assert AuditEvent.objects.filter(action="monitoring.reference_set").exists()
    feed(2 * WINDOW, seed=3, away=0.7)
    assert kinds() == set()
    feed(WINDOW, seed=4)
    assert kinds() == {AlarmKind.APPEARANCE}


def test_too_few_cells_are_no_reference(feed, people):
    feed(REFERENCE + 20, seed=1)
    with pytest.raises(DomainError, match="there are 20"):
        reference_renew(actor=people.administrator, stream=stream(), reason="New lamp.")
    with pytest.raises(DomainError, match="Say in a sentence"):
        reference_renew(actor=people.administrator, stream=stream(), reason=" ")
    assert stream().reference_set_by is None

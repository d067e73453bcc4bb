"""Readers who override the model more often than before raise an alarm; people settle it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import AuditEvent
from monitoring.alarms import AlarmDecided, alarm_acknowledge, alarm_close, open_alarms
from monitoring.choices import AlarmKind, AlarmState
from monitoring.models import Alarm, Origin, SignedCount
from monitoring.overrides import overrides_check
from monitoring.shares import Rate, interval
from patients.errors import DomainError
from tests.monitoring.cells import active_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed(people):
    """``signed(days_ago, kept, overridden)`` at the clinic."""
    origin = Origin.objects.create(organisation=people.clinic)

    def _signed(days: int, kept: int, overridden: int, *, abstained: bool = False) -> None:
        day = timezone.localdate() - timedelta(days=days)
        for label, cells in (("neutrophil", kept), ("lymphocyte", overridden)):
            if cells:
                SignedCount.objects.create(
                    day=day, origin=origin, version=active_model(), said="neutrophil",
                    abstained=abstained, signed=label, cells=cells,
                )  # fmt: skip

    return _signed


def test_more_overrides_than_before_alarm(signed, people):
    signed(30, 950, 50)
    signed(2, 200, 40)
    signed(1, 100, 20)
    overrides_check()
    overrides_check()
    alarm = Alarm.objects.get()
    assert (alarm.kind, alarm.organisation, alarm.cells) == ("overrides", people.clinic, 360)
    assert alarm.value == pytest.approx(60 / 360)
    assert alarm.stream is None


def test_as_many_as_before_do_not(signed):
    signed(30, 950, 50)
    signed(1, 280, 20)
    overrides_check()
    assert not Alarm.objects.exists()


def test_few_cells_say_nothing(signed):
    signed(30, 200, 10)
    signed(1, 100, 200)
    overrides_check()
    assert not Alarm.objects.exists()


def test_cells_that_the_model_left_to_the_reader_are_no_overrides(signed):
    signed(30, 950, 50)
    signed(1, 300, 10)
    signed(0, 0, 300, abstained=True)
    overrides_check()
    assert not Alarm.objects.exists()


def test_it_closes_by_itself_when_later_days_are_as_before(signed):
    signed(30, 950, 50)
    signed(9, 240, 60)
    overrides_check()
    assert open_alarms() == 1
    signed(2, 290, 10)
    overrides_check()
    assert Alarm.objects.get().state == AlarmState.CLOSED


@pytest.fixture
def alarm(signed) -> Alarm:
    signed(30, 950, 50)
    signed(1, 240, 60)
    overrides_check()
    return Alarm.objects.get()


def test_an_alarm_is_acknowledged_once(alarm, people):
    alarm_acknowledge(actor=people.administrator, alarm=alarm)
    assert open_alarms() == 0
    with pytest.raises(AlarmDecided):
        alarm_acknowledge(actor=people.administrator, alarm=alarm)
    assert AuditEvent.objects.filter(action="monitoring.alarm_acknowledged").count() == 1


def test_an_acknowledged_alarm_stands_in_the_way_of_a_second_one(alarm, people):
    alarm_acknowledge(actor=people.administrator, alarm=alarm)
    overrides_check()
    assert Alarm.objects.count() == 1


def test_it_is_closed_with_a_reason_and_opens_anew_if_the_cause_stands(alarm, people):
    with pytest.raises(DomainError, match="Say in a sentence"):
        alarm_close(actor=people.administrator, alarm=alarm, reason="  ")
    alarm_close(actor=people.administrator, alarm=alarm, reason="One patient with blasts.")
    with pytest.raises(AlarmDecided):
        alarm_close(actor=people.administrator, alarm=alarm, reason="Again.")
    overrides_check()
    assert Alarm.objects.filter(kind=AlarmKind.OVERRIDES, state=AlarmState.OPEN).count() == 1


def test_intervals_of_few_cells_are_exact_and_of_many_nearly_so():
    assert interval(0, 10) == pytest.approx((0.0, 0.3085), abs=1e-4)
    assert interval(25, 501) == pytest.approx((0.0340, 0.0727), abs=1e-3)
    assert interval(50_000, 1_000_000)[0] == pytest.approx(0.0496, abs=1e-4)
    assert Rate(1, 49).few
    assert not Rate(1, 50).few
    assert Rate(0, 0).value is None

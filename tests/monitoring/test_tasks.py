"""What beat starts: streams, days and alarms in slices; and the command that does it at once."""

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from monitoring import tasks
from monitoring.counting import bounds
from monitoring.models import DayCounted, ReadCount, Stream
from telemed.celery import app
from tests.monitoring.cells import drawn, new_case, read

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(monkeypatch) -> list:
    """Follow-up tasks that were sent, instead of sending them."""
    found = []
    monkeypatch.setattr(tasks, "send_upkeep", lambda task, **kwargs: found.append((task, kwargs)))
    return found


@pytest.fixture
def three_days(people) -> None:
    case = new_case(people)
    for days in (2, 1, 0):
        day = timezone.localdate() - timedelta(days=days)
        at = bounds(day)[0] if days else timezone.now() - timedelta(minutes=5)
        read(case, drawn(10, seed=days), at=at)


def test_a_watch_follows_and_counts_and_sends_nothing_further(three_days, sent):
    tasks.watch()
    assert ReadCount.objects.values("day").distinct().count() >= 2
    assert sum(ReadCount.objects.values_list("read", flat=True)) == 30
    assert Stream.objects.get().reference_cells == 30
    assert sent == []


def test_a_watch_that_ran_out_of_time_goes_on_in_another_task(three_days, sent, monkeypatch):
    monkeypatch.setattr(tasks, "SECONDS", 0.0)
    tasks.watch()
    assert [task for task, _ in sent] == [tasks.watch]
    assert DayCounted.objects.count() == 1
    for _ in range(5):
        tasks.watch()
    assert sum(ReadCount.objects.values_list("read", flat=True)) >= 20


def test_the_nightly_recount_goes_on_where_time_ran_out(three_days, sent, monkeypatch):
    monkeypatch.setattr(tasks, "RECOUNTED", 3)
    monkeypatch.setattr(tasks, "SECONDS", 0.0)
    tasks.recount()
    while sent:
        task, facts = sent.pop()
        assert task is tasks.recount
        task(**facts)
    assert DayCounted.objects.count() == 3


def test_beat_starts_only_tasks_that_there_are():
    names = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert {tasks.watch.name, tasks.recount.name} <= names


def test_the_command_counts_everything_anew(three_days):
    output = io.StringIO()
    call_command("count_monitoring", stdout=output)
    assert "3 days with 30 cells are counted" in output.getvalue()


def test_the_command_says_that_there_is_nothing():
    output = io.StringIO()
    call_command("count_monitoring", stdout=output)
    assert "There is nothing to count" in output.getvalue()


def test_the_command_refuses_a_day_ahead(three_days):
    ahead = timezone.localdate() + timedelta(days=1)
    with pytest.raises(CommandError, match="lies ahead"):
        call_command("count_monitoring", since=ahead, stdout=io.StringIO())

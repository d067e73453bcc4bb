"""Time that is not what somebody thinks: leases that run out, messages delivered early, wrong clocks."""

import re
from collections import Counter

import pytest

from audit.models import AuditEvent
from classifier.choices import PredictionState
from classifier.models import Prediction
from classifier.operations import facts
from tests.faults.conftest import limit_sent_tasks
from tests.servers import engine
from tests.servers.reading import states, submitted_case
from tests.servers.valkey import wait_until

DONE, RUNNING = PredictionState.DONE, PredictionState.RUNNING


def deliveries(*workers) -> Counter[str]:
    """How often each message was handed to one of these workers."""
    received = re.compile(r"classify_batch\[([0-9a-f-]+)\] received")
    return Counter(id for worker in workers for id in received.findall(worker.said()))


def every_row_was_read_once(*, rows: int) -> None:
    attempts = Counter(Prediction.objects.values_list("state", "attempt"))
    assert attempts == {(DONE, 1): rows}


def test_a_visibility_timeout_shorter_than_the_task_gives_one_result_each(lab, monkeypatch):
    # The limits travel with the message, the visibility timeout is the worker's: here 60 s against
    # 3 s, as when only the workers were told another TELEHEME_TASK_SECONDS.
    limit_sent_tasks(monkeypatch, 60)
    worker = lab.worker(concurrency=3, TEST_ENGINE_SECONDS="0.5", TELEHEME_TASK_SECONDS="1")
    case = submitted_case(lab.people, [engine.picture(seed) for seed in range(32)])
    lab.wait_until_nothing_is_open()

    assert max(deliveries(worker).values()) >= 2, "no message came twice: nothing was tried"
    every_row_was_read_once(rows=32)
    moves = AuditEvent.objects.filter(case_id=case.public_id, data__to="ready")
    assert moves.count() == 1
    lab.all_hold()


def test_a_worker_that_slept_past_its_lease_writes_nothing_and_says_so(lab, monkeypatch):
    limit_sent_tasks(monkeypatch, 60)
    sleeper = lab.worker("sleeper", TEST_ENGINE_SECONDS="0.3").ready()
    submitted_case(lab.people, [engine.picture(seed) for seed in range(10)])
    running = Prediction.objects.filter(state=RUNNING).values_list("lease_expires_at", flat=True)
    wait_until(lambda: running.first(), what="the batch is being read")
    # Just after it has renewed its lease it holds no lock that the others would wait for.
    claimed = running.first()
    wait_until(lambda: running.first() != claimed, what="the lease was renewed")
    sleeper.freeze()
    lab.beat()
    lab.worker("other")
    lab.wait_until_nothing_is_open()
    results = list(Prediction.objects.order_by("pk").values())
    sleeper.thaw()
    wait_until(lambda: "0 read, 0 failed, 10 fenced" in sleeper.said(), what="it is refused")

    assert list(Prediction.objects.order_by("pk").values()) == results
    assert {(row["state"], row["attempt"]) for row in results} == {(DONE, 2)}
    lab.all_hold()


@pytest.mark.parametrize("ahead", [7200, pytest.param(-7200, marks=pytest.mark.local_shape)])
def test_a_worker_whose_clock_is_two_hours_off_reads_right_and_is_named(lab, ahead):
    lab.beat()
    right = lab.worker("right", TEST_ENGINE_SECONDS="0.1").ready()
    submitted_case(lab.people, [engine.picture(seed) for seed in range(128)])
    wait_until(lambda: states()[RUNNING], what="the right worker is reading")
    wrong = lab.worker("wrong", TEST_ENGINE_SECONDS="0.1", TEST_CLOCK_AHEAD=str(ahead))
    lab.wait_until_nothing_is_open()

    # The queue takes one of them for long dead and hands out its work again; the leases, on the
    # database's clock, do not.
    assert max(deliveries(right, wrong).values()) >= 2, "no message came twice: nothing was tried"
    every_row_was_read_once(rows=128)
    direction = "ahead of" if ahead > 0 else "behind"
    assert re.search(f"CRITICAL.* 7200 s {direction} the database's", wrong.said())
    assert "the database's. Results" not in right.said()
    (warning,) = [each for each in facts().warnings if "The clock of worker" in each]
    assert f"7200 s {direction}" in warning

    # Alone, and with a queue that forgot: its sweep must not take every bell for an old one.
    right.kill()
    submitted_case(lab.people, [engine.picture(1000 + seed) for seed in range(40)])
    wait_until(lambda: states()[RUNNING], what="the wrong worker is reading")
    with lab.valkey.client() as client:
        client.flushall()
    lab.wait_until_nothing_is_open()
    every_row_was_read_once(rows=168)
    assert not any("No worker was heard of" in each for each in facts().warnings)
    lab.all_hold()

"""Workers that die, in every way: each picture ends with exactly one result."""

from collections import Counter

import pytest

from classifier.attempts import TOO_SLOW
from classifier.choices import PredictionState
from classifier.models import Prediction
from patients.choices import CaseStatus
from tests.servers import engine
from tests.servers.reading import states, submitted_case
from tests.servers.valkey import wait_until

DONE, QUARANTINED = PredictionState.DONE, PredictionState.QUARANTINED


def done() -> int:
    return Prediction.objects.filter(state=DONE).count()


def test_kill_9_of_the_whole_worker_ten_times_during_300_pictures(lab):
    pictures = [engine.picture(seed) for seed in range(300)]
    case = submitted_case(lab.people, pictures)
    lab.beat()

    interrupted = 0
    for kill in range(10):
        worker = lab.worker(TEST_ENGINE_SECONDS="0.02")
        # Each worker reads some of its own, and is killed while it holds rows.
        goal = 20 * (kill + 1)
        wait_until(lambda goal=goal: done() >= goal, seconds=90, what=f"{goal} results")
        wait_until(
            lambda: Prediction.objects.filter(state=PredictionState.RUNNING).exists(),
            seconds=30,
            what="a batch is being read",
        )
        worker.kill()
        interrupted += Prediction.objects.filter(state=PredictionState.RUNNING).exists()
    assert interrupted >= 8, "the kills must hit batches that are being read"
    lab.worker()
    lab.wait_until_nothing_is_open()

    assert states() == {DONE: 300}
    rows = Prediction.objects.order_by("cell__image__position")
    assert [row.label for row in rows] == [engine.label_of(png) for png in pictures]
    assert Counter(rows.values_list("cell_id", flat=True)).most_common(1)[0][1] == 1
    case.refresh_from_db()
    assert case.status == CaseStatus.READY
    lab.all_hold()


@pytest.mark.local_shape
def test_a_poison_picture_is_tried_three_times_and_takes_no_other_down(lab):
    good = [engine.picture(seed) for seed in range(20)]
    poison = [engine.picture(500 + place, order=engine.CRASH) for place in range(2)]
    case = submitted_case(lab.people, [*good[:7], poison[0], *good[7:], poison[1]])
    lab.beat()
    lab.worker()
    lab.wait_until_nothing_is_open()

    assert states(case) == {DONE: 20, QUARANTINED: 2}
    set_aside = Prediction.objects.filter(state=QUARANTINED)
    assert {(row.attempt, row.label) for row in set_aside} == {(3, "")}
    assert all("worker stopped" in row.last_error for row in set_aside)
    case.refresh_from_db()
    assert case.status == CaseStatus.READY
    lab.all_hold()


@pytest.mark.local_shape
def test_a_picture_that_hangs_is_stopped_by_the_time_limits(lab):
    case = submitted_case(
        lab.people,
        [
            engine.picture(1),
            engine.picture(2, order=engine.HANG),  # the soft limit ends it
            engine.picture(3),
            engine.picture(4, order=engine.STUCK),  # only the hard limit does
        ],
    )
    lab.beat()
    lab.worker()
    lab.wait_until_nothing_is_open()

    assert states(case) == {DONE: 2, QUARANTINED: 2}
    assert {
        (row.attempt, row.last_error) for row in Prediction.objects.filter(state=QUARANTINED)
    } == {(3, TOO_SLOW)}
    lab.all_hold()


@pytest.mark.local_shape
def test_a_killed_pool_child_costs_one_attempt_and_seconds(lab):
    lab.worker(TEST_ENGINE_SECONDS="0.2").ready()
    submitted_case(lab.people, [engine.picture(seed) for seed in range(10)])
    wait_until(lambda: states()[PredictionState.RUNNING] == 10, what="the batch is being read")
    # No beat and no sweep here: the main process itself notices and rings again.
    (worker,) = lab.processes
    for child in worker.children():
        child.kill()
    lab.wait_until_nothing_is_open(seconds=60)

    assert set(Prediction.objects.values_list("state", "attempt")) == {(DONE, 2)}
    lab.all_hold()


@pytest.mark.local_shape
def test_death_after_the_inference_and_before_the_commit_is_tried_again(lab):
    case = submitted_case(lab.people, [engine.picture(5, order=engine.CRASH_AFTER)])
    lab.beat()
    lab.worker()
    lab.wait_until_nothing_is_open()

    assert states(case) == {QUARANTINED: 1}
    assert Prediction.objects.get().attempt == 3
    lab.all_hold()


@pytest.mark.local_shape
def test_death_after_the_commit_and_before_the_acknowledgement_gives_no_second_result(lab):
    orders = lab.directory / "orders"
    orders.mkdir()
    for number in range(5):
        (orders / str(number)).touch()
    submitted_case(lab.people, [engine.picture(seed) for seed in range(100)])
    lab.beat()
    lab.worker(TEST_DIE_BEFORE_ACK=str(orders))
    lab.wait_until_nothing_is_open()
    wait_until(lambda: not list(orders.iterdir()), what="the five deaths")

    assert set(Prediction.objects.values_list("state", "attempt")) == {(DONE, 1)}
    lab.all_hold()


@pytest.mark.local_shape
def test_a_rolling_restart_fails_nothing(lab):
    lab.beat()
    submitted_case(lab.people, [engine.picture(seed) for seed in range(160)])
    for number in range(3):
        worker = lab.worker(f"w{number}", TEST_ENGINE_SECONDS="0.03").ready()
        before = done()
        wait_until(lambda before=before: done() > before, what="it reads")
        assert worker.terminate() == 0
    lab.worker("last")
    lab.wait_until_nothing_is_open()

    # A stop that is asked for finishes its batch: nobody's attempt was wasted.
    assert set(Prediction.objects.values_list("state", "attempt")) == {(DONE, 1)}
    lab.all_hold()

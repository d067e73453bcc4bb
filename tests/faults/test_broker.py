"""A broker that dies, forgets, freezes or repeats itself: the database still owns the work."""

import time
from collections import Counter

import pytest

from audit.models import AuditEvent
from classifier.choices import PredictionState
from classifier.models import Prediction
from patients.choices import CaseStatus, Priority
from tests.servers import engine
from tests.servers.reading import states, submitted_case
from tests.servers.valkey import wait_until

DONE, QUEUED = PredictionState.DONE, PredictionState.QUEUED


def pictures(number: int) -> list[bytes]:
    return [engine.picture(seed) for seed in range(number)]


def everything_is_read_once(lab, number: int) -> None:
    lab.wait_until_nothing_is_open()
    assert states() == {DONE: number}
    lab.all_hold()


def test_a_broker_killed_without_persistence_loses_no_work(lab):
    submitted_case(lab.people, pictures(200))
    assert lab.valkey.length("routine") == 13
    lab.valkey.kill()
    lab.valkey.start()
    assert lab.valkey.length("routine") == 0
    lab.beat()
    lab.worker()
    everything_is_read_once(lab, 200)


@pytest.mark.local_shape
def test_flushall_in_the_middle_loses_no_work(lab):
    lab.beat()
    lab.worker(TEST_ENGINE_SECONDS="0.02").ready()
    submitted_case(lab.people, pictures(150))
    wait_until(lambda: states()[DONE] >= 16, what="the first batch is done")
    with lab.valkey.client() as client:
        client.flushall()
    everything_is_read_once(lab, 150)


@pytest.mark.local_shape
def test_a_broker_killed_under_a_working_worker_is_found_again(lab):
    lab.beat()
    lab.worker(TEST_ENGINE_SECONDS="0.02").ready()
    submitted_case(lab.people, pictures(100))
    wait_until(lambda: states()[DONE] >= 16, what="the first batch is done")
    lab.valkey.kill()
    case = submitted_case(lab.people, pictures(10))
    assert states(case) == {QUEUED: 10}
    lab.valkey.start()
    everything_is_read_once(lab, 110)


@pytest.mark.local_shape
def test_a_frozen_broker_delays_and_loses_nothing(lab):
    lab.beat()
    lab.worker().ready()
    lab.valkey.freeze()
    begin = time.monotonic()
    case = submitted_case(lab.people, pictures(20))
    assert time.monotonic() - begin < 8, "the person who submits must not wait for the broker"
    assert states(case) == {QUEUED: 20}
    lab.valkey.thaw()
    everything_is_read_once(lab, 20)


def test_every_message_three_times_with_four_processes_gives_one_result_each(lab):
    lab.worker(concurrency=4).ready()
    case = submitted_case(lab.people, pictures(200))
    ids = list(Prediction.objects.values_list("pk", flat=True))
    for start in range(0, 200, 16):
        for _ in range(2):
            lab.send(
                "classifier.tasks.classify_batch",
                queue="routine",
                prediction_ids=ids[start : start + 16],
            )
    lab.wait_until_nothing_is_open()
    wait_until(lambda: lab.valkey.length("routine") == 0, what="the queue is empty")

    assert set(Prediction.objects.values_list("state", "attempt")) == {(DONE, 1)}
    moves = AuditEvent.objects.filter(case_id=case.public_id, data__to="ready")
    assert moves.count() == 1
    lab.all_hold()


@pytest.mark.local_shape
def test_a_stat_case_overtakes_two_hundred_routine_pictures(lab):
    submitted_case(lab.people, pictures(200))
    stat = submitted_case(lab.people, pictures(3), priority=Priority.STAT)
    lab.worker(TEST_ENGINE_SECONDS="0.01")
    wait_until(lambda: states(stat)[DONE] == 3, what="the stat case is read")

    # One routine batch may have been on its way; the other twelve have not.
    assert states()[DONE] <= 3 + 3 * 16
    stat.refresh_from_db()
    assert stat.status == CaseStatus.READY
    lab.wait_until_nothing_is_open()
    first = Prediction.objects.order_by("finished_at").values_list("queue", flat=True)[:3]
    assert Counter(first) == {"stat": 3}


@pytest.mark.local_shape
def test_a_worker_never_imports_the_science(lab):
    lab.worker().ready()
    case = submitted_case(lab.people, pictures(1))
    wait_until(lambda: states(case)[DONE] == 1, what="the child has read a picture")
    path = lab.directory / "modules"
    lab.send("tests.loaded_modules", queue="stat", path=str(path))
    wait_until(path.exists, what="the list of modules")
    loaded = set(path.read_text().split("\n"))
    assert "classifier.inference.pipeline" in loaded
    roots = {name.partition(".")[0] for name in loaded}
    assert not roots & {"tensorflow", "keras", "torch", "h5py", "sklearn"}
    # Django knows the app of the trainer's commands; nothing behind it is loaded.
    assert {name for name in loaded if name.startswith("ml.")} <= {"ml.apps"}

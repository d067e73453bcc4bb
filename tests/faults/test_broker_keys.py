"""Somebody else's things where the queue's were: a key that holds another type than it should."""

import pytest

from classifier.choices import OPEN_STATES, PredictionState
from classifier.models import Prediction
from tests.servers import engine
from tests.servers.reading import states, submitted_case
from tests.servers.valkey import wait_until

pytestmark = pytest.mark.local_shape

DONE, RUNNING = PredictionState.DONE, PredictionState.RUNNING
KEYS = (
    *("stat", "routine", "background", "unacked", "unacked_index", "unacked_mutex"),
    *("_kombu.binding.routine", "_kombu.binding.celery.pidbox"),
)


def overwrite(lab, key: str) -> None:
    """With a list where that is not what belongs there anyway."""
    with lab.valkey.client() as client, client.pipeline() as pipe:
        pipe.delete(key)
        if key in ("stat", "routine", "background"):
            pipe.set(key, "somebody else's")
        else:
            pipe.rpush(key, "somebody else's")
        pipe.execute()


def test_work_goes_on_whatever_key_another_program_overwrites(lab):
    lab.beat()
    worker = lab.worker(TEST_ENGINE_SECONDS="0.02").ready()
    seeds = iter(range(10_000))
    for key in KEYS:
        submitted_case(lab.people, [engine.picture(next(seeds)) for _ in range(32)])
        wait_until(lambda: states()[RUNNING], what="a batch is being read")
        overwrite(lab, key)
        # The person who submits now does not notice.
        submitted_case(lab.people, [engine.picture(next(seeds)) for _ in range(4)])
        lab.wait_until_nothing_is_open(seconds=40)
        assert worker.process.poll() is None, f"{key}: the worker ended\n{worker.said()[-3000:]}"

    assert states() == {DONE: 36 * len(KEYS)}
    lab.all_hold()
    # Nothing of somebody else's was deleted, and the log says where it is.
    with lab.valkey.client() as client:
        for key in (b"stat", b"unacked", b"_kombu.binding.routine"):
            (aside,) = client.keys(key + b".set-aside.*")
            assert aside.decode() in worker.said()


def test_while_no_worker_runs_nothing_is_lost_and_the_next_one_mends_the_keys(lab):
    for key in KEYS:
        overwrite(lab, key)
    submitted_case(lab.people, [engine.picture(seed) for seed in range(20)])
    assert Prediction.objects.filter(state__in=OPEN_STATES).count() == 20
    lab.beat()
    lab.worker()
    lab.wait_until_nothing_is_open()
    assert states() == {DONE: 20}
    lab.all_hold()

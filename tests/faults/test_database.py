"""PostgreSQL that ends sessions or crashes while cases come in and are read."""

import threading
from collections import Counter

import pytest
from django.db import Error, connection

from classifier.choices import PredictionState
from classifier.models import Prediction
from patients.choices import CaseStatus
from patients.models import Case
from telemed.database import went_away
from tests.faults.conftest import SQLITE
from tests.servers import engine
from tests.servers.reading import draft_case, states, submit, submitted_case
from tests.servers.valkey import wait_until

pytestmark = pytest.mark.skipif(SQLITE, reason="SQLite has neither sessions nor a server")

DONE, RUNNING = PredictionState.DONE, PredictionState.RUNNING
PICTURES = 4  # in one case


def test_sessions_that_end_in_the_middle_of_a_batch_cost_no_attempt(lab):
    lab.beat()
    worker = lab.worker(TEST_ENGINE_SECONDS="0.1").ready()
    submitted_case(lab.people, [engine.picture(seed) for seed in range(64)])
    name = connection.settings_dict["NAME"]
    for dropped in range(3):
        wait_until(lambda n=dropped: states()[DONE] >= 16 * n, what="the batch before is read")
        wait_until(lambda: states()[RUNNING], what="a batch is being read")
        connection.close()
        assert lab.cluster.drop_connections(name) >= 1
        wait_until(lambda n=dropped: worker.said().count("trying again") > n, what="it notices")
    lab.wait_until_nothing_is_open()

    # The results of the interrupted batches were kept and written by a new session.
    attempts = Counter(Prediction.objects.values_list("state", "attempt"))
    assert attempts == {(DONE, 1): 64}
    lab.all_hold()


class Submitter(threading.Thread):
    """A person who submits case after case; what was acknowledged is remembered."""

    def __init__(self, people, number: int) -> None:
        super().__init__(daemon=True)
        self.people, self.number = people, number
        self.enough = threading.Event()
        self.acknowledged: list[int] = []
        self.refused = 0

    def run(self) -> None:
        seed = self.number * 100_000
        while not self.enough.is_set():
            try:
                pictures = [engine.picture(seed + place) for place in range(PICTURES)]
                seed += PICTURES
                self.acknowledged.append(submit(self.people, draft_case(self.people, pictures)).pk)
            except Error as error:
                if not went_away(error):
                    raise
                self.refused += 1
                connection.close()
            self.enough.wait(0.1)
        connection.close()


def test_a_database_that_crashes_under_load_loses_nothing_that_was_acknowledged(lab):
    lab.beat()
    worker = lab.worker(concurrency=2, TEST_ENGINE_SECONDS="0.02").ready()
    people = [Submitter(lab.people, number) for number in (1, 2)]
    for person in people:
        person.start()
    for _ in range(3):
        done, refused = states()[DONE], sum(person.refused for person in people)
        wait_until(lambda done=done: states()[DONE] > done, what="work is done")
        wait_until(lambda: states()[RUNNING], what="a batch is being read")
        connection.close()
        lab.cluster.crash()
        wait_until(
            lambda refused=refused: sum(person.refused for person in people) > refused,
            what="somebody is told that it did not work",
        )
        lab.cluster.start_again()
    done = states()[DONE]
    wait_until(lambda: states()[DONE] > done, what="work is done again")
    for person in people:
        person.enough.set()
        person.join()
    lab.wait_until_nothing_is_open()

    acknowledged = [key for person in people for key in person.acknowledged]
    kept = Case.objects.filter(pk__in=acknowledged)
    assert Counter(kept.values_list("status", flat=True)) == {CaseStatus.READY: len(acknowledged)}
    # Nobody's case is half submitted, whether they heard of it or not.
    for case in Case.objects.exclude(status=CaseStatus.DRAFT):
        assert states(case) == {DONE: PICTURES}
    assert states() == {DONE: PICTURES * Case.objects.exclude(status=CaseStatus.DRAFT).count()}
    assert worker.process.poll() is None
    lab.all_hold()

"""A model is activated and gone back from while a worker reads (F25): nothing is lost or mixed.

The models are small real ones with OpenVINO, so that what each would say of a picture can be asked
again afterwards, and is.
"""

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from django.db import connection

from classifier.choices import PredictionState, PromotionState
from classifier.inference import load_model
from classifier.models import Prediction
from classifier.promotion import promotion_ask, promotion_rollback, promotion_try
from classifier.queueing import active_version
from classifier.registry import model_activate, model_register
from patients import storage
from tests.servers import engine
from tests.servers.candidates import write_candidate
from tests.servers.reading import states, submitted_case
from tests.servers.valkey import wait_until

RUNTIME = "classifier.inference.load_model"
MOVES, MEANWHILE = 6, 6  # cases of five pictures that come while one move is made
FITNESS = "classifier.bundles.confined.require_fit"


@pytest.fixture
def two(lab, settings):
    """The active model, and one that is as good and says other things."""
    settings.CLASSIFIER_RUNTIME, settings.CLASSIFIER_FITNESS = RUNTIME, FITNESS
    folder = lab.directory / "models"
    first, second = (
        model_register(directory=write_candidate(folder / name, seed=seed))
        for seed, name in enumerate(("first", "second"))
    )
    return model_activate(version=first), second


def worker(lab, name="w"):
    return lab.worker(name, TEST_RUNTIME=RUNTIME, TELEHEME_INFERENCE_THREADS="1")


def read_by(version) -> int:
    return Prediction.objects.filter(model_version=version, state=PredictionState.DONE).count()


@pytest.mark.local_shape
def test_f25_every_result_is_of_the_model_that_its_row_names(lab, two):
    first, second = two
    lab.beat()
    worker(lab)
    administrator = lab.people.administrator
    promotion_try(actor=administrator, version=second)  # from here on the gate is not waited for
    cases, seeds, turns = [], itertools.count(), threading.Semaphore(0)

    def submit():
        pictures = [engine.picture(next(seeds)) for _ in range(5)]
        cases.append(submitted_case(lab.people, pictures))

    def submit_meanwhile():
        for _ in range(MOVES * MEANWHILE):
            turns.acquire()
            submit()
        connection.close()

    with ThreadPoolExecutor(1) as clinic:
        meanwhile = clinic.submit(submit_meanwhile)
        try:
            for _ in range(MOVES):
                turns.release(MEANWHILE)
                active = active_version()
                if active == first:
                    made = promotion_ask(actor=administrator, version=second)
                else:
                    made = promotion_rollback(actor=administrator, active=active)
                assert made.state == PromotionState.DONE
                submit()
        finally:
            turns.release(MOVES * MEANWHILE)  # should one fail, nobody waits for ever
        meanwhile.result()
    lab.wait_until_nothing_is_open()

    pictures = 5 * MOVES * (MEANWHILE + 1)
    assert states() == {PredictionState.DONE: pictures}
    assert Prediction.objects.values("cell").distinct().count() == pictures
    assert read_by(first) + read_by(second) == pictures
    assert min(read_by(first), read_by(second)) >= 5 * MOVES / 2
    models = {
        version.pk: load_model(lab.directory / "models" / version.model_id, threads=1)
        for version in two
    }
    for row in Prediction.objects.select_related("cell__image", "model_version"):
        assert row.model_sha256 == row.model_version.manifest_sha256
        image = row.cell.image
        png = storage.read_verified(image.picture_key, sha256=image.sha256)
        mine = models[row.model_version_id].classify(png).probabilities
        (other,) = (model for pk, model in models.items() if pk != row.model_version_id)
        assert row.probabilities == pytest.approx(list(mine), abs=1e-5)
        assert (
            np.abs(np.subtract(row.probabilities, other.classify(png).probabilities)).max() > 0.01
        )
    for case in cases:  # one case is one model's, whenever it came
        assert Prediction.objects.of_case(case).values("model_version").distinct().count() == 1
    lab.all_hold()


@pytest.mark.local_shape
def test_a_worker_reads_with_another_model_within_ten_seconds_and_without_a_restart(lab, two):
    first, second = two
    lab.beat()
    running = worker(lab).ready()
    submitted_case(lab.people, [engine.picture(1)])
    lab.wait_until_nothing_is_open()
    children = {child.pid for child in running.children()}

    model_activate(version=second)
    submitted_case(lab.people, [engine.picture(2)])
    wait_until(lambda: read_by(second) == 1, seconds=10, what="the new model reads")
    promotion_rollback(actor=lab.people.administrator, active=second)
    assert active_version() == first
    submitted_case(lab.people, [engine.picture(3)])
    wait_until(lambda: read_by(first) == 2, seconds=10, what="the one before reads again")

    assert {child.pid for child in running.children()} == children
    lab.all_hold()

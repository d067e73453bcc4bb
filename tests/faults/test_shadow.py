"""A shadow that hangs, and one that kills its worker: no case waits for them, none is lost."""

import pytest

from classifier.choices import PredictionState
from classifier.models import Prediction
from classifier.registry import model_register
from classifier.shadow import shadow_end, shadow_start
from patients.choices import CaseStatus
from tests.servers import engine
from tests.servers.reading import states, submitted_case
from tests.servers.valkey import wait_until

ORDERS = {"hangs": engine.STUCK, "kills": engine.CRASH}  # deaf to all but the hard limit; SIGKILL


@pytest.mark.local_shape
def test_a_dead_shadow_costs_no_case_an_attempt(lab, settings):
    settings.SHADOWS = len(ORDERS)
    shadows = [
        shadow_start(
            version=model_register(
                directory=engine.write_model(lab.directory / "models", model_id=name, order=order)
            )
        )
        for name, order in ORDERS.items()
    ]
    lab.beat()
    lab.worker()
    for number in range(4):
        case = submitted_case(lab.people, [engine.picture(10 * number + n) for n in range(5)])
        wait_until(
            lambda case=case: type(case).objects.get(pk=case.pk).status == CaseStatus.READY,
            seconds=60,
            what="the case is read",
        )
    tried = Prediction.jobs.of_shadows().filter(attempt__gte=1)
    wait_until(
        lambda: {row.model_version_id for row in tried} == {each.pk for each in shadows},
        seconds=60,
        what="each shadow was tried",
    )
    assert states() == {PredictionState.DONE: 20}
    assert set(Prediction.objects.values_list("attempt", flat=True)) == {1}
    for version in shadows:
        shadow_end(version=version)
    assert not Prediction.jobs.open().exists()
    lab.all_hold()

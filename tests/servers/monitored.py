"""A stream of monitoring that has drifted, made beside the running product."""

from datetime import timedelta
from types import SimpleNamespace

from django.utils import timezone

from accounts.models import Organisation, Role
from classifier.queueing import active_version
from monitoring.counting import day_count
from monitoring.drift import REFERENCE, WINDOW
from monitoring.models import Alarm
from monitoring.streams import LAG, follow
from tests.factories import make_user
from tests.monitoring.cells import drawn, new_case, read


def alarm() -> None:
    """Cells of another look than those just before; counted, and alarmed about. Of a clinic that
    nobody of the demonstration reads for: these cells have no picture."""
    version = active_version()
    clinic = Organisation.objects.create(name="Monitored clinic")
    those = SimpleNamespace(
        clinician=make_user(Role.CLINICIAN, clinic, email="monitored@demo.example")
    )
    numbers = [f"MON-{number}" for number in range(6)]
    cases = [new_case(those, number=number, synthetic=True) for number in numbers]
    # Now, since what was read before the product last looked is not looked at again.
    at = timezone.now()
    read(cases[0], drawn(REFERENCE, seed=1), version=version, at=at)
    later = at + timedelta(seconds=1)
    read(cases[1], drawn(WINDOW, seed=2, away=0.7), version=version, at=later)
    follow(now=later + timedelta(seconds=1) + LAG)
    day_count(day=timezone.localdate(at))
    assert Alarm.objects.exists()

"""Nobody who treats patients sees what a shadow says: every address of a case, as each role, gives
the same bytes whether it has read the case or not."""

import json
import re
from datetime import UTC, datetime

import pytest
from allauth.usersessions.models import UserSession
from django.db import transaction
from django.utils import timezone

from classifier.choices import ModelState, PredictionState
from classifier.invariants import verify
from classifier.models import ModelVersion, Prediction
from review.current import primary_reading
from review.progress import reading_progress
from review.reports.content import basis_of
from review.services.blockers import sign_blockers
from tests.classifier.cells import result
from tests.classifier.shadowing import beside, make_shadow, read_along
from tests.review.conftest import CLASSES
from tests.review.real_case import pictured_case
from tests.review.signed import ready_to_sign, sign, signed_report
from tests.security import access_table as table
from tests.security.routes import rows
from tests.security.world import World, sign_in

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ROLES = ("clinician", "specialist", "administrator")
# What an administrator is to see of it; what says whether a worker lives; what is no case's.
ELSEWHERE = (
    "operations/", "models/", "promotions/", "audit/", "health/", "account/", "people/",
    "organisations/", "text-blocks/", "quick-look/", "verify/", "api/v1/models",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _quick(quick_passwords, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOW)


def everything_of(world) -> dict[tuple[str, str], bytes]:
    """(role, address) -> status and body, with everything that the requests wrote undone."""
    found = {}
    for role in ROLES:
        for url in world.addresses:
            with transaction.atomic():
                response = world.browsers[role].get(url)
                parts = response.streaming_content if response.streaming else [response.content]
                found[role, url] = b"%d " % response.status_code + b"".join(parts)
                transaction.set_rollback(True)
    return {key: masked(body) for key, body in found.items()}


def differing(before, after) -> dict:
    """What stands where each address begins to differ, before and after."""
    found = {}
    for key, one in before.items():
        other = after[key]
        if one != other:
            place = next(
                (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
                min(len(one), len(other)),
            )
            start = max(0, place - 60)
            found[key] = one[start : place + 60], other[start : place + 60]
    return found


def masked(body: bytes) -> bytes:
    """Without the tokens, which are drawn anew for each answer."""
    drawn = rb'(csrf-token" content="|csrfmiddlewaretoken" value="|name="key" value=")[^"]*'
    return re.sub(rb"(Number of this request: <code>)\w*", rb"\1", re.sub(drawn, rb"\1*", body))


def world_of(people, case) -> World:
    session = UserSession.objects.create(
        user=people.clinician, ip="192.0.2.1", session_key="k" * 32, user_agent="Other"
    )
    row = Prediction.objects.of_case(case).first()
    world = World(
        people=people, case=case, image=case.images.first(), prediction=row,
        model=row.model_version, person=people.clinician, session_of_clinician=session.pk,
    )  # fmt: skip
    for role in ROLES:
        world.browsers[role] = sign_in(getattr(people, role))
    shown = [(route, row) for route, row in rows() if row.GET not in (table.NO, table.API_NO)]
    world.addresses = [
        route.url(row.make(world)) for route, row in shown if not route.route.startswith(ELSEWHERE)
    ]
    return world


def shadow_reads(version, case) -> None:
    """Other answers to most cells; of one it has none yet, and one it could not read."""
    done = read_along(version, case)
    assert len({row.label for row in done}) > 1
    for row, state in zip(done[-2:], ("queued", "quarantined"), strict=True):
        counts = row.beside
        Prediction.jobs.filter(pk=row.pk).delete()
        beside(version, counts, state=state, attempt=3 if state == "quarantined" else 0)


def a_case(people, **how):
    return pictured_case(people.clinician, CLASSES * 2, abstained=[9], **how)


def still_being_read(people):
    case = a_case(people, clinical_question="Read on?")
    Prediction.objects.filter(pk=Prediction.objects.of_case(case).last().pk).update(
        state=PredictionState.QUEUED, label="", probabilities=None, confidence=None, attempt=0,
        finished_at=None,
    )  # fmt: skip
    return case


def held(people):
    case = a_case(people)
    ready_to_sign(people, case)
    case.refresh_from_db()
    return case


def signed(people):
    case = a_case(people)
    signed_report(people, case)
    case.refresh_from_db()
    return case


@pytest.mark.parametrize("make", [still_being_read, held, signed])
def test_not_one_byte_differs_wherever_one_looks(people, make):
    case = make(people)
    other = a_case(people)  # whose cells are not look-alikes by a shadow either
    ModelVersion.objects.filter(model_id="for-tests").update(state=ModelState.ACTIVE)
    version = make_shadow()
    world = world_of(people, case)
    before = everything_of(world)
    shadow_reads(version, case)
    shadow_reads(version, other)
    after = everything_of(world)
    assert sum(body.startswith(b"200") for body in after.values()) > 25
    assert differing(before, after) == {}


def test_what_is_signed_rests_on_the_active_model_alone(people):
    case = held(people)
    reading = primary_reading(case)
    reading.case = case
    before = basis_of(reading, reader=people.specialist)
    shadow_reads(make_shadow(), case)
    assert basis_of(reading, reader=people.specialist) == before
    assert sign_blockers(reading, actor=people.specialist) == []
    report = sign(reading, people.specialist)
    assert {cell["model"]["id"] for cell in json.loads(report.content)["cells"]} == {"for-tests"}
    assert [each for each in verify(files=False) if each.code == "I5" and each.broken] == []


def test_a_shadow_that_has_not_finished_keeps_no_case_from_its_signature(people):
    case = held(people)
    version = make_shadow()
    for row in Prediction.objects.of_case(case):
        beside(version, row)
    reading = primary_reading(case)
    reading.case = case
    assert sign_blockers(reading, actor=people.specialist) == []
    assert reading_progress(reading).waiting == 0


@pytest.mark.parametrize("state", ["queued", "quarantined", "done"])
def test_its_jobs_are_nobodys_to_ask_for_again(people, client, state):
    case = held(people)
    row = Prediction.objects.of_case(case).first()
    answer = result("monocyte", 0.8) if state == "done" else {"attempt": 3}
    own = beside(make_shadow(), row, state=state, **answer)
    for user in (people.clinician, people.specialist):
        client.force_login(user)
        assert client.post(f"/cells/{own.public_id}/retry").status_code == 404
    own.refresh_from_db()
    assert own.state == state

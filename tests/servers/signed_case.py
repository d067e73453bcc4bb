"""A case of drawn cells that is read, signed and critical, made beside the running product."""

import time
from types import SimpleNamespace

import cv2

from accounts.models import User
from patients.choices import CaseStatus
from patients.models import Case
from patients.services import case_create, case_submit, image_receive
from review.services.readings import case_take
from telemed import demo

SECONDS = 120  # for the worker to read it


def people() -> SimpleNamespace:
    """The demonstration's, named as the tests of review name theirs."""
    clinician, specialist, administrator = (
        User.objects.select_related("organisation").get(email=person.email)
        for person in demo.PEOPLE
    )
    return SimpleNamespace(
        clinician=clinician,
        specialist=specialist,
        administrator=administrator,
        clinic=clinician.organisation,
        centre=specialist.organisation,
    )


def read_case(mrn: str, *, cells: int = 4) -> Case:
    """A submitted case that the worker has read."""
    from ml.phantoms import draw_cell

    clinician = people().clinician
    case = case_create(
        actor=clinician,
        new_patient={"mrn": mrn, "family_name": "Canarybird"},
        clinical_question="Canary question?",
        synthetic=True,
    )
    for seed in range(cells):
        _, png = cv2.imencode(".png", draw_cell("lymphocyte", seed).image[..., ::-1])
        image_receive(
            actor=clinician,
            case=case,
            name=f"{seed}.png",
            data=png.tobytes(),
            upload_key=f"{mrn}-{seed}",
        )
    case = case_submit(actor=clinician, case=case)
    deadline = time.monotonic() + SECONDS
    while case.status != CaseStatus.READY:
        assert time.monotonic() < deadline, f"{case} is {case.status}"
        time.sleep(0.2)
        case.refresh_from_db()
    return case


def critical(mrn: str) -> None:
    """Sign a case with a blast in it; prints the case's address."""
    from tests.review.signed import call, ready_to_sign, sign

    those = people()
    case = read_case(mrn)
    reading = case_take(actor=those.specialist, case=case)
    call(reading, those.specialist, 0, "blast")
    sign(ready_to_sign(those, case), those.specialist)
    print(case.get_absolute_url())


def opinions(mrn: str) -> None:
    """A case that the specialist holds and a colleague gave an opinion on; prints its address."""
    from accounts.models import Role
    from review.services.readings import opinion_ask, opinion_give
    from tests.factories import make_user
    from tests.review.signed import call

    those = people()
    colleague = make_user(
        Role.SPECIALIST, those.centre, email=f"{mrn.lower()}@demo.example", name="Dr Second"
    )
    case = read_case(mrn)
    reading = case_take(actor=those.specialist, case=case)
    call(reading, those.specialist, 0, "lymphocyte")
    opinion = opinion_ask(
        actor=those.specialist, case=reading.case, of=colleague, question="Blast or lymphocyte?"
    )
    call(opinion, colleague, 0, "blast")
    opinion_give(actor=colleague, reading=opinion)
    print(case.get_absolute_url())


def messages(address: str) -> None:
    """The specialist writes about the case at this address."""
    from patients.services import comment_add

    case = Case.objects.get(public_id=address.strip("/").split("/")[1])
    comment_add(actor=people().specialist, case=case, body="Please see the report.")

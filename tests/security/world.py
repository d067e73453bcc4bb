"""Two tenants with one of everything, and one browser per column of the access table."""

import hashlib
import uuid
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from allauth.usersessions.models import UserSession
from django.test import Client
from django.utils import timezone

from accounts.models import Role, User
from classifier.choices import PredictionState
from classifier.models import Cell, ModelVersion, Prediction
from patients import storage
from patients.choices import CaseStatus
from patients.models import Case, SmearImage
from tests import factories

CANARY = "Canarybird"  # the family name of tenant A's patient
CANARY_MRN = "CANARY-0042"
# A whole PNG of 1 x 1 pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)


@dataclass
class World:
    people: factories.People
    case: Case
    image: SmearImage
    prediction: Prediction
    model: ModelVersion
    person: User
    session_of_clinician: int
    browsers: dict[str, Client] = field(default_factory=dict)


def _image(case: Case) -> SmearImage:
    digest = hashlib.sha256(PNG).hexdigest()
    keys = [storage.new_key("pictures", ".png"), storage.new_key("thumbnails", ".jpg")]
    for key in keys:
        storage.write_once(key, PNG, sha256=digest)
    return SmearImage.objects.create(
        case=case,
        position=1,
        uploaded_by=case.created_by,
        original_name=f"{CANARY}.png",
        original_format="PNG",
        original_sha256=digest,
        upload_key=uuid.uuid4().hex,
        picture_key=keys[0],
        thumbnail_key=keys[1],
        sha256=digest,
        thumbnail_sha256=digest,
        bytes=len(PNG),
        width=1,
        height=1,
    )


def _set_aside(image: SmearImage, model: ModelVersion) -> Prediction:
    """A cell that could not be read, so that asking again is possible."""
    return Prediction.objects.create(
        cell=Cell.objects.create(image=image, width=1, height=1),
        model_version=model,
        image_sha256=image.sha256,
        queue=image.case.priority,
        state=PredictionState.QUARANTINED,
        attempt=3,
    )


def make_world() -> World:
    people = factories.make_people()
    patient = factories.make_patient(
        people.clinic, family_name=CANARY, mrn=CANARY_MRN, birth_date=date(1961, 3, 9)
    )
    case = factories.make_case(
        people.clinician, patient=patient, status=CaseStatus.READY, submitted_at=timezone.now()
    )
    factories.make_case(people.other_clinician)  # tenant B has something of its own
    image = _image(case)
    model = ModelVersion.objects.create(
        model_id="access-test", manifest_sha256="0" * 64, precision="f32", manifest={}
    )
    world = World(
        people=people,
        case=case,
        image=image,
        prediction=_set_aside(image, model),
        model=model,
        person=factories.make_user(Role.CLINICIAN, people.clinic),
        session_of_clinician=UserSession.objects.create(
            user=people.clinician, ip="192.0.2.1", session_key="k" * 32, user_agent="Other"
        ).pk,
    )
    disabled = factories.make_user(Role.CLINICIAN, people.clinic)
    for column, user in {
        "anonymous": None,
        "clinician": people.clinician,
        "outsider": people.other_clinician,
        "specialist": people.specialist,
        "stranger": people.other_specialist,
        "administrator": people.administrator,
        "disabled": disabled,
    }.items():
        world.browsers[column] = sign_in(user)
    User.objects.filter(pk=disabled.pk).update(is_active=False)
    return world


def sign_in(user: User | None, **options: Any) -> Client:
    client = Client(raise_request_exception=True, **options)
    if user is not None:
        client.force_login(user)
    return client

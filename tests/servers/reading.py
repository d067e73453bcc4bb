"""Submitted cases with stored pictures, and what became of them."""

import hashlib
import itertools
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from django.utils import timezone

from classifier.models import Prediction
from patients import storage
from patients.choices import Priority
from patients.models import Case, SmearImage
from patients.services import case_submit
from patients.services.files import PICTURES, THUMBNAILS
from tests import factories
from tests.servers.engine import SIZE

_keys = itertools.count(1)


def add_picture(case: Case, png: bytes, *, width: int = SIZE, height: int = SIZE) -> SmearImage:
    digest = hashlib.sha256(png).hexdigest()
    names = [storage.new_key(PICTURES, ".png"), storage.new_key(THUMBNAILS, ".jpg")]
    for name in names:
        storage.write_once(name, png, sha256=digest)
    return SmearImage.objects.create(
        case=case,
        position=case.images.count() + 1,
        uploaded_by=case.created_by,
        original_format="PNG",
        original_sha256=digest,
        upload_key=f"key-{next(_keys)}",
        picture_key=names[0],
        thumbnail_key=names[1],
        sha256=digest,
        bytes=len(png),
        width=width,
        height=height,
    )


def draft_case(
    people: factories.People, pictures: Sequence[bytes], *, priority: str = Priority.ROUTINE
) -> Case:
    case = factories.make_case(people.clinician, priority=priority)
    for png in pictures:
        add_picture(case, png)
    return case


def submit(people: factories.People, case: Case) -> Case:
    return case_submit(actor=people.clinician, case=case)


def submitted_case(
    people: factories.People, pictures: Sequence[bytes], *, priority: str = Priority.ROUTINE
) -> Case:
    """A case whose pictures were just handed to the reading."""
    return submit(people, draft_case(people, pictures, priority=priority))


def long_ago(**fields: float) -> None:
    """Turn every row's clock back, as if that much time had gone by."""
    past = timezone.now() - timedelta(**fields)
    Prediction.objects.update(created_at=past)
    Prediction.objects.filter(published_at__isnull=False).update(published_at=past)
    Prediction.objects.filter(lease_expires_at__isnull=False).update(lease_expires_at=past)


def states(case: Case | None = None) -> Counter[str]:
    """How many rows are in which state."""
    rows = Prediction.objects.all() if case is None else Prediction.objects.of_case(case)
    return Counter(rows.values_list("state", flat=True))

"""Cases whose pictures lie in the store, so that a report can show them."""

import hashlib
from collections.abc import Sequence

from patients import storage
from patients.models import Case, SmearImage
from patients.services.files import PICTURES, THUMBNAILS
from tests.patients.pictures import png
from tests.review.conftest import read_case

SIDE = 96  # pixels of each picture


def pictured_case(clinician, labels: Sequence[str], **how) -> Case:
    """As ``read_case``, each picture a stored file; the model was shown a little beyond its rim."""
    case = read_case(clinician, labels, **how)
    for image in case.images.order_by("position"):
        data = png(image.position)
        digest = hashlib.sha256(data).hexdigest()
        picture, thumbnail = storage.new_key(PICTURES, ".png"), storage.new_key(THUMBNAILS, ".jpg")
        for key in (picture, thumbnail):
            storage.write_once(key, data, sha256=digest)
        SmearImage.objects.filter(pk=image.pk).update(
            picture_key=picture, thumbnail_key=thumbnail, sha256=digest, thumbnail_sha256=digest,
            bytes=len(data), width=SIDE, height=SIDE,
        )  # fmt: skip
        for cell in image.cells.all():
            cell.predictions.update(image_sha256=digest, shown=[-8, 8, SIDE, SIDE])
    return case


def spoil(key: str) -> None:
    """Change one byte of a stored file, as a bad disk or a bad person would."""
    from django.core.files.base import ContentFile
    from django.core.files.storage import default_storage

    with default_storage.open(key) as file:
        data = bytearray(file.read())
    data[len(data) // 2] ^= 1
    default_storage.delete(key)
    assert default_storage.save(key, ContentFile(bytes(data))) == key

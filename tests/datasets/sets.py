"""Pictures, zip files and finished data sets for tests, made through the services."""

import io
import itertools
import zipfile
from pathlib import Path

import cv2
import numpy as np
from django.utils import timezone

from accounts.models import Organisation
from classifier.choices import PredictionState
from classifier.models import Cell, Prediction
from datasets.consents import consent_set
from datasets.making import make_slice
from datasets.models import DataSet
from datasets.services import data_set_from_folder
from patients import storage
from patients.images import rebuild
from patients.models import Case, SmearImage
from tests import factories
from tests.classifier.cells import make_version, result
from tests.ml.sets import picture

_numbers = itertools.count(1)
ABOUT = {"name": "Our smears", "licence": "CC BY 4.0", "source": "Test laboratory, 2026"}


def encoded(rgb: np.ndarray, kind: str = ".png") -> bytes:
    return cv2.imencode(kind, cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))[1].tobytes()


def folder_of(root: Path, names: dict[str, int]) -> Path:
    """Files by name below ``root``, each the picture of its seed."""
    for name, seed in names.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(picture(seed), path.suffix))
    return root


def zipped(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


def zip_of(names: dict[str, int]) -> bytes:
    return zipped({name: encoded(picture(seed), Path(name).suffix) for name, seed in names.items()})


def make(data_set: DataSet, source: Path | None = None) -> DataSet:
    """Work on it until nothing is left to do."""
    while make_slice(data_set_id=data_set.pk, source=source):
        pass
    data_set.refresh_from_db()
    return data_set


def imported(root: Path, slug: str = "ours", **about) -> DataSet:
    """A finished set of what lies in a folder."""
    return make(data_set_from_folder(slug=slug, **{**ABOUT, **about}), root)


def of_classes(root: Path, slug: str = "ours", *, each: int = 3, first: int = 0) -> DataSet:
    """A finished set of a few cells of each class, every one of a patient of its own."""
    from classifier.inference.classes import CLASSES

    names = {
        f"{slug}/{kind}/p{place}/{place}.png": first + 100 * number + place
        for number, kind in enumerate(CLASSES)
        for place in range(each)
    }
    return imported(folder_of(root, names) / slug, slug)


def signed_case(people, labels: list[str], *, first: int, patient=None, **fields) -> Case:
    """A case with real pictures, read by the model and signed by the specialist as it was read."""
    from patients.choices import CaseStatus
    from tests.review.signed import signed_report

    clinician = fields.pop("clinician", people.clinician)
    fields = {"patient": patient} | fields if patient else fields
    case = factories.make_case(
        clinician, status=CaseStatus.READY, submitted_at=timezone.now(), **fields
    )
    for place, label in enumerate(labels):
        stored_cell(case, place, label, seed=first + place)
    signed_report(people, case)
    case.refresh_from_db()
    return case


def stored_cell(case: Case, place: int, label: str, *, seed: int, **answer) -> Cell:
    """A cell whose picture lies in the store."""
    rebuilt = rebuild(encoded(picture(seed)))
    keys = storage.new_key("pictures", ".png"), storage.new_key("thumbnails", ".jpg")
    storage.write_once(keys[0], rebuilt.png, sha256=rebuilt.sha256)
    number = next(_numbers)
    image = SmearImage.objects.create(
        case=case, position=place + 1, uploaded_by=case.created_by, original_name="a.png",
        original_format="PNG", original_sha256=rebuilt.original_sha256, upload_key=f"d{number}",
        picture_key=keys[0], thumbnail_key=keys[1], sha256=rebuilt.sha256,
        bytes=len(rebuilt.png), width=rebuilt.width, height=rebuilt.height,
    )  # fmt: skip
    cell = Cell.objects.create(image=image, width=image.width, height=image.height)
    values = {**result(label, 0.9), "shown": [0, 0, image.width, image.height]} | answer
    Prediction.objects.create(
        cell=cell, model_version=make_version(), image_sha256=image.sha256, queue=case.priority,
        state=PredictionState.DONE, attempt=1, **values,
    )  # fmt: skip
    return cell


def consent(people, organisation: Organisation, given: bool = True) -> None:
    consent_set(
        actor=people.administrator,
        organisation=organisation,
        given=given,
        reason="Signed agreement of the laboratory.",
    )

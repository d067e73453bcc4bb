"""Pictures stored as uploads are, each with its one cell, without waiting for anybody to make them."""

import hashlib

import cv2
import numpy as np

from classifier.models import Cell
from patients import storage
from patients.models import Case, SmearImage


def stored_cell(case: Case, place: int, picture: np.ndarray, *, name: str, upload: str) -> Cell:
    """``picture`` (height, width, 3) BGR as number ``place`` (from 0) of the case, with thumbnail,
    and the cell that fills it; ``upload`` begins the key of the upload."""
    key, sha256, size = _store("pictures", ".png", picture)
    small = cv2.resize(picture, (192, 192), interpolation=cv2.INTER_AREA)
    small_key, small_sha256, _ = _store("thumbnails", ".jpg", small)
    height, width = picture.shape[:2]
    image = SmearImage.objects.create(
        case=case, position=place + 1, uploaded_by=case.created_by,
        original_name=name, original_format="PNG", original_sha256=sha256,
        upload_key=f"{upload}-{place:04}", picture_key=key, thumbnail_key=small_key, sha256=sha256,
        thumbnail_sha256=small_sha256, bytes=size, width=width, height=height,
    )  # fmt: skip
    return Cell.objects.create(image=image, width=width, height=height)


def _store(prefix: str, suffix: str, picture: np.ndarray) -> tuple[str, str, int]:
    """Key, SHA-256 and bytes."""
    data = cv2.imencode(suffix, picture)[1].tobytes()
    sha256 = hashlib.sha256(data).hexdigest()
    key = storage.new_key(prefix, suffix)
    storage.write_once(key, data, sha256=sha256)
    return key, sha256, len(data)

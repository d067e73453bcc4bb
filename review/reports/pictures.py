"""The cells that a report shows as pictures: which, and cut from the very files that were signed."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from classifier.inference.preprocess import decode
from patients import storage
from patients.models import SmearImage
from review.choices import LEUKOCYTES, Label
from review.flags import PLURALS

# Shown whole, however many: what is never normal, and what the reader could not name.
ABNORMAL = (
    Label.BLAST,
    Label.IMMATURE_GRANULOCYTE,
    Label.ATYPICAL_LYMPHOCYTE,
    Label.ERYTHROBLAST,
    Label.CANNOT_TELL,
)
SAMPLE = 6  # pictures of a class that is neither abnormal nor flagged
SIDE = 192  # pixels: 24 mm at 200 dots an inch
_QUALITY = 88
# As one and as many of them are called.
_WORDS = {
    **{Label(label): (many.removesuffix("s"), many) for label, many in PLURALS.items()},
    Label.ERYTHROBLAST: ("erythroblast (NRBC)", "erythroblasts (NRBC)"),
    Label.CANNOT_TELL: ("cell that could not be named", "cells that could not be named"),
}


@dataclass(frozen=True)
class Group:
    """The pictures of one class."""

    label: str
    cells: list[dict[str, Any]]
    total: int

    @property
    def sentence(self) -> str:
        """ "All 3 blasts", "The only blast", "6 of 51 neutrophils, drawn by lot"."""
        one, many = _WORDS[Label(self.label)]
        if len(self.cells) < self.total:
            return f"{len(self.cells)} of {self.total} {many}, drawn by lot"
        if self.total == 1:
            return f"The only {one}"
        return f"{'Both' if self.total == 2 else f'All {self.total}'} {many}"


def groups_of(content: Mapping[str, Any]) -> list[Group]:
    """Abnormal and flagged classes whole, first; of each other leukocyte class a sample by lot.

    The lot is a hash of each cell's identity and the case's: nobody chooses the pictures, and the
    same report always shows the same.
    """
    flagged = {flag["label"] for flag in content["differential"]["flags"]}
    whole = [
        *ABNORMAL,
        *(label for label in LEUKOCYTES if label in flagged and label not in ABNORMAL),
    ]
    groups = []
    for label in [*whole, *(label for label in LEUKOCYTES if label not in whole)]:
        cells = [cell for cell in content["cells"] if cell["label"] == label]
        if cells:
            shown = cells if label in whole else _by_lot(content["case"]["id"], cells)
            groups.append(Group(str(label), shown, len(cells)))
    return groups


def _by_lot(case: str, cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    def lot(cell: dict[str, Any]) -> str:
        return hashlib.sha256(f"{case}:{cell['id']}".encode()).hexdigest()

    return sorted(sorted(cells, key=lot)[:SAMPLE], key=lambda cell: cell["number"])


class Cutter:
    """Cuts cells out of a report's pictures; each file is read and proven once."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.images = {image["position"]: image for image in content["images"]}
        self._at: int | None = None
        self._pixels: np.ndarray | None = None

    def jpeg(self, cell: Mapping[str, Any]) -> bytes:
        """What the model was shown of this cell (else its box), SIDE pixels square.

        Raises PictureDamaged, PictureMissing or StorageUnavailable.
        """
        box = (cell["model"] or {}).get("shown") or cell["box"]
        square = _square(self._picture(cell["image"]), box)
        how = cv2.INTER_AREA if square.shape[0] > SIDE else cv2.INTER_CUBIC
        small = cv2.resize(square, (SIDE, SIDE), interpolation=how)
        _, data = cv2.imencode(
            ".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
        )
        return data.tobytes()

    def _picture(self, position: int) -> np.ndarray:
        if self._pixels is None or self._at != position:
            image = self.images[position]
            row = SmearImage.objects.get(public_id=image["id"])
            # The frozen hash, not the row's: a picture put in its place would have another.
            data = storage.read_verified(row.picture_key, sha256=image["sha256"])
            self._at, self._pixels = position, decode(data)
        return self._pixels


def _square(pixels: np.ndarray, box: list[int]) -> np.ndarray:
    """The square around a box (x, y, width, height); white where it reaches beyond the picture."""
    x, y, width, height = (int(value) for value in box)
    side = max(width, height, 1)
    left, top = x + (width - side) // 2, y + (height - side) // 2
    square = np.full((side, side, 3), 255, np.uint8)
    rows, columns = pixels.shape[:2]
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + side, columns), min(top + side, rows)
    if x1 > x0 and y1 > y0:
        square[y0 - top : y1 - top, x0 - left : x1 - left] = pixels[y0:y1, x0:x1]
    return square

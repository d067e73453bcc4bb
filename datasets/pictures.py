"""One picture of a data set: from a file outside or a cell of ours to the store and its row."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from classifier.inference.errors import UnreadableImageError
from classifier.inference.preprocess import decode
from classifier.models import Cell
from datasets.choices import ItemState
from datasets.layouts.source import inside
from datasets.models import Item
from datasets.similar import hashes, pixels_sha256, thumb_of
from patients import storage
from patients.images import ImageRefused, rebuild
from patients.images.limits import MAX_BYTES, THUMBNAIL_SIDE

PICTURES, THUMBNAILS = "datasets", "dataset-thumbnails"
WRITTEN_ON = "There may be writing in the picture that it was cut from."


class LeftOut(Exception):
    """This picture is not taken; the sentence says why."""


@dataclass(frozen=True)
class Made:
    png: bytes
    thumbnail: bytes  # JPEG
    rgb: np.ndarray


def from_file(root: Path, name: str) -> Made:
    """A file below ``root``, rebuilt as uploads are. LeftOut, DecoderUnavailable."""
    try:
        path = inside(root, name)
        if path.stat().st_size > MAX_BYTES:
            raise ImageRefused("too_large")
        rebuilt = rebuild(path.read_bytes())
        return Made(rebuilt.png, rebuilt.thumbnail, decode(rebuilt.png))
    except ImageRefused as refusal:
        raise LeftOut(refusal.message) from refusal
    except UnreadableImageError as error:
        raise LeftOut("The picture cannot be read.") from error
    except ValueError as error:
        raise LeftOut(f"{str(error)[:1].upper()}{str(error)[1:]}.") from error
    except OSError as error:
        raise LeftOut(f"The file cannot be read ({error.strerror}).") from error


def from_cell(cell: Cell) -> Made:
    """What the model read of a cell, encoded anew. LeftOut, StorageUnavailable."""
    image = cell.image
    if "possible_text" in image.warnings:
        raise LeftOut(WRITTEN_ON)
    try:
        rgb = decode(storage.read_verified(image.picture_key, sha256=image.sha256))
    except (storage.PictureMissing, storage.PictureDamaged) as error:
        raise LeftOut(str(error)) from error
    rgb = np.ascontiguousarray(rgb[cell.y : cell.y + cell.height, cell.x : cell.x + cell.width])
    scale = min(1.0, THUMBNAIL_SIDE / max(rgb.shape[:2]))
    size = tuple(max(1, round(side * scale)) for side in rgb.shape[1::-1])
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    return Made(_encoded(".png", rgb), _encoded(".jpg", small), rgb)


def _encoded(kind: str, rgb: np.ndarray) -> bytes:
    done, data = cv2.imencode(kind, cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    if not done:
        raise LeftOut("The picture cannot be written.")
    return data.tobytes()


def keep(item: Item, made: Made) -> bool:
    """Files before the row; False, with nothing left behind, where somebody else filled it."""
    thumb = thumb_of(made.rgb)
    code = hashes(thumb[np.newaxis]).view(np.int64)[0]
    digests = [hashlib.sha256(data).hexdigest() for data in (made.png, made.thumbnail)]
    keys = [storage.new_key(PICTURES, ".png"), storage.new_key(THUMBNAILS, ".jpg")]
    for key, data, sha256 in zip(keys, (made.png, made.thumbnail), digests, strict=True):
        storage.write_once(key, data, sha256=sha256)
    taken = Item.objects.filter(pk=item.pk, state=ItemState.WAITING).update(
        state=ItemState.KEPT,
        picture_key=keys[0],
        thumbnail_key=keys[1],
        sha256=digests[0],
        thumbnail_sha256=digests[1],
        pixels_sha256=pixels_sha256(made.rgb),
        bytes=len(made.png),
        width=made.rgb.shape[1],
        height=made.rgb.shape[0],
        thumb=thumb.tobytes(),
        phash=int(code),
    )
    if not taken:
        delete_files(keys)
    return bool(taken)


def leave_out(item: Item, reason: str) -> None:
    """Of a WAITING item."""
    Item.objects.filter(pk=item.pk, state=ItemState.WAITING).update(
        state=ItemState.LEFT_OUT, problem=reason[:200]
    )


def delete_files(keys: list[str]) -> None:
    """Quietly: what cannot be reached now, the sweep of orphans takes."""
    for key in keys:
        try:
            storage.delete(key)
        except storage.StorageUnavailable:
            return

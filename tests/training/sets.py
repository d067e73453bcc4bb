"""Data sets that are simply there, made of drawn cells."""

import hashlib
from collections.abc import Mapping
from functools import cache

import cv2
from django.utils import timezone

from classifier.inference import CLASSES
from datasets.choices import ItemState, Origin, SetState, Split
from datasets.contents import manifest_text
from datasets.models import DataSet, Item
from ml.phantoms import draw_cell
from patients import storage

ENOUGH = {Split.TRAIN: 5, Split.VAL: 2, Split.TEST: 2}


@cache
def drawing(label: str, seed: int) -> bytes:
    done, data = cv2.imencode(".png", draw_cell(label, seed).image[:, :, ::-1])
    assert done
    return data.tobytes()


def ready_set(
    slug: str = "drawn",
    counts: Mapping[str, int] = ENOUGH,
    *,
    classes: tuple[str, ...] = CLASSES,
    pictures: bool = False,
) -> DataSet:
    """A data set with so many cells of each class in each split; ``pictures`` in the store too."""
    data_set = DataSet.objects.create(
        slug=slug, name=slug.capitalize(), origin=Origin.IMPORTED, licence="CC0"
    )
    number = 0
    for split, many in counts.items():
        for label in classes * many:
            number += 1
            data = drawing(label, number) if pictures else f"{slug} {number}".encode()
            sha256 = hashlib.sha256(data).hexdigest()
            key = storage.new_key("datasets", ".png")
            if pictures:
                storage.write_once(key, data, sha256=sha256)
            Item.objects.create(
                data_set=data_set, number=number, state=ItemState.KEPT, kind=label, split=split,
                source_group=f"group-{number}", source_name=f"{number}.png", picture_key=key,
                sha256=sha256, thumb=b"t", phash=number,
            )  # fmt: skip
    listing = hashlib.sha256(manifest_text(data_set).encode()).hexdigest()
    data_set.state, data_set.finished_at, data_set.listing_sha256 = (
        SetState.READY, timezone.now(), listing,
    )  # fmt: skip
    data_set.save()
    return data_set

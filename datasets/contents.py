"""A data set as files: the layout that ``ml.data`` reads.

    FOLDER/SLUG/manifest.csv       path, class, source_group, split, sha256, then attributes
    FOLDER/SLUG/images/ID.png
    FOLDER/SLUG/LICENCE.txt

Paths in the manifest are relative to FOLDER. The manifest is written last: a set that has one is
whole.
"""

import csv
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from django.db.models import Count, QuerySet

from datasets.choices import ItemState, Origin, SetState
from datasets.consents import consents_now
from datasets.errors import SetRefused
from datasets.models import DataSet, Item
from patients import storage

COLUMNS = ("path", "class", "source_group", "split", "sha256")
BLOCK = 500  # rows fetched at once


def kept_items(data_set: DataSet) -> QuerySet[Item]:
    """The pictures of a set, in its order, without the thumbnails' bytes."""
    rows = Item.objects.filter(data_set=data_set, state=ItemState.KEPT)
    return rows.select_related("data_set").defer("thumb").order_by("number")


def require_ready(data_set: DataSet) -> None:
    """SetRefused unless the set is READY and all whose cells are in it still consent."""
    state = DataSet.objects.values_list("state", flat=True).get(pk=data_set.pk)
    if state != SetState.READY:
        raise SetRefused(
            f"The data set {data_set.slug} is not ready ({SetState(state).label.lower()})."
        )
    if withdrawn(data_set):
        raise SetRefused(
            f"The data set {data_set.slug} holds cells of an organisation that has taken its consent "
            "back. Make a new set without them."
        )


def withdrawn(data_set: DataSet) -> dict[str, int]:
    """Organisations that consent no more, and how many of the set's pictures are theirs."""
    if data_set.origin != Origin.SIGNED:
        return {}
    theirs = (
        Item.objects.filter(data_set=data_set, state=ItemState.KEPT)
        .exclude(organisation__in=consents_now())
        .order_by("organisation__name")
    )
    return dict(theirs.values_list("organisation__name").annotate(Count("pk")))


def manifest_text(data_set: DataSet) -> str:
    """manifest.csv of a set, one line a picture."""
    extra = sorted(
        {
            name
            for attributes in kept_items(data_set).values_list("attributes", flat=True)
            for name in attributes
        }
    )
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*COLUMNS, *extra])
    for item in kept_items(data_set).iterator(BLOCK):
        facts = (item.path, item.kind, item.source_group, item.split, item.sha256)
        writer.writerow([*facts, *(item.attributes.get(name, "") for name in extra)])
    return stream.getvalue()


def licence_text(data_set: DataSet) -> str:
    """LICENCE.txt: under which terms the pictures may be used, and where they come from."""
    lines = [data_set.name, "", f"Licence: {data_set.licence}"]
    lines += [f"Source: {data_set.source}"] if data_set.source else []
    lines += ["", data_set.description] if data_set.description else []
    return "\n".join(lines) + "\n"


def files(data_set: DataSet) -> Iterator[tuple[str, bytes]]:
    """(path below FOLDER, bytes) of every file, the manifest last; each picture is proven by its
    hash. The database is asked before the first of them is given out.

    Raises SetRefused at once, and PictureDamaged, PictureMissing or StorageUnavailable on the way.
    """
    require_ready(data_set)
    manifest = manifest_text(data_set).encode()
    if hashlib.sha256(manifest).hexdigest() != data_set.listing_sha256:
        raise SetRefused(f"The data set {data_set.slug} is not the one that was made any more.")
    items = [
        (item.path, item.picture_key, item.sha256)
        for item in kept_items(data_set).only(
            "public_id", "picture_key", "sha256", "data_set", "data_set__slug"
        )
    ]

    def given_out() -> Iterator[tuple[str, bytes]]:
        yield f"{data_set.slug}/LICENCE.txt", licence_text(data_set).encode()
        for path, key, sha256 in items:
            yield path, storage.read_verified(key, sha256=sha256)
        yield f"{data_set.slug}/manifest.csv", manifest

    return given_out()


def write_folder(
    data_set: DataSet, folder: Path, *, progress: Callable[[Iterable], Iterable] = iter
) -> None:
    """Write FOLDER/SLUG/, without progress on the screen unless asked. A class that is none of the
    model's (a blast, say) is written like any other: ``ml.data.read_set`` gives it the label -1. What is there already, as an interrupted run left it, is made anew where
    it differs. ``progress`` may wrap the files as tqdm does. Errors as of ``files``."""
    for name, data in progress(files(data_set)):
        path = folder / name
        if path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        part.write_bytes(data)
        part.replace(path)

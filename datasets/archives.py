"""A zip file of pictures: kept in the store while it is worked on, and unpacked member by member."""

import hashlib
import re
import secrets
import shutil
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from django.conf import settings

from classifier.bundles.zips import (
    ZipRefused,
    copy,
    in_a_sentence,
    require_apart,
    require_honest_size,
    require_plain,
    require_plain_end,
)
from datasets.choices import OPEN_STATES
from datasets.layouts.source import ENDINGS
from datasets.models import DataSet
from patients import storage
from patients.images.limits import MAX_BYTES

UPLOADS = "dataset-uploads"  # the folder of the store
PART = 16 * 1024 * 1024  # bytes: what is in memory at once
MOST_FILES = 50_000
LARGEST_TABLE = 32 * 1024 * 1024  # bytes
MANY = f"A data set has no more than {MOST_FILES:,} files."
# Any letters, as people name folders; nothing that a disk or a terminal could mistake.
_NAME = re.compile(r"[^\x00-\x1f\x7f\\:*?\"<>|/][^\x00-\x1f\x7f\\:*?\"<>|]{0,250}")


def keep(archive: Path) -> list[list[str]]:
    """Put the file into the store; its parts as [key, SHA-256], in order. StorageUnavailable."""
    parts: list[list[str]] = []
    try:
        with archive.open("rb") as stream:
            while data := stream.read(PART):
                key, sha256 = storage.new_key(UPLOADS, ".part"), hashlib.sha256(data).hexdigest()
                storage.write_once(key, data, sha256=sha256)
                parts.append([key, sha256])
    except BaseException:
        discard(parts)
        raise
    return parts


def discard(parts: Iterable[Iterable[str]]) -> None:
    """Take the parts out of the store; what cannot be reached now, the sweep of orphans takes."""
    for key, _ in parts:
        try:
            storage.delete(key)
        except storage.StorageUnavailable:
            return


def work_folder(data_set: DataSet) -> Path:
    """Where this machine unpacks the set's archive."""
    return Path(settings.DATASET_WORK_DIR) / data_set.public_id.hex


def unpacked(data_set: DataSet) -> Path:
    """The folder with the archive's files, fetched and unpacked where it is not there yet.

    ZipRefused, StorageUnavailable, PictureDamaged, PictureMissing.
    """
    folder = work_folder(data_set)
    if folder.is_dir():
        return folder
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _sweep(folder.parent)
    part = folder.with_name(f"{folder.name}.{secrets.token_hex(4)}")
    part.mkdir(mode=0o700)
    try:
        archive = part / "archive.zip"
        with archive.open("xb") as stream:
            for key, sha256 in data_set.archive:
                stream.write(storage.read_verified(key, sha256=sha256))
        unpack(archive, part / "files")
        try:
            (part / "files").rename(folder)
        except OSError:
            if not folder.is_dir():  # else another worker was faster
                raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


def _sweep(shelf: Path) -> None:
    """What is left here of sets that another machine made to the end."""
    known = DataSet.objects.filter(state__in=OPEN_STATES).values_list("public_id", flat=True)
    names = {public_id.hex for public_id in known}
    for left in shelf.iterdir():
        if left.name.partition(".")[0] not in names:
            shutil.rmtree(left, ignore_errors=True)


def forget(data_set: DataSet) -> None:
    """Remove what this machine unpacked, and the archive from the store."""
    shutil.rmtree(work_folder(data_set), ignore_errors=True)
    discard(data_set.archive)


def unpack(archive: Path, into: Path) -> None:
    """Copy the pictures and tables of a zip file into the new folder ``into``. ZipRefused."""
    with in_a_sentence("a zip file of pictures", passing=(ZipRefused,)):
        look_through(archive)
        into.mkdir(parents=True)
        with zipfile.ZipFile(archive) as file:
            for member in _wanted(file):
                target = into / member.filename
                try:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    copy(file, member, target)
                except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
                    raise ZipRefused(
                        f"The zip file holds {member.filename[:80]!r} twice."
                    ) from error


def look_through(archive: Path) -> None:
    """ZipRefused unless every member is as it may be. Nothing is unpacked."""
    with in_a_sentence("a zip file of pictures", passing=(ZipRefused,)):
        require_plain_end(archive, most=MOST_FILES, longest=MOST_FILES * 400, too_many=MANY)
        with zipfile.ZipFile(archive) as file:
            for member in file.infolist():
                require_plain(member, _NAME)
            wanted = _wanted(file)
            if not any(_is_picture(member.filename) for member in wanted):
                raise ZipRefused("The zip file holds no picture.")
            for member in wanted:
                require_honest_size(member)
                if member.file_size > (
                    MAX_BYTES if _is_picture(member.filename) else LARGEST_TABLE
                ):
                    raise ZipRefused(f"The file {member.filename[:80]!r} is too large.")
            if sum(member.file_size for member in wanted) > 2 * settings.DATASET_UPLOAD_LIMIT:
                raise ZipRefused("The files in the zip file are too large together.")
            require_apart(file.infolist(), archive.stat().st_size)


def _wanted(file: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The pictures and tables; hidden files and whatever else there is stay where they are."""
    return [
        member
        for member in file.infolist()
        if not member.filename.endswith("/")
        and not any(
            part.startswith(".") or part == "__MACOSX"
            for part in PurePosixPath(member.filename).parts
        )
        and (_is_picture(member.filename) or member.filename.lower().endswith(".csv"))
    ]


def _is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in ENDINGS

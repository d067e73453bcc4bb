"""A model directory as one zip file: read member by member, nothing believed, nothing extracted.

Every member is one that the manifest names and that a model may have; each is copied with a limit
and hashed while it is copied. Whatever is wrong, ModelError says so and the folder may be removed.
"""

import re
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from classifier.bundles.checks import require_names
from classifier.bundles.names import LARGEST, MOST_FILES, limit_of
from classifier.bundles.zips import (
    ZipRefused,
    copy,
    in_a_sentence,
    require_apart,
    require_honest_size,
    require_plain,
    require_plain_end,
)
from classifier.inference.errors import ModelError
from classifier.inference.manifest import FILE_NAME, Manifest, load_manifest, read_manifest

_LARGEST_DIRECTORY = 64 * 1024  # bytes; a hundred members take some ten thousand
_NAME = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*/?")
_EPOCH = (1980, 1, 1, 0, 0, 0)
_CHUNK = 1024 * 1024


def unpack(archive: Path, into: Path) -> Manifest:
    """Copy a model's files from `archive` into the new folder `into`; its verified manifest.

    ModelError, in one sentence, where the file is no zip file of one model directory.
    """
    with _in_a_sentence():
        require_plain_end(
            archive,
            most=MOST_FILES + 10,
            longest=_LARGEST_DIRECTORY,
            too_many=f"A model has no more than {MOST_FILES} files.",
        )
        with zipfile.ZipFile(archive) as file:
            members = _members(file, archive.stat().st_size)
            into.mkdir(parents=True)
            copy(file, members.pop(FILE_NAME), into / FILE_NAME)
            manifest = _manifest(into)
            require_names(manifest)
            _require_same(manifest, set(members))
            for name, member in members.items():
                target = into / name
                target.parent.mkdir(exist_ok=True)
                if copy(file, member, target) != manifest.files[name]:
                    raise ModelError(
                        f"Model {manifest.id!r}: the file {name} is not the one the manifest names "
                        "(SHA-256 differs)."
                    )
    return load_manifest(into)


def pack(directory: Path, archive: Path) -> Manifest:
    """Write a verified model directory's files into the new zip file `archive`; the same files
    give the same bytes."""
    manifest = load_manifest(directory)
    require_names(manifest)
    with zipfile.ZipFile(archive, "x", zipfile.ZIP_DEFLATED) as file:
        for name in (FILE_NAME, *sorted(manifest.files)):
            member = zipfile.ZipInfo(name, _EPOCH)
            member.external_attr = (stat.S_IFREG | 0o644) << 16
            member.compress_type = zipfile.ZIP_DEFLATED
            member.file_size = manifest.path(name).stat().st_size
            with manifest.path(name).open("rb") as source, file.open(member, "w") as target:
                while chunk := source.read(_CHUNK):
                    target.write(chunk)
    return manifest


def _manifest(into: Path) -> Manifest:
    try:
        return read_manifest(into)
    except ModelError as error:  # without the path of this machine
        raise ModelError(str(error).replace(f"{into}/", "")) from error


@contextmanager
def _in_a_sentence() -> Iterator[None]:
    try:
        with in_a_sentence("a zip file of one model directory", passing=(ModelError,)):
            yield
    except ZipRefused as error:
        raise ModelError(str(error)) from error


def _members(file: zipfile.ZipFile, size: int) -> dict[str, zipfile.ZipInfo]:
    """Name below the model's directory -> member, each allowed by itself."""
    found: dict[str, zipfile.ZipInfo] = {}
    for member in file.infolist():
        require_plain(member, _NAME)
        if member.filename.endswith("/"):
            continue
        if member.filename.lower() in (name.lower() for name in found):
            raise ModelError(f"The zip file holds {member.filename[:80]!r} twice.")
        found[member.filename] = member
    heads = [name for name in found if name == FILE_NAME or _in_one_folder(name)]
    if len(heads) != 1:
        raise ModelError(
            f"The zip file must hold one {FILE_NAME}, at its root or in its one folder."
        )
    before = heads[0].removesuffix(FILE_NAME)
    for name, member in found.items():
        limit = limit_of(name.removeprefix(before)) if name.startswith(before) else None
        if limit is None:
            raise ModelError(f"A model may not have a file {name[:80]!r}.")
        if member.file_size > limit:
            raise ModelError(f"The file {name} in the zip file is too large for a model.")
        require_honest_size(member)
    if sum(member.file_size for member in found.values()) > LARGEST:
        raise ModelError("The files in the zip file are too large together.")
    require_apart(list(found.values()), size)
    return {name.removeprefix(before): member for name, member in found.items()}


def _in_one_folder(name: str) -> bool:
    return name.count("/") == 1 and name.endswith(f"/{FILE_NAME}")


def _require_same(manifest: Manifest, names: set[str]) -> None:
    if missing := sorted(set(manifest.files) - names):
        raise ModelError(f"Model {manifest.id!r}: the file {missing[0]} is missing.")
    if extra := sorted(names - set(manifest.files)):
        raise ModelError(f"Model {manifest.id!r}: the manifest does not name {extra[0]}.")

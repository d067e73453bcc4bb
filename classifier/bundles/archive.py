"""A model directory as one zip file: read member by member, nothing believed, nothing extracted.

Every member is one that the manifest names and that a model may have; each is copied with a limit
and hashed while it is copied. Whatever is wrong, ModelError says so and the folder may be removed.
"""

import hashlib
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from classifier.bundles.checks import require_names
from classifier.bundles.names import LARGEST, MOST_FILES, limit_of
from classifier.inference.errors import ModelError
from classifier.inference.manifest import FILE_NAME, Manifest, load_manifest, read_manifest

LARGEST_RATIO = 200  # unpacked to packed; text tables reach some twenty
_SMALL = 64 * 1024  # bytes that may be packed as tightly as they like
_END = b"PK\x05\x06"  # of the central directory (APPNOTE.TXT 4.3.16)
_END_SIZE = 22
_END_64 = b"PK\x06\x07"
_LOCATOR_SIZE = 20
_LARGEST_DIRECTORY = 64 * 1024  # bytes; a hundred members take some ten thousand
_LOCAL_HEADER = 30  # bytes before a member's name
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_NAME = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*/?")
_EPOCH = (1980, 1, 1, 0, 0, 0)
_CHUNK = 1024 * 1024


def unpack(archive: Path, into: Path) -> Manifest:
    """Copy a model's files from `archive` into the new folder `into`; its verified manifest.

    ModelError, in one sentence, where the file is no zip file of one model directory.
    """
    with _in_a_sentence():
        _require_plain_end(archive)
        with zipfile.ZipFile(archive) as file:
            members = _members(file, archive.stat().st_size)
            into.mkdir(parents=True)
            _copy(file, members.pop(FILE_NAME), into / FILE_NAME)
            manifest = _manifest(into)
            require_names(manifest)
            _require_same(manifest, set(members))
            for name, member in members.items():
                target = into / name
                target.parent.mkdir(exist_ok=True)
                if _copy(file, member, target) != manifest.files[name]:
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
        yield
    except ModelError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise ModelError("This zip file is damaged or was cut short.") from error
    except (NotImplementedError, RuntimeError, ValueError, RecursionError) as error:
        raise ModelError("This is not a zip file of one model directory.") from error


def _require_plain_end(archive: Path) -> None:
    """The list of members is short and ends the file, so that reading it cannot take much."""
    size = archive.stat().st_size
    with archive.open("rb") as stream:
        stream.seek(max(0, size - _LOCATOR_SIZE - _END_SIZE))
        tail = stream.read()
    end = tail[-_END_SIZE:]
    if len(end) < _END_SIZE or not end.startswith(_END):
        raise ModelError("This is no zip file, or it was cut short.")
    length = int.from_bytes(end[12:16], "little")
    start = int.from_bytes(end[16:20], "little")
    many = int.from_bytes(end[10:12], "little")
    if tail[:-_END_SIZE].startswith(_END_64) or start + length + _END_SIZE != size:
        raise ModelError("This zip file is of a kind that is not taken; please pack it again.")
    if many > MOST_FILES + 10 or length > _LARGEST_DIRECTORY:
        raise ModelError(f"A model has no more than {MOST_FILES} files.")


def _members(file: zipfile.ZipFile, size: int) -> dict[str, zipfile.ZipInfo]:
    """Name below the model's directory -> member, each allowed by itself."""
    found: dict[str, zipfile.ZipInfo] = {}
    for member in file.infolist():
        _require_plain(member)
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
        packed = max(1, member.compress_size)
        if member.file_size > _SMALL and member.file_size / packed > LARGEST_RATIO:
            raise ModelError(f"The file {name} in the zip file unpacks to far more than it is.")
    if sum(member.file_size for member in found.values()) > LARGEST:
        raise ModelError("The files in the zip file are too large together.")
    _require_apart(list(found.values()), size)
    return {name.removeprefix(before): member for name, member in found.items()}


def _in_one_folder(name: str) -> bool:
    return name.count("/") == 1 and name.endswith(f"/{FILE_NAME}")


def _require_plain(member: zipfile.ZipInfo) -> None:
    """A file or folder with a plain name, packed in the usual way."""
    name, shown = member.orig_filename, member.orig_filename[:80]
    if not _NAME.fullmatch(name) or {".", ".."} & set(name.split("/")) or name != member.filename:
        raise ModelError(f"The zip file holds a file with a name that is not taken: {shown!r}.")
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFDIR if name.endswith("/") else stat.S_IFREG):
        raise ModelError(f"The zip file holds {shown!r}, which is a link or a special file.")
    if member.flag_bits & _ENCRYPTED:
        raise ModelError("The zip file is encrypted; please pack it without a password.")
    if member.compress_type not in _METHODS:
        raise ModelError("The zip file is compressed in a way that is not taken; use deflate.")
    if name.endswith("/") and member.file_size:
        raise ModelError(f"The zip file holds a folder {shown!r} with content.")


def _require_apart(members: list[zipfile.ZipInfo], size: int) -> None:
    """No two members share bytes (one packed block listed often unpacks to a bomb)."""
    end = 0
    for member in sorted(members, key=lambda each: each.header_offset):
        if member.header_offset < end:
            raise ModelError("The zip file lists the same bytes twice; please pack it again.")
        end = member.header_offset + _LOCAL_HEADER + len(member.filename) + member.compress_size
    if end > size:
        raise ModelError("This zip file is damaged or was cut short.")


def _require_same(manifest: Manifest, names: set[str]) -> None:
    if missing := sorted(set(manifest.files) - names):
        raise ModelError(f"Model {manifest.id!r}: the file {missing[0]} is missing.")
    if extra := sorted(names - set(manifest.files)):
        raise ModelError(f"Model {manifest.id!r}: the manifest does not name {extra[0]}.")


def _copy(file: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> str:
    """SHA-256 (hex) of what was written: as many bytes as the member says, and no more."""
    digest, left = hashlib.sha256(), member.file_size
    with file.open(member) as source, target.open("xb") as written:
        while chunk := source.read(min(_CHUNK, left + 1)):
            left -= len(chunk)
            if left < 0:
                raise ModelError(f"The file {member.filename} is longer than the zip file says.")
            digest.update(chunk)
            written.write(chunk)
    return digest.hexdigest()

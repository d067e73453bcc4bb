"""A zip file from outside, before anything in it is believed: its end, its members, their copies.

Whatever is wrong, ZipRefused says so in one sentence.
"""

import hashlib
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LARGEST_RATIO = 200  # unpacked to packed; text tables reach some twenty
_SMALL = 64 * 1024  # bytes that may be packed as tightly as they like
_END = b"PK\x05\x06"  # of the central directory (APPNOTE.TXT 4.3.16)
_END_SIZE = 22
_END_64 = b"PK\x06\x07"
_LOCATOR_SIZE = 20
_LOCAL_HEADER = 30  # bytes before a member's name
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_CHUNK = 1024 * 1024


class ZipRefused(Exception):
    """One sentence for people."""


@contextmanager
def in_a_sentence(kind: str, *, passing: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """What zipfile raises on damaged files, as ZipRefused. ``kind``: what it should have been;
    ``passing``: the caller's own errors."""
    try:
        yield
    except passing:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise ZipRefused("This zip file is damaged or was cut short.") from error
    except (NotImplementedError, RuntimeError, ValueError, RecursionError) as error:
        raise ZipRefused(f"This is not {kind}.") from error


def require_plain_end(archive: Path, *, most: int, longest: int, too_many: str) -> None:
    """The list of members (``most`` of them, ``longest`` bytes) is short and ends the file, so that
    reading it cannot take much."""
    size = archive.stat().st_size
    with archive.open("rb") as stream:
        stream.seek(max(0, size - _LOCATOR_SIZE - _END_SIZE))
        tail = stream.read()
    end = tail[-_END_SIZE:]
    if len(end) < _END_SIZE or not end.startswith(_END):
        raise ZipRefused("This is no zip file, or it was cut short.")
    length = int.from_bytes(end[12:16], "little")
    start = int.from_bytes(end[16:20], "little")
    many = int.from_bytes(end[10:12], "little")
    if tail[:-_END_SIZE].startswith(_END_64) or start + length + _END_SIZE != size:
        raise ZipRefused("This zip file is of a kind that is not taken; please pack it again.")
    if many > most or length > longest:
        raise ZipRefused(too_many)


def require_plain(member: zipfile.ZipInfo, names: re.Pattern[str]) -> None:
    """A file or folder with a plain name, packed in the usual way."""
    name, shown = member.orig_filename, member.orig_filename[:80]
    if not names.fullmatch(name) or {".", ".."} & set(name.split("/")) or name != member.filename:
        raise ZipRefused(f"The zip file holds a file with a name that is not taken: {shown!r}.")
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFDIR if name.endswith("/") else stat.S_IFREG):
        raise ZipRefused(f"The zip file holds {shown!r}, which is a link or a special file.")
    if member.flag_bits & _ENCRYPTED:
        raise ZipRefused("The zip file is encrypted; please pack it without a password.")
    if member.compress_type not in _METHODS:
        raise ZipRefused("The zip file is compressed in a way that is not taken; use deflate.")
    if name.endswith("/") and member.file_size:
        raise ZipRefused(f"The zip file holds a folder {shown!r} with content.")


def require_honest_size(member: zipfile.ZipInfo) -> None:
    """It does not unpack to far more than any honest file does."""
    packed = max(1, member.compress_size)
    if member.file_size > _SMALL and member.file_size / packed > LARGEST_RATIO:
        raise ZipRefused(
            f"The file {member.filename} in the zip file unpacks to far more than it is."
        )


def require_apart(members: list[zipfile.ZipInfo], size: int) -> None:
    """No two members share bytes (one packed block listed often unpacks to a bomb)."""
    end = 0
    for member in sorted(members, key=lambda each: each.header_offset):
        if member.header_offset < end:
            raise ZipRefused("The zip file lists the same bytes twice; please pack it again.")
        end = member.header_offset + _LOCAL_HEADER + len(member.filename) + member.compress_size
    if end > size:
        raise ZipRefused("This zip file is damaged or was cut short.")


def copy(file: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> str:
    """SHA-256 (hex) of what was written: as many bytes as the member says, and no more."""
    digest, left = hashlib.sha256(), member.file_size
    with file.open(member) as source, target.open("xb") as written:
        while chunk := source.read(min(_CHUNK, left + 1)):
            left -= len(chunk)
            if left < 0:
                raise ZipRefused(f"The file {member.filename} is longer than the zip file says.")
            digest.update(chunk)
            written.write(chunk)
    return digest.hexdigest()

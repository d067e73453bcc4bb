"""Files of a model directory: only those that its manifest names, and only as it names them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from classifier.inference.manifest import FILE_NAME

TEXT_LIMIT = 20_000_000  # bytes of a file that is read for a page


@dataclass(frozen=True)
class ModelFile:
    name: str
    sha256: str
    size: int | None
    """Bytes; None where the file is not on this machine."""


def listed(
    directory: Path | None, files: Mapping[str, str], manifest_sha256: str
) -> list[ModelFile]:
    """The manifest itself, then every file that it names."""
    names = {FILE_NAME: manifest_sha256, **dict(sorted(files.items()))}
    return [ModelFile(name, sha256, _size(directory, name)) for name, sha256 in names.items()]


def open_vouched(directory: Path | None, name: str, sha256: str | None) -> BinaryIO | None:
    """The file, at its beginning, if what is in it has this SHA-256; None otherwise.

    What was hashed is what is read: it is the same open file.
    """
    path = _path(directory, name)
    if path is None or not sha256 or path.is_symlink():
        return None
    try:
        stream = path.open("rb")
    except OSError:
        return None
    try:
        if hashlib.file_digest(stream, "sha256").hexdigest() == sha256:
            stream.seek(0)
            return stream
    except OSError:
        pass
    stream.close()
    return None


def read_vouched(
    directory: Path | None, name: str, sha256: str | None, *, limit: int = TEXT_LIMIT
) -> bytes | None:
    """All of such a file; None also where it is longer than ``limit`` bytes."""
    size = _size(directory, name)
    if size is None or size > limit:
        return None
    stream = open_vouched(directory, name, sha256)
    if stream is None:
        return None
    with stream:
        return stream.read(limit)


def _size(directory: Path | None, name: str) -> int | None:
    path = _path(directory, name)
    try:
        return path.stat().st_size if path and path.is_file() else None
    except OSError:
        return None


def _path(directory: Path | None, name: str) -> Path | None:
    """Inside the directory, whatever a manifest that nobody registered yet may name."""
    parts = PurePosixPath(name)
    if directory is None or parts.is_absolute() or ".." in parts.parts or "\\" in name:
        return None
    if "\0" in name or not parts.parts:
        return None
    return directory / parts

"""What every reader of a set gives back, and what a known set says about itself."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

ENDINGS = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"}
SPLITS = ("train", "val", "test")
SHARES = (0.6, 0.1, 0.3)


class DatasetError(Exception):
    """The set cannot be prepared; the message says why and what to do."""


@dataclass(frozen=True)
class Box:
    """A cell in pixels of its picture; `kind` as the source writes it: WBC, RBC, Platelets."""

    kind: str
    xmin: int
    ymin: int
    xmax: int
    ymax: int


@dataclass(frozen=True)
class Picture:
    file: Path
    """Where it is now."""
    name: str
    """Path inside the set, with slashes; unique."""
    kind: str = ""
    """Class; empty if nobody said, several with commas if there are several cells."""
    group: str = ""
    """Pictures of one group (patient, slide, series) never lie on both sides of a split."""
    split: str = ""
    """The source's own, or empty."""
    sha256: str = ""
    """Of the file, where the source states it."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    boxes: tuple[Box, ...] = ()


@dataclass
class Contents:
    pictures: list[Picture] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)
    """What was left out, and why."""
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Remote:
    """A file to download. Where no checksum is known, the one that was found is reported."""

    name: str
    url: str
    sha256: str = ""
    listing: str = ""
    """Address of the host's own list of files (Mendeley Data), which states URL and SHA-256."""


@dataclass(frozen=True)
class Source:
    name: str
    folder: str
    """Of the prepared set in the data folder."""
    title: str
    licence: str
    citation: str
    page: str
    files: tuple[Remote, ...]
    read: Callable[[Path], Contents]
    shares: tuple[float, float, float] = SHARES
    """train, val, test, for pictures to which the source gives no split."""


def inside(root: Path, name: str) -> Path:
    """The file `name` under `root`; ValueError with the reason if it is not to be had there."""
    path = PurePosixPath(name)
    if not _sound(name):
        raise ValueError("its name cannot be written in a table; rename it")
    if not name or path.is_absolute():
        raise ValueError("its path is absolute or empty; paths are relative to the set's folder")
    if ".." in path.parts:
        raise ValueError("its path leads out of the set's folder")
    try:
        found = (root / path).resolve()
        if not found.is_relative_to(root.resolve()):
            raise ValueError("it is a link to outside of the set's folder")
        if not found.is_file():
            raise ValueError("the file is missing")
    except (OSError, RuntimeError):  # RuntimeError: pathlib's word for links in a circle
        raise ValueError("its path cannot be followed: too long, or links in a circle") from None
    return root / path


def walk(root: Path, contents: Contents) -> Iterator[str]:
    """Names of the pictures under `root`, in order; what is left out goes to `contents`."""
    others = 0
    for top, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not _hidden(name))
        for name in sorted([*files, *(f for f in folders if Path(top, f).is_symlink())]):
            path = Path(top, name)
            relative = path.relative_to(root).as_posix()
            if name in folders:
                contents.problems.append((relative, "it is a link to a folder; it is not followed"))
            elif _hidden(name) or path.suffix.lower() not in ENDINGS:
                others += not _hidden(name)
            else:
                try:
                    inside(root, relative)
                except ValueError as error:
                    shown = relative.encode("utf-8", "backslashreplace").decode()
                    contents.problems.append((shown, str(error)))
                else:
                    yield relative
    if others:
        contents.notes.append(f"Files that are no pictures, passed over: {others}.")


def _hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _sound(name: str) -> bool:
    """Valid UTF-8 without line breaks and other invisible characters."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return name.isprintable()

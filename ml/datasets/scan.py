"""Reads every picture once: is it whole, which pixels, what does it look like from afar.

What was read is remembered by path, size and time of change, so that an interrupted or repeated run
goes on where it stopped.
"""

import hashlib
import io
import sqlite3
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from classifier.inference.errors import UnreadableImageError
from classifier.inference.preprocess import decode
from datasets.layouts.source import DatasetError
from datasets.similar import THUMB, pixels_sha256, thumb_of

# No others: Pillow would hand some of them, whatever the file's ending, to programs outside.
FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP")
MEGAPIXELS = 60
"""More are not opened: no microscope's field needs them, and a few kilobytes can claim any size."""
MEGABYTES = 200
BLOCK = 256  # pictures between two writes of what is remembered


@dataclass(frozen=True)
class Look:
    sha256: str
    """Of the file."""
    pixels: str
    """SHA-256 of the decoded picture: the same for the same picture in another file format."""
    width: int
    height: int
    size: int
    """Bytes of the file."""
    thumb: np.ndarray
    """(THUMB, THUMB, 3) uint8 RGB."""


class Scanner:
    """`memory` is a file that is made if need be; deleting it costs only time."""

    def __init__(self, memory: Path) -> None:
        self._memory = memory

    def looks(self, files: Sequence[Path], what: str) -> list[Look | str]:
        """One for each file; a sentence that says why where it cannot be read."""
        self._memory.parent.mkdir(parents=True, exist_ok=True)
        try:
            return self._looks(files, what)
        except sqlite3.Error as error:
            raise DatasetError(
                f"{self._memory} cannot be used ({error}). It only saves time: delete it, or try "
                "again when no other run uses it."
            ) from error

    def _looks(self, files: Sequence[Path], what: str) -> list[Look | str]:
        found: list[Look | str] = []
        with (
            closing(sqlite3.connect(self._memory)) as memory,
            warnings.catch_warnings(),  # here and not in the threads, whom they would confuse
            ThreadPoolExecutor(2) as pool,
        ):
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            memory.execute(
                "CREATE TABLE IF NOT EXISTS look (path TEXT PRIMARY KEY, size INT, changed INT,"
                " problem TEXT, sha256 TEXT, pixels TEXT, width INT, height INT, thumb BLOB)"
            )
            with tqdm(total=len(files), desc=what, unit="picture", disable=None) as bar:
                for begin in range(0, len(files), BLOCK):
                    block = files[begin : begin + BLOCK]
                    known = [_recall(memory, path) for path in block]
                    new = [path for path, look in zip(block, known, strict=True) if look is None]
                    fresh = dict(zip(new, pool.map(_look, new), strict=True))
                    _remember(memory, fresh)
                    found += [
                        fresh[path] if look is None else look
                        for path, look in zip(block, known, strict=True)
                    ]
                    bar.update(len(block))
        return found


def _recall(memory: sqlite3.Connection, path: Path) -> Look | str | None:
    row = memory.execute("SELECT * FROM look WHERE path = ?", (str(path),)).fetchone()
    if row is None or row[1:3] != _stamp(path):
        return None
    _, size, _, problem, sha256, pixels, width, height, thumb = row
    if problem:
        return str(problem)
    small = np.frombuffer(thumb, np.uint8).reshape(THUMB, THUMB, 3)
    return Look(sha256, pixels, width, height, size, small)


def _remember(memory: sqlite3.Connection, fresh: dict[Path, Look | str]) -> None:
    rows = [
        (str(path), *_stamp(path), look, "", "", 0, 0, b"")
        if isinstance(look, str)
        else (
            *(str(path), *_stamp(path), "", look.sha256, look.pixels),
            *(look.width, look.height, look.thumb.tobytes()),
        )
        for path, look in fresh.items()
    ]
    with memory:
        memory.executemany("REPLACE INTO look VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return (found.st_size, found.st_mtime_ns)


def _look(path: Path) -> Look | str:
    try:
        if path.stat().st_size > MEGABYTES << 20:
            return f"it is larger than {MEGABYTES} MB"
        data = path.read_bytes()
        width, height = dimensions(data, whole=True)
        rgb = decode(data)
    except UnreadableImageError:
        return "it cannot be decoded"
    except ValueError as error:
        return str(error)
    except OSError as error:
        return f"it cannot be read ({error.strerror})"
    return Look(
        hashlib.sha256(data).hexdigest(),
        pixels_sha256(rgb),
        width,
        height,
        len(data),
        thumb_of(rgb),
    )


def dimensions(picture: bytes | Path, *, whole: bool = False) -> tuple[int, int]:
    """Width and height; ValueError with the reason if it is no picture, too large or, if `whole`
    is asked for, torn (OpenCV would fill what is missing with grey and say nothing)."""
    source = io.BytesIO(picture) if isinstance(picture, bytes) else picture
    try:
        with Image.open(source, formats=FORMATS) as opened:
            width, height = opened.size
            fits = width * height <= MEGAPIXELS * 1_000_000
            if whole and fits:
                opened.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        fits = False
    except Image.UnidentifiedImageError:
        raise ValueError("it is no picture") from None
    except Exception as error:  # what Pillow makes of a damaged file is beyond any list
        raise ValueError(f"it is broken ({error})") from None
    if not fits:
        raise ValueError(f"it has more than {MEGAPIXELS} megapixels")
    return width, height

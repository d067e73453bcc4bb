"""Files before rows: a row that commits points to files that are already safe."""

import contextlib
import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import Error

from patients import storage
from patients.images import Rebuilt

log = logging.getLogger(__name__)

PICTURES, THUMBNAILS = "pictures", "thumbnails"


@dataclass
class Files:
    """Where one picture and its thumbnail lie. ``kept``: a row points to them."""

    picture_key: str
    thumbnail_key: str
    kept: bool = False

    def columns(self, rebuilt: Rebuilt) -> dict[str, Any]:
        """The columns of SmearImage that say what lies there."""
        return {
            "picture_key": self.picture_key,
            "thumbnail_key": self.thumbnail_key,
            "sha256": rebuilt.sha256,
            "thumbnail_sha256": hashlib.sha256(rebuilt.thumbnail).hexdigest(),
            "bytes": len(rebuilt.png),
            "width": rebuilt.width,
            "height": rebuilt.height,
            "warnings": list(rebuilt.warnings),
        }


@contextlib.contextmanager
def keep(rebuilt: Rebuilt) -> Iterator[Files]:
    """Write picture and thumbnail; delete them again unless a row was made.

    When the database went away it may have committed after all, so the files then stay: the sweep
    of orphans decides later. Raises StorageUnavailable.
    """
    files = Files(storage.new_key(PICTURES, ".png"), storage.new_key(THUMBNAILS, ".jpg"))
    try:
        storage.write_once(files.picture_key, rebuilt.png, sha256=rebuilt.sha256)
        storage.write_once(
            files.thumbnail_key,
            rebuilt.thumbnail,
            sha256=hashlib.sha256(rebuilt.thumbnail).hexdigest(),
        )
        yield files
    except Error:
        raise
    except BaseException:
        _discard(files)
        raise
    if not files.kept:
        _discard(files)


def _discard(files: Files) -> None:
    for key in (files.picture_key, files.thumbnail_key):
        try:
            storage.delete(key)
        except Exception:
            log.warning("an unused file could not be deleted; the orphan sweep will: %s", key)

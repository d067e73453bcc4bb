"""Where a version's files lie on this machine; fetched from the store where they are not here yet."""

import contextlib
import logging
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from django.conf import settings

from classifier.bundles.archive import unpack
from classifier.inference.discovery import find_model
from classifier.inference.errors import ModelError
from classifier.inference.manifest import read_manifest
from classifier.models import ModelVersion
from patients import storage
from patients.errors import DomainError

log = logging.getLogger(__name__)

MODELS = "models"  # the folder of the store
_INCOMING = ".incoming"  # beside the model directories, on the same disk, and never one of them
_FORGOTTEN = 3600  # seconds after which what a crash left there is removed


def model_directory(version: ModelVersion) -> Path:
    """The version's directory, with the manifest that was registered; its files are not hashed.

    ModelError where it is not here and cannot be fetched, or where another model has its name.
    """
    with contextlib.suppress(ModelError):
        return _here(version)
    if version.bundle_key and not _taken(version.model_id):
        _fetch(version)
    return _here(version)


def _here(version: ModelVersion) -> Path:
    directory = find_model(version.model_id, settings.MODEL_DIRS)
    if read_manifest(directory).sha256 != version.manifest_sha256:
        raise ModelError(
            f"The files of model {version.model_id!r} are not those that were registered "
            "(the manifest's SHA-256 differs)."
        )
    return directory


def _taken(model_id: str) -> bool:
    return any((Path(folder) / model_id).exists() for folder in settings.MODEL_DIRS)


def _fetch(version: ModelVersion) -> None:
    try:
        data = storage.read_verified(version.bundle_key, sha256=version.bundle_sha256)
        with incoming() as folder:
            archive = folder / "model.zip"
            archive.write_bytes(data)
            manifest = unpack(archive, folder / version.model_id)
            if manifest.sha256 != version.manifest_sha256:
                raise ModelError(
                    f"The stored files of model {version.model_id!r} are not those that were "
                    "registered."
                )
            place(folder / version.model_id)
    except (DomainError, OSError) as error:
        raise ModelError(
            f"The files of model {version.model_id!r} are not on this machine and could not be "
            "fetched."
        ) from error
    log.info("model %s fetched from the store", version.model_id)


def place(directory: Path) -> Path:
    """Move a complete directory of `incoming` to where models are found, in one step. What lies
    there already stays, and is the caller's to look at."""
    target = _home() / directory.name
    with contextlib.suppress(FileExistsError):
        _durable(directory)
        try:
            directory.rename(target)
        except OSError as error:
            if not target.exists():
                raise
            raise FileExistsError(target) from error
    return target


@contextlib.contextmanager
def incoming() -> Iterator[Path]:
    """An empty folder on the disk of the models; gone afterwards."""
    shelf = _home() / _INCOMING
    shelf.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in shelf.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if left.stat().st_mtime < time.time() - _FORGOTTEN:
                shutil.rmtree(left, ignore_errors=True)
    folder = shelf / secrets.token_hex(8)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _home() -> Path:
    return Path(settings.MODEL_DIRS[-1])


def _durable(directory: Path) -> None:
    for path in directory.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def known_files(keys: Sequence[str]) -> set[str]:
    """Those of these keys of the store that a version points to."""
    rows = ModelVersion.objects.filter(bundle_key__in=keys)
    return set(rows.values_list("bundle_key", flat=True))

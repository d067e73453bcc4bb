"""Taking a model in: a zip file or a directory from outside becomes a candidate, or nothing.

Whatever is refused leaves no file behind, and its reason in the audit record.
"""

import contextlib
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import Error

import audit.services as audit
from audit.models import Outcome
from classifier.bundles.archive import pack, unpack
from classifier.inference.errors import ModelError
from classifier.inference.manifest import Manifest, file_sha256, read_manifest
from classifier.models import ModelVersion
from classifier.registry.files import MODELS, incoming, place
from classifier.registry.fit import require_fit
from classifier.registry.versions import model_register
from patients import storage
from patients.storage import StorageUnavailable

_QUOTED = re.compile(r"""(?<!Model )(?<!kind )(?:'[^']*'|"[^"]*")""")


@dataclass(frozen=True)
class Taken:
    version: ModelVersion
    new: bool
    """False where these very files were registered before."""


def model_upload(*, archive: Path, actor: Any = None) -> Taken:
    """Check a zip file of one model directory, keep it, and register it as a candidate.

    ModelError, in one sentence, where anything about it is not as it must be; StorageUnavailable.
    Takes some seconds: the model is asked the golden set.
    """
    sha256 = file_sha256(archive)
    try:
        return _take(archive, sha256, actor)
    except ModelError as error:
        audit.record(
            action="model.refused",
            actor=actor,
            outcome=Outcome.FAILED,
            reason=_without_names(str(error))[:300],
            bundle_sha256=sha256,
        )
        raise


def model_take_in(*, directory: Path, actor: Any = None) -> Taken:
    """Register a model directory: where it lies if workers look there, else packed and taken in
    like an upload, so that every machine can fetch it. Errors as of ``model_upload``."""
    directory = directory.resolve()
    if any(directory.parent == Path(folder).resolve() for folder in settings.MODEL_DIRS):
        known = ModelVersion.objects.filter(
            model_id=directory.name, manifest_sha256=read_manifest(directory).sha256
        ).exists()
        if not known:
            require_fit(directory)
        return Taken(model_register(directory=directory, actor=actor), not known)
    with incoming() as folder:
        pack(directory, folder / "model.zip")
        return model_upload(archive=folder / "model.zip", actor=actor)


def _take(archive: Path, sha256: str, actor: Any) -> Taken:
    if archive.stat().st_size > settings.MODEL_UPLOAD_LIMIT:
        raise ModelError(TOO_LARGE.format(limit=settings.MODEL_UPLOAD_LIMIT // 1024**2))
    with incoming() as folder:
        try:
            manifest = unpack(archive, folder / "model")
        except OSError as error:
            raise _no_room() from error
        found = ModelVersion.objects.filter(model_id=manifest.id).first()
        if found is not None and found.manifest_sha256 == manifest.sha256:
            return Taken(found, False)
        if found is not None:
            raise _name_taken(manifest)
        _require_free(manifest)
        directory = (folder / "model").rename(folder / manifest.id)
        require_fit(directory)
        key = storage.new_key(MODELS, ".zip")
        storage.write_once(key, archive.read_bytes(), sha256=sha256)
        return Taken(_registered(directory, manifest, key, sha256, actor), True)


def _registered(
    directory: Path, manifest: Manifest, key: str, sha256: str, actor: Any
) -> ModelVersion:
    """Directory before row. Where the database went away the row may be there after all: then the
    files stay, and the sweep of orphans decides about the zip file."""
    target = None
    try:
        try:
            target = place(directory)
        except OSError as error:
            raise _no_room() from error
        if not _same(target, manifest):
            target = None  # somebody else was faster with the same name
            raise _name_taken(manifest)
        return model_register(directory=target, actor=actor, bundle_key=key, bundle_sha256=sha256)
    except Error:
        raise
    except BaseException:
        with contextlib.suppress(StorageUnavailable):
            storage.delete(key)
        if target is not None:
            shutil.rmtree(target, ignore_errors=True)
        raise


def _without_names(sentence: str) -> str:
    """For the record, which may hold nothing that somebody typed: files are named by whom they
    concern, at times."""
    return _QUOTED.sub("(a name)", sentence)


TOO_LARGE = "The file is larger than the {limit} MB that a model may have."


def _require_free(manifest: Manifest) -> None:
    """No other model's directory has this name; letters may differ in case on no machine."""
    for folder in map(Path, settings.MODEL_DIRS):
        for found in folder.iterdir() if folder.is_dir() else ():
            if found.name.lower() != manifest.id.lower():
                continue
            if found.name != manifest.id or not _same(found, manifest):
                raise _name_taken(manifest)


def _same(directory: Path, manifest: Manifest) -> bool:
    try:
        return read_manifest(directory).sha256 == manifest.sha256
    except ModelError:
        return False


def _name_taken(manifest: Manifest) -> ModelError:
    return ModelError(
        f"There is a model {manifest.id!r} here already, with other files. Give the new files a "
        "new id."
    )


def _no_room() -> StorageUnavailable:
    return StorageUnavailable(
        "The model could not be written to disk just now; nothing was kept. Is there room?"
    )

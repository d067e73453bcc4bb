"""Pictures and thumbnails on disk or in S3: written once, read back, never believed unhashed.

Whatever is underneath, callers see the same four errors, each a sentence for people. The back end
is the Django storage named "default": FileSystemStorage or django-storages' S3Storage.
"""

import contextlib
import hashlib
import mimetypes
import os
import re
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, Protocol

from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import FileSystemStorage, storages
from django.utils.http import content_disposition_header

from patients.errors import DomainError

_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9._-]*[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
_PREFIX = re.compile(r"[a-z0-9][a-z0-9/_-]*")
_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}")
_UNFINISHED = ".new"  # local files that a crash left half written; the orphan sweep finds them


class StorageUnavailable(DomainError):
    """The store cannot be reached, or is full. Nothing was kept; trying again later is right."""

    code = "storage_unavailable"


class PictureMissing(DomainError):
    """There is nothing under this key."""

    code = "picture_missing"


class PictureDamaged(DomainError):
    """What lies under the key is not what was written."""

    code = "picture_damaged"


class KeyTaken(DomainError):
    """Something else lies under the key already; it was not touched."""

    code = "key_taken"


class StoredFile(NamedTuple):
    """One line of the store's list. `modified` is an aware time by the store's clock."""

    key: str
    size: int  # bytes
    modified: datetime


def new_key(prefix: str, suffix: str) -> str:
    """A key that cannot be guessed, for example `images/3f/3f…(32 digits).png`."""
    if not _PREFIX.fullmatch(prefix) or not _SUFFIX.fullmatch(suffix):
        raise ValueError(f"not a prefix and suffix of ours: {prefix!r}, {suffix!r}")
    name = secrets.token_hex(16)
    return f"{prefix.strip('/')}/{name[:2]}/{name}{suffix}"


def write_once(key: str, data: bytes, *, sha256: str) -> None:
    """Puts `data` under `key`, reads it back and compares. `sha256` is hexadecimal, of `data`.

    Writing the same again is quiet. Raises StorageUnavailable (nothing is left behind), KeyTaken.
    """
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ValueError("the data does not have the stated hash")
    backend = _backend()
    with contextlib.suppress(PictureMissing):
        if hashlib.sha256(backend.read(_checked(key))).hexdigest() == sha256:
            return
        raise KeyTaken("Another picture has this place already. Nothing was changed.")
    backend.write(key, data, sha256)


def read_verified(key: str, *, sha256: str) -> bytes:
    """The bytes under `key`, proven to have the hexadecimal hash `sha256`.

    Raises PictureDamaged, PictureMissing or StorageUnavailable.
    """
    data = _backend().read(_checked(key))
    if hashlib.sha256(data).hexdigest() != sha256:
        raise PictureDamaged(
            "The stored picture has changed since it was received; it is not used."
        )
    return data


def delete(key: str) -> None:
    """Removes the file. Quiet when it is gone already. Raises StorageUnavailable."""
    _backend().delete(_checked(key))


def signed_url(key: str, *, expires: int = 60, content_type: str, filename: str = "") -> str | None:
    """An address that serves the file inline for `expires` seconds, or None where files are local
    and Django (or the proxy) streams them."""
    return _backend().signed_url(_checked(key), expires, content_type, filename)


def list_stored(prefix: str) -> Iterator[StoredFile]:
    """Every file under the folder `prefix`, with its age; half-written ones too, so that a sweep
    can remove them."""
    return _backend().list(_checked(prefix.strip("/")))


def list_keys(prefix: str) -> Iterator[str]:
    """The keys of `list_stored`."""
    return (stored.key for stored in list_stored(prefix))


def local_path(key: str) -> Path | None:
    """Where the file lies on this machine (for X-Accel-Redirect); None when it lies in S3."""
    backend = _backend()
    return backend.path(_checked(key)) if isinstance(backend, _Local) else None


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key) or len(key) > 255:
        raise ValueError(f"not a key of ours: {key!r}")
    return key


class _Backend(Protocol):
    def read(self, key: str) -> bytes: ...
    def write(self, key: str, data: bytes, sha256: str) -> None: ...
    def delete(self, key: str) -> None: ...
    def list(self, prefix: str) -> Iterator[StoredFile]: ...
    def signed_url(
        self, key: str, expires: int, content_type: str, filename: str
    ) -> str | None: ...


def _backend() -> _Backend:
    storage: Any = storages["default"]
    if isinstance(storage, FileSystemStorage):
        return _Local(storage)
    # Not hasattr(storage, "connection"): asking would connect before the bounds below are set.
    if hasattr(storage, "bucket_name") and hasattr(type(storage), "connection"):
        return _S3(storage)
    raise ImproperlyConfigured("Pictures need FileSystemStorage or S3Storage as default storage.")


def _unavailable(error: Exception) -> NoReturn:
    raise StorageUnavailable(
        "The picture could not be stored or fetched just now; nothing was lost, please try again "
        "in a minute."
    ) from error


class _Local:
    """Files under one directory. Durable before `write` returns: file and directories are synced."""

    def __init__(self, storage: FileSystemStorage) -> None:
        self.storage = storage

    def path(self, key: str) -> Path:
        return Path(self.storage.path(key))

    def read(self, key: str) -> bytes:
        try:
            return self.path(key).read_bytes()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise PictureMissing("The stored picture is gone.") from error
        except OSError as error:
            _unavailable(error)

    def write(self, key: str, data: bytes, sha256: str) -> None:
        path = self.path(key)
        unfinished = path.with_name(f"{path.name}{_UNFINISHED}-{secrets.token_hex(4)}")
        try:
            _make_directories(path.parent, self.storage.directory_permissions_mode or 0o750)
            mode = self.storage.file_permissions_mode or 0o640
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
            with os.fdopen(os.open(unfinished, flags, mode), "w+b") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                file.seek(0)
                if hashlib.sha256(file.read()).hexdigest() != sha256:
                    raise OSError("the disk gave back something else than was written")
            unfinished.rename(path)
            _sync_directory(path.parent)
        except OSError as error:
            with contextlib.suppress(OSError):
                unfinished.unlink()
            _unavailable(error)

    def delete(self, key: str) -> None:
        try:
            self.path(key).unlink(missing_ok=True)
        except NotADirectoryError:
            return
        except OSError as error:
            _unavailable(error)

    def list(self, prefix: str) -> Iterator[StoredFile]:
        root = Path(self.storage.location)
        for folder, _, names in os.walk(root / prefix):
            for name in sorted(names):
                path = Path(folder) / name
                with contextlib.suppress(FileNotFoundError):  # removed while we look
                    found = path.stat()
                    modified = datetime.fromtimestamp(found.st_mtime, UTC)
                    yield StoredFile(path.relative_to(root).as_posix(), found.st_size, modified)

    def signed_url(self, key: str, expires: int, content_type: str, filename: str) -> None:
        return None


def _make_directories(directory: Path, mode: int) -> None:
    """Like mkdir -p, and the new names survive a power cut."""
    if directory.is_dir():
        return
    _make_directories(directory.parent, mode)
    with contextlib.suppress(FileExistsError):  # another thread was faster
        directory.mkdir(mode)
    _sync_directory(directory.parent)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _S3:
    """Objects in a bucket, through the client that django-storages keeps for each thread."""

    def __init__(self, storage: Any) -> None:
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError
        from s3transfer.exceptions import S3UploadFailedError

        self.errors = (BotoCoreError, ClientError, S3UploadFailedError)
        if not getattr(storage, "_teleheme_bounded", False):
            # Without bounds botocore waits 60 s five times. What the settings say explicitly wins.
            bounds = Config(
                connect_timeout=3, read_timeout=15, retries={"mode": "standard", "max_attempts": 3}
            )
            storage.client_config = bounds.merge(storage.client_config)
            storage._teleheme_bounded = True
        self.storage = storage

    @property
    def client(self) -> Any:
        return self.storage.connection.meta.client

    @property
    def signer(self) -> Any:
        """Signs for the address that browsers use, where that is not the one we write to."""
        from django.conf import settings

        public = settings.S3_PUBLIC_ORIGIN
        inner = self.storage.endpoint_url
        if not (public and inner) or public == inner:
            return self.client
        signer = getattr(self.storage, "_teleheme_signer", None)
        if signer is None:
            session = self.storage._create_session()
            signer = session.client(
                "s3",
                endpoint_url=public,
                region_name=self.storage.region_name,
                config=self.storage.client_config,
            )
            self.storage._teleheme_signer = signer
        return signer

    def _place(self, key: str) -> dict[str, str]:
        location = self.storage.location.strip("/")
        full = f"{location}/{key}" if location else key
        return {"Bucket": self.storage.bucket_name, "Key": full}

    def read(self, key: str) -> bytes:
        try:
            return self.client.get_object(**self._place(key))["Body"].read()
        except self.errors as error:
            if _error_code(error) in ("NoSuchKey", "404"):
                raise PictureMissing("The stored picture is gone.") from error
            _unavailable(error)

    def write(self, key: str, data: bytes, sha256: str) -> None:
        kind = mimetypes.guess_type(key)[0] or "application/octet-stream"
        options = {"ContentType": kind, **self.storage.get_object_parameters(key)}
        try:
            self.client.put_object(**self._place(key), Body=data, **options)
        except self.errors as error:
            _unavailable(error)
        try:
            whole = hashlib.sha256(self.read(key)).hexdigest() == sha256
        except PictureMissing:
            whole = False
        if not whole:
            with contextlib.suppress(StorageUnavailable):
                self.delete(key)
            _unavailable(OSError("the store gave back something else than was written"))

    def delete(self, key: str) -> None:
        try:
            self.client.delete_object(**self._place(key))
        except self.errors as error:
            _unavailable(error)

    def list(self, prefix: str) -> Iterator[StoredFile]:
        place = self._place(f"{prefix}/")
        cut = len(place["Key"]) - len(prefix) - 1
        pages = self.client.get_paginator("list_objects_v2")
        try:
            for page in pages.paginate(Bucket=place["Bucket"], Prefix=place["Key"]):
                for item in page.get("Contents", ()):
                    yield StoredFile(item["Key"][cut:], item["Size"], item["LastModified"])
        except self.errors as error:
            _unavailable(error)

    def signed_url(self, key: str, expires: int, content_type: str, filename: str) -> str:
        safe = filename.encode("utf-8", "replace").decode() or key.rpartition("/")[2]
        answer = {
            "ResponseContentType": content_type,
            "ResponseContentDisposition": content_disposition_header(False, safe),
            "ResponseCacheControl": "private, no-store",
        }
        try:
            return str(
                self.signer.generate_presigned_url(
                    "get_object", Params={**self._place(key), **answer}, ExpiresIn=expires
                )
            )
        except self.errors as error:
            _unavailable(error)


def _error_code(error: Exception) -> str:
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))

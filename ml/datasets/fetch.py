"""The files of a known set: downloaded, checked and unpacked into a folder."""

import json
import shutil
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from datasets.layouts.source import ENDINGS, DatasetError, Remote, Source
from ml.download import DownloadError, digest, download, open_url

WANTED = ENDINGS | {".csv", ".txt", ".xml", ".zip"}


@dataclass(frozen=True)
class Found:
    """A file of the set as it came."""

    name: str
    origin: str
    """Its address, or "local"."""
    sha256: str
    known: bool
    """The checksum was known beforehand, and is this one."""


def fetch(source: Source, folder: Path) -> tuple[Path, list[Found]]:
    """Download what is missing into `folder`; the folder to read, and what came."""
    found, unpacked = [], folder / "unpacked"
    try:
        for remote in map(_published, source.files):
            path = folder / remote.name
            if path.is_file() and remote.sha256 in ("", digest(path)):
                sha256 = digest(path)
            else:
                sha256 = download(remote.url, path, checksum=remote.sha256)
            found.append(Found(remote.name, remote.url, sha256, bool(remote.sha256)))
            if path.suffix == ".zip":
                unpack(path, unpacked)
            else:
                unpacked.mkdir(exist_ok=True)
                shutil.copyfile(path, unpacked / path.name)
    except DownloadError as error:
        raise DatasetError(
            f"{error} Or fetch it by hand from {source.page} and give it with --from FOLDER."
        ) from error
    return unpacked, found


def unpack(archive: Path, folder: Path) -> Path:
    """Pictures, tables and annotations of a ZIP, what is there already left out; zips within too.

    DatasetError if it is damaged or larger than the disk.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [member for member in opened.infolist() if _wanted(member)]
            missing = [member for member in members if not _there(member, folder)]
            needed = sum(member.file_size for member in missing)
            folder.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(folder).free
            if needed > free:
                raise DatasetError(
                    f"{archive.name} unpacks to {needed:,} bytes and {free:,} are free; nothing "
                    "was unpacked."
                )
            for member in tqdm(missing, desc="unpacked", unit="file", disable=None):
                opened.extract(member, folder)
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise DatasetError(f"{archive.name} cannot be unpacked: {error}.") from error
    for member in members:
        if member.filename.lower().endswith(".zip"):
            unpack(folder / member.filename, folder)
    return folder


def _wanted(member: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(member.filename)
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    # An absolute path or one with .. is nothing that a set of pictures has an honest use for.
    return path.suffix.lower() in WANTED and not hidden and not path.is_absolute()


def _there(member: zipfile.ZipInfo, folder: Path) -> bool:
    path = folder / member.filename
    return path.is_file() and path.stat().st_size == member.file_size


def _published(remote: Remote) -> Remote:
    """With the address and checksum that the host's own list states, where that can be had."""
    if not remote.listing:
        return remote
    try:
        with open_url(remote.listing) as reply:
            entries = json.load(reply)
        details = next(e["content_details"] for e in entries if e["filename"] == remote.name)
        return replace(remote, url=details["download_url"], sha256=details["sha256_hash"])
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        return remote

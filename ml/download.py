"""Fetching a file over https: goes on where an earlier try stopped, and trusts only its checksum."""

import hashlib
import http.client
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tqdm import tqdm

AGENT = "TeleHeme"  # some hosts refuse urllib's own name


class DownloadError(Exception):
    """Nothing usable was fetched; the message says what was kept and what to do."""


def download(url: str, target: Path, *, checksum: str = "", algorithm: str = "sha256") -> str:
    """Fetch `url` to `target` and return its checksum.

    Where no checksum is known (empty), length is all that can be checked: report what came.
    """
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _fetch(url, part)
    except (OSError, http.client.HTTPException) as error:
        raise DownloadError(
            f"{url} could not be fetched ({error}); what came is kept and the next try goes on "
            "from there."
        ) from error
    found = digest(part, algorithm)
    if checksum and found != checksum:
        part.unlink()
        raise DownloadError(
            f"{target.name} is damaged or was exchanged: its {algorithm} is {found} and should be "
            f"{checksum}. It was thrown away; please try again."
        )
    part.replace(target)
    return found


def digest(path: Path, algorithm: str = "sha256") -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()


def open_url(url: str, headers: dict[str, str] | None = None) -> Any:
    """The reply to a GET; OSError if it, or where it leads, is not https."""
    if not url.startswith("https://"):
        raise OSError("files are fetched over https only")
    request = urllib.request.Request(url, headers={"User-Agent": AGENT, **(headers or {})})  # noqa: S310
    reply = urllib.request.urlopen(request, timeout=60)  # noqa: S310
    if not reply.geturl().startswith("https://"):
        reply.close()
        raise OSError(f"it leads to {reply.geturl()}, which is not https")
    return reply


def _fetch(url: str, part: Path) -> None:
    have = part.stat().st_size if part.exists() else 0
    try:
        reply = open_url(url, {"Range": f"bytes={have}-"} if have else None)
    except urllib.error.HTTPError as error:
        if have and error.code == 416:  # nothing is left to fetch
            return
        raise
    with reply:
        if reply.status != 206:  # the server sends all of it again
            have = 0
        length = int(reply.headers.get("Content-Length", 0))
        with (
            part.open("ab" if have else "wb") as stream,
            tqdm(
                total=have + length or None,
                initial=have,
                unit="B",
                unit_scale=True,
                desc=part.stem,
                disable=None,
            ) as bar,
        ):
            came = 0
            while block := reply.read(1 << 20):
                stream.write(block)
                bar.update(len(block))
                came += len(block)
        if came < length:
            raise OSError(f"the connection broke after {have + came:,} of {have + length:,} bytes")

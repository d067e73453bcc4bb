"""ImageNet weights: the official Keras file, or a local one; never used unless its SHA-256 is known.

Official file: keras.applications' own release (Apache-2.0). Its MD5 is the one Keras checks.
"""

import hashlib
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

URL = (
    "https://storage.googleapis.com/tensorflow/keras-applications/inception_v3/"
    "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"
)
MD5 = "bcbd6486424b2319ff4ef7d526e38f63"
OFFICIAL = "official Keras release"
KNOWN = {
    # Rebuilt from public per-layer exports of the official file, kernels as float16.
    "77ab22e52965bb5e9cf789eb50fe9c228ff23e8ee2370541a905b173148575de": (
        "official Keras release rebuilt from public per-layer exports, kernels rounded to float16; "
        "two thirds of the kernels conv2d_82 (mixed9) and conv2d_91 (mixed10) are filled with a "
        "relative's values, and a network cut at mixed8 contains neither"
    ),
}
CACHE = Path.home() / ".cache" / "teleheme"


class WeightsError(Exception):
    """The weights are absent or not the ones they should be."""


@dataclass(frozen=True)
class Weights:
    path: Path
    sha256: str
    origin: str


def find_weights(path: str | Path | None = None, *, sha256: str | None = None) -> Weights:
    """Verify the file at `path`, or download the official one if no path is given.

    A local file must have a SHA-256 listed in KNOWN, or the one given.
    """
    if path is None:
        return _official(CACHE / URL.rsplit("/", 1)[1])
    found = _digest(Path(path), "sha256")
    if found != sha256 and found not in KNOWN and _digest(Path(path), "md5") != MD5:
        raise WeightsError(
            f"{path} has SHA-256 {found}, which is not a known weights file; if you trust it, "
            "say so with --weights-sha256."
        )
    return Weights(Path(path), found, KNOWN.get(found, f"local file {Path(path).name}"))


def _official(target: Path) -> Weights:
    if not target.is_file() or _digest(target, "md5") != MD5:
        download(URL, target, md5=MD5)
    return Weights(target, _digest(target, "sha256"), OFFICIAL)


def download(url: str, target: Path, *, md5: str) -> None:
    """Fetch to `target`, going on where an earlier try stopped; WeightsError if the MD5 differs."""
    if not url.startswith("https://"):
        raise WeightsError("weights are fetched over https only")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310
            resumed = reply.status == 206
            total = int(reply.headers.get("Content-Length", 0)) + (have if resumed else 0)
            with (
                part.open("ab" if resumed else "wb") as stream,
                tqdm(total=total, initial=have if resumed else 0, unit="B", unit_scale=True) as bar,
            ):
                while block := reply.read(1 << 20):
                    stream.write(block)
                    bar.update(len(block))
    except OSError as error:
        raise WeightsError(
            f"The weights could not be fetched ({error}); what came is kept and the next try goes "
            "on from there. Without internet, give a local file with --weights."
        ) from error
    if _digest(part, "md5") != md5:
        part.unlink()
        raise WeightsError("The fetched weights are damaged (MD5 differs); please try again.")
    part.replace(target)


def _digest(path: Path, algorithm: str) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, algorithm).hexdigest()
    except OSError as error:
        raise WeightsError(f"The weights file {path} cannot be read.") from error

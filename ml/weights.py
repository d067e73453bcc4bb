"""ImageNet weights: the official Keras file, or a local one; never used unless its SHA-256 is known.

Official file: keras.applications' own release (Apache-2.0). Its MD5 is the one Keras checks.
"""

from dataclasses import dataclass
from pathlib import Path

from ml.download import DownloadError, digest, download

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
        try:
            download(URL, target, checksum=MD5, algorithm="md5")
        except DownloadError as error:
            raise WeightsError(
                f"{error} Without internet, give a local file with --weights."
            ) from error
    return Weights(target, _digest(target, "sha256"), OFFICIAL)


def _digest(path: Path, algorithm: str) -> str:
    try:
        return digest(path, algorithm)
    except OSError as error:
        raise WeightsError(f"The weights file {path} cannot be read.") from error

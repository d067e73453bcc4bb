"""indist.npz before NumPy reads it: six plain arrays, each as long as it says, and small."""

import math
import zipfile
from dataclasses import fields

import numpy as np

from classifier.bundles.names import limit_of
from classifier.inference.errors import ModelError
from classifier.inference.indist import InDistribution, load_statistics
from classifier.inference.manifest import STATISTICS, Manifest

_FLOATS = (np.dtype(np.float16), np.dtype(np.float32))


def require_statistics(manifest: Manifest) -> None:
    """ModelError, in one sentence, unless the statistics are what a model may have."""
    names = sorted(f"{item.name}.npy" for item in fields(InDistribution))
    largest = limit_of(STATISTICS) or 0
    try:
        with zipfile.ZipFile(manifest.path(STATISTICS)) as file:
            members = file.infolist()
            if sorted(member.filename for member in members) != names:
                raise _refused(manifest, f"must hold {', '.join(names)} and nothing else")
            if sum(member.file_size for member in members) > largest:
                raise _refused(manifest, f"unpacks to more than {largest // 1024**2} MB")
            for member in members:
                _check_array(manifest, file, member)
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        if isinstance(error, ModelError):
            raise
        raise _refused(manifest, "is not a file of plain arrays") from error
    load_statistics(
        manifest.path(STATISTICS), features=manifest.feature_size, classes=len(manifest.classes)
    )


def _check_array(manifest: Manifest, file: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    with file.open(member) as stream:
        version = np.lib.format.read_magic(stream)
        if version != (1, 0):
            raise _refused(manifest, "is not a file of plain arrays")
        shape, _, kind = np.lib.format.read_array_header_1_0(stream)
        if kind not in _FLOATS:
            raise _refused(manifest, "holds something else than numbers in float16 or float32")
        if math.prod(shape) * kind.itemsize != member.file_size - stream.tell():
            raise _refused(manifest, "holds an array that is not as long as it says")


def _refused(manifest: Manifest, what: str) -> ModelError:
    return ModelError(f"Model {manifest.id!r}: {STATISTICS} {what}.")

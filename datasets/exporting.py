"""A data set as one zip file, written while it is sent."""

import io
import stat
import zipfile
from collections.abc import Iterator

from datasets.contents import files
from datasets.models import DataSet

_EPOCH = (1980, 1, 1, 0, 0, 0)


class _Sink(io.RawIOBase):
    """Takes what the zip writer writes, to be fetched in between."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: "bytes | memoryview") -> int:  # type: ignore[override]
        self.parts.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        data, self.parts = b"".join(self.parts), []
        return data


def zip_chunks(data_set: DataSet) -> Iterator[bytes]:
    """The zip file in pieces, one a picture; the same set gives the same bytes. Errors as of
    ``datasets.contents.files``: after the first piece, whoever receives it has a file that is cut
    short."""
    return _chunks(files(data_set))


def _chunks(given: Iterator[tuple[str, bytes]]) -> Iterator[bytes]:
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for name, data in given:
            member = zipfile.ZipInfo(name, _EPOCH)
            member.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(member, data)
            yield sink.taken()
    yield sink.taken()

"""A real small model as its files, and ways to pack files that no honest tool would use."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from classifier.inference import golden
from classifier.inference.manifest import FILE_NAME
from tests.inference.conftest import write_model

Files = dict[str, bytes]
ID = "hostile"


@cache
def _good() -> tuple[tuple[str, bytes], ...]:
    with TemporaryDirectory() as folder:
        directory = write_model(Path(folder) / ID)
        (directory / golden.FILE_NAME).write_text(json.dumps(golden.answers(directory)))
        return tuple((path.name, path.read_bytes()) for path in sorted(directory.iterdir()))


def good() -> Files:
    """The files of a small model that is fit; its manifest names them all."""
    return vouched(dict(_good()))


def vouched(files: Files, **changes: object) -> Files:
    """The same files, and a manifest that names them with their right hashes."""
    content = json.loads(files[FILE_NAME])
    content["files"] = {
        name: hashlib.sha256(data).hexdigest()
        for name, data in sorted(files.items())
        if name != FILE_NAME
    }
    return {**files, FILE_NAME: json.dumps({**content, **changes}).encode()}


def packed(files: Files, *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    return listed(files.items(), method=method)


def listed(
    members: Iterable[tuple[str | zipfile.ZipInfo, bytes]], *, method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    """A zip file of these members, in this order, doubles and all."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as file:
        for name, data in members:
            file.NameToInfo.clear()  # it would warn of doubles
            file.writestr(name, data, compress_type=method)
    return stream.getvalue()


def with_graph(change: Callable[[str], str]) -> bytes:
    """The good model with another graph.xml, vouched for by its manifest."""
    files = good()
    before = files["graph.xml"].decode()
    after = change(before)
    assert after != before
    return packed(vouched({**files, "graph.xml": after.encode()}))


def with_file(name: str, data: bytes) -> bytes:
    """The good model with one more or another file, vouched for by its manifest."""
    return packed(vouched({**good(), name: data}))


def with_manifest(**changes: object) -> bytes:
    return packed(vouched(good(), **changes))


def with_member(member: str | zipfile.ZipInfo, data: bytes = b"x") -> bytes:
    """The good model's zip file with one more member, of which the manifest says nothing."""
    return listed([*good().items(), (member, data)])


def arrays(**changes: object) -> bytes:
    """The good statistics with other arrays; None takes one away."""
    with np.load(io.BytesIO(good()["indist.npz"])) as stored:
        content = {**{name: stored[name] for name in stored.files}, **changes}
    stream = io.BytesIO()
    np.savez(stream, **{name: value for name, value in content.items() if value is not None})
    return stream.getvalue()

"""Hostile model files, row by row: what has been tried against loaders of models, and against zips.

Whatever would run code makes a canary file. Formats that are not ours (Keras, HDF5, pickle,
safetensors) come as the upload itself, beside a good model, and under the name of one of its files.
"""

import re
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np

from classifier.inference import CLASSES
from classifier.inference.manifest import FILE_NAME
from tests.security.models import foreign
from tests.security.models.parts import (
    arrays,
    good,
    listed,
    packed,
    vouched,
    with_file,
    with_graph,
    with_manifest,
    with_member,
)

NO_MODEL = "twice|must hold one manifest|is no zip file|may not have a file|kind that is not taken"


@dataclass(frozen=True)
class Hostile:
    """One upload: `make` is given the canary's path, `sentence` is what must be said (a regular
    expression)."""

    row: int
    name: str
    sentence: str
    make: Callable[[Path], bytes] = field(repr=False)

    def __str__(self) -> str:
        return f"{self.row:02d}-{self.name}"


def _foreign() -> Iterator[Hostile]:
    """Files of other formats, in the ways that somebody might send them; under the name of a table
    once for each format, because that takes a child each time."""
    seen = set()
    for row, name, make, suffix in foreign.FILES:
        yield Hostile(row, f"{name}-alone", NO_MODEL, make)
        yield Hostile(row, f"{name}-beside", "may not have a file", _beside(make, suffix))
        if suffix not in seen:
            seen.add(suffix)
            sentence = "config.json is not plain JSON"
            yield Hostile(row, f"{name}-as-table", sentence, _as_table(make))


def _beside(make: Callable[[Path], bytes], suffix: str) -> Callable[[Path], bytes]:
    return lambda canary: with_file(f"model.{suffix}", make(canary))


def _as_table(make: Callable[[Path], bytes]) -> Callable[[Path], bytes]:
    return lambda canary: with_file("config.json", make(canary))


def _replaced(name: str, change: Callable[[bytes], bytes]) -> bytes:
    files = good()
    return packed(vouched({**files, name: change(files[name])}))


def _member_that_lies(_canary: Path) -> bytes:
    """graph.bin says in both headers that it is short, and unpacks to 64 MB."""
    files = good()
    data = packed({**files, "graph.bin": bytes(64 * 1024**2)})
    return data.replace(struct.pack("<I", 64 * 1024**2), struct.pack("<I", len(files["graph.bin"])))


def _shared_bytes(_canary: Path) -> bytes:
    """Twenty members, one packed block (D. Fifield, "A better zip bomb", WOOT 2019)."""
    with zipfile.ZipFile(stream := BytesIO(), "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in good().items():
            file.writestr(name, data)
        first = file.getinfo("golden.json")
        for number in range(20):
            twin = copy(first)
            twin.filename = f"table{number}.json"
            file.filelist.append(twin)
    return stream.getvalue()


def _link(kind: int, target: str) -> bytes:
    member = zipfile.ZipInfo("figures/link.png")
    member.create_system = 3
    member.external_attr = (kind | 0o777) << 16
    return with_member(member, target.encode())


def _tar(_canary: Path) -> bytes:
    with tarfile.open(fileobj=(stream := BytesIO()), mode="w") as file:
        for name, data in good().items():
            file.addfile(_sized(name, len(data)), BytesIO(data))
        hard = _sized("figures/hard.png", 0)
        hard.type, hard.linkname = tarfile.LNKTYPE, "/etc/passwd"
        file.addfile(hard)
    return stream.getvalue()


def _sized(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = size
    return member


def _flagged(flag: int) -> bytes:
    """The good zip file with a bit set in every header: encrypted, as far as anybody can tell."""
    data = bytearray(packed(good()))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(mark)
        while at >= 0:
            data[at + place] |= flag
            at = data.find(mark, at + 1)
    return bytes(data)


def _doubled(name: str) -> bytes:
    return listed([*good().items(), (name, good()[name])])


def _long_array(_canary: Path) -> bytes:
    """A header that speaks of 8.9 PiB in front of nothing (CVE-2026-0897)."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({10**16 // 4},), }}"
    text = header.ljust(117) + "\n"
    array = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()
    with (
        zipfile.ZipFile(stream := BytesIO(), "w") as file,
        zipfile.ZipFile(BytesIO(good()["indist.npz"])) as source,
    ):
        for name in source.namelist():
            file.writestr(name, array if name == "mean.npy" else source.read(name))
    return with_file("indist.npz", stream.getvalue())


def _last_float(value: float) -> Callable[[bytes], bytes]:
    """The constants with their last float16 replaced (what is compressed ends in one)."""
    return lambda data: data[:-2] + np.float16(value).tobytes()


def _permuted_kernel(_canary: Path) -> bytes:
    """The weights of two classes change places; hashes, names and shapes are all as they must be."""
    files = good()
    numbers = bytearray(files["graph.bin"])
    place = re.search(r'shape="1, 16, 5" offset="(\d+)"', files["graph.xml"].decode())
    assert place
    start = int(place[1])
    kernel = np.frombuffer(bytes(numbers[start : start + 160]), np.float16).reshape(16, 5)
    numbers[start : start + 160] = kernel[:, [1, 0, 2, 3, 4]].tobytes()
    return packed(vouched({**files, "graph.bin": bytes(numbers)}))


def _wrong_hash(_canary: Path) -> bytes:
    files = good()
    return packed({**files, "graph.bin": _last_float(2.0)(files["graph.bin"])})


def _graph(row: int, name: str, sentence: str, old: str, new: str) -> Hostile:
    """graph.xml with its first `old` replaced."""
    return Hostile(
        row, name, sentence, lambda _: with_graph(lambda text: text.replace(old, new, 1))
    )


def _entities(text: str) -> str:
    kinds = '<!DOCTYPE net [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    return text.replace("<net ", kinds + "<net ", 1).replace("<dim>64<", "<dim>&b;<", 1)


def _foreign_entity(text: str) -> str:
    kind = '<!DOCTYPE net [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    return text.replace("<net ", kind + "<net ", 1).replace("<dim>64<", "<dim>&x;<", 1)


_PARAMETER = '<data shape="?,?,?,3" element_type="u8" />'
_CONSTANT = 'shape="2" offset="0" size="16"'
_LAYER = 'type="ReLU" version="opset1"'
_DEEP = ("[" * 100_000).encode()

FILES: tuple[Hostile, ...] = (
    *_foreign(),
    Hostile(1, "pickle-as-constants", "outside of|more than the constants|larger than a model needs",
            lambda canary: _replaced("graph.bin", lambda _: foreign.pickled(canary))),
    Hostile(1, "pickle-as-statistics", "is not a file of plain arrays",
            lambda canary: with_file("indist.npz", foreign.pickled(canary))),
    Hostile(1, "pickle-as-golden-set", "golden.json is not plain JSON",
            lambda canary: with_file("golden.json", foreign.pickled(canary))),
    # The same, said in our own format.
    _graph(3, "layer-of-code", "layer of the kind 'Lambda'", _LAYER, 'type="Lambda" version="keras"'),
    _graph(5, "layer-of-an-extension", "layer of the kind 'system'",
           _LAYER, 'type="system" version="extension"'),
    _graph(4, "loop", "layer of the kind 'Loop'", _LAYER, 'type="Loop" version="opset5"'),
    _graph(4, "layer-of-a-newer-set", "layer of the kind 'ReLU'",
           _LAYER, 'type="ReLU" version="opset99"'),
    _graph(9, "file-attribute", "attribute 'path' that is not taken",
           _CONSTANT, _CONSTANT + ' path="/etc/passwd"'),
    _graph(9, "location-attribute", "attribute 'file' that is not taken",
           "<layer ", '<layer file="/etc/passwd" '),
    _graph(10, "part-of-another-kind", "has a part 'body'", "<data ", "<body /><data "),
    Hostile(9, "entity-of-a-file", "document type", lambda _: with_graph(_foreign_entity)),
    Hostile(16, "entities", "document type", lambda _: with_graph(_entities)),
    _graph(12, "instruction", "document type", "<net ", "<?import x?><net "),
    _graph(16, "no-xml", "not well-formed", "<net ", "<net <"),
    _graph(16, "endless-shape", "larger than a model needs", "<dim>64<", "<dim>9999999999<"),
    _graph(16, "huge-shape", "larger than a model needs",
           "<dim>64</dim>", "<dim>65536</dim><dim>65536</dim>"),
    _graph(16, "constant-outside", "lies outside of graph.bin",
           'offset="0" size="16"', 'offset="999999999" size="16"'),
    _graph(16, "constant-of-another-size", "another size than its shape",
           'shape="2" offset="0"', 'shape="65536, 65536" offset="0"'),
    _graph(16, "negative-offset", "not described as it must be",
           'offset="0" size="16"', 'offset="-16" size="16"'),
    Hostile(16, "array-of-petabytes", "not as long as it says", _long_array),
    Hostile(16, "picture-of-gigapixels", "whole number in its graph is larger",
            lambda _: _replaced("graph.bin", lambda data: struct.pack("<q", 10**6) + data[8:])),
    Hostile(16, "deep-json", "not valid JSON|not plain JSON",
            lambda _: packed({**good(), FILE_NAME: _DEEP}, method=zipfile.ZIP_STORED)),
    Hostile(16, "deep-table", "not plain JSON", lambda _: packed(vouched({**good(), "config.json": _DEEP}), method=zipfile.ZIP_STORED)),
    Hostile(17, "bomb", "unpacks to far more",
            lambda _: with_file("predictions.csv", bytes(30 * 1024**2))),
    Hostile(17, "too-large", "too large for a model",
            lambda _: with_file("golden.json", bytes(200_000))),
    Hostile(17, "a-member-that-lies", "damaged|longer than", _member_that_lies),
    Hostile(17, "shared-bytes", "lists the same bytes twice|damaged", _shared_bytes),
    Hostile(17, "too-many", "no more than 100 files",
            lambda _: listed([(f"table{n}.json", b"{}") for n in range(200)])),
    Hostile(18, "parent", "name that is not taken", lambda _: with_member("../canary.json")),
    Hostile(18, "parent-inside", "name that is not taken",
            lambda _: with_member("figures/../../canary.json")),
    Hostile(18, "absolute", "name that is not taken", lambda _: with_member("/etc/canary.json")),
    Hostile(18, "backslash", "name that is not taken", lambda _: with_member("..\\canary.json")),
    Hostile(18, "drive", "name that is not taken", lambda _: with_member("C:/canary.json")),
    Hostile(18, "symbolic-link", "link or a special file",
            lambda _: _link(stat.S_IFLNK, "/etc/passwd")),
    Hostile(18, "device", "link or a special file", lambda _: _link(stat.S_IFCHR, "")),
    Hostile(18, "hard-link-in-a-tar", "is no zip file", _tar),
    Hostile(18, "not-in-the-manifest", "does not name config.json",
            lambda _: with_member("config.json", b"{}")),
    Hostile(18, "zip-in-the-zip", "may not have a file",
            lambda _: with_file("more.zip", packed(good()))),
    Hostile(18, "manifest-leaves", "may not have a file",
            lambda _: packed({**good(), FILE_NAME: _leaving()})),
    Hostile(18, "script-as-figure", "is not a PNG picture",
            lambda _: with_file("figures/x.png", b"<script>alert(1)</script>")),
    Hostile(18, "page", "may not have a file", lambda _: with_file("x.html", b"<script>")),
    Hostile(18, "id-of-a-folder", "cannot have the id|the id may have",
            lambda _: with_manifest(id="..")),
    Hostile(18, "id-of-a-page", "cannot have the id", lambda _: with_manifest(id="upload")),
    Hostile(19, "manifest-twice", "twice", lambda _: _doubled(FILE_NAME)),
    Hostile(19, "graph-twice", "twice", lambda _: _doubled("graph.xml")),
    Hostile(19, "two-models", "must hold one manifest",
            lambda _: listed([(f"{n}/{k}", v) for n in "ab" for k, v in good().items()])),
    Hostile(19, "encrypted", "encrypted", lambda _: _flagged(1)),
    Hostile(19, "compressed-oddly", "use deflate", lambda _: packed(good(), method=zipfile.ZIP_LZMA)),
    Hostile(20, "objects-as-statistics", "else than numbers|plain arrays",
            lambda canary: with_file("indist.npz", arrays(mean=np.array([foreign.Runs(f"touch {canary}")] * 16, object)))),
    Hostile(20, "texts-as-statistics", "else than numbers",
            lambda _: with_file("indist.npz", arrays(mean=np.array(["x"] * 16)))),
    Hostile(20, "an-array-too-many", "and nothing else",
            lambda _: with_file("indist.npz", arrays(more=np.zeros(1, np.float32)))),
    Hostile(22, "input-of-floats", "must take one picture",
            lambda _: with_graph(lambda text: text.replace('element_type="u8"', 'element_type="f32"', 1))),
    _graph(22, "input-of-one-size", "must take one picture",
           _PARAMETER, '<data shape="1,64,64,3" element_type="u8" />'),
    _graph(22, "no-logits", "its graph must give",
           'output_names="logits"', 'output_names="others"'),
    Hostile(22, "other-classes", "the classes must be",
            lambda _: with_manifest(classes=[*CLASSES, "blast"])),
    Hostile(22, "other-features", "graph must give|arrays of shape",
            lambda _: with_manifest(feature_size=17)),
    Hostile(22, "statistics-of-another-shape", "arrays of shape",
            lambda _: with_file("indist.npz", arrays(mean=np.zeros(17, np.float32)))),
    Hostile(22, "endless-size", "wrong kind", lambda _: packed({**good(), FILE_NAME: _endless()})),
    Hostile(23, "nan", "not finite", lambda _: _replaced("graph.bin", _last_float(np.nan))),
    Hostile(23, "infinite", "not finite", lambda _: _replaced("graph.bin", _last_float(np.inf))),
    Hostile(23, "nan-statistics", "not finite",
            lambda _: with_file("indist.npz", arrays(mean=np.full(16, np.nan, np.float32)))),
    Hostile(23, "nan-metrics", "not plain JSON",
            lambda _: packed({**good(), FILE_NAME: _with(b'"metrics": {}', b'"metrics": {"a": NaN}')})),
    Hostile(23, "metrics-no-table", "must be a table", lambda _: with_manifest(metrics=[1])),
    Hostile(24, "another-hash", "SHA-256 differs", _wrong_hash),
    Hostile(24, "classes-permuted", "the classes must be",
            lambda _: with_manifest(classes=list(reversed(CLASSES)))),
    Hostile(24, "weights-permuted", "does not give the answers", _permuted_kernel),
    Hostile(24, "another-temperature", "does not give the answers",
            lambda _: _replaced("graph.bin", _last_float(2.0))),
    Hostile(24, "says-nothing", "states no answers",
            lambda _: packed(vouched({k: v for k, v in good().items() if k != "golden.json"}))),
    Hostile(24, "a-file-is-missing", "graph.bin is missing",
            lambda _: packed({k: v for k, v in good().items() if k != "graph.bin"})),
    Hostile(24, "more-than-constants", "more than the constants",
            lambda _: _replaced("graph.bin", lambda data: data + b"hidden")),
)  # fmt: skip


def _with(old: bytes, new: bytes) -> bytes:
    text = good()[FILE_NAME]
    assert old in text
    return text.replace(old, new)


def _endless() -> bytes:
    return _with(b'"input_size": 64', b'"input_size": 1e999')


def _leaving() -> bytes:
    return _with(b'"indist.npz":', b'"../x.json": "", "indist.npz":')

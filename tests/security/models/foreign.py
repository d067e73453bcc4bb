"""Files of other formats that have run code, read files or eaten memory where they were loaded.

None is ever loaded here: they are made from what was published, to be refused.
"""

import io
import json
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Make = Callable[[Path], bytes]


class Runs:
    """Unpickled, it runs a shell command."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (self.command,)


def pickled(canary: Path) -> bytes:
    return pickle.dumps(Runs(f"touch {canary}"))


def keras(*layers: dict[str, Any], twice: bool = False) -> bytes:
    """A .keras file whose config.json lists these layers."""
    config = {
        "module": "keras",
        "class_name": "Sequential",
        "config": {"name": "model", "layers": list(layers)},
    }
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr("metadata.json", json.dumps({"keras_version": "3.9.0"}))
        file.writestr("config.json", json.dumps(config))
        if twice:
            file.writestr("CONFIG.JSON", json.dumps(config))
        file.writestr("model.weights.h5", hdf5(lambda _: None))
    return stream.getvalue()


def layer(name: str, module: str = "keras.layers", **config: Any) -> dict[str, Any]:
    return {"module": module, "class_name": name, "config": {"name": "layer", **config}}


def _lambda(canary: Path) -> dict[str, Any]:
    code = compile(f"open({str(canary)!r}, 'w').close()", "x", "exec")
    function = {
        "class_name": "__lambda__",
        "config": {"code": code.co_code.hex(), "defaults": None, "closure": None},
    }
    return layer("Lambda", function=function)


def hdf5(fill: Callable[[h5py.File], object]) -> bytes:
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        fill(file)
    return stream.getvalue()


def _h5_lambda(canary: Path) -> bytes:
    config = json.dumps({"class_name": "Sequential", "config": {"layers": [_lambda(canary)]}})
    return hdf5(lambda file: file.attrs.__setitem__("model_config", config))


def _external_storage(file: h5py.File) -> None:
    file.create_dataset("kernel", (16,), "u1", external=[("/etc/passwd", 0, 16)])


def _virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((16,), "u1")
    layout[:] = h5py.VirtualSource("/etc/passwd", "kernel", (16,))
    file.create_virtual_dataset("kernel", layout)


def _safetensors(header: dict[str, Any], *, length: int | None = None, data: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def _overlapping() -> dict[str, Any]:
    tensor = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}
    return {"a": tensor, "b": tensor}


def _objects(canary: Path) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, mean=np.array([Runs(f"touch {canary}")], object))
    return stream.getvalue()


def _nested(canary: Path) -> bytes:
    inner = {
        "module": "keras",
        "class_name": "Functional",
        "config": {"name": "inner", "layers": [_lambda(canary)]},
    }
    return keras(inner)


def _shell(canary: Path) -> str:
    return f"touch {canary}"


# Row of the list that the project keeps, name, how it is made, and what such files are called.
FILES: tuple[tuple[int, str, Make, str], ...] = (
    (1, "pickle", pickled, "keras"),
    (2, "h5-lambda", _h5_lambda, "h5"),
    (3, "lambda", lambda canary: keras(_lambda(canary)), "keras"),
    (4, "nested-lambda", _nested, "keras"),
    (5, "os-system", lambda canary: keras(layer("system", "os", command=_shell(canary))), "keras"),
    (
        6,
        "exec-initialiser",
        lambda canary: keras(
            layer("Dense", units=1, kernel_initializer=layer("exec", "builtins", source="1"))
        ),
        "keras",
    ),
    (
        7,
        "unsafe-deserialisation",
        lambda canary: keras(
            layer("enable_unsafe_deserialization", "keras.config"), _lambda(canary)
        ),
        "keras",
    ),
    (
        8,
        "keras-utility",
        lambda canary: keras(
            layer("get_file", "keras.utils", fname=str(canary), origin="file:///")
        ),
        "keras",
    ),
    (
        9,
        "vocabulary",
        lambda canary: keras(layer("StringLookup", vocabulary="/etc/passwd")),
        "keras",
    ),
    (10, "saved-model-layer", lambda _: keras(layer("TFSMLayer", filepath="/tmp/x")), "keras"),
    (
        11,
        "registered-class",
        lambda _: keras(layer("Evil", "evil", registered_name="x>Evil")),
        "keras",
    ),
    (
        12,
        "external-link",
        lambda _: hdf5(lambda f: f.__setitem__("k", h5py.ExternalLink("/etc/passwd", "/"))),
        "h5",
    ),
    (13, "soft-link", lambda _: hdf5(lambda f: f.__setitem__("k", h5py.SoftLink("/k"))), "h5"),
    (14, "external-storage", lambda _: hdf5(_external_storage), "h5"),
    (15, "virtual-dataset", lambda _: hdf5(_virtual), "h5"),
    (19, "config-twice", lambda _: keras(layer("Dense", units=1), twice=True), "keras"),
    (20, "objects", _objects, "npz"),
    (21, "endless-header", lambda _: _safetensors({}, length=2**40), "safetensors"),
    (21, "overlapping", lambda _: _safetensors(_overlapping(), data=bytes(16)), "safetensors"),
)

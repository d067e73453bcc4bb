"""graph.xml (OpenVINO IR 11), read without believing it: allowed layers, attributes and shapes only.

Taken is what TeleHeme's own exports are made of: a convolutional network in float or int8, and the
heads of `ml.graph`. No document type, no entity, no attribute that names a file.
"""

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from classifier.inference.manifest import GRAPH

LARGEST_XML = 8 * 1024 * 1024  # bytes; the shipped one has a twentieth
MOST_LAYERS = 10_000
MOST_ELEMENTS = 400_000
DEEPEST = 12
LARGEST_SIDE = 65_536  # of a shape, and of what a constant of whole numbers may say
LARGEST_SHAPE = 1 << 27  # numbers
MOST_SIDES = 6

_SPATIAL = {"strides", "dilations", "pads_begin", "pads_end", "auto_pad"}
_POOL = {"kernel", "strides", "pads_begin", "pads_end", "rounding_type", "auto_pad"}
_TWO = {"auto_broadcast"}
_SIZES = {
    *("mode", "shape_calculation_mode", "coordinate_transformation_mode", "nearest_mode"),
    *("antialias", "pads_begin", "pads_end", "cube_coeff"),
}
# (kind of layer, operator set) -> the attributes it may have.
LAYERS: dict[tuple[str, str], set[str]] = {
    ("Parameter", "opset1"): {"shape", "element_type"},
    ("Const", "opset1"): {"element_type", "shape", "offset", "size"},
    ("Result", "opset1"): set(),
    ("Convert", "opset1"): {"destination_type"},
    ("Interpolate", "opset11"): _SIZES,
    ("Convolution", "opset1"): _SPATIAL,
    ("GroupConvolution", "opset1"): _SPATIAL,
    ("FakeQuantize", "opset1"): {"levels", "auto_broadcast"},
    ("ReLU", "opset1"): set(),
    ("Clamp", "opset1"): {"min", "max"},
    ("Sigmoid", "opset1"): set(),
    ("Swish", "opset4"): set(),
    ("MaxPool", "opset1"): _POOL,
    ("MaxPool", "opset8"): _POOL | {"dilations", "index_element_type", "axis"},
    ("AvgPool", "opset1"): _POOL | {"exclude-pad"},
    ("ReduceMean", "opset1"): {"keep_dims"},
    ("ReduceSum", "opset1"): {"keep_dims"},
    ("Add", "opset1"): _TWO,
    ("Subtract", "opset1"): _TWO,
    ("Multiply", "opset1"): _TWO,
    ("Divide", "opset1"): _TWO | {"m_pythondiv"},
    ("MatMul", "opset1"): {"transpose_a", "transpose_b"},
    ("SoftMax", "opset1"): {"axis"},
    ("SoftMax", "opset8"): {"axis"},
    ("Concat", "opset1"): {"axis"},
    ("Transpose", "opset1"): set(),
    ("Squeeze", "opset1"): set(),
    ("Unsqueeze", "opset1"): set(),
    ("VariadicSplit", "opset1"): set(),
}
_VALUE = re.compile(r"[A-Za-z0-9_.,?+ -]{0,200}")
WHOLE = re.compile(r"\d{1,12}")
# Where which elements may stand; what is below rt_info is remarks that the engine does not act on.
_CHILDREN = {
    "": {"net"},
    "net": {"layers", "edges", "rt_info"},
    "layers": {"layer"},
    "layer": {"data", "input", "output", "rt_info"},
    "edges": {"edge"},
    "input": {"port"},
    "output": {"port"},
    "port": {"dim"},
}
_ATTRIBUTES = {
    "net": {"name", "version"},
    "layer": {"id", "name", "type", "version", "output_names"},
    "edge": {"from-layer", "from-port", "to-layer", "to-port"},
    "port": {"id", "precision", "names"},
}


@dataclass
class Layer:
    id: str
    kind: str
    version: str
    outputs: str
    """Names of a Result, as the graph gives them."""
    data: dict[str, str] = field(default_factory=dict)
    ports: list[list[int]] = field(default_factory=list)
    """The shapes of its inputs and outputs in their order; -1 where a side is free."""


class GraphRefusedError(Exception):
    """The rest of the sentence behind the model's name."""


def read_graph(path: Path) -> list[Layer]:
    """The layers of graph.xml, each of an allowed kind with allowed attributes."""
    with path.open("rb") as stream:
        text = stream.read(LARGEST_XML + 1)
    if len(text) > LARGEST_XML:
        raise GraphRefusedError(f"{GRAPH} is larger than {LARGEST_XML // 1024**2} MB.")
    reader = _Reader()
    try:
        reader.parser.Parse(text, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise GraphRefusedError(f"{GRAPH} is not well-formed XML.") from error
    reader.check_edges()
    return list(reader.layers.values())


class _Reader:
    """Keeps what the checks need while expat reads; stops at the first thing not allowed."""

    def __init__(self) -> None:
        self.layers: dict[str, Layer] = {}
        self.edges: list[tuple[str, str]] = []
        self.path: list[str] = [""]
        self.remarks = 0  # how deep inside of rt_info
        self.elements = 0
        self.sections: set[str] = set()
        self.side = ""
        self.parser = expat.ParserCreate("UTF-8")
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.text
        self.parser.StartDoctypeDeclHandler = _no_document_type
        self.parser.EntityDeclHandler = _no_document_type
        self.parser.ProcessingInstructionHandler = _no_document_type

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.elements += 1
        if self.elements > MOST_ELEMENTS or len(self.path) > DEEPEST:
            raise GraphRefusedError(f"{GRAPH} has more parts than a model's graph has.")
        above = self.path[-1]
        self.path.append(name)
        if self.remarks or (name == "rt_info" and above in ("net", "layer")):
            self.remarks += 1
            return
        if name not in _CHILDREN.get(above, ()):
            raise GraphRefusedError(f"{GRAPH} has a part {name[:40]!r} where none may be.")
        if name in _ATTRIBUTES and not set(attributes) <= _ATTRIBUTES[name]:
            odd = sorted(set(attributes) - _ATTRIBUTES[name])[0]
            raise GraphRefusedError(f"{GRAPH} has an attribute {odd[:40]!r} that is not taken.")
        if above == "net" and name in self.sections:
            raise GraphRefusedError(f"{GRAPH} lists its {name} twice.")
        self.sections.add(name)
        getattr(self, f"_{name}", _nothing)(attributes)

    def end(self, name: str) -> None:
        self.path.pop()
        if self.remarks:
            self.remarks -= 1
        elif name == "dim":
            self._shape().append(side_of(self.side))

    def text(self, text: str) -> None:
        if not self.remarks and self.path[-1] == "dim":
            self.side += text[:12]

    def _net(self, attributes: dict[str, str]) -> None:
        if attributes.get("version") != "11":
            raise GraphRefusedError(f"{GRAPH} is not an OpenVINO graph of version 11.")

    def _layer(self, attributes: dict[str, str]) -> None:
        kind, version = attributes.get("type", ""), attributes.get("version", "")
        if (kind, version) not in LAYERS:
            raise GraphRefusedError(
                f"its graph has a layer of the kind {kind[:40]!r} ({version[:20] or 'no set'}), "
                "which no model here may have."
            )
        number = attributes.get("id", "")
        if not WHOLE.fullmatch(number) or number in self.layers:
            raise GraphRefusedError("its graph has layers without a number of their own.")
        if len(self.layers) >= MOST_LAYERS:
            raise GraphRefusedError(f"its graph has more than {MOST_LAYERS:,} layers.")
        self.layers[number] = Layer(number, kind, version, attributes.get("output_names", ""))

    def _data(self, attributes: dict[str, str]) -> None:
        layer = self._last()
        for name, value in attributes.items():
            if name not in LAYERS[layer.kind, layer.version] or not _VALUE.fullmatch(value):
                raise GraphRefusedError(
                    f"a layer {layer.kind} of its graph has an attribute {name[:40]!r} "
                    "that is not taken."
                )
        if layer.data:
            raise GraphRefusedError("a layer of its graph is described twice.")
        layer.data = dict(attributes)

    def _port(self, _attributes: dict[str, str]) -> None:
        self._last().ports.append([])

    def _dim(self, _attributes: dict[str, str]) -> None:
        self.side = ""

    def _edge(self, attributes: dict[str, str]) -> None:
        self.edges.append((attributes.get("from-layer", ""), attributes.get("to-layer", "")))

    def _last(self) -> Layer:
        return next(reversed(self.layers.values()))

    def _shape(self) -> list[int]:
        shape = self._last().ports[-1]
        if len(shape) >= MOST_SIDES or math.prod(max(1, side) for side in shape) > LARGEST_SHAPE:
            raise GraphRefusedError("a shape in its graph is larger than a model needs.")
        return shape

    def check_edges(self) -> None:
        if not all(end in self.layers for edge in self.edges for end in edge):
            raise GraphRefusedError("its graph joins layers that are not there.")


def _nothing(_attributes: dict[str, str]) -> None:
    return


def _no_document_type(*_: object) -> None:
    raise GraphRefusedError(
        f"{GRAPH} has a document type, an entity or an instruction; none is taken."
    )


def side_of(text: str) -> int:
    if text == "-1":
        return -1
    if not WHOLE.fullmatch(text) or not 0 < int(text) <= LARGEST_SIDE:
        raise GraphRefusedError("a shape in its graph is larger than a model needs, or is none.")
    return int(text)

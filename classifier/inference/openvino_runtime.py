"""OpenVINO on the processor. Importing this module loads OpenVINO, and nothing of TensorFlow."""

import os
import threading
from collections import deque

import numpy as np
import openvino as ov

from classifier.inference.errors import ModelError
from classifier.inference.manifest import CAM_SIZE, GRAPH, Manifest
from classifier.inference.runtime import RawOutput

INPUT = "image"
OUTPUTS = ("probabilities", "logits", "cams", "features")
ATTRIBUTES = "attributes"  # only of models whose manifest names some
NEEDS = {"bf16": "BF16", "int8": "INT8"}  # what OpenVINO calls a processor that has it


class OpenVINORuntime:
    """One compiled graph with a static batch of one and as many streams as threads.

    A static shape makes every kernel choose the same blocking each time, so that a result is
    bit-identical whatever else is running; with a dynamic batch bf16 results moved by 0.2 %.
    One image a stream was also as fast as batches of 16 on one stream (docs/model.md).
    """

    def __init__(
        self, manifest: Manifest, *, threads: int | None = None, streams: int | None = None
    ) -> None:
        """`threads`: processor threads in all (default: those this process may use).
        `streams`: images computed side by side (default: one a thread)."""
        threads = threads or len(os.sched_getaffinity(0))
        streams = streams or threads
        core = ov.Core()
        native = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        wanted = manifest.precision
        self.manifest = manifest
        self.outputs = OUTPUTS + ((ATTRIBUTES,) if manifest.attributes else ())
        self.precision = wanted if NEEDS.get(wanted, "FP32") in native else "f32"
        self.slots = 2 * streams
        self._compiled = core.compile_model(
            self._read(core),
            "CPU",
            {
                # What an int8 graph leaves unquantised (heads, maps) is a sliver of the work; in
                # float32 it comes out the same on processors with and without bfloat16.
                "INFERENCE_PRECISION_HINT": "f32" if self.precision == "int8" else self.precision,
                "INFERENCE_NUM_THREADS": threads,
                "NUM_STREAMS": streams,
                # Pinned threads and the decoding threads would fight for the same cores.
                "ENABLE_CPU_PINNING": False,
            },
        )
        self._idle: deque[ov.InferRequest] = deque()
        self._lock = threading.Lock()

    def _read(self, core: ov.Core) -> ov.Model:
        size = self.manifest.input_size
        try:
            model = core.read_model(self.manifest.path(GRAPH))
            model.reshape({INPUT: [1, size, size, 3]})
            shapes = {name: list(model.output(name).shape) for name in self.outputs}
        except (RuntimeError, ValueError) as error:
            raise ModelError(
                f"Model {self.manifest.id!r}: the graph cannot be read or lacks an output."
            ) from error
        classes, features = len(self.manifest.classes), self.manifest.feature_size
        expected = {
            "probabilities": [1, classes],
            "logits": [1, classes],
            "cams": [1, CAM_SIZE, CAM_SIZE, classes],
            "features": [1, features],
        }
        if self.manifest.attributes:
            expected[ATTRIBUTES] = [1, sum(map(len, self.manifest.attributes.values()))]
        if shapes != expected:
            raise ModelError(
                f"Model {self.manifest.id!r}: the graph's outputs are {shapes}, not {expected}."
            )
        return model

    def start(self, pixels: np.ndarray) -> "OpenVINOPending":
        size = self.manifest.input_size
        if pixels.shape != (size, size, 3) or pixels.dtype != np.uint8:
            raise ValueError(f"expected a ({size}, {size}, 3) uint8 crop, got {pixels.shape}")
        with self._lock:
            request = self._idle.pop() if self._idle else self._compiled.create_infer_request()
        # Shared, not copied: the pending result holds the pixels until the engine has read them.
        request.start_async({INPUT: pixels[np.newaxis]}, share_inputs=True)
        return OpenVINOPending(self, request, pixels)

    def release(self, request: ov.InferRequest) -> None:
        with self._lock:
            self._idle.append(request)


class OpenVINOPending:
    def __init__(
        self, runtime: OpenVINORuntime, request: ov.InferRequest, pixels: np.ndarray
    ) -> None:
        self._runtime = runtime
        self._request = request
        self._pixels = pixels

    def result(self) -> RawOutput:
        request = self._request
        request.wait()
        # Copied, because the request and its tensors go back to the pool for the next image.
        arrays = {name: request.get_tensor(name).data[0].copy() for name in self._runtime.outputs}
        milliseconds = request.latency
        self._runtime.release(request)
        return RawOutput(milliseconds=milliseconds, **arrays)

"""The locator's network in OpenVINO: what locator_net.reference says, in half the time and without
holding up other threads. Importing this module loads OpenVINO."""

import os
from collections import deque

import numpy as np
import openvino as ov
from openvino import opset13 as op

from classifier.inference.locator_net import (
    BLOCK,
    DENSITY_RANGE,
    DILATIONS,
    FINE,
    LAST,
    REACH,
    SIDE,
    Maps,
    weights,
)

# The first array that a process hands to OpenVINO sets up the binding; two threads that both do it
# can wait for each other for ever (2026.4: in one process of six). A module is run by one thread.
ov.Tensor(np.zeros(1, np.float32), shared_memory=True)

SQUARE, ANY = (SIDE, SIDE), (-1, -1)
OPTIONS = {
    # Left to itself OpenVINO takes bf16 where the processor has it.
    "INFERENCE_PRECISION_HINT": "f32",
    # One of each: the thread that asks computes, and none has to be woken.
    "NUM_STREAMS": 1,
    "INFERENCE_NUM_THREADS": 1,
    "ENABLE_CPU_PINNING": False,
}


class Engine:
    """The compiled network, once for each thread that asks at the same time. Thread-safe.

    Square pictures, nearly all there are, have a graph of their own: one whose shape is known is
    a fifth faster. Which graph is asked depends on nothing but the picture's shape, and each
    shape has kernels of its own, so that a map never depends on what was seen before or beside it.
    """

    def __init__(self) -> None:
        self._idle: dict[tuple[int, int], deque[ov.InferRequest]] = {SQUARE: deque(), ANY: deque()}

    def run(self, density: np.ndarray) -> Maps:
        """As locator_net.run. The first of a kind takes about 0.1 s more."""
        shape = SQUARE if density.shape[:2] == SQUARE else ANY
        try:
            request = self._idle[shape].pop()
        except IndexError:
            compiled = ov.Core().compile_model(network(shape), "CPU", OPTIONS)
            request = compiled.create_infer_request()
        found = request.infer(density[np.newaxis], share_inputs=True)
        areas, core, reach = (found[output][0] for output in range(3))
        self._idle[shape].append(request)
        return Maps(areas[0], areas[1], core[0], reach)


# The last is this process's. Those of the processes that it was forked from are kept unused: an
# engine's threads stay behind in a fork, and whoever asks it, or clears it away, waits for them.
_engines = [Engine()]
os.register_at_fork(after_in_child=lambda: _engines.append(Engine()))


def run(density: np.ndarray) -> Maps:
    """As locator_net.run, by the engine of this process."""
    return _engines[-1].run(density)


def network(shape: tuple[int, int]) -> ov.Model:
    """locator_net.run as a graph: (1, *shape, 3) density to areas (1, 2, 2h, 2w), cell and nucleus;
    core (1, 1, h, w); reach (1, h, w, 4). -1 stands for any multiple of STEP."""
    given = iter(weights())

    def kernel() -> np.ndarray:
        """The next one, as OpenVINO has them: what comes out, what goes in, height, width."""
        return np.ascontiguousarray(next(given).transpose(3, 2, 0, 1))

    def bias() -> np.ndarray:
        return next(given).reshape(1, -1, 1, 1)

    def applied(
        level: ov.Output, kernel: np.ndarray, bias: np.ndarray, *, stride: int = 1, gap: int = 0
    ) -> ov.Output:
        gaps = [max(gap, 1)] * 2
        return op.add(op.convolution(level, kernel, [stride] * 2, [gap] * 2, [gap] * 2, gaps), bias)

    def convolved(level: ov.Output, gap: int = 1) -> ov.Output:
        return op.add(level, op.relu(applied(level, kernel(), bias(), gap=gap)))

    density = op.parameter([1, *shape, 3], ov.Type.f32, name="density")
    pixels = op.clamp(op.transpose(density, np.array([0, 3, 1, 2])), *DENSITY_RANGE)
    # A product with what is in a block is a convolution that steps from block to block.
    of_block = next(given).reshape(BLOCK, BLOCK, 3, FINE).transpose(3, 2, 0, 1)
    level = applied(pixels, np.ascontiguousarray(of_block), bias(), stride=BLOCK)
    level = convolved(op.relu(level))
    wide = op.relu(applied(level, kernel(), bias(), stride=2))
    for dilation in DILATIONS:
        wide = convolved(wide, dilation)
    level = op.add(level, op.convolution_backprop_data(wide, kernel(), [2, 2]))
    level = op.add(level, bias())
    for _ in range(LAST):
        level = convolved(level)
    last, last_bias = kernel(), bias()

    def part(first: int, end: int) -> ov.Output:
        return applied(level, last[first:end], last_bias[:, first:end])

    areas = op.depth_to_space(op.sigmoid(part(0, 8)), "depth_first", 2)
    reach = op.multiply(op.softplus(part(9, 13)), np.float32(REACH))
    reach = op.transpose(reach, np.array([0, 2, 3, 1]))
    outputs = [op.result(each) for each in (areas, op.sigmoid(part(8, 9)), reach)]
    return ov.Model(outputs, [density], "locator")

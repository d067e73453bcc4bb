"""What a model takes of a process that has nothing else. Imports nothing, so that all is counted."""

import os
import time
from typing import NamedTuple


class Footprint(NamedTuple):
    ready_s: float
    """From bare Python, imports included, to a model that answers."""
    resident_mb: float
    """Of the whole process, after a few pictures."""


def footprint(
    directory: str, precision: str | None, threads: int, pictures: list[bytes]
) -> Footprint:
    """To be called in a fresh process."""
    begin = time.perf_counter()
    from classifier.inference.model import load_model

    model = load_model(directory, threads=threads, precision=precision)
    ready = time.perf_counter() - begin
    for data in pictures:
        model.classify(data)
    with open("/proc/self/statm") as stream:
        pages = int(stream.read().split()[1])
    return Footprint(ready, pages * os.sysconf("SC_PAGE_SIZE") / 2**20)

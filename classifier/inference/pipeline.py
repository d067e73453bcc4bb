"""Decode in threads while the engine works: the one path of worker, web page and command."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

import cv2
import numpy as np

from classifier.inference.model import Model, Prepared
from classifier.inference.result import CellResult
from classifier.inference.runtime import Pending

Key = TypeVar("Key")
Picture = bytes | np.ndarray
Job = tuple[Key, Picture | Callable[[], Picture]]
"""A key, and encoded bytes, an RGB array, or a function that returns either; the function runs
in a decoding thread, so that reading files and rebuilding uploads overlaps with the network."""


@dataclass(frozen=True)
class Item(Generic[Key]):
    """One job's outcome: a result, or the exception that its own picture caused."""

    key: Key
    result: CellResult | None = None
    exception: Exception | None = None

    @property
    def error(self) -> str | None:
        """The exception as a plain sentence."""
        return None if self.exception is None else str(self.exception)


def pipeline(
    jobs: Iterable[Job[Key]], model: Model, *, decoders: int = 2, keep_features: bool = False
) -> Iterator[Item[Key]]:
    """Yield one Item a job, in the order of the jobs, reading only a few jobs ahead.

    What a picture causes (unreadable, refused, a function that raises) becomes its Item's
    exception; what the engine causes is raised, because then nothing that follows would be right.
    """
    cv2.setNumThreads(1)  # the decoding threads are the parallelism; OpenCV's own would fight it
    slots = model.runtime.slots
    ahead = slots + 2 * decoders
    source = iter(jobs)
    decoding: deque[tuple[Key, Future[Prepared]]] = deque()
    running: deque[Item[Key] | tuple[Key, Prepared, Pending]] = deque()

    with ThreadPoolExecutor(decoders, thread_name_prefix="decode") as pool:
        try:
            while True:
                while len(decoding) < ahead and (job := next(source, None)) is not None:
                    key, picture = job
                    decoding.append((key, pool.submit(_prepare, model, picture)))
                if decoding and len(running) < slots:
                    key, future = decoding.popleft()
                    try:
                        prepared = future.result()
                    except Exception as error:  # any fault of this picture is this picture's alone
                        running.append(Item(key, exception=error))
                    else:
                        running.append((key, prepared, model.start(prepared)))
                elif running:
                    yield _finish(model, running.popleft(), keep_features)
                else:
                    return
        finally:
            for _, future in decoding:
                future.cancel()
            for entry in running:  # an abandoned request must still go back to the runtime
                if not isinstance(entry, Item):
                    entry[2].result()


def _prepare(model: Model, picture: Picture | Callable[[], Picture]) -> Prepared:
    return model.prepare(picture() if callable(picture) else picture)


def _finish(
    model: Model, entry: "Item[Key] | tuple[Key, Prepared, Pending]", keep_features: bool
) -> Item[Key]:
    if isinstance(entry, Item):
        return entry
    key, prepared, pending = entry
    return Item(key, result=model.finish(prepared, pending, keep_features=keep_features))

"""One picture, one answer, nothing kept: the model of this web process.

The model is loaded on the first look (about half a second, 100 MB) and shared by the threads of
the process; training code and TensorFlow are never touched.
"""

import threading
from dataclasses import dataclass
from typing import Any

import cv2
from django.conf import settings
from django.utils.module_loading import import_string

from classifier import loading
from classifier.inference import CellResult, ModelError, find_model
from classifier.inference.preprocess import decode
from classifier.queueing import active_version
from patients.images import Rebuilt, rebuild

PREVIEW_SIDE = 640  # pixels; enough for a cell on a screen, small enough to send inside the answer

_lock = threading.Lock()
_shipped: Any = None


class ModelUnavailable(Exception):
    """No model can answer now. Trying again later is right."""

    def __init__(self) -> None:
        super().__init__(
            "No model is ready to look at pictures just now. Nothing was lost; try again in a "
            "minute, and tell your administrator if it stays so."
        )


@dataclass(frozen=True)
class Look:
    """What is told about one picture."""

    picture: Rebuilt
    result: CellResult
    preview: bytes  # JPEG of at most PREVIEW_SIDE pixels


def look(data: bytes) -> Look:
    """Rebuild and classify one picture.

    Raises ImageRefused, DecoderUnavailable (patients.images) or ModelUnavailable.
    """
    picture = rebuild(data)
    result = serving_model().classify(picture.png)
    return Look(picture=picture, result=result, preview=_preview(picture.png))


def serving_model() -> Any:
    """The active version's model, or the shipped one where none is active."""
    global _shipped
    version = active_version()
    try:
        if version is not None:
            return loading.model_for(version)
        with _lock:
            if _shipped is None:
                load = import_string(settings.CLASSIFIER_RUNTIME)
                _shipped = load(
                    find_model(folders=settings.MODEL_DIRS), threads=settings.INFERENCE_THREADS
                )
            return _shipped
    except (ModelError, OSError) as error:
        raise ModelUnavailable from error


def forget() -> None:
    """Drop the shipped model, as a test or a new release does."""
    global _shipped
    with _lock:
        _shipped = None


def _preview(png: bytes) -> bytes:
    rgb = decode(png)
    ratio = min(1.0, PREVIEW_SIDE / max(rgb.shape[:2]))
    if ratio < 1:
        size = (max(1, round(rgb.shape[1] * ratio)), max(1, round(rgb.shape[0] * ratio)))
        rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    done, jpeg = cv2.imencode(
        ".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 92]
    )
    if not done:
        raise RuntimeError("the preview could not be encoded")
    return jpeg.tobytes()

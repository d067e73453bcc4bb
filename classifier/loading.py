"""Loaded models of this process, by identity. Never called before a pool child was forked.

A model is its manifest's hash: the files are hashed again at every load, and a directory whose
manifest is not the registered one is refused. Its rows then stay QUEUED, and the log is loud.
"""

import logging
import threading
from collections import OrderedDict
from typing import Any

import numpy as np
from django.conf import settings
from django.utils.module_loading import import_string

from classifier.choices import ModelState
from classifier.inference.errors import ModelError
from classifier.models import ModelVersion
from classifier.registry import model_directory

log = logging.getLogger(__name__)

KEPT = 2  # the active one, and the one before while its rows run out

_lock = threading.Lock()
_models: OrderedDict[tuple[str, str], Any] = OrderedDict()
_shadows: OrderedDict[tuple[str, str], Any] = OrderedDict()  # beside those: they push none out


def model_for(version: ModelVersion, *, shadow: bool = False) -> Any:
    """The loaded model of this version; ModelError when its files are not the registered ones."""
    key = (version.model_id, version.manifest_sha256)
    with _lock:
        model = _models.get(key) or _shadows.pop(key, None) or _load(version)
        kept, most = (_shadows, max(1, settings.SHADOWS)) if shadow else (_models, KEPT)
        if key in _models:
            kept, most = _models, KEPT
        kept[key] = model
        kept.move_to_end(key)
        while len(kept) > most:
            kept.popitem(last=False)
        return model


def _load(version: ModelVersion) -> Any:
    directory = model_directory(version)
    load = import_string(settings.CLASSIFIER_RUNTIME)
    model = load(directory, threads=settings.INFERENCE_THREADS)
    if model.manifest.sha256 != version.manifest_sha256:
        raise ModelError(f"The files of model {version.model_id!r} changed while they were read.")
    _self_test(model)
    log.info("model %s loaded, %s", version.model_id, model.precision)
    return model


def _self_test(model: Any) -> None:
    """One answer on an even grey picture: a model that cannot give it must not see patients'."""
    size = model.manifest.input_size
    result = model.classify(np.full((size, size, 3), 160, np.uint8))
    if not np.isfinite(result.probabilities).all():
        raise ModelError(f"Model {model.manifest.id!r} failed its self-test.")


def load_active() -> None:
    """Load the active model if there is one; what is wrong with it is logged, not raised."""
    try:
        version = ModelVersion.objects.filter(state=ModelState.ACTIVE).first()
        if version is not None:
            model_for(version)
    except Exception:  # the worker lives on; each task tries again and says so
        log.exception("the active model could not be loaded")


def forget() -> None:
    """Drop all loaded models."""
    with _lock:
        _models.clear()
        _shadows.clear()

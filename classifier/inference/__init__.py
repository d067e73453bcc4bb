"""From picture to calibrated class: everything that serving a model needs, and no Django.

model = load_model(find_model())
result = model.classify(png_bytes)
for item in model.pipeline((name, png_bytes) for ...): ...
"""

from classifier.inference.classes import CLASSES
from classifier.inference.discovery import (
    DEFAULT_MODEL,
    SHIPPED,
    find_model,
    model_directories,
)
from classifier.inference.errors import ModelError, UnreadableImageError
from classifier.inference.manifest import Manifest, Thresholds, load_manifest, read_manifest
from classifier.inference.model import Model, load_model
from classifier.inference.overlay import overlay_png
from classifier.inference.pipeline import Item, Job, pipeline
from classifier.inference.preprocess import Box
from classifier.inference.reasons import REASONS, explain
from classifier.inference.result import CellResult

__all__ = [
    "CLASSES",
    "DEFAULT_MODEL",
    "REASONS",
    "SHIPPED",
    "Box",
    "CellResult",
    "Item",
    "Job",
    "Manifest",
    "Model",
    "ModelError",
    "Thresholds",
    "UnreadableImageError",
    "explain",
    "find_model",
    "load_manifest",
    "load_model",
    "model_directories",
    "overlay_png",
    "pipeline",
    "read_manifest",
]

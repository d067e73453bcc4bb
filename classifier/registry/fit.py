"""Whether a model directory may be registered and activated. Knows no database."""

from pathlib import Path

from django.conf import settings
from django.utils.module_loading import import_string

from classifier.bundles.confined import LIMITS, Limits


def require_fit(directory: Path | str, *, limits: Limits = LIMITS) -> float:
    """See `classifier.bundles.confined.require_fit`, which this asks unless the tests' engine,
    which has no graph, is in its place."""
    check = import_string(settings.CLASSIFIER_FITNESS)
    return float(check(directory, limits=limits))

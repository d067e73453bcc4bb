"""Which model versions there are, which one reads new pictures, and what a directory must be first.

``require_fit(directory)`` checks a model directory in a confined child and knows no database.
"""

from classifier.bundles.confined import require_fit
from classifier.registry.versions import ensure_shipped_model, model_activate, model_register

__all__ = ["ensure_shipped_model", "model_activate", "model_register", "require_fit"]

"""Which model versions there are, which one reads new pictures, and what a directory must be first.

``require_fit(directory)`` checks a model directory in a confined child; ``model_directory(version)``
is where a version's files lie here, fetched from the store where they do not yet.
"""

from classifier.registry.aliases import (
    AliasRefused,
    model_alias_remove,
    model_alias_set,
    version_named,
)
from classifier.registry.files import model_directory
from classifier.registry.fit import require_fit
from classifier.registry.uploads import Taken, model_take_in, model_upload
from classifier.registry.versions import (
    RetireRefused,
    ensure_shipped_model,
    model_activate,
    model_register,
    model_retire,
)

__all__ = [
    "AliasRefused",
    "RetireRefused",
    "Taken",
    "ensure_shipped_model",
    "model_activate",
    "model_alias_remove",
    "model_alias_set",
    "model_directory",
    "model_register",
    "model_retire",
    "model_take_in",
    "model_upload",
    "require_fit",
    "version_named",
]

"""The only place that decodes pictures from outside. No Django here: a shell command may use it.

rebuilt = rebuild(data)            # Rebuilt, or ImageRefused, or DecoderUnavailable
rebuilt = blank_area(rebuilt.png, (0, 0, 200, 24))
"""

from patients.images.rebuilding import Rebuilt, blank_area, rebuild
from patients.images.refusals import (
    REFUSAL_CODES,
    WARNINGS,
    DecoderUnavailable,
    ImageRefused,
)

__all__ = [
    "REFUSAL_CODES",
    "WARNINGS",
    "DecoderUnavailable",
    "ImageRefused",
    "Rebuilt",
    "blank_area",
    "rebuild",
]

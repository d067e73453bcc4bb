"""The gate: whether a candidate may take the place of the active model, and why not.

Pure decisions on what both said of the same locked cells. A candidate need not be better; it must
be shown not to be worse by more than a margin (non-inferiority): for accuracy and recall it is the
lower end of the 95 % interval of the paired difference that is held against the margin. The external
set is too small for that; there the difference itself is.
"""

from classifier.gate.findings import (
    FILES,
    GOLDEN,
    LOCKED,
    SHADOW,
    SPEED,
    Figure,
    Finding,
    Policy,
    line,
    not_tried,
    refused,
)
from classifier.gate.judging import MEASURED, judge, judge_speed

__all__ = [
    "FILES",
    "GOLDEN",
    "LOCKED",
    "MEASURED",
    "SHADOW",
    "SPEED",
    "Figure",
    "Finding",
    "Policy",
    "judge",
    "judge_speed",
    "line",
    "not_tried",
    "refused",
]

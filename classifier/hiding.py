"""From whom the model's answers to a case are kept for now.

A case may be read before its reader sees what the model said, or a second time, blind. The apps
above say for whom; what shows answers asks here.
"""

from collections.abc import Callable
from typing import Any

Rule = Callable[[Any, Any], bool]  # (user, case)
HIDDEN = (
    "This case is read before the model's answers are shown, so that they sway nobody. They appear "
    "when the reader has committed to their own."
)
_rules: list[Rule] = []


def register(rule: Rule) -> None:
    _rules.append(rule)


def answers_hidden(user: Any, case: Any) -> bool:
    """True while this person must not see what the model says about the case's cells."""
    return any(rule(user, case) for rule in _rules)

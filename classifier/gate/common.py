"""Which locked sets two models are compared on: those that both were measured on."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from classifier.gate.findings import Policy
from classifier.inference.errors import ModelError
from classifier.inference.locked import Locked

ROLES = ("test", "other", "outside")
MOST_NAMED = 6  # sets in one sentence


def common_sets(
    candidate: Mapping[str, Locked], active: Mapping[str, Locked] | None, policy: Policy
) -> Policy:
    """The policy with one name for each of its sets. ModelError, in a sentence, where the two
    cannot be compared."""
    chosen: dict[str, Any] = {
        role: _common(getattr(policy, role), candidate, active) if getattr(policy, role) else ""
        for role in ROLES
    }
    if not chosen["test"]:
        raise ModelError("No locked set of test cells is named (TELEHEME_GATE_TEST).")
    return replace(policy, **chosen)


def _common(
    wanted: str, candidate: Mapping[str, Locked], active: Mapping[str, Locked] | None
) -> str:
    patterns = [each.strip() for each in wanted.split(",") if each.strip()]
    for pattern in patterns:
        for name in sorted(candidate):
            if _is(name, pattern) and (active is None or name in active):
                return name
    if len(patterns) == 1 and not set(patterns[0]) & set("*?["):
        whose = "active model" if patterns[0] in candidate else "candidate"
        sentence = f"The {whose} was not measured on the locked set {patterns[0]}."
    else:
        sentence = f"The two were not both measured on one locked set of {wanted}."
    theirs = "" if active is None else f", the active model on {_listed(active)}"
    raise ModelError(f"{sentence} The candidate was measured on {_listed(candidate)}{theirs}.")


def _is(name: str, pattern: str) -> bool:
    return name == pattern or fnmatchcase(name, pattern)


def _listed(names: Iterable[str]) -> str:
    found = sorted(names)
    more = len(found) - MOST_NAMED
    return (", ".join(found[:MOST_NAMED]) or "none") + (f" and {more} more" if more > 0 else "")

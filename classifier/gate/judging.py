"""From what was said of the locked sets, and from speeds, to findings."""

from collections.abc import Mapping

from classifier.compared import paired
from classifier.gate.against import compared
from classifier.gate.alone import alone
from classifier.gate.common import common_sets
from classifier.gate.findings import LOCKED, SPEED, Figure, Finding, Policy, not_tried
from classifier.inference.errors import ModelError
from classifier.inference.locked import Locked

MEASURED = ("accuracy", "recall", "calibration", "other", "abstained", "external")


def judge(
    candidate: Mapping[str, Locked],
    active: Mapping[str, Locked] | None,
    policy: Policy,
    *,
    why_alone: str = "",
) -> list[Finding]:
    """What the locked sets say. ``active`` None: there is nothing to compare with, ``why_alone``."""
    try:
        policy = common_sets(candidate, active, policy)
        sets = [name for name in (policy.test, policy.other, policy.outside) if name]
        # With itself, where there is no other: the figures are then its own.
        pairs = {name: paired((active or candidate)[name], candidate[name]) for name in sets}
        for name in filter(None, (policy.test, policy.outside)):
            if not pairs[name].known:
                raise ModelError(f"The locked set {name} has no cell of the five classes.")
    except ModelError as error:
        rest = not_tried(MEASURED, "Not tried: the two were not measured on the same pictures.")
        return [Finding(LOCKED, False, str(error)), *rest]
    cells = sum(pair.cells for pair in pairs.values())
    test = pairs[policy.test]
    other, outside = pairs.get(policy.other), pairs.get(policy.outside)
    many = "one locked set" if len(sets) == 1 else f"{len(sets)} locked sets"
    if active is None:
        sentence = f"Measured on all {cells:,} cells of {many}. {why_alone}".strip()
        return [Finding(LOCKED, True, sentence), *alone(test, other, outside, policy)]
    sentence = f"Both were measured on the same {cells:,} cells of {many}."
    return [Finding(LOCKED, True, sentence), *compared(test, other, outside, policy)]


def judge_speed(candidate: float, active: float | None, policy: Policy) -> Finding:
    """Pictures a second with one thread, measured in turns in one process."""
    if active is None:
        figure = Figure("Pictures a second", None, candidate, digits=1)
        said = f"{candidate:.1f} pictures a second with one thread; there is nothing to compare."
        return Finding(SPEED, True, said, (figure,))
    figure = Figure("Pictures a second", active, candidate, candidate - active, digits=1)
    passed = candidate >= policy.speed * active
    share = f"{100 * policy.speed:g} %"
    verdict = (
        f"At least {share} of that is asked."
        if passed
        else f"That is less than {share} of it: too slow."
    )
    said = (
        f"{candidate:.1f} pictures a second with one thread; the active model {active:.1f}, "
        f"measured in turns just now. {verdict}"
    )
    return Finding(SPEED, passed, said, (figure,))

"""A candidate against the active model: not worse by more than a margin, figure by figure."""

from collections.abc import Sequence

from classifier.compared import Compared, Difference
from classifier.gate.findings import Finding, Policy, line, unasked


def compared(
    test: Compared, other: Compared | None, outside: Compared | None, policy: Policy
) -> list[Finding]:
    """Of the locked cells, of the cells of other kinds, and of the external set, where these are
    asked for."""
    # judge() has seen that both have known cells.
    assert test.accuracy and test.ece  # noqa: PT018, S101
    return [
        _accuracy(test, test.accuracy, policy),
        _recall(test, policy),
        _calibration(test.ece, policy),
        _other(other, policy) if other else unasked("other"),
        _abstained(test, policy),
        _external(outside, outside.accuracy, policy)
        if outside and outside.accuracy
        else unasked("external"),
    ]


def _accuracy(test: Compared, found: Difference, policy: Policy) -> Finding:
    passed = _within(found, policy.accuracy)
    verdict = (
        f"The lower end stays within the margin of {policy.accuracy:g}."
        if passed
        else f"It may be worse by more than the margin of {policy.accuracy:g}."
    )
    said = (
        f"Right on {found.b:.4f} of {test.known:,} cells of {policy.test}, the active model on "
        f"{found.a:.4f}: a difference of {_interval(found)}. {verdict}"
    )
    return Finding("accuracy", passed, said, (line("Accuracy", found),))


def _recall(test: Compared, policy: Policy) -> Finding:
    below = [name for name, found in test.recall.items() if not _within(found, policy.recall)]
    figures = tuple(line(name.capitalize(), found) for name, found in test.recall.items())
    if below:
        worst = min(below, key=lambda name: test.recall[name].low)
        said = (
            f"The recall of {_and(below)} may be worse by more than the margin of "
            f"{policy.recall:g}; furthest, that of {worst}s: {_interval(test.recall[worst])}."
        )
    else:
        worst = min(test.recall, key=lambda name: test.recall[name].low)
        said = (
            f"The recall of no class may be worse by more than the margin of {policy.recall:g}; "
            f"nearest to it are {worst}s: {_interval(test.recall[worst])}."
        )
    return Finding("recall", not below, said, figures)


def _calibration(found: Difference, policy: Policy) -> Finding:
    said = (
        f"The expected calibration error on {policy.test} is {found.b:.4f}, the active model's "
        f"{found.a:.4f}."
    )
    if found.b > policy.most_ece:
        said += f" More than {policy.most_ece:g} is never accepted."
    elif found.difference > policy.calibration:
        said += f" That is more than {policy.calibration:g} above it."
    passed = found.b <= policy.most_ece and found.difference <= policy.calibration
    return Finding("calibration", passed, said, (line("Calibration error", found),))


def _other(other: Compared, policy: Policy) -> Finding:
    found = other.abstained
    passed = found.difference >= -policy.abstained
    said = (
        f"It abstains on {found.b:.4f} of {other.cells:,} cells that are none of the five classes "
        f"({policy.other}), the active model on {found.a:.4f}."
    )
    if not passed:
        said += f" That is more than {policy.abstained:g} fewer: it would name what it should not."
    return Finding("other", passed, said, (line("Abstained", found),))


def _abstained(test: Compared, policy: Policy) -> Finding:
    found = test.abstained
    passed = found.difference <= policy.abstained
    said = (
        f"It abstains on {found.b:.4f} of the cells of {policy.test}, the active model on "
        f"{found.a:.4f}."
    )
    if not passed:
        said += f" That is more than {policy.abstained:g} more left to people."
    return Finding("abstained", passed, said, (line("Abstained", found),))


def _external(outside: Compared, found: Difference, policy: Policy) -> Finding:
    passed = found.difference >= -policy.external
    said = (
        f"Right on {found.b:.4f} of {outside.known:,} fields of a laboratory that neither learned "
        f"from ({policy.outside}), the active model on {found.a:.4f}."
    )
    if not passed:
        said += f" That is below it by more than {policy.external:g}."
    return Finding("external", passed, said, (line("Accuracy", found),))


def _within(found: Difference, margin: float) -> bool:
    """A margin of 1 asks for nothing: no share can fall by more."""
    return margin >= 1 or found.low > -margin


def _interval(found: Difference) -> str:
    return (
        f"{found.difference:+.4f} (95 % interval {found.low:+.4f} to {found.high:+.4f})"
    ).replace("-", "−")


def _and(names: Sequence[str]) -> str:
    words = [f"{name}s" for name in names]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"

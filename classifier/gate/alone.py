"""A model alone, where there is nothing to compare it with: the least that is asked of any."""

from classifier.compared import Compared
from classifier.gate.findings import Figure, Finding, Policy, unasked


def alone(
    test: Compared, other: Compared | None, outside: Compared | None, policy: Policy
) -> list[Finding]:
    """Where there is nothing to compare with: the least that is asked of any model."""
    # judge() has seen that both have known cells.
    assert test.accuracy and test.ece  # noqa: PT018, S101
    accuracy, ece = test.accuracy.b, test.ece.b
    recall = {name: found.b for name, found in test.recall.items()}
    lowest = min(recall, key=lambda name: recall[name])
    left = test.abstained.b

    def one(code: str, passed: bool | None, said: str, **figures: float) -> Finding:
        rows = tuple(
            Figure(name.replace("_", " ").capitalize(), None, value)
            for name, value in figures.items()
        )
        return Finding(code, passed, said, rows)

    return [
        one(
            "accuracy",
            accuracy >= policy.least_accuracy,
            f"Right on {accuracy:.4f} of {test.known:,} cells of {policy.test}; "
            f"at least {policy.least_accuracy:g} is asked of a first model.",
            accuracy=accuracy,
        ),
        one(
            "recall",
            recall[lowest] >= policy.least_recall,
            f"The lowest recall is that of {lowest}s, {recall[lowest]:.4f}; "
            f"at least {policy.least_recall:g} is asked of a first model.",
            **recall,
        ),
        one(
            "calibration",
            ece <= policy.most_ece,
            f"The expected calibration error on {policy.test} is {ece:.4f}; "
            f"more than {policy.most_ece:g} is never accepted.",
            calibration_error=ece,
        ),
        one(
            "other",
            other.abstained.b >= policy.least_other,
            f"It abstains on {other.abstained.b:.4f} of {other.cells:,} cells that are none of the "
            f"five classes ({policy.other}); at least {policy.least_other:g} is asked of a first "
            "model.",
            abstained=other.abstained.b,
        )
        if other
        else unasked("other"),
        one(
            "abstained",
            left <= policy.most_abstained,
            f"It abstains on {left:.4f} of the cells of {policy.test}; "
            f"at most {policy.most_abstained:g} is asked of a first model.",
            abstained=left,
        ),
        one(
            "external",
            None,
            f"Right on {outside.accuracy.b:.4f} of {outside.known:,} fields of a laboratory that it did not "
            f"learn from ({policy.outside}). There is nothing to compare it with.",
            accuracy=outside.accuracy.b,
        )
        if outside and outside.accuracy
        else unasked("external"),
    ]

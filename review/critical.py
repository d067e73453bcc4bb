"""Which findings of a differential are critical results, by the referring organisation's rules."""

from review.differential import Differential
from review.flags import find_flags
from review.policy import Policy


def critical_findings(differential: Differential, policy: Policy) -> list[tuple[str, str]]:
    """(rule, sentence) of each finding that a clinician must hear of at once; no patient in it.

    A rule is hit where the count itself meets it, even if so few cells cannot show it: the sentence
    says so, and the patient is safer for it.
    """
    flags = find_flags(
        differential.rows,
        n=differential.n,
        total_wbc=differential.total_wbc,
        policy=policy,
        age=differential.age,
    )
    return [(flag.code, flag.sentence) for flag in flags if flag.critical]

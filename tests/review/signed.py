"""Cases on their way to a signature, and signed ones, made through the services."""

import itertools

from patients.models import Case
from review.current import cell_states
from review.models import Reading, Report
from review.services.policies import policy_set
from review.services.readings import case_take
from review.services.signing import report_sign
from review.services.verdicts import Change, act_classify, cells_seen

COMMENT = "Eosinophils mature, no blasts seen."
_keys = itertools.count(1)


def two_signers(people) -> None:
    policy_set(
        actor=people.administrator,
        organisation=people.centre,
        values={"two_signers": True},
        reason="Two pairs of eyes.",
    )


def call(reading: Reading, actor, place: int, label: str) -> None:
    """Call the cell at this place (from 0) something."""
    state = cell_states(reading)[place]
    act_classify(
        actor=actor,
        reading=reading,
        key=f"signed-{next(_keys)}",
        changes=[Change(state.cell.public_id, state.label, label)],
    )


def look_at_all(reading: Reading, actor) -> None:
    cells = [state.cell.public_id for state in cell_states(reading)]
    cells_seen(actor=actor, reading=reading, cells=cells)


def ready_to_sign(people, case: Case) -> Reading:
    """The reading that ``people.specialist`` could sign now: all seen, nothing unidentified."""
    reading = case_take(actor=people.specialist, case=case)
    for place, state in enumerate(cell_states(reading)):
        if not state.decided:
            call(reading, people.specialist, place, "blast")
    look_at_all(reading, people.specialist)
    return reading


def sign(reading: Reading, actor, *, comment: str = COMMENT, **more) -> Report:
    return report_sign(actor=actor, reading=reading, comment=comment, method="password", **more)


def signed_report(people, case: Case) -> Report:
    return sign(ready_to_sign(people, case), people.specialist)

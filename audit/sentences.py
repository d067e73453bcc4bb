"""What each action is called when people read it: the one table from action to sentence.

An app that records a new action adds its line here; tests/audit fail where one is missing.
"""

from audit.models import AuditEvent, Outcome

# The subject is the person: "A. Berger opened the case".
CASE_SENTENCES = {
    "case.created": "opened a new case",
    "case.edited": "edited the details",
    "case.viewed": "looked at the case",
    "case.submitted": "submitted the case",
    "case.withdrawn": "withdrew the case",
    "case.claimed": "took the case for review",
    "case.released": "gave the case back",
    "case.handed_over": "handed the case to a colleague",
    "case.reopened": "took the signed case in hand to amend it",
    "case.status": "status changed",
    "image.received": "added an image",
    "image.blanked": "blanked an area of an image",
    "image.removed": "removed an image",
    "image.unusable": "asked for an image whose file is missing or damaged",
    "image.viewed": "looked at an image",
    "image.downloaded": "downloaded an image",
    "image.refused": "sent a file that was refused",
    "cell.retried": "asked to read a cell again",
    "cells.read": "looked at the results",
    "comment.added": "wrote in the thread",
    "critical.acknowledged": "acknowledged a critical result",
    "critical.escalated": "a critical result that nobody acknowledged was passed on to the clinic",
    "critical.raised": "raised a critical result",
    "opinion.asked": "asked a colleague for a second opinion",
    "opinion.given": "gave a second opinion",
    "report.answered": "said whether the report answered the question",
    "reference.dropped": "kept a cell as a reference no longer",
    "reference.kept": "kept a cell as a reference",
    "readings.compared": "compared two readings",
    "reading.committed": "committed to their own reading",
    "reading.opened": "opened a reading",
    "reading.taken": "took the second reading",
    "report.amendment_stopped": "left the signed report as it is",
    "report.downloaded": "downloaded the report",
    "report.rendered": "the report's PDF was made",
    "report.returned": "gave the report back unsigned",
    "report.signed": "signed the report",
    "report.superseded": "replaced an earlier version of the report",
    "report.unusable": "asked for a report whose file is missing or damaged",
    "report.viewed": "looked at the report",
    "signature.refused": "could not prove who they are to sign",
    "verdicts.given": "classified cells",
    "prediction.quarantined": "a cell could not be analysed and must be read by eye",
}
SENTENCES = {
    **CASE_SENTENCES,
    "access.denied": "was denied access",
    "agreement.viewed": "looked at the agreement between readers",
    "case.listed": "looked at the case list",
    "consent.given": "wrote down that an organisation lets its cells be used for training",
    "consent.taken_back": "wrote down that an organisation took its consent back",
    "data_set.browsed": "looked at the pictures of a data set",
    "data_set.exported": "exported a data set",
    "data_set.failed": "a data set could not be made",
    "data_set.made": "a data set was made",
    "data_set.picture_unusable": "a picture of a data set could not be used",
    "data_set.removed": "removed the pictures of a data set",
    "data_set.started": "began a data set",
    "desk.set": "changed the keys of their desk",
    "critical.listed": "looked at the open critical results",
    "disagreements.viewed": "looked at what readers disagree on",
    "feedback.viewed": "looked at the feedback on reports",
    "grant.given": "let an organisation read for another",
    "grant.withdrawn": "ended reading for an organisation",
    "image.orphans_swept": "files without an image were removed",
    "invariants.checked": "checked that nothing was lost or doubled",
    "invariants.violated": "found something lost or doubled",
    "model.activated": "activated a model",
    "model.alias_removed": "removed an alias of a model",
    "model.alias_set": "gave a model an alias",
    "model.refused": "sent a model that was refused",
    "model.registered": "registered a model",
    "model.retired": "retired a model",
    "notice.mailed": "mail about notices was sent",
    "organisation.added": "added an organisation",
    "organisation.edited": "edited an organisation",
    "password.changed": "changed the password",
    "password.reset": "set a password by mailed link",
    "password.reset_requested": "asked for a link to set the password",
    "patient.created": "added a patient",
    "patient.edited": "edited a patient",
    "patient.listed": "looked at the patient list",
    "patient.searched": "searched for a patient",
    "patient.viewed": "looked at a patient",
    "person.added": "added a person",
    "person.edited": "edited a person",
    "person.invited": "sent an invitation",
    "policy.set": "changed the rules of an organisation",
    "profile.edited": "edited their own name",
    "quick_look": "took a quick look at an image",
    "recovery_codes.made": "made recovery codes",
    "report.verified": "somebody compared a report with its code",
    "text_block.changed": "changed a text block of their own",
    "second_factor.failed": "gave a wrong second-factor code",
    "second_factor.off": "switched the second factor off",
    "second_factor.on": "switched the second factor on",
    "second_factor.reset": "took away a second factor",
    "sessions.ended": "signed out on other devices",
    "sign_in": "signed in",
    "sign_in.blocked": "was blocked after too many attempts to sign in",
    "sign_in.failed": "failed to sign in",
    "sign_out": "signed out",
    "training.asked": "started a training run",
    "training.done": "a training run made a model",
    "training.failed": "a training run failed",
    "training.resumed": "let a training run go on",
    "training.stop_asked": "asked a training run to stop",
    "training.stopped": "a training run stopped",
    "worklist.viewed": "looked at the worklist",
    "worth_reading.viewed": "looked at unsigned cells worth reading",
}
# Keys of ``data`` that may be shown: none of them can hold what a person typed.
_SHOWN: tuple[str, ...] = (
    "method",
    "view",
    "role",
    "fields",
    "before",
    "after",
    "active",
    "count",
    "status",
)
_SHOWN += (
    "from",
    "to",
    "code",
    "format",
    "priority",
    "position",
    "model",
    "reason",
    "known_address",
)


def sentence(event: AuditEvent) -> str:
    """In plain words; an action without a line here is shown by its own name."""
    return SENTENCES.get(event.action, event.action.replace(".", " ").replace("_", " "))


def describe(event: AuditEvent) -> dict[str, str]:
    """One event as the audit page shows it: who, what, on which object, with which facts."""
    actor = event.actor if event.actor_id else None
    facts = [
        f"{key.replace('_', ' ')}: {_plain(event.data[key])}" for key in _SHOWN if key in event.data
    ]
    return {
        "who": actor.get_full_name() if actor else "",
        "address": event.actor_name,
        "what": sentence(event),
        "object": f"{event.object_type} {event.object_id[:8]}" if event.object_type else "",
        "facts": ", ".join(facts),
        "outcome": Outcome(event.outcome).label
        if event.outcome in Outcome.values
        else event.outcome,
    }


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key} {_plain(item)}" for key, item in value.items())
    if isinstance(value, list):
        return " ".join(str(item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)

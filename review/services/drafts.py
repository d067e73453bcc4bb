"""What is written for a report before it is signed, saved as it is typed."""

from django.db import transaction

from accounts.models import User
from patients.errors import StaleEdit
from patients.models import Case
from patients.text import storable
from review.choices import ReportState
from review.errors import NotYours
from review.models import Report, ReportDraft
from review.reports.reading import content_of

FIRST = 0  # the version of a draft that nobody has saved yet


def draft_of(case: Case) -> ReportDraft:
    """The saved draft. Before the first save: empty, or the comment of the report being amended."""
    found = ReportDraft.objects.filter(case=case).first()
    if found is not None:
        return found
    signed = Report.objects.filter(case=case, state=ReportState.FINAL).first()
    comment = content_of(signed)["comment"] if signed else ""
    return ReportDraft(case=case, comment=comment, version=FIRST)


@transaction.atomic
def draft_save(*, actor: User, case: Case, version: int, comment: str, reason: str) -> ReportDraft:
    """Save comment and reason; ``version`` is the one that the form was opened with.

    Sending the same again is quiet. Raises NotYours unless the actor holds the case, and StaleEdit
    when something different was saved meanwhile: nothing is overwritten, the caller shows both.
    """
    held = Case.objects.select_for_update().get(pk=case.pk)
    if held.reader_id != actor.pk:
        raise NotYours("This case is not yours to report on. Nothing was saved.")
    comment, reason = storable(comment), storable(reason)
    draft = draft_of(held)
    if draft.pk is not None and (draft.comment, draft.reason) == (comment, reason):
        return draft
    if draft.version != version:
        raise StaleEdit(
            "This text was changed in another window while you were writing. Nothing of yours is "
            "lost: compare the two and choose."
        )
    draft.comment, draft.reason, draft.edited_by = comment, reason, actor
    draft.version += 1
    draft.save()
    return draft

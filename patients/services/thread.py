"""The talk about a case."""

from django.db import transaction

from accounts.models import User
from audit.services import record
from patients import ports
from patients.models import Case, Comment


@transaction.atomic
def comment_add(*, actor: User, case: Case, body: str) -> Comment:
    """One message in the thread; it is never edited. ``body`` must say something."""
    comment = Comment.objects.create(case=case, author=actor, body=body)
    record(action="comment.added", actor=actor, obj=comment, case_id=case.public_id)
    for following in ports.following():
        following.comment_added(comment=comment)
    return comment

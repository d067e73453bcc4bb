"""Who may do what: the only place that says so.

Two questions. *Which objects does this person see?* is answered by a ``Q`` for the query set
(``visible_cases``, ``visible_patients``): somebody else's object is simply not there. *May this
person do that?* is answered by ``allowed``: a table from action to a rule on (user, object).

Administrators run the platform and its models; they see no patient and no case.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest

from accounts.models import ReadingGrant, Role
from audit.models import Outcome
from audit.services import record


class Action(StrEnum):
    """Everything that a rule decides."""

    CREATE_PATIENT = "patient.create"
    EDIT_PATIENT = "patient.edit"
    LIST_CASES = "case.list"
    CREATE_CASE = "case.create"
    EDIT_CASE = "case.edit"
    ADD_IMAGES = "case.add_images"
    REMOVE_IMAGE = "case.remove_image"
    SUBMIT_CASE = "case.submit"
    WITHDRAW_CASE = "case.withdraw"
    COMMENT = "case.comment"
    CLAIM_CASE = "case.claim"
    RELEASE_CASE = "case.release"
    HAND_OVER_CASE = "case.hand_over"
    ASK_OPINION = "case.ask_opinion"
    RETRY_CELL = "cell.retry"
    REVIEW = "review"  # the worklist, the desk, one's own keys and text blocks
    READ_CELLS = "reading.read"
    SIGN_REPORT = "report.sign"
    COSIGN_REPORT = "report.cosign"
    AMEND_REPORT = "report.amend"
    VIEW_REPORT = "report.view"
    ANSWER_REPORT = "report.answer"
    ACKNOWLEDGE = "critical.acknowledge"
    FOLLOW_CASES = "case.follow"  # notices, critical results
    MANAGE_POLICY = "policy.manage"
    QUICK_LOOK = "quick_look"
    MANAGE_PEOPLE = "people.manage"
    VIEW_MODELS = "model.view"
    MANAGE_MODELS = "model.manage"
    MANAGE_DATA_SETS = "data_set.manage"
    LABELLING = "labelling"  # what readers disagree on, what is worth reading next
    VIEW_AUDIT = "audit.view"
    VIEW_OPERATIONS = "operations.view"
    VIEW_MONITORING = "monitoring.view"
    USE_ADMIN = "admin.use"


def _active(user: Any) -> bool:
    return bool(
        getattr(user, "is_authenticated", False) and user.is_active and user.organisation.is_active
    )


def _is(*roles: Role) -> Callable[[Any, Any], bool]:
    return lambda user, _obj: user.role in roles


def _own(user: Any, obj: Any) -> bool:
    """A clinician, and the object (patient or case) is their organisation's or not there yet."""
    return user.role == Role.CLINICIAN and (
        obj is None or obj.organisation_id == user.organisation_id
    )


def _reads(user: Any, _case: Any) -> bool:
    return user.role == Role.SPECIALIST


def _holds(user: Any, case: Any) -> bool:
    return user.role == Role.SPECIALIST and case.reader_id == user.pk


def _reads_it(user: Any, reading: Any) -> bool:
    """The reading is theirs, or it is the one of a case that they hold."""
    return user.role == Role.SPECIALIST and user.pk in (reading.reader_id, reading.case.reader_id)


RULES: dict[Action, Callable[[Any, Any], bool]] = {
    Action.CREATE_PATIENT: _own,
    Action.EDIT_PATIENT: _own,
    Action.LIST_CASES: _is(Role.CLINICIAN, Role.SPECIALIST),
    Action.CREATE_CASE: _own,
    Action.EDIT_CASE: _own,
    Action.ADD_IMAGES: _own,
    Action.REMOVE_IMAGE: _own,
    Action.SUBMIT_CASE: _own,
    Action.WITHDRAW_CASE: _own,
    Action.COMMENT: _is(Role.CLINICIAN, Role.SPECIALIST),
    Action.CLAIM_CASE: _reads,
    Action.RELEASE_CASE: _holds,
    Action.HAND_OVER_CASE: _holds,
    Action.ASK_OPINION: _holds,
    Action.RETRY_CELL: _is(Role.CLINICIAN, Role.SPECIALIST),
    Action.REVIEW: _is(Role.SPECIALIST),
    Action.READ_CELLS: _reads_it,
    Action.SIGN_REPORT: _holds,
    Action.COSIGN_REPORT: _reads,
    Action.AMEND_REPORT: _reads,
    Action.VIEW_REPORT: _is(Role.CLINICIAN, Role.SPECIALIST),
    Action.ANSWER_REPORT: _own,
    Action.ACKNOWLEDGE: _own,
    Action.FOLLOW_CASES: _is(Role.CLINICIAN, Role.SPECIALIST),
    Action.MANAGE_POLICY: _is(Role.ADMINISTRATOR),
    Action.QUICK_LOOK: _is(Role.CLINICIAN, Role.SPECIALIST, Role.ADMINISTRATOR),
    Action.MANAGE_PEOPLE: _is(Role.ADMINISTRATOR),
    Action.VIEW_MODELS: _is(Role.CLINICIAN, Role.SPECIALIST, Role.ADMINISTRATOR),
    Action.MANAGE_MODELS: _is(Role.ADMINISTRATOR),
    Action.MANAGE_DATA_SETS: _is(Role.ADMINISTRATOR),
    Action.LABELLING: _is(Role.SPECIALIST, Role.ADMINISTRATOR),
    Action.VIEW_AUDIT: _is(Role.ADMINISTRATOR),
    Action.VIEW_OPERATIONS: _is(Role.ADMINISTRATOR),
    Action.VIEW_MONITORING: _is(Role.ADMINISTRATOR),
    Action.USE_ADMIN: _is(Role.ADMINISTRATOR),
}


def allowed(user: Any, action: Action, obj: Any = None) -> bool:
    """True when this person may do this to this (visible) object."""
    return _active(user) and RULES[action](user, obj)


def require(user: Any, action: Action, obj: Any = None) -> None:
    """Raise PermissionDenied (403, audited by the middleware) unless ``allowed``."""
    if not allowed(user, action, obj):
        raise PermissionDenied(f"Your role does not include this: {action}.")


def _nothing() -> Q:
    return Q(pk__in=[])


def visible_cases(user: Any, *, path: str = "") -> Q:
    """The cases that this person may open, as a ``Q`` on Case (or along ``path``, e.g. "case__").

    Clinicians: their organisation's. Specialists: submitted cases of their own organisation and of
    those that granted it reading access. Nobody else.
    """
    if not _active(user):
        return _nothing()
    if user.role == Role.CLINICIAN:
        return Q(**{f"{path}organisation": user.organisation_id})
    if user.role == Role.SPECIALIST:
        organisations = [
            user.organisation_id,
            *user.organisation.grants_received.values_list("referring_id", flat=True),
        ]
        return Q(**{f"{path}organisation__in": organisations, f"{path}submitted_at__isnull": False})
    return _nothing()


def who_opens(case: Any) -> Q:
    """The people who may open this case, as a ``Q`` on User: ``visible_cases`` seen from its other
    end."""
    reading = Q(organisation=case.organisation_id) | Q(
        organisation__in=ReadingGrant.objects.filter(referring=case.organisation_id).values(
            "reading"
        )
    )
    clinicians = Q(role=Role.CLINICIAN, organisation=case.organisation_id)
    specialists = Q(role=Role.SPECIALIST) & reading if case.submitted_at else _nothing()
    return Q(is_active=True, organisation__is_active=True) & (clinicians | specialists)


def visible_patients(user: Any) -> Q:
    """The patients that this person may look up: a clinician's own organisation's."""
    if _active(user) and user.role == Role.CLINICIAN:
        return Q(organisation=user.organisation_id)
    return _nothing()


def get_visible_or_404(request: "HttpRequest | Any", source: Any, **lookup: Any) -> Any:
    """The object that this person sees under ``lookup``; otherwise a 404 like any other.

    ``source`` is a model, a manager or a query set with ``visible_to``. Somebody else's object and
    a missing one are the same to the person who asks; the audit knows the difference.
    """
    everything = getattr(source, "objects", source).all()
    found = everything.visible_to(request.user).filter(**lookup).first()
    if found is not None:
        return found
    hidden = everything.filter(**lookup).first()
    if hidden is not None:
        match = request.resolver_match
        record(
            action="access.denied",
            actor=request.user,
            outcome=Outcome.DENIED,
            obj=hidden,
            method=request.method,
            view=match.view_name if match else "",
        )
    raise Http404

"""Critical results: raised with the signature, acknowledged by the clinic, or escalated."""

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import Role, User
from accounts.permissions import who_opens
from audit.services import record
from classifier.clock import database_now
from patients.models import Case
from review.choices import NoticeKind
from review.critical import critical_findings
from review.current import primary_reading
from review.differential import case_differential
from review.models import CriticalResult, Notice, Report, Signature
from review.notices.centre import mark_read
from review.notices.telling import MOST_RECIPIENTS, notify
from review.policy import policy_of

log = logging.getLogger(__name__)

AT_ONCE = 100  # results that one beat escalates
TOLD_BY = (NoticeKind.CRITICAL, NoticeKind.CRITICAL_ESCALATED)


@transaction.atomic
def critical_raise(*, report: Report) -> list[CriticalResult]:
    """Raise what the referring organisation's rules call critical in this report's differential.

    Once a case and rule, whatever is amended or sent again. The submitting clinician is told at
    once; where they may no longer open the case, every clinician of their organisation is.
    """
    case = Case.objects.select_for_update().select_related("organisation").get(pk=report.case_id)
    reading = primary_reading(case)
    if reading is None:
        return []
    policy = policy_of(case.organisation)
    known = set(case.critical_results.values_list("rule", flat=True))
    last = report.signatures.order_by("-place").select_related("signer").first()
    signer = last.signer if last else report.created_by
    now = timezone.now()
    raised = []
    for rule, finding in critical_findings(case_differential(reading), policy):
        if rule in known:
            continue
        known.add(rule)
        result = CriticalResult.objects.create(
            case=case,
            report=report,
            rule=rule,
            finding=finding[:300],
            raised_by=signer,
            raised_at=now,
            escalate_at=now + timedelta(minutes=policy.escalate_after),
        )
        record(
            action="critical.raised", actor=signer, obj=result, case_id=case.public_id, rule=rule
        )
        _tell(result, kind=NoticeKind.CRITICAL, people=_first_told(case))
        raised.append(result)
    return raised


@transaction.atomic
def critical_acknowledge(*, actor: User, critical: CriticalResult) -> CriticalResult:
    """Somebody of the referring organisation has taken note. The second one changes nothing.

    With the case's last open result its notices are settled for everybody.
    """
    case = Case.objects.select_for_update().get(pk=critical.case_id)
    row = CriticalResult.objects.select_for_update().get(pk=critical.pk)
    if row.acknowledged_at is not None:
        return row
    row.acknowledged_by = actor
    row.acknowledged_at = timezone.now()
    row.save(update_fields=["acknowledged_by", "acknowledged_at"])
    record(
        action="critical.acknowledged",
        actor=actor,
        obj=row,
        case_id=case.public_id,
        rule=row.rule,
        escalated=row.escalated_at is not None,
    )
    if not open_results(CriticalResult.objects.filter(case=case)).exists():
        mark_read(Notice.objects.filter(case=case, kind__in=TOLD_BY))
    return row


def critical_escalate() -> int:
    """Tell everybody who could act of what nobody acknowledged in time; how many results that was.

    Safe with two beats: each result is taken by a conditional update, in one transaction with its
    notices, so that a beat that dies leaves it to the next one and no result escalates twice.
    """
    due = open_results(CriticalResult.objects.all()).filter(
        escalated_at__isnull=True, escalate_at__lte=database_now()
    )
    return sum(_escalate(result) for result in due.order_by("escalate_at", "pk")[:AT_ONCE])


@transaction.atomic
def _escalate(result: CriticalResult) -> bool:
    now = timezone.now()
    taken = CriticalResult.objects.filter(
        pk=result.pk, acknowledged_at__isnull=True, escalated_at__isnull=True
    ).update(escalated_at=now)
    if not taken:
        return False
    record(
        action="critical.escalated",
        obj=result,
        case_id=result.case.public_id,
        rule=result.rule,
    )
    signers = [result.raised_by_id]
    if result.report is not None:
        signers += result.report.signatures.values_list("signer", flat=True)
    people = User.objects.filter(who_opens(result.case))
    clinicians = people.filter(role=Role.CLINICIAN).order_by("pk")[:MOST_RECIPIENTS]
    _tell(
        result,
        kind=NoticeKind.CRITICAL_ESCALATED,
        people=[*clinicians, *people.filter(role=Role.SPECIALIST, pk__in=signers)],
    )
    log.warning("critical result %s was not acknowledged in time", result.public_id)
    return True


def open_results(results: QuerySet[CriticalResult]) -> QuerySet[CriticalResult]:
    """Those that nobody has acknowledged."""
    return results.filter(acknowledged_at__isnull=True)


def _first_told(case: Case) -> QuerySet[User]:
    clinicians = User.objects.filter(who_opens(case), role=Role.CLINICIAN).order_by("pk")
    asked = clinicians.filter(pk=case.created_by_id)
    return asked if asked.exists() else clinicians[:MOST_RECIPIENTS]


def _tell(result: CriticalResult, *, kind: str, people: "QuerySet[User] | list[User]") -> None:
    notify(kind=kind, recipients=people, key=f"critical:{result.public_id}", case=result.case)


def critical_listed(user: User) -> QuerySet[CriticalResult]:
    """What is open for this person, the longest waiting first: a clinician's organisation's, and of
    a specialist what they raised or signed."""
    found = open_results(CriticalResult.objects.visible_to(user))
    if user.role == Role.SPECIALIST:
        mine = Signature.objects.filter(signer=user).values("report")
        found = found.filter(Q(raised_by=user) | Q(report__in=mine))
    return found.select_related("case__patient", "case__organisation").order_by("raised_at", "pk")

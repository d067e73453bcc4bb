"""Signing a report: once, or by two, and what each signature stands under.

Lock order everywhere: case, then reading, then report.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.permissions import Action, allowed
from audit.services import record
from patients.choices import CaseStatus
from patients.errors import DomainError, StaleEdit
from patients.models import Case
from patients.services import case_move, comment_add
from patients.text import storable
from review import hooks
from review.choices import ReadingKind, ReportState
from review.current import primary_reading
from review.errors import AlreadySigned, NotReady, NotYours
from review.models import Reading, Report, ReportDraft, Signature
from review.policy import policy_of
from review.reports.canonical import digest
from review.reports.changes import changes
from review.reports.codes import new_code
from review.reports.content import SUBJECT, basis_digest, basis_of, freeze
from review.reports.reading import content_of
from review.services.blockers import sign_blockers
from review.services.drafts import draft_of


@transaction.atomic
def report_sign(
    *,
    actor: User,
    reading: Reading,
    comment: str,
    method: str,
    reason: str = "",
    basis: str | None = None,
    draft: int | None = None,
) -> Report:
    """Freeze the case's report and put the actor's name under its hash.

    ``method`` is how they proved who they are (``accounts.proof``). ``basis`` is the digest of what
    they were shown, ``draft`` the version of the text: where either has changed, StaleEdit. With
    two signers the report waits for the second; else it is final and the case signed.

    Raises AlreadySigned, NotReady (with every reason), StaleEdit, and DomainError for an amendment
    without a reason or without a change.
    """
    case = Case.objects.select_for_update().get(pk=reading.case_id)
    held = Reading.objects.select_for_update().get(pk=reading.pk, kind=ReadingKind.PRIMARY)
    held.case = case
    reports = list(Report.objects.select_for_update().filter(case=case).order_by("pk"))
    refuse_if_signed(case, reports)
    if reasons := sign_blockers(held, actor=actor):
        raise NotReady([one.as_dict() for one in reasons])
    facts = basis_of(held, reader=actor)
    _require_unchanged(case, basis, basis_digest(facts), draft)
    amends = next((one for one in reports if one.state == ReportState.FINAL), None)
    at, code = timezone.now(), _unused_code()
    version = amends.version + 1 if amends else 1
    why = storable(reason.strip()) if amends else ""
    content = freeze(
        facts,
        signer=actor,
        at=at,
        code=code,
        version=version,
        amends=amends.sha256 if amends else "",
        comment=storable(comment.strip()),
        reason=why,
    )
    report = Report(
        case=case,
        version=version,
        amends=amends,
        reason=why,
        content=content,
        sha256=digest(content),
        code=code,
        created_by=actor,
        state=ReportState.AWAITING,
    )
    if amends is not None:
        _require_amendment(amends, report)
    report.save(force_insert=True)
    _put_name(report, actor, place=1, method=method, at=at)
    if policy_of(actor.organisation).two_signers:
        hooks.report_awaits(report=report)
        return report
    return _make_final(case, report, actor, at)


@transaction.atomic
def report_cosign(*, actor: User, report: Report, method: str) -> Report:
    """The second signature, of another specialist who sees the case, under the same hash.

    Raises AlreadySigned when the report does not wait any more, NotYours for the first signer, and
    DomainError when what the report rests on has changed since: it must be given back.
    """
    case, held = _locked(report)
    if held.state != ReportState.AWAITING:
        raise AlreadySigned(_no_longer(held))
    _require_other_signer(actor, case, held)
    if digest(held.content) != held.sha256:
        raise DomainError(
            "The stored report does not have the hash that was signed. It cannot be signed; give "
            "it back, and tell your administrator.",
            code="damaged",
        )
    if case.status != CaseStatus.IN_REVIEW:
        raise DomainError(
            "The first signer has let go of the case, or pictures were added to it. The report "
            "cannot be signed as it is: give it back, so that it is looked at again.",
            code="changed",
        )
    if what := _changed_since(case, held):
        raise DomainError(
            f"Since the first signature {what} changed. The report cannot be signed as it is: give "
            "it back, so that it is looked at again.",
            code="changed",
        )
    at = timezone.now()
    _put_name(held, actor, place=2, method=method, at=at)
    return _make_final(case, held, actor, at)


@transaction.atomic
def report_return(*, actor: User, report: Report, sentence: str) -> Report:
    """Give a report that waits for its second signature back unsigned, and say why in the thread.

    The second signer's act; the first signer may take their own signature back by it. Raises
    AlreadySigned, and DomainError without a sentence.
    """
    case, held = _locked(report)
    if held.state != ReportState.AWAITING:
        raise AlreadySigned(_no_longer(held))
    if not allowed(actor, Action.COSIGN_REPORT, case):
        raise NotYours("Only a specialist gives a report back.")
    sentence = storable(sentence.strip())
    if not sentence:
        raise DomainError("Say in a sentence why it is given back.", code="no_sentence")
    held.state = ReportState.RETURNED
    held.save(update_fields=["state"])
    comment_add(
        actor=actor, case=case, body=f"Report, version {held.version}, given back: {sentence}"
    )
    record(
        action="report.returned",
        actor=actor,
        obj=held,
        case_id=case.public_id,
        version=held.version,
        sha256=held.sha256,
    )
    hooks.report_returned(report=held, by=actor)
    return held


def refuse_if_signed(case: Case, reports: Sequence[Report]) -> None:
    """Raise AlreadySigned when somebody was faster: the case is signed, or waits for a second name."""
    waiting = next((one for one in reports if one.state == ReportState.AWAITING), None)
    if waiting is not None:
        raise AlreadySigned(
            f"{_first_signer(waiting)} has signed this case; it waits for the second signature."
        )
    final = next((one for one in reports if one.state == ReportState.FINAL), None)
    if final is not None and case.status == CaseStatus.SIGNED:
        raise AlreadySigned(
            f"{_first_signer(final)} has signed this case: report version {final.version}. "
            "Nothing was signed twice."
        )


def _first_signer(report: Report) -> str:
    return report.signatures.order_by("place").values_list("signer_name", flat=True)[0]


def _require_unchanged(case: Case, shown: str | None, now: str, draft: int | None) -> None:
    if shown is not None and shown != now:
        raise StaleEdit(
            "What the report rests on has changed since you were shown it. Nothing was signed: look "
            "at it again below, then sign."
        )
    if draft is not None and draft != draft_of(case).version:
        raise StaleEdit(
            "The comment was changed in another window. Nothing was signed: read it again below, "
            "then sign."
        )


def _require_amendment(earlier: Report, report: Report) -> None:
    if not report.reason:
        raise DomainError("Say why the report is amended.", code="no_reason")
    if not changes(content_of(earlier), content_of(report)):
        raise DomainError(
            f"Nothing differs from version {earlier.version}. Change what is wrong, or stop the "
            "amendment.",
            code="no_change",
        )


def _put_name(report: Report, signer: User, *, place: int, method: str, at: datetime) -> None:
    Signature.objects.create(
        report=report,
        place=place,
        signer=signer,
        signer_name=signer.get_full_name(),
        signer_organisation=signer.organisation.name,
        sha256=report.sha256,
        method=method,
        at=at,
    )
    # The hash is in the audit chain too, which is anchored outside: whoever could write report and
    # signature anew could not write that.
    record(
        action="report.signed",
        actor=signer,
        obj=report,
        case_id=report.case.public_id,
        version=report.version,
        place=place,
        method=method,
        sha256=report.sha256,
    )


def _make_final(case: Case, report: Report, actor: User, at: datetime) -> Report:
    if report.amends is not None:
        earlier = Report.objects.select_for_update().get(pk=report.amends.pk)
        earlier.state = ReportState.SUPERSEDED
        earlier.save(update_fields=["state"])
        record(
            action="report.superseded",
            actor=actor,
            obj=earlier,
            case_id=case.public_id,
            version=earlier.version,
        )
    report.state, report.final_at = ReportState.FINAL, at
    report.save(update_fields=["state", "final_at"])
    ReportDraft.objects.filter(case=case).delete()
    report.case = case_move(case=case, to=CaseStatus.SIGNED, actor=actor)
    hooks.report_final(report=report)
    return report


def _locked(report: Report) -> tuple[Case, Report]:
    case = Case.objects.select_for_update().get(pk=report.case_id)
    held = Report.objects.select_for_update().get(pk=report.pk)
    held.case = case
    return case, held


def _require_other_signer(actor: User, case: Case, report: Report) -> None:
    if report.signatures.filter(signer=actor).exists():
        raise NotYours("You have signed this report. Its second signature is somebody else's.")
    if not (
        allowed(actor, Action.COSIGN_REPORT, case)
        and Case.objects.visible_to(actor).filter(pk=case.pk).exists()
    ):
        raise NotYours("This report is not yours to sign.")


def _no_longer(report: Report) -> str:
    if report.state == ReportState.RETURNED:
        return "This report was given back unsigned. Nothing was changed."
    return "This report has its second signature already. Nothing was changed."


def _changed_since(case: Case, report: Report) -> str:
    """What of the frozen subject is not so any more, in words; empty when all is."""
    reading = primary_reading(case)
    if reading is None:
        return "the reading"
    reading.case = case
    now, then = basis_of(reading, reader=report.created_by), content_of(report)
    changed = [name.replace("_", " ") for name in SUBJECT if now[name] != then[name]]
    return " and ".join(f"the {name}" for name in changed)


def _unused_code() -> str:
    code = new_code()
    while Report.objects.filter(code=code).exists():
        code = new_code()
    return code

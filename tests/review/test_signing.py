"""Signing: refused with every reason, frozen under one hash, once, by one or by two."""

import json

import pytest

from audit.models import AuditEvent
from patients.choices import CaseStatus
from patients.errors import DomainError, MoveRefused, StaleEdit
from patients.services import case_edit, case_release
from review.choices import ReadingKind, ReportState
from review.current import cell_states
from review.errors import AlreadySigned, NotReady, NotYours
from review.models import Reading, Report, ReportDraft, Signature
from review.reports.canonical import digest
from review.reports.content import basis_digest, basis_of
from review.services.amending import amendment_begin, amendment_stop
from review.services.blockers import sign_blockers
from review.services.drafts import draft_of, draft_save
from review.services.readings import case_take
from review.services.signing import report_cosign, report_return
from tests import factories
from tests.review.signed import (
    COMMENT,
    call,
    look_at_all,
    ready_to_sign,
    sign,
    signed_report,
    two_signers,
)

pytestmark = pytest.mark.django_db


def codes(reading, actor=None) -> list[str]:
    return [reason.code for reason in sign_blockers(reading, actor=actor)]


@pytest.fixture
def colleague(people):
    return factories.make_user("specialist", people.centre, name="Dr Second")


def test_a_case_just_taken_names_its_unidentified_and_unseen_cells(people, case):
    reading = case_take(actor=people.specialist, case=case)
    unidentified, unseen = sign_blockers(reading, actor=people.specialist)
    assert (unidentified.code, unidentified.places) == ("unidentified", (10,))
    assert unidentified.sentence == "1 cell is unidentified."
    assert (unseen.code, len(unseen.cells)) == ("unseen", 10)
    assert unseen.sentence == "10 cells have not been looked at."
    with pytest.raises(NotReady) as refused:
        sign(reading, people.specialist)
    assert [one["code"] for one in refused.value.reasons] == ["unidentified", "unseen"]
    assert not Report.objects.exists()


def test_a_cell_that_the_model_still_reads_stops_the_signature(people, case):
    reading = ready_to_sign(people, case)
    assert codes(reading, people.specialist) == []
    cell = cell_states(reading)[3].cell
    cell.predictions.all().delete()
    assert codes(reading, people.specialist) == ["reading"]


def test_a_case_without_a_cell_cannot_be_signed(people):
    from tests.review.conftest import read_case

    reading = case_take(actor=people.specialist, case=read_case(people.clinician, []))
    assert codes(reading, people.specialist) == ["no_cells"]


def test_a_blind_reading_is_committed_before_it_is_signed(people, case):
    reading = case_take(actor=people.specialist, case=case)
    Reading.objects.filter(pk=reading.pk).update(blind=True)
    reading.refresh_from_db()
    assert "blind" in codes(reading)


def test_a_second_reading_is_finished_and_its_differences_decided_before_the_signature(
    people, case, colleague
):
    from django.utils import timezone

    reading = ready_to_sign(people, case)
    second = Reading.objects.create(
        case=case, kind=ReadingKind.SECOND, blind=True, reader=colleague
    )
    assert codes(reading) == ["second"]
    look_at_all(second, colleague)
    call(second, colleague, 0, "monocyte")
    Reading.objects.filter(pk=second.pk).update(
        finished_at=timezone.now(), committed_at=timezone.now()
    )
    (reason,) = sign_blockers(reading)
    assert (reason.code, reason.places) == ("adjudication", (1,))
    call(reading, people.specialist, 0, "basophil")  # the first reader stays with it, knowingly
    assert codes(reading) == []


def test_only_whoever_holds_the_case_signs_it(people, case, colleague):
    reading = ready_to_sign(people, case)
    with pytest.raises(NotReady) as refused:
        sign(reading, colleague)
    (reason,) = refused.value.reasons
    assert (reason["code"], str(people.specialist) in reason["sentence"]) == ("not_held", True)
    case_release(actor=people.specialist, case=case)
    reading.refresh_from_db()
    with pytest.raises(NotReady):
        sign(reading, people.specialist)


def test_a_signature_freezes_the_report_and_signs_the_case(people, case):
    report = signed_report(people, case)
    case.refresh_from_db()
    assert (report.state, report.version, case.status) == ("final", 1, CaseStatus.SIGNED)
    assert case.reader is None
    assert digest(report.content) == report.sha256
    (signature,) = report.signatures.all()
    assert (signature.signer, signature.sha256, signature.method) == (
        people.specialist, report.sha256, "password",
    )  # fmt: skip
    assert signature.signer_organisation == people.centre.name
    assert json.loads(report.content)["comment"] == COMMENT
    event = AuditEvent.objects.get(action="report.signed")
    assert (event.data["sha256"], event.actor_id) == (report.sha256, people.specialist.pk)


def test_signing_again_is_refused_and_says_by_whom(people, case):
    reading = ready_to_sign(people, case)
    sign(reading, people.specialist)
    with pytest.raises(AlreadySigned, match=str(people.specialist)):
        sign(reading, people.specialist)
    assert Report.objects.count() == Signature.objects.count() == 1


# Two signers ------------------------------------------------------------------------------------


def test_with_two_signers_the_report_waits_for_another_specialist(people, case, colleague):
    two_signers(people)
    report = signed_report(people, case)
    case.refresh_from_db()
    assert (report.state, case.status) == (ReportState.AWAITING, CaseStatus.IN_REVIEW)
    assert codes(case.readings.get()) == ["awaiting"]
    with pytest.raises(NotYours, match="somebody else's"):
        report_cosign(actor=people.specialist, report=report, method="password")
    with pytest.raises(NotYours):
        report_cosign(actor=people.other_specialist, report=report, method="password")
    final = report_cosign(actor=colleague, report=report, method="totp")
    case.refresh_from_db()
    assert (final.state, case.status) == (ReportState.FINAL, CaseStatus.SIGNED)
    assert [row.sha256 for row in final.signatures.all()] == [report.sha256] * 2
    with pytest.raises(AlreadySigned):
        report_cosign(actor=colleague, report=report, method="totp")


def test_a_report_given_back_leaves_its_sentence_in_the_thread_and_is_signed_anew(
    people, case, colleague
):
    two_signers(people)
    report = signed_report(people, case)
    with pytest.raises(DomainError, match="Say in a sentence"):
        report_return(actor=colleague, report=report, sentence="  ")
    report_return(actor=colleague, report=report, sentence="Cell 10 is a monoblast.")
    report.refresh_from_db()
    assert report.state == ReportState.RETURNED
    (comment,) = case.comments.all()
    assert (comment.author, "monoblast" in comment.body) == (colleague, True)
    reading = case.readings.get()
    call(reading, people.specialist, 9, "monocyte")
    again = sign(reading, people.specialist)
    assert (again.version, again.sha256 == report.sha256) == (1, False)
    with pytest.raises(AlreadySigned, match="given back"):
        report_cosign(actor=colleague, report=report, method="totp")
    assert report_cosign(actor=colleague, report=again, method="totp").state == ReportState.FINAL


def test_the_second_signature_is_refused_when_the_case_changed_since_the_first(
    people, case, colleague
):
    two_signers(people)
    report = signed_report(people, case)
    case.refresh_from_db()
    case_edit(actor=people.clinician, case=case, version=case.version, site="Ward 9")
    with pytest.raises(DomainError, match="the specimen changed"):
        report_cosign(actor=colleague, report=report, method="totp")
    assert Signature.objects.count() == 1


def test_the_second_signature_is_refused_when_the_first_signer_let_go_of_the_case(
    people, case, colleague
):
    two_signers(people)
    report = signed_report(people, case)
    case_release(actor=people.specialist, case=case)
    with pytest.raises(DomainError, match="has let go of the case"):
        report_cosign(actor=colleague, report=report, method="totp")
    report_return(actor=colleague, report=report, sentence="Nobody holds it.")
    reading = case_take(actor=colleague, case=case)
    again = sign(reading, colleague)
    assert report_cosign(actor=people.specialist, report=again, method="password").version == 1


# Amendments -------------------------------------------------------------------------------------


def test_an_amendment_needs_a_reason_and_a_change_and_supersedes(people, case, colleague):
    first = signed_report(people, case)
    reading = amendment_begin(actor=colleague, case=case)
    first.refresh_from_db()
    assert first.state == ReportState.FINAL  # in force meanwhile
    with pytest.raises(DomainError, match="Say why"):
        sign(reading, colleague)
    with pytest.raises(DomainError, match="Nothing differs"):
        sign(reading, colleague, reason="A blast is none.")
    call(reading, colleague, 9, "monocyte")
    second = sign(reading, colleague, reason="A blast is none.")
    first.refresh_from_db()
    assert (first.state, second.state, second.version, second.amends) == (
        ReportState.SUPERSEDED, ReportState.FINAL, 2, first,
    )  # fmt: skip
    assert json.loads(second.content)["report"]["amends"] == first.sha256


def test_an_amended_report_that_was_given_back_may_be_written_again(people, case, colleague):
    first = signed_report(people, case)
    two_signers(people)
    reading = amendment_begin(actor=people.specialist, case=case)
    call(reading, people.specialist, 9, "monocyte")
    returned = sign(reading, people.specialist, reason="No blast.")
    report_return(actor=colleague, report=returned, sentence="Say which cell.")
    again = sign(reading, people.specialist, reason="Cell 10 is no blast.")
    report_cosign(actor=colleague, report=again, method="password")
    first.refresh_from_db()
    assert (again.version, first.state) == (2, ReportState.SUPERSEDED)


def test_an_amendment_is_stopped_when_everything_is_called_as_it_was(people, case):
    report = signed_report(people, case)
    with pytest.raises(MoveRefused):
        amendment_stop(actor=people.specialist, case=case)
    reading = amendment_begin(actor=people.specialist, case=case)
    call(reading, people.specialist, 0, "monocyte")
    with pytest.raises(DomainError, match="no longer as report version 1 says"):
        amendment_stop(actor=people.specialist, case=case)
    call(reading, people.specialist, 0, "basophil")
    amendment_stop(actor=people.specialist, case=case)
    case.refresh_from_db()
    report.refresh_from_db()
    assert (case.status, report.state) == (CaseStatus.SIGNED, ReportState.FINAL)


# What was shown is what is signed ---------------------------------------------------------------


def test_a_case_that_changed_since_it_was_shown_is_not_signed(people, case):
    reading = ready_to_sign(people, case)
    shown = basis_digest(basis_of(reading, reader=people.specialist))
    call(reading, people.specialist, 0, "monocyte")
    with pytest.raises(StaleEdit):
        sign(reading, people.specialist, basis=shown)
    shown = basis_digest(basis_of(reading, reader=people.specialist))
    case.refresh_from_db()
    case_edit(actor=people.clinician, case=case, version=case.version, total_wbc="9.1")
    with pytest.raises(StaleEdit):
        sign(reading, people.specialist, basis=shown)
    reading.refresh_from_db()
    shown = basis_digest(basis_of(reading, reader=people.specialist))
    assert sign(reading, people.specialist, basis=shown).state == ReportState.FINAL


def test_a_comment_that_changed_in_another_window_is_neither_lost_nor_signed_over(people, case):
    reading = ready_to_sign(people, case)
    mine = draft_save(actor=people.specialist, case=case, version=0, comment="Mine.", reason="")
    theirs = draft_save(
        actor=people.specialist, case=case, version=mine.version, comment="Theirs.", reason=""
    )
    with pytest.raises(StaleEdit):
        draft_save(
            actor=people.specialist, case=case, version=mine.version, comment="Third.", reason=""
        )
    with pytest.raises(StaleEdit):
        sign(reading, people.specialist, comment="Mine.", draft=mine.version)
    assert draft_of(case).comment == "Theirs."
    sign(reading, people.specialist, comment="Theirs.", draft=theirs.version)
    assert not ReportDraft.objects.exists()


def test_a_draft_sent_twice_is_saved_once_and_only_the_holder_writes_it(people, case, colleague):
    ready_to_sign(people, case)
    for _ in range(2):
        draft = draft_save(
            actor=people.specialist, case=case, version=0, comment="Same.", reason=""
        )
    assert draft.version == 1
    with pytest.raises(NotYours):
        draft_save(actor=colleague, case=case, version=1, comment="Other.", reason="")


def test_an_amendment_starts_from_the_comment_that_was_signed(people, case):
    signed_report(people, case)
    amendment_begin(actor=people.specialist, case=case)
    assert draft_of(case).comment == COMMENT

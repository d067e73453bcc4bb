"""Twenty sign-offs at the same moment, and each call of one failing: one report or none."""

import pytest
from django.test import Client
from django.urls import reverse

from audit.models import AuditEvent
from classifier.invariants import verify
from patients import ports
from patients.choices import CaseStatus
from patients.services import case_claim
from review.choices import ReportState
from review.errors import AlreadySigned, NotReady
from review.models import CriticalResult, Notice, Report, Signature
from review.services.amending import amendment_begin
from review.services.rendering import report_pdf
from review.services.signing import report_cosign
from tests import factories
from tests.patients.conftest import shared_database, shared_people  # noqa: F401 - fixtures
from tests.patients.test_at_once import TOGETHER, at_once, errors
from tests.patients.test_nth_failure import until_it_succeeds
from tests.review.real_case import pictured_case
from tests.review.signed import call, ready_to_sign, sign, signed_report, two_signers

LABELS = ["eosinophil"] * 2 + ["neutrophil"] * 4


@pytest.fixture
def case(shared_people):  # noqa: F811
    return pictured_case(shared_people.clinician, LABELS, abstained=[1])


def i5_holds() -> None:
    assert [one.examples for one in verify() if one.code == "I5" and one.broken] == []


def test_twenty_sign_offs_give_one_report_and_nineteen_refusals(shared_people, case):  # noqa: F811
    reading = ready_to_sign(shared_people, case)
    got = at_once(lambda number: sign(reading, shared_people.specialist, comment=f"By {number}."))
    refused = errors(got)
    assert len(refused) == TOGETHER - 1
    assert {type(error) for error in refused} == {AlreadySigned}
    report = Report.objects.get()
    case.refresh_from_db()
    assert (report.state, case.status) == (ReportState.FINAL, CaseStatus.SIGNED)
    assert Signature.objects.count() == 1
    assert AuditEvent.objects.filter(action="report.signed").count() == 1
    i5_holds()


def test_two_specialists_at_once_give_one_report(shared_people, case):  # noqa: F811
    colleague = factories.make_user("specialist", shared_people.centre)
    reading = ready_to_sign(shared_people, case)
    got = at_once(
        lambda number: sign(reading, colleague if number % 2 else shared_people.specialist)
    )
    refused = errors(got)
    assert len(refused) == TOGETHER - 1
    assert {type(error) for error in refused} <= {AlreadySigned, NotReady}
    assert Report.objects.get().created_by == shared_people.specialist


def test_twenty_presses_of_the_button_are_one_signature_and_nineteen_conflicts(
    shared_people,  # noqa: F811
    case,
    monkeypatch,
):
    # The limit of tries would refuse some of twenty by itself; here the case decides.
    monkeypatch.setattr("review.views.sign.prove", lambda request, **given: "password")
    reading = ready_to_sign(shared_people, case)
    address = reverse("review:sign", args=[reading.case.public_id])
    clients = [Client() for _ in range(TOGETHER)]
    for client in clients:
        client.force_login(shared_people.specialist)
    page = clients[0].get(address)
    form = {"basis": page.context["basis"], "draft": page.context["draft"].version}
    got = at_once(
        lambda number: clients[number].post(address, {"password": "x", **form}).status_code
    )
    assert sorted(got) == [302] + [409] * (TOGETHER - 1)
    assert Report.objects.count() == 1


def test_twenty_second_signatures_are_one(shared_people, case):  # noqa: F811
    two_signers(shared_people)
    report = signed_report(shared_people, case)
    others = [factories.make_user("specialist", shared_people.centre) for _ in range(TOGETHER)]
    got = at_once(
        lambda number: report_cosign(actor=others[number], report=report, method="password")
    )
    assert len(errors(got)) == TOGETHER - 1
    assert {type(error) for error in errors(got)} == {AlreadySigned}
    assert Signature.objects.count() == 2
    i5_holds()


def test_of_twenty_that_ask_for_the_pdf_at_once_all_get_the_same(shared_people, case):  # noqa: F811
    report = signed_report(shared_people, case)
    got = at_once(lambda _: report_pdf(report=Report.objects.get(pk=report.pk)), times=4)
    assert errors(got) == []
    assert len(set(got)) == 1
    i5_holds()


# The n-th call fails ------------------------------------------------------------------------------


@pytest.fixture
def only_reader():
    return ports.readings()[-1]


def everything_written() -> tuple[int, ...]:
    return tuple(
        model.objects.count() for model in (Report, Signature, Notice, CriticalResult, AuditEvent)
    )


def test_signing_is_all_or_nothing(shared_people, case, only_reader, monkeypatch):  # noqa: F811
    reading = ready_to_sign(shared_people, case)
    before = everything_written()

    def nothing_happened() -> None:
        assert everything_written() == before
        case.refresh_from_db()
        assert (case.status, case.reader_id) == (
            CaseStatus.IN_REVIEW, shared_people.specialist.pk,
        )  # fmt: skip

    calls = until_it_succeeds(
        lambda: sign(reading, shared_people.specialist),
        nothing_happened,
        monkeypatch=monkeypatch,
        reading=only_reader,
    )
    case.refresh_from_db()
    assert calls >= 30
    assert (Report.objects.get().state, case.status) == (ReportState.FINAL, CaseStatus.SIGNED)
    i5_holds()


def test_amending_is_all_or_nothing(shared_people, case, only_reader, monkeypatch):  # noqa: F811
    first = signed_report(shared_people, case)
    reading = amendment_begin(actor=shared_people.specialist, case=case)
    call(reading, shared_people.specialist, 1, "eosinophil")
    before = everything_written()

    def nothing_happened() -> None:
        assert everything_written() == before
        first.refresh_from_db()
        assert first.state == ReportState.FINAL

    until_it_succeeds(
        lambda: sign(reading, shared_people.specialist, reason="No blast."),
        nothing_happened,
        monkeypatch=monkeypatch,
        reading=only_reader,
    )
    first.refresh_from_db()
    assert first.state == ReportState.SUPERSEDED
    i5_holds()


def test_a_pdf_is_kept_with_its_hash_or_not_at_all(
    shared_people,  # noqa: F811
    case,
    only_reader,
    monkeypatch,
):
    report = signed_report(shared_people, case)

    def whole_or_none() -> None:
        report.refresh_from_db()
        assert (report.pdf_key == "") == (report.pdf_sha256 == "")
        i5_holds()

    until_it_succeeds(
        lambda: report_pdf(report=Report.objects.select_related("case").get(pk=report.pk)),
        whole_or_none,
        monkeypatch=monkeypatch,
        reading=only_reader,
    )
    report.refresh_from_db()
    assert report.pdf_key
    i5_holds()


def test_a_case_cannot_be_taken_while_it_waits_for_its_second_signature(
    shared_people,  # noqa: F811
    case,
):
    two_signers(shared_people)
    signed_report(shared_people, case)
    other = factories.make_user("specialist", shared_people.centre)
    with pytest.raises(Exception, match="already reading"):
        case_claim(actor=other, case=case)

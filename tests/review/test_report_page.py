"""The pages around a report: writing and signing it, opening it, the second signature."""

import re

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from audit.models import AuditEvent
from patients.choices import CaseStatus
from review.choices import ReportState
from review.models import Report, ReportReceipt, TextBlock
from review.services.amending import amendment_begin
from review.services.readings import case_take
from tests import factories
from tests.factories import PASSWORD
from tests.review.conftest import read_case
from tests.review.real_case import pictured_case
from tests.review.signed import COMMENT, call, ready_to_sign, sign, signed_report, two_signers

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _tries_start_from_nothing():
    cache.clear()


@pytest.fixture
def case(people):
    return pictured_case(people.clinician, ["eosinophil"] * 3 + ["neutrophil"] * 9, abstained=[2])


@pytest.fixture
def colleague(people):
    return factories.make_user("specialist", people.centre, name="Dr Second")


@pytest.fixture
def report(people, case):
    return signed_report(people, case)


def browser(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def get(user, report, name="report", **headers):
    return browser(user).get(reverse(f"review:{name}", args=[report.public_id]), headers=headers)


def post(user, report, name, **data):
    return browser(user).post(reverse(f"review:{name}", args=[report.public_id]), data)


def text_of(answer) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def sign_page(case) -> str:
    return reverse("review:sign", args=[case.public_id])


def shown(user, case) -> dict[str, str]:
    """The hidden fields of the form on the sign page."""
    page = browser(user).get(sign_page(case)).content.decode()
    form = page[page.index('id="sign-form"') :]
    return dict(re.findall(r'type="hidden" name="(basis|draft)" value="([^"]*)"', form))


# Signing -----------------------------------------------------------------------------------------


def test_what_stands_in_the_way_is_listed_with_its_cells_and_there_is_nothing_to_press(
    people, case
):
    case_take(actor=people.specialist, case=case)
    page = text_of(browser(people.specialist).get(sign_page(case)))
    assert "1 cell is unidentified. Cell 3." in page
    assert "12 cells have not been looked at." in page
    assert "Sign report" not in page
    answer = browser(people.specialist).post(sign_page(case), {"password": PASSWORD})
    assert answer.status_code == 409
    assert not Report.objects.exists()


def test_a_report_is_signed_with_the_password_and_what_was_saved(people, case):
    ready_to_sign(people, case)
    client = browser(people.specialist)
    saved = client.post(
        reverse("review:report-draft", args=[case.public_id]),
        {"comment": "Mature.", "version": "0"},
        headers={"accept": "application/json"},
    )
    assert saved.json()["version"] == 1
    answer = client.post(sign_page(case), {"password": PASSWORD, **shown(people.specialist, case)})
    report = Report.objects.get()
    assert answer.headers["Location"] == reverse("review:report", args=[report.public_id])
    assert (report.state, report.signatures.get().method) == (ReportState.FINAL, "password")
    assert "Mature." in text_of(client.get(answer.headers["Location"]))


def test_a_wrong_password_signs_nothing_is_audited_and_limited(people, case):
    ready_to_sign(people, case)
    client, form = browser(people.specialist), shown(people.specialist, case)
    for _ in range(5):
        answer = client.post(sign_page(case), {"password": "wrong", **form})
        assert answer.status_code == 422
        assert "This is not your password." in text_of(answer)
    assert "Too many" in text_of(client.post(sign_page(case), {"password": "wrong", **form}))
    assert "Too many" in text_of(client.post(sign_page(case), {"password": PASSWORD, **form}))
    assert not Report.objects.exists()
    assert AuditEvent.objects.filter(action="signature.refused", outcome="failed").count() == 7


def test_who_signs_many_cases_in_a_minute_is_not_taken_for_a_guesser(people, case):
    ready_to_sign(people, case)
    client = browser(people.specialist)
    stale = {**shown(people.specialist, case), "basis": "0" * 64}
    for _ in range(15):  # proven each time, and refused for what has changed
        answer = client.post(sign_page(case), {"password": PASSWORD, **stale})
        assert answer.status_code == 409
        assert "Too many" not in text_of(answer)


def test_nothing_typed_is_not_a_proof(people, case):
    ready_to_sign(people, case)
    answer = browser(people.specialist).post(sign_page(case), shown(people.specialist, case))
    assert answer.status_code == 422
    assert "Give your password" in text_of(answer)


def test_a_code_of_the_second_factor_signs_once(people, case, settings):
    import time

    from allauth.mfa.totp.internal import auth as totp

    settings.MFA_TOTP_TOLERANCE = 1  # the half minute may end in between
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(people.specialist, secret)
    code = totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30))
    ready_to_sign(people, case)
    client, form = browser(people.specialist), shown(people.specialist, case)
    wrong = client.post(sign_page(case), {"code": "000000" if code != "000000" else "1", **form})
    assert "This code is not right." in text_of(wrong)
    client.post(sign_page(case), {"code": code, **form})
    assert Report.objects.get().signatures.get().method == "totp"
    assert AuditEvent.objects.filter(action="second_factor.failed").count() == 1


def test_a_recovery_code_signs_and_is_spent(people, case):
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
    from allauth.mfa.totp.internal import auth as totp

    totp.TOTP.activate(people.specialist, totp.generate_totp_secret())
    codes = RecoveryCodes.activate(people.specialist)
    code = codes.get_unused_codes()[0]
    ready_to_sign(people, case)
    form = shown(people.specialist, case)
    browser(people.specialist).post(sign_page(case), {"code": code, **form})
    assert Report.objects.get().signatures.get().method == "recovery_codes"
    codes.instance.refresh_from_db()
    assert code not in codes.get_unused_codes()


def test_what_changed_since_it_was_shown_is_not_signed(people, case):
    reading = ready_to_sign(people, case)
    form = shown(people.specialist, case)
    call(reading, people.specialist, 0, "monocyte")
    answer = browser(people.specialist).post(sign_page(case), {"password": PASSWORD, **form})
    assert answer.status_code == 409
    assert "has changed since you were shown it" in text_of(answer)
    assert not Report.objects.exists()


def test_a_comment_of_another_window_is_shown_beside_and_nothing_is_lost(people, case):
    ready_to_sign(people, case)
    address = reverse("review:report-draft", args=[case.public_id])
    client, json = browser(people.specialist), {"accept": "application/json"}
    form = shown(people.specialist, case)
    assert client.post(address, {"comment": "One.", "version": "0"}, headers=json).json()
    stale = client.post(address, {"comment": "Two.", "version": "0"}, headers=json)
    assert stale.status_code == 409
    assert (stale.json()["code"], stale.json()["values"]["comment"]) == ("stale", "One.")
    answer = client.post(sign_page(case), {"password": PASSWORD, **form})
    assert answer.status_code == 409
    assert "changed in another window" in text_of(answer)
    assert "One." in answer.content.decode()


def test_a_comment_that_is_too_long_comes_back_with_a_sentence(people, case):
    ready_to_sign(people, case)
    answer = browser(people.specialist).post(
        reverse("review:report-draft", args=[case.public_id]),
        {"comment": "x" * 5001, "version": "0"},
        headers={"accept": "application/json"},
    )
    assert answer.status_code == 422
    assert "5000" in answer.json()["errors"]["comment"]


def test_who_comes_second_is_told_by_whom_it_was_signed(people, case, report):
    answer = browser(people.specialist).post(sign_page(case), {"password": PASSWORD})
    assert answer.status_code == 409
    assert f"{people.specialist} has signed this case" in text_of(answer)
    opened = browser(people.specialist).get(sign_page(case))
    assert opened.headers["Location"] == reverse("review:report", args=[report.public_id])


def test_a_blind_reading_shows_no_preview_before_it_is_committed(people, case):
    reading = case_take(actor=people.specialist, case=case)
    type(reading).objects.filter(pk=reading.pk).update(blind=True)
    page = browser(people.specialist).get(sign_page(case)).content.decode()
    assert "The preview comes when you have committed" in page
    assert "sheet-table" not in page


def test_sign_page_asks_the_database_as_often_for_many_cells_as_for_few(
    people, case, django_assert_max_num_queries
):
    ready_to_sign(people, case)
    client = browser(people.specialist)
    with django_assert_max_num_queries(60):
        client.get(sign_page(case))
    many = pictured_case(people.clinician, ["neutrophil"] * 40)
    ready_to_sign(people, many)
    with django_assert_max_num_queries(60):
        client.get(sign_page(many))


# The page of a report ----------------------------------------------------------------------------


def test_the_page_says_what_was_signed(people, case, report):
    page = text_of(get(people.clinician, report))
    for words in (
        case.number, case.patient.family_name, case.patient.mrn, people.centre.name, COMMENT,
        str(people.specialist), "proven by password", report.sha256, "12 leukocytes counted",
        "88 fewer than the 100", "Both eosinophils", "The only blast",
        "6 of 9 neutrophils, drawn by lot", "Critical result.", "for-tests", "TeleHeme 0.1.0",
    ):  # fmt: skip
        assert words in page, words
    assert "QR code" in get(people.clinician, report).content.decode()


def test_the_pictures_are_cut_from_the_signed_files_and_a_changed_file_is_refused(people, report):
    from tests.review.real_case import spoil

    cell = reverse("review:report-cell", args=[report.public_id, 1])
    client = browser(people.clinician)
    answer = client.get(cell)
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.content[:3] == b"\xff\xd8\xff"
    spoil(report.case.images.get(position=1).picture_key)
    assert client.get(cell).status_code == 410
    assert AuditEvent.objects.filter(action="report.unusable").count() == 1
    assert client.get(cell.replace("/1", "/99")).status_code == 404


def test_the_first_opening_of_each_person_of_the_clinic_leaves_one_receipt(people, report):
    for _ in range(2):
        get(people.clinician, report)
    get(people.colleague, report, "report-json")
    get(people.specialist, report)
    assert set(ReportReceipt.objects.values_list("reader", flat=True)) == {
        people.clinician.pk, people.colleague.pk,
    }  # fmt: skip
    assert ReportReceipt.objects.count() == 2


def test_a_report_whose_content_was_changed_is_not_shown(people, report):
    from django.db import connection

    from review import triggers

    triggers.remove(connection)
    Report.objects.update(content=report.content.replace("eosinophil", "neutrophil"))
    for name in ("report", "report-json", "report-fhir", "report-pdf"):
        answer = get(people.clinician, report, name)
        assert answer.status_code == 410, name
        assert report.case.patient.family_name not in text_of(answer)
        assert "does not have the hash that was signed" in text_of(answer)
    triggers.install(connection)


def test_an_amended_report_says_what_changed_and_the_old_one_that_it_was_replaced(
    people, case, report
):
    reading = amendment_begin(actor=people.specialist, case=case)
    assert "is amending this report" in text_of(get(people.clinician, report))
    call(reading, people.specialist, 2, "eosinophil")
    second = sign(reading, people.specialist, reason="It is an eosinophil.")
    page = text_of(get(people.clinician, second))
    assert "Reason: It is an eosinophil." in page
    assert "Cell 3 Blast Eosinophil" in page
    old = text_of(get(people.clinician, report))
    assert "This version was replaced by version 2 : It is an eosinophil." in old
    assert "Not in force: it was replaced" in old


def test_amending_by_the_pages_buttons(people, case, report):
    client = browser(people.specialist)
    answer = client.post(reverse("review:amend", args=[case.public_id]))
    assert answer.headers["Location"] == reverse("review:desk", args=[case.public_id])
    assert "Amend the report" in text_of(client.get(sign_page(case)))
    form = shown(people.specialist, case)
    refused = client.post(sign_page(case), {"password": PASSWORD, **form})
    assert "Say why the report is amended." in text_of(refused)
    stopped = client.post(reverse("review:amend-stop", args=[case.public_id]))
    assert stopped.status_code == 302
    case.refresh_from_db()
    assert case.status == CaseStatus.SIGNED


def test_whoever_signed_goes_on_with_the_next_case(people, case, report):
    page = text_of(get(people.specialist, report))
    assert "Next case" not in page
    assert "Take the next case" not in page
    further = read_case(people.clinician, ["monocyte"])
    assert "Take the next case" in text_of(get(people.specialist, report))
    case_take(actor=people.specialist, case=further)
    page = get(people.specialist, report)
    assert f"Next case, {further.number}" in text_of(page)
    assert reverse("review:desk", args=[further.public_id]) in page.content.decode()
    assert "Next case" not in text_of(get(people.clinician, report))


# Two signers -------------------------------------------------------------------------------------


def test_a_report_that_waits_is_seen_by_specialists_alone(people, case, colleague):
    two_signers(people)
    report = signed_report(people, case)
    assert get(people.clinician, report).status_code == 404
    assert get(people.specialist, report, "report-pdf").status_code == 404
    page = text_of(get(colleague, report))
    assert "Not in force: it waits for its second signature." in page
    assert "Sign as second" in page
    assert "Sign as second" not in text_of(get(people.specialist, report))


def test_the_second_signs_with_a_proof_of_their_own(people, case, colleague):
    two_signers(people)
    report = signed_report(people, case)
    refused = post(colleague, report, "report-cosign", password="wrong")
    assert (refused.status_code, "not your password" in text_of(refused)) == (422, True)
    own = post(people.specialist, report, "report-cosign", password=PASSWORD)
    assert (own.status_code, "somebody else" in text_of(own)) == (409, True)
    assert post(colleague, report, "report-cosign", password=PASSWORD).status_code == 302
    report.refresh_from_db()
    assert report.state == ReportState.FINAL
    assert get(people.clinician, report).status_code == 200
    assert post(colleague, report, "report-cosign", password=PASSWORD).status_code == 409


def test_giving_back_needs_a_sentence(people, case, colleague):
    two_signers(people)
    report = signed_report(people, case)
    assert post(colleague, report, "report-return", sentence=" ").status_code == 422
    assert post(colleague, report, "report-return", sentence="Look at 3.").status_code == 302
    assert "Look at 3." in case.comments.get().body
    assert "given back unsigned" in text_of(get(colleague, report))


# The case page and text blocks -------------------------------------------------------------------


def test_the_case_page_leads_to_the_report_and_to_signing(people, case, colleague):
    address = reverse("patients:case", args=[case.public_id])
    ready_to_sign(people, case)
    assert sign_page(case) in browser(people.specialist).get(address).content.decode()
    assert sign_page(case) not in browser(colleague).get(address).content.decode()
    report = sign(case.readings.get(), people.specialist)
    link = reverse("review:report", args=[report.public_id])
    for user in (people.clinician, people.specialist, colleague):
        assert link in browser(user).get(address).content.decode()


def test_text_blocks_are_ones_own(people, colleague):
    client = browser(people.specialist)
    address = reverse("review:text-blocks")
    partial = {"hx-request": "true"}
    made = client.post(
        address, {"new-title": "No blasts", "new-body": "No blasts seen."}, headers=partial
    )
    block = TextBlock.objects.get()
    assert (block.owner, 'data-insert="No blasts seen."' in made.content.decode()) == (
        people.specialist, True,
    )  # fmt: skip
    again = client.post(address, {"new-title": "No blasts", "new-body": "x"}, headers=partial)
    assert (again.status_code, "of this name already" in text_of(again)) == (409, True)
    empty = client.post(address, {"new-title": "", "new-body": ""}, headers=partial)
    assert empty.status_code == 422
    edit = reverse("review:text-block", args=[block.public_id])
    name = f"{block.public_id}"
    client.post(edit, {f"{name}-title": "None", f"{name}-body": "None."}, headers=partial)
    block.refresh_from_db()
    assert (block.title, block.body) == ("None", "None.")
    delete = reverse("review:text-block-delete", args=[block.public_id])
    assert browser(colleague).post(delete).status_code == 404
    client.post(delete, headers=partial)
    assert not TextBlock.objects.exists()

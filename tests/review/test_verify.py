"""Verifying: by code or file, signed in or not, and every changed byte found."""

import hashlib
import io
import json

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.ratelimits import LIMITS
from audit.models import AuditEvent
from classifier.invariants import verify as verify_invariants
from classifier.models import Prediction
from review import nightly, triggers
from review.choices import ReportState
from review.models import Report, Signature, Verdict
from review.reports.canonical import canonical, digest
from review.reports.checks import differences
from review.reports.codes import shown_code
from review.services.amending import amendment_begin
from review.services.rendering import report_pdf
from tests.review.real_case import pictured_case, spoil
from tests.review.signed import call, sign, signed_report, two_signers

pytestmark = pytest.mark.django_db
ADDRESS = "/verify/"


@pytest.fixture(autouse=True)
def _tries_start_from_nothing():
    cache.clear()


@pytest.fixture
def case(people):
    return pictured_case(people.clinician, ["eosinophil"] * 2 + ["neutrophil"] * 6, abstained=[1])


@pytest.fixture
def report(people, case):
    report = signed_report(people, case)
    report_pdf(report=report)
    report.refresh_from_db()
    return report


@pytest.fixture
def _open_database():
    """As for somebody who may write past the triggers."""
    triggers.remove(connection)
    yield
    triggers.install(connection)


def ask(code="", **more):
    return Client().get(ADDRESS, {"code": code, **more}).content.decode()


def run(*given) -> str:
    out = io.StringIO()
    call_command("verify_report", *map(str, given), stdout=out)
    return out.getvalue()


def refused(*given) -> str:
    out = io.StringIO()
    with pytest.raises(CommandError) as error:
        call_command("verify_report", *map(str, given), stdout=out)
    assert error.value.returncode == 1
    return out.getvalue()


def broken() -> dict[str, int]:
    return {finding.code: finding.broken for finding in verify_invariants() if finding.broken}


# The page ----------------------------------------------------------------------------------------


def test_a_code_says_that_the_report_exists_and_nothing_about_the_patient(people, case, report):
    page = ask(shown_code(report.code).lower())
    for words in (
        "exists and is in force", shown_code(report.code), str(people.specialist),
        people.centre.name, report.sha256, report.pdf_sha256,
    ):  # fmt: skip
        assert words in page, words
    for secret in (
        case.number, case.patient.family_name, case.patient.mrn, people.clinic.name, "eosinophil",
        str(case.public_id), str(report.public_id),
    ):  # fmt: skip
        assert secret not in page, secret
    event = AuditEvent.objects.get(action="report.verified")
    assert (event.object_id, event.outcome) == (str(report.public_id), "done")


def test_a_replaced_report_says_by_which_version(people, case, report):
    reading = amendment_begin(actor=people.specialist, case=case)
    call(reading, people.specialist, 1, "eosinophil")
    second = sign(reading, people.specialist, reason="No blast.")
    assert "This report was replaced by version 2" in ask(report.code)
    assert "exists and is in force" in ask(second.code)


def test_what_is_not_signed_to_the_end_is_not_there(people, case):
    two_signers(people)
    waiting = signed_report(people, case)
    assert waiting.state == ReportState.AWAITING
    assert "There is no signed report with this code" in ask(waiting.code)
    assert "There is no signed report with this code" in ask("2222233333444446")


def test_tries_are_limited_by_address(report):
    most = int(LIMITS["verify"].split("/")[0])
    client = Client()
    for number in range(most):
        assert client.get(ADDRESS, {"code": f"{number:015}"}).status_code == 200
    answer = client.get(ADDRESS, {"code": report.code})
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "60"
    assert "in force" not in answer.content.decode()
    assert client.get(ADDRESS).status_code == 200  # the empty form asks nothing


def test_a_file_is_compared_by_its_hash(report):
    pdf = report_pdf(report=report)

    def send(data, **more):
        file = SimpleUploadedFile("report.pdf", data)
        return Client().post(ADDRESS, {"file": file, **more}).content.decode()

    assert "The file is the PDF of this report, unchanged" in send(pdf)
    assert "The file is the JSON of this report" in send(report.content.encode(), code=report.code)
    changed = pdf[:1000] + bytes([pdf[1000] ^ 1]) + pdf[1001:]
    assert "No report here has this file" in send(changed)
    assert "The file is not this report's" in " ".join(send(changed, code=report.code).split())


def test_a_hash_that_the_browser_computed_does_instead_of_the_file(report):
    page = Client().post(ADDRESS, {"sha256": report.pdf_sha256}).content.decode()
    assert "The file is the PDF of this report" in page
    assert Client().post(ADDRESS, {"sha256": "nonsense"}).status_code == 422


# The command and the invariant -------------------------------------------------------------------


def test_a_whole_report_is_whole_by_code_and_by_each_of_its_files(people, report, tmp_path):
    client = Client()
    client.force_login(people.clinician)
    files = []
    for name in ("pdf", "json", "fhir"):
        path = tmp_path / f"report.{name}"
        path.write_bytes(
            client.get(reverse(f"review:report-{name}", args=[report.public_id])).content
        )
        files.append(path)
    spaced = tmp_path / "spaced.json"
    spaced.write_text(json.dumps(json.loads(report.content), indent=2))
    said = run(shown_code(report.code), *files, spaced)
    assert said.count(": ok") == 5
    assert broken() == {}


def test_a_changed_file_is_named_with_what_differs(report, tmp_path):
    pdf = tmp_path / "report.pdf"
    data = bytearray(report_pdf(report=report))
    data[2000] ^= 1
    pdf.write_bytes(data)
    assert "not the PDF that was made of this report" in refused(pdf)
    content = json.loads(report.content)
    content["cells"][0]["label"] = "basophil"
    changed = tmp_path / "report.json"
    changed.write_text(json.dumps(content))
    assert "cells 1, label: eosinophil in the report, basophil in the file." in refused(changed)
    stranger = tmp_path / "stranger.pdf"
    stranger.write_bytes(b"%PDF-1.7 nothing of ours")
    assert "No report here has this file" in refused(stranger)
    assert "no signed report of this code" in refused("NOSUCHCODE")


def test_a_changed_byte_of_a_picture_is_found(case, report):
    spoil(case.images.get(position=2).picture_key)
    assert "Picture 2: the stored file was changed." in refused(report.code)
    assert broken() == {"I1": 1, "I5": 1}


def test_another_picture_in_its_place_is_found(case, report):
    images = list(case.images.order_by("position")[:2])
    type(images[0]).objects.filter(pk=images[0].pk).update(
        picture_key="elsewhere", sha256=images[0].sha256[::-1]
    )
    assert "Picture 1 has another hash in the database" in refused(report.code)


@pytest.mark.usefixtures("_open_database")
def test_a_changed_verdict_is_found(report):
    Verdict.objects.filter(label="blast").update(label="monocyte")
    assert "Cell 2 is blast in the report, and monocyte in the verdicts" in refused(report.code)
    assert broken()["I5"] == 1


@pytest.mark.usefixtures("_open_database")
def test_a_removed_verdict_is_found(report):
    Verdict.objects.all().delete()
    assert "Cell 2 is blast in the report, and nothing in the verdicts" in refused(report.code)


def test_a_changed_result_of_the_model_is_found(case, report):
    Prediction.objects.filter(cell__image__position=3).update(label="monocyte")
    assert "The model's result for cell 3 is not the one that was signed." in refused(report.code)


@pytest.mark.usefixtures("_open_database")
def test_a_changed_content_is_found(report):
    Report.objects.update(content=report.content.replace("No blasts", "no blasts"))
    Report.objects.update(content=report.content.replace("mature", "mature?"))
    assert "The stored content does not have the stored hash" in refused(report.code)
    assert broken()["I5"] >= 1


@pytest.mark.usefixtures("_open_database")
def test_a_content_that_was_changed_with_its_hash_and_signature_is_found_by_the_audit(report):
    content = json.loads(report.content)
    content["comment"] = "Something else."
    text = canonical(content)
    Report.objects.update(content=text, sha256=digest(text))
    Signature.objects.update(sha256=digest(text))
    found = differences(Report.objects.get())
    assert found == ["The audit record tells of a signature under another hash."]


@pytest.mark.usefixtures("_open_database")
def test_a_missing_signature_and_a_doubled_one_are_found(people, report):
    (row,) = report.signatures.all()
    Signature.objects.create(
        report=report, place=2, signer=people.other_specialist, signer_name="X",
        signer_organisation="Y", sha256=report.sha256, method="password", at=row.at,
    )  # fmt: skip
    assert any("one signature" in sentence for sentence in differences(report))
    Signature.objects.all().delete()
    assert any("0 signatures" in sentence for sentence in differences(report))


def test_a_changed_pdf_is_found(report):
    spoil(report.pdf_key)
    assert "The PDF: the stored file was changed." in refused(report.code)
    assert broken() == {"I5": 1}


def test_another_pdf_in_its_place_is_found_by_the_audit(report):
    Report.objects.update(pdf_sha256=hashlib.sha256(b"other").hexdigest())
    assert "The audit record tells of another PDF." in refused(report.code)


def test_a_signed_case_without_a_report_in_force_is_found(case, report):
    Report.objects.update(state=ReportState.SUPERSEDED)
    (finding,) = (one for one in verify_invariants(files=False) if one.code == "I5")
    assert f"case {case.public_id}: signed with 0 reports in force" in finding.examples


def test_verdicts_of_an_amendment_do_not_touch_what_was_signed_before(people, case, report):
    reading = amendment_begin(actor=people.specialist, case=case)
    call(reading, people.specialist, 1, "eosinophil")
    assert differences(report) == []
    sign(reading, people.specialist, reason="No blast.")
    assert all(differences(one) == [] for one in Report.objects.all())


def test_the_nightly_look_reads_every_file_and_tells(report):
    assert nightly.check_slice(after=0) is None
    assert not AuditEvent.objects.filter(action="invariants.violated").exists()
    spoil(report.pdf_key)
    nightly.check_slice(after=0)
    assert AuditEvent.objects.get(action="invariants.violated").data == {"I5": 1}

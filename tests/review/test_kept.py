"""What a signed report rests on cannot be deleted, withdrawn or taken out."""

import pytest
from django.db import Error, connection, transaction
from django.db.models import ProtectedError
from django.test import Client

from accounts.models import Organisation, ReadingGrant, User
from audit.models import AuditEvent
from classifier.models import Cell, ModelVersion
from patients.choices import CaseStatus
from patients.errors import MoveRefused
from patients.models import Case, Patient, SmearImage
from patients.services import case_release, case_withdraw, image_blank, image_remove
from review.choices import ReportState
from review.models import Act, Reading, Report, Verdict
from review.services.amending import amendment_begin
from tests.review.real_case import pictured_case
from tests.review.signed import signed_report

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(people):
    return pictured_case(people.clinician, ["neutrophil"] * 4, abstained=[1])


@pytest.fixture
def report(people, case):
    return signed_report(people, case)


def refuses(act) -> None:
    """PROTECT says no first; where nothing protects by itself, the trigger does."""
    with pytest.raises((ProtectedError, Error)), transaction.atomic():
        act()


@pytest.mark.usefixtures("report")
@pytest.mark.parametrize(
    "model",
    [
        Patient,
        Case,
        SmearImage,
        Cell,
        ModelVersion,
        Reading,
        Act,
        Verdict,
        Report,
        User,
        Organisation,
    ],
)
def test_nothing_that_a_signed_report_rests_on_is_deleted(model):
    before = {row.pk for row in model.objects.all()}
    refuses(model.objects.all().delete)
    assert {row.pk for row in model.objects.all()} == before


def test_patient_case_and_signer_are_refused_one_by_one(people, case, report):
    for thing in (case.patient, case, people.specialist, people.clinic, people.centre, report):
        refuses(thing.delete)
    assert Report.objects.filter(pk=report.pk, sha256=report.sha256).exists()
    assert AuditEvent.objects.filter(action="report.signed").exists()


def test_djangos_admin_refuses_too(people, report):
    client = Client()
    client.force_login(people.administrator)
    for address in (
        f"/admin/accounts/user/{people.specialist.pk}/delete/",
        f"/admin/accounts/organisation/{people.clinic.pk}/delete/",
    ):
        answer = client.post(address, {"post": "yes"})
        assert answer.status_code in (200, 403)
    assert User.objects.filter(pk=people.specialist.pk).exists()
    assert Organisation.objects.filter(pk=people.clinic.pk).exists()
    for model in ("patients/patient", "patients/case", "review/report"):
        assert client.get(f"/admin/{model}/").status_code == 404


def test_raw_sql_does_not_delete_a_report_or_a_signature(report):
    for table in ("review_report", "review_signature", "review_verdict", "review_act"):
        with (
            pytest.raises(Error, match="only added to"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(f"DELETE FROM {table}")


def test_a_case_whose_amendment_was_given_up_is_not_withdrawn_and_keeps_its_pictures(
    people, case, report
):
    amendment_begin(actor=people.specialist, case=case)
    case_release(actor=people.specialist, case=case)
    case.refresh_from_db()
    assert case.status == CaseStatus.READY
    with pytest.raises(MoveRefused, match="cannot be withdrawn"):
        case_withdraw(actor=people.clinician, case=case)
    image = case.images.present().first()
    with pytest.raises(MoveRefused, match="rests on the pictures"):
        image_remove(actor=people.clinician, image=image)
    with pytest.raises(MoveRefused, match="rests on the pictures"):
        image_blank(actor=people.clinician, image=image, box=(0, 0, 9, 9))
    assert case.images.present().count() == 4
    report.refresh_from_db()
    assert report.state == ReportState.FINAL


def test_reading_access_withdrawn_takes_the_report_from_the_readers_alone(people, report):
    ReadingGrant.objects.all().delete()
    assert not Report.objects.visible_to(people.specialist).exists()
    assert Report.objects.visible_to(people.clinician).exists()

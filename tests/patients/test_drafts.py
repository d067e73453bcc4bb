"""Opening cases, their numbers, and editing what is written in them."""

from datetime import date
from decimal import Decimal

import pytest
from django.utils import timezone

from audit.models import AuditEvent
from patients.choices import CaseStatus
from patients.errors import KeyReused, MoveRefused, PatientExists, StaleEdit
from patients.models import Case, CaseCounter, Patient
from patients.services import case_create, case_edit, case_withdraw, patient_create, patient_edit
from tests import factories

pytestmark = pytest.mark.django_db


def test_numbers_are_given_in_order_within_the_year(people):
    patient = factories.make_patient(people.clinic)
    year = timezone.localdate().year
    numbers = [case_create(actor=people.clinician, patient=patient).number for _ in range(3)]
    assert numbers == [f"TH-{year}-{n:05}" for n in (1, 2, 3)]


def test_a_refused_case_leaves_no_gap_in_the_numbers(people):
    taken = factories.make_patient(people.clinic)
    case_create(actor=people.clinician, patient=taken)
    with pytest.raises(PatientExists):
        case_create(actor=people.clinician, new_patient={"mrn": taken.mrn, "family_name": "Twin"})
    assert case_create(actor=people.clinician, patient=taken).number.endswith("-00002")
    assert CaseCounter.objects.get().last == 2


def test_the_same_form_sent_twice_opens_one_case(people):
    new = {"mrn": "A-1", "family_name": "Sato"}
    first = case_create(actor=people.clinician, new_patient=new, key="form-1")
    again = case_create(actor=people.clinician, new_patient=new, key="form-1")
    assert first.pk == again.pk
    assert (Case.objects.count(), Patient.objects.count()) == (1, 1)


def test_the_same_form_for_another_patient_is_refused(people):
    one, other = (factories.make_patient(people.clinic) for _ in range(2))
    case_create(actor=people.clinician, patient=one, key="form-1")
    with pytest.raises(KeyReused):
        case_create(actor=people.clinician, patient=other, key="form-1")
    assert Case.objects.count() == 1


def test_a_colleague_may_use_the_same_key(people):
    patient = factories.make_patient(people.clinic)
    case_create(actor=people.clinician, patient=patient, key="form-1")
    case_create(actor=people.colleague, patient=patient, key="form-1")
    assert Case.objects.count() == 2


def test_an_edit_counts_the_version_and_names_the_fields_but_not_their_text(people, draft):
    saved = case_edit(
        actor=people.clinician,
        case=draft,
        version=1,
        clinical_question="Is Zebulon ill?",
        total_wbc=Decimal("7.2"),
    )
    event = AuditEvent.objects.get(action="case.edited")
    assert saved.version == 2
    assert event.data["fields"] == ["clinical_question", "total_wbc"]
    assert "Zebulon" not in str(event.data)


def test_a_stale_edit_is_refused_and_nothing_is_lost(people, draft):
    case_edit(actor=people.clinician, case=draft, version=1, clinical_question="first")
    with pytest.raises(StaleEdit):
        case_edit(actor=people.colleague, case=draft, version=1, clinical_question="second")
    draft.refresh_from_db()
    assert (draft.clinical_question, draft.version) == ("first", 2)


def test_an_edit_whose_answer_was_lost_can_be_sent_again(people, draft):
    for _ in range(2):
        saved = case_edit(actor=people.clinician, case=draft, version=1, site="Ward 3")
    assert saved.version == 2
    assert AuditEvent.objects.filter(action="case.edited").count() == 1


def test_a_withdrawn_case_is_not_edited(people, draft):
    case_withdraw(actor=people.clinician, case=draft)
    with pytest.raises(MoveRefused):
        case_edit(actor=people.clinician, case=draft, version=1, site="Ward 3")
    draft.refresh_from_db()
    assert (draft.status, draft.site) == (CaseStatus.WITHDRAWN, "")


def test_only_details_can_be_edited(people, draft):
    with pytest.raises(TypeError):
        case_edit(actor=people.clinician, case=draft, version=1, status="ready")
    with pytest.raises(TypeError):
        case_create(actor=people.clinician, patient=draft.patient, reader=people.specialist)


def test_an_mrn_is_unique_in_its_organisation_only(people):
    patient_create(actor=people.clinician, mrn="1", family_name="A")
    patient_create(actor=people.other_clinician, mrn="1", family_name="B")
    with pytest.raises(PatientExists):
        patient_create(actor=people.colleague, mrn="1", family_name="C")


def test_the_audit_of_a_patient_holds_nothing_of_the_patient(people):
    patient = patient_create(actor=people.clinician, mrn="MRN-CANARY", family_name="Canary")
    patient_edit(
        actor=people.clinician, patient=patient, given_name="Canarina", birth_date=date(1950, 1, 2)
    )
    events = AuditEvent.objects.filter(action__startswith="patient.")
    assert [event.data for event in events] == [{}, {"fields": ["birth_date", "given_name"]}]

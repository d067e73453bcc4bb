"""Pages of cases and patients: what is offered to whom, saving details, the thread, hostile text."""

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import escape

from audit.models import AuditEvent
from patients.choices import CaseStatus
from patients.models import Case, Comment, Patient, SmearImage
from tests import factories
from tests.security.hostile_text import HOSTILE_TEXT, REFUSED_TEXT

pytestmark = pytest.mark.django_db
MOST_QUERIES = 40
JSON = {"Accept": "application/json"}


@pytest.fixture
def client(people, sign_in):
    return sign_in(people.clinician)


def case_address(case, view="case"):
    return reverse(f"patients:{view}", args=[case.public_id])


def details(case, **changes):
    given = {"version": case.version, "priority": case.priority, "clinical_question": ""}
    return given | changes


def test_a_patient_is_made_in_place_and_the_draft_opens(client, people):
    page = client.get(reverse("patients:case-new"))
    form = {"key": page.context["key"], "mrn": "A-1", "family_name": "Sato", "sex": "female"}
    first = client.post(reverse("patients:case-new"), form)
    again = client.post(reverse("patients:case-new"), form)  # the button pressed twice
    case = Case.objects.get()
    assert first["Location"] == again["Location"] == case.get_absolute_url()
    assert (case.status, case.patient.mrn, case.organisation) == ("draft", "A-1", people.clinic)


def test_a_known_patient_is_found_as_one_types_and_chosen(client, people):
    patient = factories.make_patient(people.clinic, family_name="Okafor", given_name="Ada")
    factories.make_patient(people.elsewhere, family_name="Okafor")
    found = client.get(reverse("patients:patient-search"), {"q": "ada oka"})
    assert list(found.context["found"]) == [patient]
    form = {"key": "k-1", "patient": str(patient.public_id)}
    client.post(reverse("patients:case-new"), form)
    assert Case.objects.get().patient == patient


def test_another_organisations_patient_cannot_be_chosen(client, people):
    stranger = factories.make_patient(people.elsewhere)
    for patient in (stranger.public_id, uuid.uuid4(), "nonsense"):
        form = {"key": "k-1", "patient": str(patient)}
        assert client.post(reverse("patients:case-new"), form).status_code == 404


def test_an_mrn_that_is_taken_is_said_beside_the_field(client, people):
    factories.make_patient(people.clinic, mrn="A-1")
    form = {"key": "k-1", "mrn": "A-1", "family_name": "Sato", "sex": "female"}
    response = client.post(reverse("patients:case-new"), form)
    assert response.status_code == 409
    assert "already has a patient" in response.content.decode()
    assert not Case.objects.exists()


def test_a_birthday_in_the_future_is_refused(client):
    form = {"mrn": "1", "family_name": "A", "sex": "female", "birth_date": "2999-01-01"}
    assert client.post(reverse("patients:case-new"), form).status_code == 422


def test_details_save_themselves(client, draft):
    response = client.post(
        case_address(draft, "case-details"),
        details(draft, clinical_question="Eosinophilia?", total_wbc="7.2", pixel_size_nm="97.1"),
        headers=JSON,
    )
    draft.refresh_from_db()
    assert (response.json()["version"], draft.clinical_question) == (2, "Eosinophilia?")
    assert response.json()["values"]["total_wbc"] == "7.2"
    assert response.json()["values"]["pixel_size_nm"] == "97.1"


def test_a_stale_form_gets_both_texts(client, draft):
    client.post(case_address(draft, "case-details"), details(draft, site="A"), headers=JSON)
    response = client.post(
        case_address(draft, "case-details"), details(draft, site="B"), headers=JSON
    )
    body = response.json()
    draft.refresh_from_db()
    assert (response.status_code, body["code"], body["version"]) == (409, "stale", 2)
    assert (body["values"]["site"], draft.site) == ("A", "A")


@pytest.mark.parametrize(
    "wrong",
    [
        {"total_wbc": "many"},
        {"total_wbc": "-1"},
        {"pixel_size_nm": "0.1"},
        {"stain": "ink"},
        {"priority": ""},
    ],
)
def test_a_wrong_detail_is_named_and_nothing_is_saved(client, draft, wrong):
    response = client.post(
        case_address(draft, "case-details"), details(draft, site="A", **wrong), headers=JSON
    )
    draft.refresh_from_db()
    assert response.status_code == 422
    assert set(response.json()["errors"]) == set(wrong)
    assert (draft.site, draft.version) == ("", 1)


def test_nobody_can_set_what_is_not_a_detail(client, people, draft):
    more = {"status": "ready", "organisation": people.elsewhere.pk, "reader": people.specialist.pk,
            "number": "TH-1", "submitted_at": "2026-01-01", "synthetic": "1"}  # fmt: skip
    client.post(case_address(draft, "case-details"), details(draft, **more), headers=JSON)
    before, draft = draft, Case.objects.get(pk=draft.pk)
    for name in more:
        assert getattr(draft, name) == getattr(before, name)


def test_without_javascript_the_details_are_saved_too(client, draft):
    response = client.post(case_address(draft, "case-details"), details(draft, site="A"))
    draft.refresh_from_db()
    assert (response.status_code, draft.site) == (302, "A")


def test_a_specialist_reads_the_details_and_cannot_write_them(people, sign_in, submitted):
    client = sign_in(people.specialist)
    page = client.get(case_address(submitted))
    assert not page.context["can_edit"]
    response = client.post(case_address(submitted, "case-details"), details(submitted))
    assert response.status_code == 403


def test_a_case_goes_its_way_by_the_buttons(people, sign_in, client, draft, receive, reading):
    specialist = sign_in(people.specialist)
    receive(draft)
    assert b"Submit 1 image<" in client.get(case_address(draft)).content
    client.post(case_address(draft, "case-submit"))
    assert specialist.get(case_address(draft)).status_code == 200
    Case.objects.update(status=CaseStatus.READY)
    specialist.post(reverse("review:take", args=[draft.public_id]))
    assert Case.objects.get().reader == people.specialist
    assert client.post(case_address(draft, "case-withdraw")).status_code == 302
    assert Case.objects.get().status == CaseStatus.IN_REVIEW  # held by the specialist
    specialist.post(reverse("review:release", args=[draft.public_id]))
    assert b"cannot be undone" in client.get(case_address(draft, "case-withdraw")).content
    assert Case.objects.get().status == CaseStatus.READY  # it only asked
    client.post(case_address(draft, "case-withdraw"))
    assert Case.objects.get().status == CaseStatus.WITHDRAWN


def test_a_draft_without_pictures_says_so_when_submitted(client, draft):
    response = client.post(case_address(draft, "case-submit"), follow=True)
    assert "There is no picture in this case yet" in response.content.decode()


@pytest.mark.parametrize("view", ["case-submit", "case-withdraw"])
def test_a_link_moves_nothing(client, draft, view):
    assert client.get(case_address(draft, view)).status_code in (200, 405)
    assert Case.objects.get().status == CaseStatus.DRAFT


def test_opening_a_case_is_recorded_and_its_partials_are_not(client, draft):
    client.get(case_address(draft))
    for view in ("case-pictures", "case-header", "case-thread", "case-timeline"):
        assert client.get(case_address(draft, view)).status_code == 200
    assert AuditEvent.objects.filter(action="case.viewed").count() == 1


def test_a_comment_is_for_both_sides(people, sign_in, client, submitted):
    client.post(case_address(submitted, "case-thread"), {"body": "Please look at cell 3."})
    page = sign_in(people.specialist).get(case_address(submitted))
    assert "Please look at cell 3." in page.content.decode()
    assert Comment.objects.get().author == people.clinician


@pytest.mark.parametrize("name", ["empty", "blanks", "nul", "megabyte"])
def test_a_comment_that_cannot_be_kept_is_refused(client, draft, name):
    response = client.post(case_address(draft, "case-thread"), {"body": REFUSED_TEXT[name]})
    assert response.status_code in (400, 413, 422)
    assert not Comment.objects.exists()


def test_the_number_of_queries_does_not_grow_with_the_case(people, client, draft, receive):
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(case_address(draft)).status_code == 200
        return len(queries)

    receive(draft, 1)
    Comment.objects.create(case=draft, author=people.clinician, body="1")
    count()  # a person's first look is written down with one more
    few = count()
    for number in range(2, 6):
        receive(draft, number)
        Comment.objects.create(case=draft, author=people.colleague, body=str(number))
    assert count() == few <= MOST_QUERIES


@pytest.mark.parametrize("text", HOSTILE_TEXT.values(), ids=HOSTILE_TEXT.keys())
def test_hostile_text_is_kept_literally_and_shown_harmlessly(people, client, receive, text):
    short = text[:40]
    patient = Patient.objects.create(
        organisation=people.clinic, mrn=short, family_name=text, given_name=text
    )
    case = factories.make_case(
        people.clinician, patient=patient, clinical_question=text, device=text, site=text
    )
    image = receive(case, 1, name=text)
    client.post(case_address(case, "case-thread"), {"body": text})
    assert SmearImage.objects.get(pk=image.pk).original_name == text
    assert Comment.objects.get().body.replace("\r\n", "\n") == text.replace("\r\n", "\n").strip()
    pages = [
        client.get(case_address(case)),
        client.get(reverse("patients:cases"), {"q": text}),
        client.get(reverse("patients:patient", args=[patient.public_id])),
        client.get(reverse("patients:patient-edit", args=[patient.public_id])),
        client.get(reverse("patients:patients"), {"q": text}),
        client.get(reverse("patients:patient-search"), {"q": text}),
        client.get(case_address(case, "case-withdraw")),
        client.get(reverse("patients:image-blank", args=[image.public_id])),
    ]
    for page in pages:
        assert page.status_code == 200
        if text != escape(text):
            assert text not in page.content.decode()
    assert escape(text.split("\r")[0]) in pages[0].content.decode()
    assert b"49" not in pages[5].content.replace(str(patient.public_id).encode(), b"")


@pytest.mark.parametrize("name", ["empty", "blanks", "nul", "long", "megabyte"])
def test_a_name_that_cannot_be_kept_is_refused_beside_its_field(client, name):
    form = {"mrn": "1", "family_name": REFUSED_TEXT[name], "sex": "female"}
    response = client.post(reverse("patients:case-new"), form)
    assert response.status_code in (400, 413, 422)
    assert not Patient.objects.exists()


def test_a_patient_is_corrected_by_their_own_clinic_only(people, sign_in, client):
    patient = factories.make_patient(people.clinic)
    address = reverse("patients:patient-edit", args=[patient.public_id])
    form = {"mrn": patient.mrn, "family_name": "Corrected", "sex": "male"}
    for stranger in (people.other_clinician, people.specialist, people.administrator):
        assert sign_in(stranger).post(address, form).status_code == 404
    assert client.post(address, form).status_code == 302
    patient.refresh_from_db()
    assert patient.family_name == "Corrected"


def test_blanking_by_the_form(client, draft, receive):
    image = receive(draft)
    address = reverse("patients:image-blank", args=[image.public_id])
    wrong = client.post(address, {"left": 500, "top": 0, "width": 5, "height": 5})
    assert wrong.status_code == 422
    assert "outside the picture" in wrong.content.decode()
    right = client.post(address, {"left": 0, "top": 0, "width": 50, "height": 20})
    assert right["Location"] == draft.get_absolute_url()
    assert draft.images.present().get() != image

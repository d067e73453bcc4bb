"""The pages on what fitting a model to an organisation would bring, as administrators see them."""

import numpy as np
import pytest
from django.urls import reverse

from adaptation.site import site_of, sites
from audit.models import AuditEvent
from classifier.models import ModelVersion, Prediction
from classifier.registry import model_activate
from tests.classifier.shadowing import make_shadow, read_along
from tests.review.conftest import CLASSES, read_case
from tests.review.signed import call, ready_to_sign, sign

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_passwords")]


@pytest.fixture
def active(people):
    read_case(people.clinician, [])
    return model_activate(version=ModelVersion.objects.get(model_id="for-tests"))


@pytest.fixture
def browser(client, people):
    client.force_login(people.administrator)
    return client


def signed_case(people, number, labels=CLASSES):
    """Signed as suggested, but for its basophil, which is called a blast."""
    case = read_case(people.clinician, labels)
    rng = np.random.default_rng(number)
    for row in Prediction.objects.of_case(case):
        row.embedding = rng.normal(size=8).astype("<f2").tobytes()
        row.save(update_fields=["embedding"])
    reading = ready_to_sign(people, case)
    call(reading, people.specialist, 0, "blast")
    sign(reading, people.specialist)
    return case


def page(browser, organisation):
    return browser.get(reverse("adaptation:trial", args=[organisation.public_id]))


def test_before_anything_is_signed_the_page_says_so(browser, active):
    assert "No case is signed yet" in browser.get(reverse("adaptation:overview")).content.decode()


def test_from_the_list_to_what_it_would_bring(browser, people, active):
    for number in range(6):
        signed_case(people, number)
    shown = browser.get(reverse("adaptation:overview")).content.decode()
    assert people.clinic.name in shown
    assert sites() == [(people.clinic, 6)]
    shown = page(browser, people.clinic).content.decode()
    assert "24 cells of 6 cases" in shown
    assert "6 more were signed as none of the five classes" in shown
    assert "Recalibrated:" in shown
    assert "Adapted head:" in shown
    assert "Recalibrated minus as it is" in shown
    assert "Of so few cases" in shown
    event = AuditEvent.objects.get(action="adaptation.tried")
    assert event.data == {"model": "for-tests", "count": 24}


def test_no_patient_and_no_case_is_on_it(browser, people, active):
    cases = [signed_case(people, number) for number in range(5)]
    shown = page(browser, people.clinic).content.decode()
    for case in cases:
        for secret in (case.number, case.patient.mrn, case.patient.family_name):
            assert secret not in shown


def test_too_few_cells_are_said_in_a_sentence(browser, people, active):
    signed_case(people, 0)
    answer = page(browser, people.clinic)
    assert answer.status_code == 200
    assert "4 signed cells of 1 cases that can be used" in answer.content.decode()
    assert not AuditEvent.objects.filter(action="adaptation.tried").exists()


def test_an_organisation_without_cells_and_an_installation_without_a_model(browser, people):
    assert "No model is active" in page(browser, people.clinic).content.decode()
    read_case(people.clinician, [])
    model_activate(version=ModelVersion.objects.get(model_id="for-tests"))
    assert "0 signed cells of 0 cases" in page(browser, people.elsewhere).content.decode()


def test_a_shadow_and_other_organisations_cells_are_not_among_them(people, active):
    cases = [signed_case(people, number) for number in range(2)]
    signed = site_of(people.clinic, active)
    for case in cases:
        read_along(make_shadow(f"shadow-{case.pk}"), case)
    again = site_of(people.clinic, active)
    assert again.cells.keys == signed.cells.keys
    assert (again.cells.probabilities == signed.cells.probabilities).all()
    assert len(site_of(people.elsewhere, active).cells.truth) == 0


def test_the_queries_do_not_grow(people, active, django_assert_max_num_queries):
    for number in range(3):
        signed_case(people, number)
    with django_assert_max_num_queries(3):
        assert len(site_of(people.clinic, active).cells.truth) == 12

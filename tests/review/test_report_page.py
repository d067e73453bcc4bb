"""The report's page: what is on it, for whom, and what it refuses to show."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.review.signed import ready_to_sign, signed_report

pytestmark = pytest.mark.django_db


def browser(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def report(people, case):
    return signed_report(people, case)


def page(user, report, name="report"):
    return browser(user).get(reverse(f"review:{name}", args=[report.public_id]))


def test_page(people, report):
    answer = page(people.clinician, report)
    assert answer.status_code == 200
    print(answer.content.decode()[:100])


def test_sign(people, case):
    ready_to_sign(people, case)
    answer = browser(people.specialist).get(reverse("review:sign", args=[case.public_id]))
    assert answer.status_code == 200


def test_verify(people, report):
    answer = Client().get(reverse("review:verify"), {"code": report.code})
    assert "in force" in answer.content.decode()


def test_json_fhir(people, report):
    assert page(people.clinician, report, "report-json").status_code == 200
    assert page(people.clinician, report, "report-fhir").status_code == 200

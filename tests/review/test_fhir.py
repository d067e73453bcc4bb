"""The FHIR R4 bundle: codes and displays as pinned, status and interpretation by the house's rules."""

import importlib
import json

import pytest
from django.test import Client
from django.urls import reverse

from review.models import Report
from review.reports import fhir_codes as codes
from review.reports.fhir import bundle_of
from review.services.amending import amendment_begin
from tests.review.conftest import read_case
from tests.review.signed import COMMENT, call, sign, signed_report

pytestmark = pytest.mark.django_db
LABELS = ["neutrophil"] * 30 + ["lymphocyte"] * 10 + ["eosinophil"] * 9 + ["basophil"]


@pytest.fixture
def case(people):
    return read_case(people.clinician, LABELS, abstained=[0], total_wbc="7.20")


@pytest.fixture
def report(people, case):
    return signed_report(people, case)


def of_kind(bundle, kind):
    return [
        entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind
    ]


def by_code(bundle, code):
    (found,) = (
        one
        for one in of_kind(bundle, "Observation")
        if any(coding["code"] == code for coding in one["code"].get("coding", ()))
    )
    return found


def check(bundle) -> None:
    """Every resource against the structure of its type (R4B: R4 in all types used here)."""
    for entry in bundle["entry"]:
        kind = entry["resource"]["resourceType"]
        module = importlib.import_module(f"fhir.resources.R4B.{kind.lower()}")
        getattr(module, kind).model_validate(entry["resource"])
    module = importlib.import_module("fhir.resources.R4B.bundle")
    module.Bundle.model_validate(bundle)


def test_the_codes_are_those_that_were_verified():
    assert codes.PANEL == ("24318-8", "Manual Differential panel - Blood")
    assert codes.TOTAL_WBC == ("6690-2", "Leukocytes [#/volume] in Blood by Automated count")
    assert {label: code for label, (code, _) in codes.PERCENT.items()} == {
        "neutrophil": "26511-6", "lymphocyte": "26478-8", "monocyte": "26485-3",
        "eosinophil": "26450-7", "basophil": "30180-4",
    }  # fmt: skip
    assert {label: code for label, (code, _) in codes.ABSOLUTE.items()} == {
        "neutrophil": "26499-4", "lymphocyte": "26474-7", "monocyte": "26484-6",
        "eosinophil": "26449-9", "basophil": "26444-0",
    }  # fmt: skip
    for label, (_, display) in codes.PERCENT.items():
        assert display == f"{label.capitalize()}s/Leukocytes in Blood"
    for label, (_, display) in codes.ABSOLUTE.items():
        assert display == f"{label.capitalize()}s [#/volume] in Blood"


def test_every_resource_has_the_structure_of_its_type(report):
    check(bundle_of(report))


def test_every_reference_leads_to_a_resource_of_the_bundle(report):
    bundle = bundle_of(report)
    there = {entry["fullUrl"] for entry in bundle["entry"]}
    assert len(there) == len(bundle["entry"])

    def references(value):
        if isinstance(value, dict):
            if "reference" in value:
                yield value["reference"]
            for item in value.values():
                yield from references(item)
        elif isinstance(value, list):
            for item in value:
                yield from references(item)

    assert set(references(bundle)) <= there


def test_the_report_names_patient_order_signer_status_and_what_was_said(people, case, report):
    bundle = bundle_of(report)
    first = bundle["entry"][0]["resource"]
    assert first["resourceType"] == "DiagnosticReport"
    assert (first["status"], first["meta"]["versionId"]) == ("final", "1")
    assert first["conclusion"].startswith(COMMENT)
    (patient,) = of_kind(bundle, "Patient")
    assert patient["identifier"][0]["value"] == case.patient.mrn
    assert patient["gender"] == "female"
    (order,) = of_kind(bundle, "ServiceRequest")
    assert order["identifier"][0]["value"] == case.number
    assert [one["name"][0]["text"] for one in of_kind(bundle, "Practitioner")] == [
        str(people.specialist)
    ]
    (device,) = of_kind(bundle, "Device")
    assert device["deviceName"][0]["name"] == "for-tests"
    assert len(of_kind(bundle, "Media")) == len(LABELS)


def test_figures_carry_interval_range_unit_and_interpretation(report):
    bundle = bundle_of(report)
    percent = by_code(bundle, "26450-7")
    assert percent["valueQuantity"] == {
        "value": 18.0, "unit": "%", "system": codes.UCUM, "code": "%",
    }  # fmt: skip
    interval = percent["component"][1]["valueRange"]
    assert interval["low"]["value"] == pytest.approx(8.576, abs=0.001)
    assert interval["high"]["value"] == pytest.approx(31.437, abs=0.001)
    assert percent["referenceRange"][0]["high"]["value"] == 6.0
    assert percent["interpretation"][0]["coding"][0]["code"] == "H"
    absolute = by_code(bundle, "26449-9")
    assert absolute["valueQuantity"]["value"] == 1.296
    assert absolute["valueQuantity"]["code"] == "10*9/L"
    assert absolute["interpretation"][0]["coding"][0]["code"] == "H"
    assert "interpretation" not in by_code(bundle, "26511-6")
    assert by_code(bundle, "6690-2")["valueQuantity"]["value"] == 7.2


def test_a_critical_class_is_hh_and_goes_by_its_name(report):
    bundle = bundle_of(report)
    (blast,) = (
        one
        for one in of_kind(bundle, "Observation")
        if one["code"].get("text") == "Blast, % of leukocytes"
    )
    assert blast["interpretation"][0]["coding"][0]["code"] == "HH"
    assert "coding" not in blast["code"]


def test_each_cell_has_its_class_the_models_suggestion_and_its_reader(report):
    cells = [
        one
        for one in of_kind(bundle_of(report), "Observation")
        if one["code"]["text"].startswith("Class of cell")
    ]
    assert len(cells) == len(LABELS)
    by_number = {one["code"]["text"]: one for one in cells}
    first = by_number["Class of cell 1"]
    assert first["valueCodeableConcept"]["text"] == "Blast"
    assert first["component"][1]["valueCodeableConcept"]["text"] == "abstained"
    assert first["device"]["reference"].startswith("urn:uuid:")


def test_an_amendment_is_amended_keeps_its_identity_and_names_what_it_replaces(
    people, case, report
):
    reading = amendment_begin(actor=people.specialist, case=case)
    call(reading, people.specialist, 0, "neutrophil")
    second = sign(reading, people.specialist, reason="No blast.")
    report.refresh_from_db()
    old, new = (bundle_of(one)["entry"][0]["resource"] for one in (report, second))
    check(bundle_of(second))
    assert (old["status"], new["status"]) == ("final", "amended")
    assert old["id"] == new["id"]
    assert new["meta"]["versionId"] == "2"
    replaced = new["extension"][0]
    assert replaced["url"] == codes.REPLACES
    assert replaced["valueReference"]["identifier"] == old["identifier"][0]
    assert "Amended: No blast." in new["conclusion"]


def test_without_a_total_wbc_there_are_no_absolute_counts(people):
    case = read_case(people.clinician, LABELS, abstained=[0])
    bundle = bundle_of(signed_report(people, case))
    check(bundle)
    found = {
        coding["code"]
        for one in of_kind(bundle, "Observation")
        for coding in one["code"].get("coding", ())
    }
    assert found == {codes.PANEL[0], *(code for code, _ in codes.PERCENT.values())}


def test_it_is_downloaded_and_the_same_twice(people, report):
    client = Client()
    client.force_login(people.clinician)
    address = reverse("review:report-fhir", args=[report.public_id])
    first, second = client.get(address), client.get(address)
    assert first.headers["Content-Type"] == "application/fhir+json"
    assert first.content == second.content
    assert json.loads(first.content) == json.loads(
        json.dumps(bundle_of(Report.objects.get(pk=report.pk)))
    )

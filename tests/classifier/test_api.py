"""The cells of a case for programs."""

import pytest

from audit.models import AuditEvent
from classifier.choices import PredictionState
from classifier.inference import CLASSES
from tests.classifier.cells import make_cell, make_image, make_submitted


@pytest.fixture
def case(people):
    return make_submitted(people.clinician, synthetic=True)


def url(case):
    return f"/api/v1/cases/{case.public_id}/cells"


def test_a_read_cell_comes_with_everything_the_model_said(client, people, case):
    row = make_cell(
        case,
        PredictionState.DONE,
        label="monocyte",
        confidence=0.6,
        abstained=True,
        reasons=["low_confidence"],
    )
    client.force_login(people.clinician)
    answer = client.get(url(case)).json()
    assert answer["count"] == 1
    assert answer["synthetic"] is True
    assert "not a diagnosis" in answer["notice"]
    (cell,) = answer["results"]
    assert cell["id"] == str(row.cell.public_id)
    assert cell["state"] == "done"
    assert cell["label"] == "monocyte"
    assert list(cell["probabilities"]) == list(CLASSES)
    assert sum(cell["probabilities"].values()) == pytest.approx(1)
    assert cell["abstained"] is True
    assert cell["reasons"][0]["code"] == "low_confidence"
    assert cell["reasons"][0]["message"].endswith(".")
    assert cell["model"] == {"id": "test-model", "sha256": "a" * 64, "precision": "f32"}
    assert cell["milliseconds"] == 12.5


def test_what_is_not_read_has_a_state_and_no_label(client, people, case):
    make_cell(case, PredictionState.QUEUED)
    make_cell(case, PredictionState.RUNNING)
    make_cell(case, PredictionState.QUARANTINED, last_error="Too slow.")
    make_image(case)
    client.force_login(people.clinician)
    cells = client.get(url(case)).json()["results"]
    assert [cell["state"] for cell in cells] == ["queued", "running", "quarantined", "queued"]
    assert {cell["label"] for cell in cells} == {None}
    assert {str(cell["probabilities"]) for cell in cells} == {"None"}
    assert cells[2]["error"] == "Too slow."
    assert [cell["position"] for cell in cells] == [1, 2, 3, 4]


def test_comes_in_pages_in_upload_order(client, people, case):
    for _ in range(5):
        make_cell(case, PredictionState.DONE)
    client.force_login(people.clinician)
    first = client.get(url(case), {"page_size": 3}).json()
    assert first["count"] == 5
    assert [cell["position"] for cell in first["results"]] == [1, 2, 3]
    second = client.get(first["next"]).json()
    assert [cell["position"] for cell in second["results"]] == [4, 5]
    assert client.get(url(case), {"page": 9}).status_code == 404


def test_reading_is_recorded(client, people, case):
    client.force_login(people.specialist)
    assert client.get(url(case)).status_code == 200
    event = AuditEvent.objects.get(action="cells.read")
    assert event.actor_id == people.specialist.pk
    assert event.case_id == case.public_id


def test_is_for_those_who_see_the_case(client, people, case):
    expected = {
        people.clinician: 200,
        people.specialist: 200,
        people.administrator: 404,
        people.other_clinician: 404,
        people.other_specialist: 404,
    }
    for person, status in expected.items():
        client.force_login(person)
        answer = client.get(url(case))
        assert answer.status_code == status, person.role
        if status == 404:
            assert answer.json()["code"] == "not_found"
    client.logout()
    assert client.get(url(case)).status_code == 403


def test_the_number_of_queries_is_bounded(client, people, case, django_assert_max_num_queries):
    for _ in range(40):
        make_cell(case, PredictionState.DONE)
    client.force_login(people.clinician)
    with django_assert_max_num_queries(16):
        assert len(client.get(url(case)).json()["results"]) == 40

"""Cells like this one: nearest first, signed ones only, of cases that one may see."""

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse

from classifier.models import Prediction
from patients.choices import CaseStatus
from patients.models import Case
from review.current import cell_states
from review.lookalikes import in_question, look_alikes, references
from review.models import ReferenceCell
from review.services.policies import policy_set
from review.services.readings import case_take
from review.services.references import reference_drop, reference_keep
from review.services.verdicts import Change, act_classify
from tests import factories
from tests.review.conftest import read_case

pytestmark = pytest.mark.django_db


def place(case, vectors):
    rows = Prediction.objects.filter(cell__image__case=case).order_by("pk")
    for row, vector in zip(rows, vectors, strict=True):
        row.embedding = np.asarray(vector, "<f2").tobytes()
        row.save(update_fields=["embedding"])


@pytest.fixture
def asked(people):
    case = read_case(people.clinician, ["monocyte"])
    place(case, [[0, 0]])
    return cell_states(case_take(actor=people.specialist, case=case))[0].cell


def signed(people, labels, vectors, clinician=None) -> Case:
    """A case whose second cell the reader called a blast, made SIGNED."""
    case = read_case(clinician or people.clinician, labels)
    place(case, vectors)
    if clinician is None:
        reading = case_take(actor=people.specialist, case=case)
        cell = cell_states(reading)[1].cell
        act_classify(
            actor=people.specialist, reading=reading, key="k",
            changes=[Change(cell.public_id, labels[1], "blast")],
        )  # fmt: skip
    Case.objects.filter(pk=case.pk).update(status=CaseStatus.SIGNED, reader=None)
    return case


def test_the_nearest_come_first_with_the_label_that_was_signed(people, asked):
    signed(people, ["monocyte", "lymphocyte", "neutrophil"], [[3, 4], [0, 1], [30, 40]])
    found = look_alikes(people.specialist, asked)
    assert [(each.label, round(each.distance, 2)) for each in found] == [
        ("blast", 1.0), ("monocyte", 5.0), ("neutrophil", 50.0),
    ]  # fmt: skip


def test_no_more_than_asked_for_and_in_bounded_queries(
    people, asked, django_assert_max_num_queries
):
    signed(people, ["monocyte"] * 30, [[n, 0] for n in range(30)])
    with django_assert_max_num_queries(7):
        found = look_alikes(people.specialist, asked, most=4)
    assert [each.distance for each in found] == [0, 1, 2, 3]


def test_what_is_not_signed_or_not_ones_own_to_see_is_not_shown(people, asked):
    open_case = read_case(people.clinician, ["monocyte"])
    place(open_case, [[0, 0]])
    signed(people, ["monocyte", "monocyte"], [[0, 0], [0, 0]], clinician=people.other_clinician)
    assert look_alikes(people.specialist, asked) == []


def test_another_versions_places_are_not_compared(people, asked):
    case = signed(people, ["monocyte", "lymphocyte"], [[0, 0], [0, 1]])
    from classifier.models import ModelVersion

    other = ModelVersion.objects.create(
        model_id="other", manifest_sha256="e" * 64, precision="f32", manifest={}
    )
    Prediction.objects.filter(cell__image__case=case).update(model_version=other)
    assert look_alikes(people.specialist, asked) == []


def test_the_classes_in_question_are_the_label_and_what_the_model_finds_likely(people, asked):
    row = asked.predictions.get()
    row.probabilities = [0.05, 0.02, 0.33, 0.6, 0.0]
    assert in_question(row, "blast") == ["blast", "monocyte", "lymphocyte"]
    assert in_question(row, "unidentified") == ["monocyte", "lymphocyte"]
    assert in_question(None, "unidentified") == []


def test_reference_cells_are_an_organisations_own(people, asked):
    colleague = factories.make_user("specialist", people.centre)
    reference_keep(actor=people.specialist, cell=asked, label="monocyte", note="folded nucleus")
    reference_keep(actor=colleague, cell=asked, label="blast")
    (kept,) = references(people.specialist, ["blast", "monocyte"])
    assert (kept.label, kept.added_by) == ("blast", colleague)
    assert references(people.other_specialist, ["blast"]) == []
    assert reference_drop(actor=people.specialist, cell=asked)
    assert not reference_drop(actor=people.specialist, cell=asked)


def test_by_the_interface(people, asked):
    signed(people, ["monocyte", "lymphocyte"], [[3, 4], [0, 1]])
    client = Client()
    client.force_login(people.specialist)
    like = reverse("review:api-like", args=[asked.public_id])
    reference = reverse("review:api-reference", args=[asked.public_id])
    found = client.get(like, {"label": "monocyte"}).json()
    assert [each["letter"] for each in found["alike"]] == ["X", "M"]
    assert found["reference"] == ""
    put = {"data": {"label": "monocyte", "note": "n"}, "content_type": "application/json"}
    assert client.put(reference, **put).json() == {"reference": "monocyte"}
    assert client.get(like).json()["reference"] == "monocyte"
    bad = client.put(reference, {"label": "zebra"}, content_type="application/json")
    assert bad.status_code == 422
    assert client.put(reference, "[]", content_type="application/json").status_code == 422
    assert client.delete(reference).json() == {"reference": ""}
    assert not ReferenceCell.objects.exists()


def test_while_a_reading_is_blind_nothing_is_told(people):
    policy_set(
        actor=people.administrator, organisation=people.centre,
        values={"read_before_model": 1.0}, reason="Study",
    )  # fmt: skip
    case = read_case(people.clinician, ["monocyte"])
    cell = cell_states(case_take(actor=people.specialist, case=case))[0].cell
    client = Client()
    client.force_login(people.specialist)
    assert client.get(reverse("review:api-like", args=[cell.public_id])).status_code == 403


def test_every_result_of_the_model_says_where_the_cell_lies():
    from django.conf import settings

    from classifier.inference import load_model
    from ml.phantoms import draw_cell

    model = load_model(next(settings.MODEL_DIRS[0].glob("*/manifest.json")).parent)
    one, same, other = (
        np.frombuffer(model.classify(draw_cell(label, seed).image).embedding, "<f2")
        for label, seed in (("monocyte", 5), ("monocyte", 5), ("eosinophil", 6))
    )
    assert one.shape == (64,)
    assert np.array_equal(one, same)
    assert np.linalg.norm(one.astype(float) - other.astype(float)) > 1

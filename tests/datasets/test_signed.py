"""Signed cells become a data set: with consent alone, without a person in it, and by patient."""

import re

import pytest

from accounts.models import Organisation
from audit.models import AuditEvent
from datasets.choices import ItemState, SetState
from datasets.consents import consents_now
from datasets.contents import manifest_text, require_ready, withdrawn, write_folder
from datasets.errors import SetRefused
from datasets.finishing import data_set_remove
from datasets.models import Consent, DataSet, Item, PatientSide
from datasets.services import data_set_from_signed
from datasets.signed import available
from patients import storage
from review.models import Reading
from review.services.readings import opinion_ask, opinion_give
from tests import factories
from tests.datasets import sets
from tests.ml.sets import picture
from tests.review.signed import call

pytestmark = pytest.mark.django_db
LABELS = ["neutrophil", "neutrophil", "monocyte"]


def signed_set(people, slug: str = "signed", *, synthetic: bool = False) -> DataSet:
    made = data_set_from_signed(
        actor=people.administrator, synthetic=synthetic, slug=slug, **sets.ABOUT
    )
    return sets.make(made)


@pytest.fixture
def cases(people):
    """Three signed cases of three patients, no two cells alike."""
    return [sets.signed_case(people, LABELS, first=100 * number) for number in range(3)]


def test_without_consent_there_is_nothing(people, cases):
    with pytest.raises(SetRefused, match="No organisation lets"):
        signed_set(people)
    sets.consent(people, people.clinic)
    with pytest.raises(SetRefused, match="no signed drawn cells"):
        signed_set(people, synthetic=True)
    sets.consent(people, people.clinic, given=False)
    assert available() == {False: {}, True: {}}


def test_signed_cells_become_a_set(people, cases):
    sets.consent(people, people.clinic)
    found = signed_set(people)
    assert found.state == SetState.READY, found.error
    assert found.facts["pictures"] == 9
    assert found.facts["classes"]["neutrophil"].keys() == {"train", "val", "test"}
    assert sum(found.facts["classes"]["neutrophil"].values()) == 6
    assert available()[False] == {people.clinic.name: 9}


def test_a_set_can_be_written_out_and_read_by_the_training(people, cases, tmp_path):
    from ml.data import read_set

    sets.consent(people, people.clinic)
    write_folder(signed_set(people), tmp_path)
    samples = read_set(tmp_path, "signed")
    assert len(samples) == 9
    wanted = {picture(100 * case + place).tobytes() for case in range(3) for place in range(3)}
    assert {sample.rgb().tobytes() for sample in samples} == wanted


def test_nothing_in_it_leads_to_a_person_or_a_case(people, cases):
    sets.consent(people, people.clinic)
    found = signed_set(people)
    text = manifest_text(found)
    for case in cases:
        image = case.images.first()
        secrets = [case.number, case.patient.mrn, case.patient.family_name, image.sha256]
        secrets += [str(each.public_id) for each in (case, case.patient, image)]
        secrets += [cell.public_id.hex for cell in image.cells.all()]
        assert not [secret for secret in secrets if secret in text]
    assert not re.search(r"\d{4}-\d{2}-\d{2}", text)
    assert not Item.objects.filter(cell__isnull=False).exists()
    assert set(found.items.values_list("month", flat=True)) == {
        f"{cases[0].reports.get().final_at:%Y-%m}"
    }


def test_a_patient_is_on_one_side_and_stays_there(people, cases):
    sets.consent(people, people.clinic)
    patient = cases[0].patient
    sets.signed_case(people, LABELS, first=900, patient=patient)
    first = signed_set(people)
    by_group: dict[str, set[str]] = {}
    for group, split in first.items.values_list("source_group", "split"):
        by_group.setdefault(group, set()).add(split)
    assert [len(sides) for sides in by_group.values()] == [1] * 3
    assert set.union(*by_group.values()) == {"train", "val", "test"}
    sides = dict(PatientSide.objects.values_list("patient", "split"))
    sets.signed_case(people, LABELS * 3, first=700)
    second = signed_set(people, "later")
    assert second.facts["pictures"] == 21
    assert {
        pk: side for pk, side in PatientSide.objects.values_list("patient", "split") if pk in sides
    } == sides
    groups = set(first.items.values_list("source_group", flat=True))
    assert not groups & set(second.items.values_list("source_group", flat=True))


def test_what_is_like_a_cell_on_a_more_protected_side_is_left_out(people, cases):
    sets.consent(people, people.clinic)
    signed_set(people)
    tested = PatientSide.objects.get(split="test").patient
    trained = PatientSide.objects.filter(split="train").first().patient
    seed = 100 * [case.patient_id for case in cases].index(tested.pk)
    sets.signed_case(people, ["neutrophil"], first=seed, patient=trained)
    before = set(storage.list_keys("datasets"))
    found = signed_set(people, "later")
    out = found.items.get(state=ItemState.LEFT_OUT)
    assert "protected more" in out.problem
    assert found.facts["pictures"] == 9
    assert len(set(storage.list_keys("datasets")) - before) == 9


def test_real_and_drawn_cells_are_never_in_one_set(people, cases):
    sets.consent(people, people.clinic)
    sets.signed_case(people, ["monocyte"], first=900, synthetic=True)
    assert signed_set(people, "real").facts["pictures"] == 9
    drawn = signed_set(people, "drawn", synthetic=True)
    assert (drawn.facts["pictures"], drawn.synthetic) == (1, True)


def test_what_says_nothing_of_the_cell_is_not_taught(people):
    sets.consent(people, people.clinic)
    case = sets.factories.make_case(people.clinician, status="ready", submitted_at=now())
    sets.stored_cell(case, 0, "monocyte", seed=1)
    sets.stored_cell(case, 1, "monocyte", seed=2, abstained=True)
    reading = take(people, case)
    call(reading, people.specialist, 1, "cannot_tell")
    finish(people, reading)
    assert signed_set(people).facts["pictures"] == 1


def test_a_cell_on_which_its_readers_differ_is_left_out_until_somebody_decides(people):
    sets.consent(people, people.clinic)
    colleague = factories.make_user("specialist", people.centre)
    case = sets.factories.make_case(people.clinician, status="ready", submitted_at=now())
    for place in range(3):
        sets.stored_cell(case, place, "monocyte", seed=place)
    reading = take(people, case)
    asked = opinion_ask(actor=people.specialist, case=reading.case, of=colleague, question="Sure?")
    for place, label in enumerate(["lymphocyte", "lymphocyte", "monocyte"]):
        call(asked, colleague, place, label)
    opinion_give(actor=colleague, reading=asked)
    call(reading, people.specialist, 0, "lymphocyte")  # decided: the other reader was right
    finish(people, reading)
    found = signed_set(people)
    assert found.facts["pictures"] == 2
    assert "readers differ" in found.items.get(state=ItemState.LEFT_OUT).problem


def test_a_picture_with_writing_in_it_is_left_out(people, cases):
    sets.consent(people, people.clinic)
    cases[0].images.filter(position=1).update(warnings=["possible_text"])
    found = signed_set(people)
    assert "writing" in found.items.get(state=ItemState.LEFT_OUT).problem


def test_a_removed_picture_is_not_in_it(people, cases):
    sets.consent(people, people.clinic)
    cases[0].images.filter(position=1).update(removed_at=now())
    assert signed_set(people).facts["pictures"] == 8


# Consent


def test_consent_is_written_down_with_its_reason(people):
    sets.consent(people, people.clinic)
    assert consents_now() == {people.clinic.pk}
    event = AuditEvent.objects.get(action="consent.given")
    assert event.data["reason"] == "Signed agreement of the laboratory."
    with pytest.raises(SetRefused, match="already"):
        sets.consent(people, people.clinic)
    sets.consent(people, people.clinic, given=False)
    assert consents_now() == set()
    assert Consent.objects.count() == 2


def test_an_organisation_that_is_switched_off_consents_to_nothing(people):
    sets.consent(people, people.clinic)
    Organisation.objects.filter(pk=people.clinic.pk).update(is_active=False)
    assert consents_now() == set()


def test_consent_taken_back_ends_the_use_of_older_sets_and_is_out_of_newer_ones(people, cases):
    other = factories.make_user("clinician", people.centre)
    sets.consent(people, people.clinic)
    sets.consent(people, people.centre)
    sets.signed_case(people, ["monocyte"], first=900, clinician=other)
    first = signed_set(people)
    assert first.facts["pictures"] == 10
    sets.consent(people, people.centre, given=False)
    assert withdrawn(first) == {people.centre.name: 1}
    with pytest.raises(SetRefused, match="taken its consent"):
        require_ready(first)
    second = signed_set(people, "later")
    assert second.facts["pictures"] == 9
    require_ready(second)


def test_consent_taken_back_while_a_set_is_made_counts(people, cases):
    from datasets.making import make_slice

    sets.consent(people, people.clinic)
    made = data_set_from_signed(
        actor=people.administrator, synthetic=False, slug="signed", **sets.ABOUT
    )
    make_slice(data_set_id=made.pk)
    sets.consent(people, people.clinic, given=False)
    assert sets.make(made).state == SetState.FAILED
    assert not list(storage.list_keys("datasets"))


# Taking it away


def test_a_removed_set_leaves_its_description_and_no_picture(people, cases):
    sets.consent(people, people.clinic)
    found = signed_set(people)
    data_set_remove(actor=people.administrator, data_set=found)
    found.refresh_from_db()
    assert (found.state, found.facts["pictures"]) == (SetState.REMOVED, 9)
    assert not Item.objects.exists()
    assert not list(storage.list_keys("datasets"))
    assert not list(storage.list_keys("dataset-thumbnails"))
    with pytest.raises(SetRefused, match="before"):
        data_set_remove(actor=people.administrator, data_set=found)
    with pytest.raises(SetRefused, match="not ready"):
        require_ready(found)


def now():
    from django.utils import timezone

    return timezone.now()


def take(people, case) -> Reading:
    from review.services.readings import case_take

    return case_take(actor=people.specialist, case=case)


def finish(people, reading) -> None:
    from tests.review.signed import look_at_all, sign

    look_at_all(reading, people.specialist)
    sign(reading, people.specialist)

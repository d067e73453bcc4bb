"""What a report freezes: canonical, complete, and alike on every machine."""

import json
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.db import Error, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

import telemed
from review.models import Report
from review.reports.canonical import canonical, digest
from review.reports.changes import changes
from review.reports.codes import ALPHABET, LENGTH, new_code, normal_code, shown_code
from review.reports.content import basis_digest, basis_of, counts_agree
from review.reports.limits import points_under
from review.reports.pictures import SAMPLE, groups_of
from review.services.amending import amendment_begin
from tests.review.conftest import read_case
from tests.review.signed import COMMENT, call, ready_to_sign, sign, signed_report


@pytest.fixture
def content(people, case):
    return json.loads(signed_report(people, case).content)


def test_a_number_is_written_in_one_way_alone():
    assert canonical({"b": 0.1 + 0.2, "a": Decimal("7.20")}) == '{"a":"7.2","b":"0.3"}'
    assert canonical([1, True, None, Decimal("2E+1"), -0.0]) == '[1,true,null,"20","0"]'
    assert canonical("Müller") == '"Müller"'
    for wrong in (float("nan"), float("inf"), Decimal("NaN")):
        with pytest.raises(ValueError, match="not a number"):
            canonical(wrong)
    with pytest.raises(TypeError, match="holds no set"):
        canonical({1, 2})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)


@given(JSON)
def test_what_is_read_back_is_written_the_same_again(value):
    text = canonical(value)
    assert canonical(json.loads(text)) == text
    assert len(digest(text)) == 64


def test_the_version_of_the_software_is_that_of_the_project():
    project = tomllib.loads((Path(settings.BASE_DIR) / "pyproject.toml").read_text())
    assert project["project"]["version"] == telemed.VERSION


@pytest.mark.django_db
def test_everything_that_the_report_rests_on_is_in_it(people, case, content):
    case.refresh_from_db()
    assert content["case"]["number"] == case.number
    assert content["case"]["id"] == str(case.public_id)
    assert content["patient"]["mrn"] == case.patient.mrn
    assert content["patient"]["family_name"] == case.patient.family_name
    assert content["organisation"]["name"] == people.clinic.name
    assert content["comment"] == COMMENT
    assert content["report"]["version"] == 1
    assert content["software"] == {"name": "TeleHeme", "version": telemed.VERSION}
    assert content["policies"]["referring"]["identity"] == "house defaults"
    assert content["policies"]["reading"]["values"]["two_signers"] is False
    assert content["signed_first"]["by"]["name"] == str(people.specialist)
    (model,) = content["models"]
    assert (model["id"], model["sha256"]) == ("for-tests", "f" * 64)
    assert [image["sha256"] for image in content["images"]] == list(
        case.images.order_by("position").values_list("sha256", flat=True)
    )
    assert counts_agree(content)


@pytest.mark.django_db
def test_each_cell_says_what_the_model_and_what_the_reader_called_it_and_when(people, content):
    kept, changed = content["cells"][0], content["cells"][9]
    assert (kept["label"], kept["basis"], kept["by"]["name"]) == (
        "basophil", "suggestion", str(people.specialist),
    )  # fmt: skip
    assert kept["at"].endswith("Z")
    assert kept["model"] == {
        "label": "basophil", "suggested": "basophil", "confidence": "0.92", "abstained": False,
        "reasons": [], "shown": [0, 0, 100, 100], "id": "for-tests", "sha256": "f" * 64,
        "precision": "f32",
    }  # fmt: skip
    assert (changed["label"], changed["basis"]) == ("blast", "verdict")
    assert (changed["model"]["abstained"], changed["model"]["suggested"]) == (True, "unidentified")
    assert changed["box"] == [0, 0, 100, 100]
    assert len({cell["image_sha256"] for cell in content["cells"]}) == 10


@pytest.mark.django_db
def test_the_same_case_has_the_same_basis_and_any_change_another(people, case):
    reading = ready_to_sign(people, case)
    first = basis_digest(basis_of(reading, reader=people.specialist))
    reading.refresh_from_db()
    assert basis_digest(basis_of(reading, reader=people.specialist)) == first
    call(reading, people.specialist, 0, "monocyte")
    assert basis_digest(basis_of(reading, reader=people.specialist)) != first


@pytest.mark.django_db
def test_content_and_hash_cannot_be_changed_in_the_database(people, case):
    report = signed_report(people, case)
    for statement in (
        "UPDATE review_report SET content = '{}'",
        "UPDATE review_report SET sha256 = 'x'",
        "UPDATE review_report SET reason = 'because'",
        "DELETE FROM review_report",
        "UPDATE review_signature SET signer_name = 'Somebody'",
        "DELETE FROM review_signature",
    ):
        with (
            pytest.raises(Error, match="only added to"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    report.refresh_from_db()
    assert digest(report.content) == report.sha256


def test_codes_have_no_look_alikes_and_no_words_and_are_read_however_they_are_typed():
    codes = {new_code() for _ in range(500)}
    assert len(codes) == 500
    assert all(len(code) == LENGTH and set(code) <= set(ALPHABET) for code in codes)
    assert not set(ALPHABET) & set("0O1IL5S8BQDUVZG" + "AEIOU") - {"V"}
    code = "2346C9FHJK3MNPV"
    assert shown_code(code) == "2346C-9FHJK-3MNPV"
    for typed in (code.lower(), shown_code(code), " 2346c 9fhjk 3mnpv ", "Z34GC-9FHJK-3MNPU"):
        assert normal_code(typed) == code


@pytest.mark.django_db
def test_what_changed_between_two_versions_is_said_place_by_place(people, case):
    first = signed_report(people, case)
    reading = amendment_begin(actor=people.specialist, case=case)
    call(reading, people.specialist, 9, "monocyte")
    second = sign(reading, people.specialist, comment="No blast.", reason="Seen again.")
    found = {
        (one.topic, one.what): (one.before, one.after)
        for one in changes(json.loads(first.content), json.loads(second.content))
    }
    assert found["cells", "Cell 10"] == ("Blast", "Monocyte")
    assert found["comment", "Comment"] == (COMMENT, "No blast.")
    assert found["differential", "Monocytes"][0].startswith("20 %")
    assert found["differential", "Monocytes"][1].startswith("30 %")
    assert found["flags", "Blasts"][1] == "not flagged"
    assert ("differential", "Neutrophils") not in found


@pytest.mark.django_db
def test_pictures_are_of_all_abnormal_and_flagged_cells_and_of_a_sample_of_the_rest(people):
    case = read_case(people.clinician, ["neutrophil"] * 20 + ["eosinophil"] * 9, abstained=[0])
    content = json.loads(signed_report(people, case).content)
    groups = {group.label: group for group in groups_of(content)}
    assert [*groups] == ["blast", "eosinophil", "neutrophil"]
    assert groups["blast"].sentence == "The only blast"
    assert (len(groups["eosinophil"].cells), groups["eosinophil"].sentence) == (
        9, "All 9 eosinophils",
    )  # fmt: skip
    assert groups["neutrophil"].sentence == f"{SAMPLE} of 19 neutrophils, drawn by lot"
    again = {group.label: group for group in groups_of(content)}
    assert again["neutrophil"].cells == groups["neutrophil"].cells


def test_limits_are_the_points_of_the_cards_section_without_markup():
    card = "# Card\n## Limits\n* **Other\n  laboratories.** Less.\n* `x` is 1.\n\nA note.\n## End\n* no"
    assert list(points_under("Limits", card)) == ["Other laboratories. Less.", "x is 1.", "A note."]
    assert list(points_under("Limits", "# Card\n* no")) == []


@pytest.mark.django_db
def test_two_reports_never_share_a_code(people, case, monkeypatch):
    from review.services import signing

    first = signed_report(people, case)
    codes = iter([first.code, first.code, "3" * LENGTH])
    monkeypatch.setattr(signing, "new_code", lambda: next(codes))
    other = read_case(people.clinician, ["neutrophil"])
    assert signed_report(people, other).code == "3" * LENGTH
    assert Report.objects.count() == 2

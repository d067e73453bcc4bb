"""The pages of data sets: what they say, and that whatever is sent gets its sentence."""

import io
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from audit.models import AuditEvent
from datasets.choices import SetState
from datasets.making import make_slice
from datasets.models import Consent, DataSet, Item
from datasets.services import data_set_import
from patients import storage
from tests.datasets import sets
from tests.ml.sets import picture

pytestmark = pytest.mark.django_db
FORM = {"name": "Our smears", "licence": "CC BY 4.0"}


def text_of(response) -> str:
    return " ".join(response.content.decode().split())


def upload(data: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("set.zip", data, "application/zip")


@pytest.fixture
def ready(tmp_path) -> DataSet:
    return sets.of_classes(tmp_path / "in")


def test_the_list_says_what_to_do_first(browser):
    assert "No data set yet" in text_of(browser.get("/datasets/"))


def test_the_list_needs_as_many_queries_for_many_sets(browser, django_assert_max_num_queries):
    for number in range(30):
        DataSet.objects.create(slug=f"s{number}", name="Set", origin="imported", licence="CC0")
    with django_assert_max_num_queries(8):
        page = text_of(browser.get("/datasets/"))
    assert "of 30" in page


def test_a_zip_file_becomes_a_set_and_its_page_shows_the_work(browser, people):
    data = sets.zip_of({"blast/a.png": 1, "monocyte/b.png": 2})
    response = browser.post("/datasets/import", {**FORM, "file": upload(data)})
    assert response.status_code == 302, text_of(response)
    assert response["Location"] == "/datasets/our-smears/"
    page = text_of(browser.get("/datasets/our-smears/"))
    assert "Waiting for a worker" in page
    assert 'hx-get="/datasets/our-smears/progress"' in page
    made = DataSet.objects.get()
    assert made.created_by == people.administrator
    sets.make(made)
    part = browser.get("/datasets/our-smears/progress")
    assert part.headers["HX-Refresh"] == "true"
    assert "hx-get" not in text_of(part)  # it stops by itself
    assert "2, " in text_of(browser.get("/datasets/our-smears/"))


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        pytest.param({"file": b"x"}, "This is no zip file", id="no zip file"),
        pytest.param({}, "Choose the zip file", id="no file"),
        pytest.param({"name": "", "file": b"x"}, "This field is required", id="no name"),
        pytest.param(
            {"slug": "Über", "file": b"x"}, "short name of small letters", id="short name"
        ),
        pytest.param(
            {"name": "中文", "file": b"x"}, "short name of small letters", id="no letters"
        ),
        pytest.param({"name": "x" * 200, "file": b"x"}, "at most 120", id="long name"),
    ],
)
def test_what_is_wrong_with_an_import_is_said_on_the_form(browser, form, sentence):
    form = {name: upload(value) if name == "file" else value for name, value in form.items()}
    response = browser.post("/datasets/import", {**FORM, **form})
    assert response.status_code == 422
    assert sentence in text_of(response)
    assert not DataSet.objects.exists()
    assert not list(storage.list_keys("dataset-uploads"))


def test_a_name_that_is_taken_is_said(browser, ready):
    data = sets.zip_of({"blast/a.png": 1})
    response = browser.post("/datasets/import", {**FORM, "slug": "ours", "file": upload(data)})
    assert "There is a data set ours already" in text_of(response)


def test_a_file_larger_than_the_limit_is_stopped_while_it_arrives(browser, settings):
    settings.DATASET_UPLOAD_LIMIT = 1024
    response = browser.post("/datasets/import", {**FORM, "file": upload(bytes(5000))})
    assert response.status_code == 422
    assert "larger than 0 MB" in text_of(response)


def test_a_request_that_says_to_be_larger_is_not_read(browser, settings):
    settings.DATASET_UPLOAD_LIMIT = 1024

    class Unread(io.BytesIO):
        def read(self, *_):
            raise AssertionError("the body was read")

    response = browser.generic(
        "POST",
        "/datasets/import",
        b"",
        content_type="multipart/form-data; boundary=x",
        **{"wsgi.input": Unread(), "CONTENT_LENGTH": str(10**9)},
    )
    assert response.status_code == 422


def test_without_the_token_nothing_is_taken(people):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(people.administrator)
    data = upload(sets.zip_of({"blast/a.png": 1}))
    assert browser.post("/datasets/import", {**FORM, "file": data}).status_code == 403
    assert not DataSet.objects.exists()


def test_a_set_says_what_is_in_it(browser, tmp_path):
    root = sets.folder_of(tmp_path / "in", {f"monocyte/p{n}/{n}.png": n for n in range(9)})
    (root / "neutrophil").mkdir()
    (root / "neutrophil" / "same.png").write_bytes(sets.encoded(picture(3)))
    (root / "neutrophil" / "broken.png").write_bytes(b"no picture")
    sets.imported(root)
    page = text_of(browser.get("/datasets/ours/"))
    assert "CC BY 4.0" in page
    assert "10, " in page
    assert "No neutrophil is in" in page
    assert "not a JPEG" in page
    assert "at least one of the two is wrong" in page
    pairs = text_of(browser.get("/datasets/ours/repeats?kind=conflict"))
    assert "Same pixels" in pairs
    assert "Different classes" in pairs
    assert "No such pair" in text_of(browser.get("/datasets/ours/repeats?kind=leak"))


def test_what_is_also_in_another_set_is_said_on_both_pages(browser, tmp_path):
    sets.imported(sets.folder_of(tmp_path / "one", {"monocyte/a.png": 1, "blast/b.png": 2}))
    sets.imported(sets.folder_of(tmp_path / "two", {"monocyte/c.png": 1}), "second")
    assert "In second" in text_of(browser.get("/datasets/ours/"))
    assert "In ours" in text_of(browser.get("/datasets/second/"))
    assert "Same pixels" in text_of(browser.get("/datasets/second/repeats?kind=others"))


def test_pictures_are_browsed_by_class_and_side(browser, ready):
    everything = browser.get("/datasets/ours/pictures")
    assert text_of(everything).count("/small") == 15
    blasts = browser.get("/datasets/ours/pictures?class=monocyte")
    assert text_of(blasts).count("/small") == 3
    nonsense = browser.get("/datasets/ours/pictures?class=nonsense&split=x&page=zero")
    assert text_of(nonsense).count("/small") == 15


def test_pages_of_a_set_need_few_queries(browser, ready, django_assert_max_num_queries):
    for address, most in (("/datasets/ours/", 14), ("/datasets/ours/pictures", 14)):
        with django_assert_max_num_queries(most):
            assert browser.get(address).status_code == 200


def test_a_picture_and_its_thumbnail_are_served_by_a_random_number(browser, ready):
    item = Item.objects.first()
    small = browser.get(f"/datasets/pictures/{item.public_id}/small")
    whole = browser.get(f"/datasets/pictures/{item.public_id}/whole")
    assert (small["Content-Type"], whole["Content-Type"]) == ("image/jpeg", "image/png")
    assert whole.content == storage.read_verified(item.picture_key, sha256=item.sha256)


def test_a_damaged_picture_is_said_and_recorded(browser, ready):
    item = Item.objects.first()
    storage.delete(item.picture_key)
    response = browser.get(f"/datasets/pictures/{item.public_id}/whole")
    assert response.status_code == 410
    assert AuditEvent.objects.filter(action="data_set.picture_unusable").exists()


def test_an_export_is_a_zip_file_that_comes_in_again(browser, people, tmp_path, ready):
    response = browser.get("/datasets/ours/export")
    data = b"".join(response.streaming_content)
    names = zipfile.ZipFile(io.BytesIO(data)).namelist()
    assert {"ours/manifest.csv", "ours/LICENCE.txt"} < set(names)
    assert len(names) == 17
    assert AuditEvent.objects.get(action="data_set.exported").data["pictures"] == 15
    path = tmp_path / "again.zip"
    path.write_bytes(data)
    again = data_set_import(actor=people.administrator, archive=path, slug="again", **sets.ABOUT)
    facts = ("kind", "split", "pixels_sha256")
    assert sorted(sets.make(again).items.values_list(*facts)) == sorted(
        ready.items.values_list(*facts)
    )


def test_a_set_is_removed_from_its_page(browser, ready):
    page = browser.post("/datasets/ours/remove", follow=True)
    assert "What is known of the set stays" in text_of(page)
    assert DataSet.objects.get().state == SetState.REMOVED
    again = browser.post("/datasets/ours/remove", follow=True)
    assert "removed before" in text_of(again)
    for part in ("pictures", "repeats"):
        assert browser.get(f"/datasets/ours/{part}").status_code == 404
    assert "not ready" in text_of(browser.get("/datasets/ours/export", follow=True))


def test_a_set_that_is_made_is_stopped(browser, people, tmp_path):
    data = sets.zip_of({f"blast/{n}.png": n for n in range(3)})
    browser.post("/datasets/import", {**FORM, "slug": "ours", "file": upload(data)})
    made = DataSet.objects.get()
    make_slice(data_set_id=made.pk)
    make_slice(data_set_id=made.pk, seconds=0)
    page = text_of(browser.post("/datasets/ours/remove", follow=True))
    assert "It was stopped" in page
    assert f"{people.administrator} stopped it." in page
    assert sets.make(made).state == SetState.FAILED
    assert not Item.objects.exists()
    assert not [*storage.list_keys("datasets"), *storage.list_keys("dataset-uploads")]


def test_a_failed_set_says_why(browser, tmp_path):
    (tmp_path / "in").mkdir()
    sets.imported(tmp_path / "in")
    page = text_of(browser.get("/datasets/ours/"))
    assert "no picture with a class" in page
    assert "its short name is free again" in page


# Consent, and sets of signed cells


def test_consent_is_said_on_the_organisations_page(browser, people):
    address = f"/organisations/{people.clinic.public_id}/"
    assert "None of its cells goes into a data set" in text_of(browser.get(address))
    form = {"given": "yes", "reason": "Contract of 2026."}
    browser.post(f"{address}consent", form)
    assert Consent.objects.get().by == people.administrator
    assert "may go into data sets" in text_of(browser.get(address))
    assert "Contract of 2026." in text_of(browser.get(f"{address}consent"))


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        pytest.param({"given": "yes", "reason": " "}, "This field is required", id="no reason"),
        pytest.param({"given": "perhaps", "reason": "x"}, "Select a valid choice", id="neither"),
        pytest.param({"given": "no", "reason": "x"}, "does not consent as it is", id="unchanged"),
    ],
)
def test_what_is_wrong_with_a_consent_is_said(browser, people, form, sentence):
    response = browser.post(f"/organisations/{people.clinic.public_id}/consent", form)
    assert response.status_code == 422
    assert sentence in text_of(response)
    assert not Consent.objects.exists()


def test_a_set_of_signed_cells_is_made_from_its_page(browser, people):
    sets.consent(people, people.clinic)
    sets.signed_case(people, ["monocyte", "neutrophil"], first=1)
    page = text_of(browser.get("/datasets/signed"))
    assert f"{people.clinic.name}: 2 signed cells" in page
    browser.post("/datasets/signed", {**FORM, "material": "real"})
    made = sets.make(DataSet.objects.get())
    assert made.state == SetState.READY, made.error
    page = text_of(browser.get("/datasets/our-smears/"))
    assert "Signed cells" in page
    sets.consent(people, people.clinic, given=False)
    page = text_of(browser.get("/datasets/our-smears/"))
    assert f"{people.clinic.name}, with 2 of its pictures, consents no more" in page
    assert "/export" not in page
    answer = browser.get("/datasets/our-smears/export", follow=True)
    assert "taken its consent back" in text_of(answer)


def test_what_is_wrong_with_a_set_of_signed_cells_is_said(browser, people, ready):
    sets.consent(people, people.clinic)
    sets.signed_case(people, ["monocyte"], first=900)
    response = browser.post("/datasets/signed", {**FORM, "slug": "ours", "material": "real"})
    assert response.status_code == 422
    assert "There is a data set ours already" in text_of(response)
    response = browser.post("/datasets/signed", {**FORM, "material": "both"})
    assert "Select a valid choice" in text_of(response)


def test_without_consent_the_form_says_so(browser):
    response = browser.post("/datasets/signed", {**FORM, "material": "drawn"})
    assert response.status_code == 422
    assert "No organisation lets its signed cells" in text_of(response)
    assert not DataSet.objects.exists()

"""The pages and the interface for programs that take models in, name them and set them aside."""

import io
import shutil

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from audit.models import AuditEvent
from classifier.inference.discovery import DEFAULT_MODEL, SHIPPED
from classifier.models import ModelAlias, ModelVersion
from classifier.registry import ensure_shipped_model, model_activate, model_alias_set, model_upload
from patients import storage
from tests.security.models.parts import good, packed, vouched

pytestmark = pytest.mark.django_db
PAGE, API = "/models/upload", "/api/v1/models"


@pytest.fixture(autouse=True)
def models(settings, tmp_path):
    """The folder of models of this machine, empty, and an empty store."""
    settings.MODEL_DIRS = [tmp_path / "models"]
    settings.CLASSIFIER_FITNESS = "tests.servers.engine.require_fit"
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path / "media"},
        },
    }
    return tmp_path / "models"


@pytest.fixture
def version(tmp_path) -> ModelVersion:
    path = tmp_path / "upload.zip"
    path.write_bytes(packed(good()))
    return model_upload(archive=path).version


@pytest.fixture
def browser(client, people):
    """The administrator's."""
    client.force_login(people.administrator)
    return client


def file(data: bytes | None = None) -> dict:
    content = packed(good()) if data is None else data
    return {"file": SimpleUploadedFile("model.zip", content, "application/zip")}


def test_a_machine_without_the_files_shows_the_page_all_the_same(browser, models, version):
    shutil.rmtree(models)
    assert "not on this machine" not in page_of(browser)
    assert (models / "hostile" / "graph.bin").is_file()


# Sending one


def test_a_model_is_sent_and_its_page_says_that_it_is_a_candidate(browser, people):
    page = browser.post(PAGE, file(), follow=True)
    assert page.redirect_chain == [("/models/hostile/", 302)]
    assert "passed every check and is a candidate" in page.content.decode()
    assert ModelVersion.objects.get().registered_by == people.administrator


def test_the_same_again_changes_nothing_and_says_so(browser, version):
    page = browser.post(PAGE, file(), follow=True)
    assert "registered before" in page.content.decode()
    assert ModelVersion.objects.count() == 1


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"x", "This is no zip file"),
        (packed({"a.txt": b"x"}), "must hold one manifest.json"),
        (packed(vouched(good(), classes=["a"])), "the classes must be"),
    ],
)
def test_what_is_refused_is_said_on_the_form(browser, data, sentence):
    page = browser.post(PAGE, file(data))
    assert page.status_code == 422
    assert sentence in page.content.decode()
    assert not list(storage.list_keys("models"))


def test_no_file_is_said_on_the_form(browser):
    assert "Choose the model" in browser.post(PAGE, {}).content.decode()


def test_a_file_larger_than_the_limit_is_stopped_while_it_arrives(browser, settings):
    settings.MODEL_UPLOAD_LIMIT = 1024
    page = browser.post(PAGE, file(bytes(5000)))
    assert page.status_code == 422
    assert "larger than the 0 MB" in page.content.decode()


def test_a_request_that_says_to_be_larger_is_not_read(browser, settings):
    settings.MODEL_UPLOAD_LIMIT = 1024

    class Unread(io.BytesIO):
        def read(self, *_):
            raise AssertionError("the body was read")

    page = browser.generic(
        "POST",
        PAGE,
        b"",
        content_type="multipart/form-data; boundary=x",
        **{"wsgi.input": Unread(), "CONTENT_LENGTH": str(10**9)},
    )
    assert page.status_code == 422


@pytest.mark.parametrize("address", [PAGE, API])
def test_without_the_token_nothing_is_taken(people, address):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(people.administrator)
    assert browser.post(address, file()).status_code == 403
    assert not ModelVersion.objects.exists()


@pytest.mark.parametrize("address", [PAGE, API])
@pytest.mark.parametrize("role", ["clinician", "specialist"])
def test_others_may_not_and_their_body_is_not_read(client, people, address, role, monkeypatch):
    client.force_login(getattr(people, role))
    monkeypatch.setattr("patients.uploads.LimitedUploadHandler.new_file", None)
    assert client.post(address, file()).status_code == 403
    assert not ModelVersion.objects.exists()


# For programs


def test_a_program_sends_a_model_and_lists_them(browser):
    answer = browser.post(API, file())
    assert answer.status_code == 201
    assert answer.json()["state"] == "candidate"
    again = browser.post(API, file())
    assert (again.status_code, again.json()["new"]) == (200, False)
    model_alias_set(version=ModelVersion.objects.get(), name="trial")
    listed = browser.get(API).json()["models"]
    assert [(one["id"], one["aliases"]) for one in listed] == [("hostile", ["trial"])]
    assert listed[0]["bundle_sha256"] == ModelVersion.objects.get().bundle_sha256


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (file(b"x"), 422, "model_refused"),
        ({}, 422, "model_refused"),
        ({"file": "text"}, 422, "model_refused"),
    ],
)
def test_a_program_gets_a_code_and_a_sentence(browser, body, status, code):
    answer = browser.post(API, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["message"].endswith(".")


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data"])
def test_what_is_no_form_is_refused(browser, kind):
    answer = browser.generic("POST", API, b"{}", content_type=kind)
    assert answer.status_code in (400, 415, 422)


def test_the_list_asks_as_often_for_many_as_for_one(
    browser, version, django_assert_max_num_queries
):
    for number in range(20):
        ModelVersion.objects.create(
            model_id=f"m{number}", manifest_sha256="0" * 64, precision="f32", manifest={}
        )
    with django_assert_max_num_queries(6):
        assert len(browser.get(API).json()["models"]) == 21


# The panel of a model's page


def page_of(browser, model_id="hostile") -> str:
    return browser.get(reverse("classifier:model", args=[model_id])).content.decode()


def test_an_alias_is_set_shown_and_removed(browser, version, people):
    said = browser.post("/models/hostile/alias", {"name": "Trial"}, follow=True).content.decode()
    assert "The alias was set." in said
    assert "trial" in page_of(browser)
    assert ModelAlias.objects.get().set_by == people.administrator
    browser.post("/models/hostile/alias/remove", {"name": "trial"})
    assert not ModelAlias.objects.exists()


def test_an_alias_that_cannot_be_is_refused_in_a_sentence(browser, version):
    said = browser.post("/models/hostile/alias", {"name": "a b"}, follow=True).content.decode()
    assert "small letters" in said
    assert not ModelAlias.objects.exists()


def test_a_candidate_is_retired(browser, version):
    assert ">Retire<" in page_of(browser)
    browser.post("/models/hostile/retire")
    assert ">Retire<" not in page_of(browser)
    assert AuditEvent.objects.filter(action="model.retired").exists()


def test_the_active_model_is_not_retired_even_when_asked(browser, version):
    model_activate(version=version)
    said = browser.post("/models/hostile/retire", follow=True).content.decode()
    assert "The active model cannot be retired" in said


def test_a_directory_of_this_machine_is_registered_from_its_page(browser, models):
    (models / "hostile").mkdir(parents=True)
    for name, data in good().items():
        (models / "hostile" / name).write_bytes(data)
    assert "Check and register" in page_of(browser)
    said = browser.post("/models/hostile/register", follow=True).content.decode()
    assert "It passed every check" in said
    assert browser.post("/models/hostile/register").status_code == 404


@pytest.mark.parametrize("what", ["register", "retire", "alias", "alias/remove"])
def test_an_unknown_model_is_not_there(browser, what):
    assert browser.post(f"/models/nothing/{what}").status_code == 404


def test_a_model_that_ships_is_said_to_be_everywhere(browser, settings):
    settings.MODEL_DIRS = [SHIPPED]
    ensure_shipped_model()
    page = browser.get(reverse("classifier:model", args=[DEFAULT_MODEL])).content.decode()
    assert "part of TeleHeme" in page


def test_others_see_no_panel(client, people, version):
    client.force_login(people.specialist)
    page = page_of(client)
    assert "Registry" not in page
    assert "Add a model" not in client.get("/models/").content.decode()

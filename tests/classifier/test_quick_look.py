"""Quick look: one picture, one answer, nothing stored."""

import base64
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from audit.models import AuditEvent
from classifier import api, loading, quick_look
from classifier.inference import CLASSES, DEFAULT_MODEL, ModelError, find_model
from classifier.models import Cell, Prediction
from ml.phantoms import draw_cell
from patients.images import DecoderUnavailable
from patients.models import SmearImage
from tests.servers import engine

URL = "/api/v1/quick-look"


@pytest.fixture(autouse=True)
def _fresh(db):
    cache.clear()
    quick_look.forget()
    loading.forget()
    yield
    quick_look.forget()


@pytest.fixture
def stand_in(settings, tmp_path):
    """A model directory with a stand-in for the network; the rest of the way is real."""
    engine.write_model(tmp_path, model_id=DEFAULT_MODEL)
    settings.MODEL_DIRS = [tmp_path]
    settings.CLASSIFIER_RUNTIME = "tests.servers.engine.load_model"


@pytest.fixture
def clinician(client, people):
    client.force_login(people.clinician)
    return client


def picture(label="neutrophil", seed=1, extension=".png") -> bytes:
    pixels = draw_cell(label, seed).image
    return cv2.imencode(extension, np.ascontiguousarray(pixels[..., ::-1]))[1].tobytes()


def send(client, data, name="cell.png", **headers):
    return client.post(URL, {"file": SimpleUploadedFile(name, data)}, headers=headers)


def test_tells_class_probabilities_map_and_reasons(clinician, stand_in):
    answer = send(clinician, picture())
    assert answer.status_code == 200, answer.content
    found = answer.json()
    assert found["label"] == max(found["probabilities"], key=found["probabilities"].get)
    assert set(found["probabilities"]) == set(CLASSES)
    assert sum(found["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    assert len(base64.b64decode(found["map"])) == 64
    assert found["stored"] is False
    assert "not a diagnosis" in found["notice"]
    kind, _, preview = found["preview"].partition(",")
    assert kind == "data:image/jpeg;base64"
    shown = cv2.imdecode(np.frombuffer(base64.b64decode(preview), np.uint8), cv2.IMREAD_COLOR)
    assert list(shown.shape[1::-1]) == found["size"]


def test_stores_nothing_but_the_fact(clinician, people, stand_in):
    before = {path for path in django_settings.DATA_DIR.rglob("*") if "media" in path.parts}
    found = send(clinician, picture(), name="Ruiz Jana.png").json()
    assert not SmearImage.objects.exists()
    assert not Cell.objects.exists()
    assert not Prediction.objects.exists()
    after = {path for path in django_settings.DATA_DIR.rglob("*") if "media" in path.parts}
    assert after == before
    event = AuditEvent.objects.get(action="quick_look")
    assert event.actor_id == people.clinician.pk
    assert event.data["image_sha256"] == found["image_sha256"]
    assert event.data["label"] == found["label"]
    assert "Ruiz" not in str(event.data)


def test_a_large_picture_is_shown_small(clinician, stand_in):
    big = cv2.resize(draw_cell("monocyte", 2).image, (1600, 1200))
    found = send(clinician, cv2.imencode(".jpg", big)[1].tobytes()).json()
    preview = base64.b64decode(found["preview"].partition(",")[2])
    shown = cv2.imdecode(np.frombuffer(preview, np.uint8), cv2.IMREAD_COLOR)
    assert found["size"] == [1600, 1200]
    assert max(shown.shape) == quick_look.PREVIEW_SIDE


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"not a picture", "type"),
        (b"", "empty"),
        (picture()[:2000], "truncated"),
        (cv2.imencode(".png", np.zeros((20, 20, 3), np.uint8))[1].tobytes(), "too_small"),
    ],
)
def test_refused_pictures_are_422_with_a_sentence(clinician, stand_in, data, code):
    answer = send(clinician, data)
    assert answer.status_code == 422
    assert answer.json()["code"] == code
    assert answer.json()["message"].endswith(".")
    assert not AuditEvent.objects.filter(action="quick_look").exists()


def test_no_file_is_422(clinician, stand_in):
    assert clinician.post(URL, {"other": "1"}).status_code == 422


def test_a_too_large_file_is_refused_before_it_is_read(clinician, stand_in):
    answer = send(clinician, bytes(21 * 1024 * 1024))
    assert answer.status_code == 422
    assert answer.json()["code"] == "too_large"


def test_a_decoder_that_cannot_work_is_503(clinician, stand_in, monkeypatch):
    def unavailable(data):
        raise DecoderUnavailable("no child")

    monkeypatch.setattr(quick_look, "rebuild", unavailable)
    answer = send(clinician, picture())
    assert answer.status_code == 503
    assert answer.json()["code"] == "decoder_unavailable"


def test_no_model_is_503_with_a_sentence(clinician, settings, tmp_path):
    settings.MODEL_DIRS = [tmp_path]
    answer = send(clinician, picture())
    assert answer.status_code == 503
    assert answer.json()["code"] == "model_unavailable"
    assert "Nothing was lost" in answer.json()["message"]


def test_the_active_version_answers(clinician, stand_in, tmp_path):
    from classifier.inference.manifest import read_manifest
    from tests.classifier.cells import make_version

    directory = engine.write_model(tmp_path, model_id="other-model", shift=1.0)
    version = make_version("other-model")
    version.manifest_sha256 = read_manifest(directory).sha256
    version.save(update_fields=["manifest_sha256"])
    assert send(clinician, picture()).json()["model"]["id"] == "other-model"
    # Its files are not the registered ones any more: no answer is better than another model's.
    version.manifest_sha256 = "b" * 64
    version.save(update_fields=["manifest_sha256"])
    loading.forget()
    assert send(clinician, picture()).status_code == 503


def test_the_model_is_loaded_once(clinician, stand_in, monkeypatch):
    loads = []
    real = engine.load_model
    monkeypatch.setattr(engine, "load_model", lambda *a, **k: loads.append(1) or real(*a, **k))
    for seed in range(3):
        assert send(clinician, picture(seed=seed)).status_code == 200
    assert loads == [1]


def test_too_many_in_a_minute_is_429_with_a_sentence(clinician, stand_in, monkeypatch):
    monkeypatch.setattr(api.QuickLookThrottle, "rate", "2/min")
    answers = [send(clinician, b"x") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [422, 422, 429]
    assert "try again in" in answers[2].json()["message"]
    assert int(answers[2].headers["Retry-After"]) > 0


def test_the_rate_is_each_persons_own(client, people, stand_in, monkeypatch):
    monkeypatch.setattr(api.QuickLookThrottle, "rate", "1/min")
    for person in (people.clinician, people.specialist, people.administrator):
        client.force_login(person)
        assert send(client, b"x").status_code == 422


def test_needs_sign_in_and_the_csrf_token(people, stand_in):
    client = Client(enforce_csrf_checks=True)
    assert send(client, picture()).status_code == 403
    client.force_login(people.clinician)
    assert send(client, picture()).status_code == 403
    page = client.get(reverse("classifier:quick-look")).content.decode()
    token = page.split('name="csrf-token" content="')[1].split('"')[0]
    assert send(client, picture(), **{"X-CSRFToken": token}).status_code == 200


def test_the_page_and_every_other_page_offer_it(clinician):
    page = clinician.get(reverse("classifier:quick-look")).content.decode()
    assert "data-quick-file" in page
    assert "Nothing is stored" in page
    other = clinician.get(reverse("classifier:models")).content.decode()
    assert "js/quick-look.js" in other
    assert f'data-url="{URL}"' in other


def test_only_those_who_create_cases_are_offered_one(client, people):
    client.force_login(people.clinician)
    assert "data-case-url" in client.get(reverse("classifier:quick-look")).content.decode()
    client.force_login(people.specialist)
    assert "data-case-url" not in client.get(reverse("classifier:quick-look")).content.decode()


def test_the_shipped_model_knows_a_drawn_neutrophil(clinician):
    try:
        find_model()
    except ModelError:
        pytest.skip("no model is shipped in this checkout")
    found = send(clinician, picture()).json()
    assert set(found["probabilities"]) == set(CLASSES)
    assert found["milliseconds"] > 0


def test_the_web_process_never_imports_training_code(tmp_path):
    """Every page's code and a quick look in a process of their own, as gunicorn would load them."""
    code = """
import django, sys
django.setup()
from django.urls import get_resolver
get_resolver().url_patterns
import telemed.wsgi, classifier.quick_look
from pathlib import Path
from django.conf import settings
from tests.servers import engine
from classifier.inference.discovery import DEFAULT_MODEL
folder = Path(sys.argv[1])
engine.write_model(folder, model_id=DEFAULT_MODEL)
settings.MODEL_DIRS = [folder]
settings.CLASSIFIER_RUNTIME = "tests.servers.engine.load_model"
classifier.quick_look.active_version = lambda: None
assert classifier.quick_look.look(Path(sys.argv[2]).read_bytes()).result.label
heavy = {"tensorflow", "keras", "ml.network", "ml.train", "sklearn", "matplotlib"}
print(sorted(heavy & set(sys.modules)))
"""
    source = tmp_path / "cell.png"
    source.write_bytes(picture())
    folder = tmp_path / "models"
    folder.mkdir()
    run = subprocess.run(
        [sys.executable, "-c", code, str(folder), str(source)],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "telemed.settings"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "[]"

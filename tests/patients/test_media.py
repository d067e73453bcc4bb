"""The one view that serves pictures: to whom, with which headers, and never a wrong one."""

import hashlib
import uuid
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from audit.models import AuditEvent
from patients import storage
from patients.models import SmearImage
from patients.services import image_remove
from tests.patients import pictures

pytestmark = pytest.mark.django_db
VIEWS = ["picture", "thumbnail"]


@pytest.fixture
def image(draft, receive) -> SmearImage:
    return receive(draft, 1, name="smear.png")


@pytest.fixture
def client(people, sign_in):
    return sign_in(people.clinician)


def address(image: SmearImage, view: str) -> str:
    return reverse(f"patients:{view}", args=[image.public_id])


def is_local(image: SmearImage) -> bool:
    return storage.local_path(image.picture_key) is not None


def headers_are_right(response) -> None:
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response["Cache-Control"] == "private, no-store"


def replace_file(key: str, data: bytes) -> None:
    """What bit rot or a careless hand does."""
    storage.delete(key)
    storage.write_once(key, data, sha256=hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize(("view", "kind"), [("picture", "image/png"), ("thumbnail", "image/jpeg")])
def test_a_picture_comes_as_itself_or_by_an_address_that_soon_ends(client, image, view, kind):
    response = client.get(address(image, view))
    headers_are_right(response)
    assert "inline" in response["Content-Disposition"]
    if not is_local(image):
        query = parse_qs(urlsplit(response["Location"]).query)
        assert response.status_code == 302
        assert int(query["X-Amz-Expires"][0]) <= 60
        assert query["response-content-type"] == [kind]
        return
    key = image.picture_key if view == "picture" else image.thumbnail_key
    sha256 = image.sha256 if view == "picture" else image.thumbnail_sha256
    assert (response.status_code, response["Content-Type"]) == (200, kind)
    assert response.content == storage.read_verified(key, sha256=sha256)


def test_whole_pictures_are_recorded_and_thumbnails_are_not(client, image):
    client.get(address(image, "thumbnail"))
    assert not AuditEvent.objects.filter(action="image.viewed").exists()
    client.get(address(image, "picture"))
    assert AuditEvent.objects.get(action="image.viewed").object_id == str(image.public_id)


@pytest.mark.parametrize("view", VIEWS)
def test_somebody_elses_picture_is_exactly_like_none(people, sign_in, image, view):
    none = reverse(f"patients:{view}", args=[uuid.uuid4()])
    for user in (people.other_clinician, people.other_specialist, people.specialist):
        client = sign_in(user)
        assert client.get(address(image, view)).status_code == 404
        assert client.get(none).status_code == 404
    assert sign_in(people.administrator).get(address(image, view)).status_code == 404
    assert Client().get(address(image, view)).status_code == 302
    assert sign_in(people.colleague).get(address(image, view)).status_code in (200, 302)


@pytest.mark.parametrize("view", VIEWS)
def test_a_removed_picture_is_not_served(client, people, image, view):
    image_remove(actor=people.clinician, image=image)
    assert client.get(address(image, view)).status_code == 404


@pytest.mark.parametrize("view", VIEWS)
def test_a_damaged_or_missing_file_is_said_and_recorded_never_shown(client, image, view):
    if not is_local(image):
        return  # the browser fetches from the store; readers verify
    key = image.picture_key if view == "picture" else image.thumbnail_key
    replace_file(key, pictures.png(2))
    response = client.get(address(image, view))
    headers_are_right(response)
    assert (response.status_code, response["Content-Type"]) == (410, "text/plain; charset=utf-8")
    storage.delete(key)
    assert client.get(address(image, view)).status_code == 410
    codes = AuditEvent.objects.filter(action="image.unusable").values_list("data__code", flat=True)
    assert list(codes) == ["picture_damaged", "picture_missing"]
    assert not AuditEvent.objects.filter(action="image.viewed").exists()


def test_a_store_that_is_away_is_said(client, image, monkeypatch):
    def away(*args, **kwargs):
        raise storage.StorageUnavailable("Not just now.")

    monkeypatch.setattr(storage, "read_verified", away)
    monkeypatch.setattr(storage, "signed_url", away)
    response = client.get(address(image, "picture"))
    headers_are_right(response)
    assert (response.status_code, response["Retry-After"]) == (503, "5")


def test_behind_a_proxy_the_proxy_sends_the_file(client, image, settings):
    if not is_local(image):
        return
    settings.ACCEL_REDIRECT_PREFIX = "/protected/"
    response = client.get(address(image, "picture"))
    headers_are_right(response)
    assert response["X-Accel-Redirect"] == f"/protected/{image.picture_key}"
    assert (response.content, response["Content-Type"]) == (b"", "image/png")


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd.jpg", 'a"; filename=evil.html', "gpj.exe\u202egpj", "x\r\nSet-Cookie: a=b"],
)
def test_a_hostile_name_cannot_leave_its_header(client, image, name):
    SmearImage.objects.filter(pk=image.pk).update(original_name=name)
    response = client.get(address(image, "picture"))
    disposition = response["Content-Disposition"]
    assert "Set-Cookie" not in response
    assert not set(disposition) & set("\r\n/\\")
    assert "\u202e" not in disposition
    assert "%E2%80%AE" not in disposition
    assert disposition.count('"') in (0, 2)

"""The answers of POST /api/v1/cases/<id>/images: every one has a code and a sentence, none is a 500."""

import errno
import gzip
import json
import uuid

import pytest
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.urls import reverse

from audit.models import AuditEvent
from patients.api import images as api
from patients.images import DecoderUnavailable
from patients.models import SmearImage
from patients.services import case_withdraw
from patients.services import images as image_services
from patients.storage import StorageUnavailable
from tests import factories
from tests.patients import pictures

pytestmark = pytest.mark.django_db


def form(data: bytes | None = None, *, kind: str = "image/png", part: str = "picture", **fields):
    from django.core.files.uploadedfile import SimpleUploadedFile

    data = pictures.png() if data is None else data
    return {**fields, "file": SimpleUploadedFile(part, data, content_type=kind)}


@pytest.fixture
def address(draft):
    return reverse("patients:api-images", args=[draft.public_id])


@pytest.fixture
def client(people, sign_in):
    return sign_in(people.clinician)


@pytest.fixture
def send(client, address):
    def _send(fields=None, *, key="key-00000001", **headers):
        return client.post(
            address,
            form() if fields is None else fields,
            headers={"Idempotency-Key": key, **headers},
        )

    return _send


def said(response) -> tuple[int, str]:
    """Status and code; every refusal has a sentence and is JSON that nobody caches."""
    assert response["Content-Type"] == "application/json"
    assert "no-store" in response["Cache-Control"]
    body = response.json()
    if response.status_code >= 400:
        assert set(body) == {"code", "message"}
        assert body["message"].endswith(".")
    return response.status_code, body.get("code", "")


def test_a_picture_is_received(send, draft):
    response = send(form(name="first.png", order="1", size=str(len(pictures.png()))))
    body = response.json()
    image = SmearImage.objects.get()
    assert response.status_code == 201
    assert (body["id"], body["position"], body["new"]) == (str(image.public_id), 1, True)
    assert (body["name"], body["message"]) == ("first.png", "Received as picture 1.")
    assert body["picture"] == reverse("patients:picture", args=[image.public_id])


def test_a_retry_and_a_twin_are_answered_with_the_picture_that_is_here(send):
    first = send().json()["id"]
    again, twin = send(), send(key="key-00000002")
    assert (again.status_code, twin.status_code) == (200, 200)
    assert {again.json()["id"], twin.json()["id"]} == {first}
    assert twin.json()["message"] == "Already in this case as picture 1."


@pytest.mark.parametrize("kind", ["image/svg+xml", "text/html", "application/octet-stream", ""])
def test_the_content_decides_not_what_the_header_says(send, kind):
    assert send(form(kind=kind)).status_code == 201


def test_a_key_that_comes_with_another_file_is_refused(send):
    send()
    assert said(send(form(pictures.png(2)))) == (422, "key_reused")


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", "empty"), (b"GIF89a" + b"x" * 99, "type"), (pictures.png()[:-20], "truncated")],
)
def test_a_file_that_is_no_good_picture_is_refused_with_its_reason(send, data, code):
    status, said_code = said(send(form(data)))
    assert status == 422
    assert said_code in (code, "corrupt")
    assert SmearImage.objects.count() == 0


@pytest.mark.parametrize("key", ["", "short", "x" * 65, "with space 1", "ключ-0000001"])
def test_a_key_must_be_given_and_plain(client, address, key):
    headers = {"Idempotency-Key": key.encode().decode("latin-1")} if key else {}
    assert said(client.post(address, form(), headers=headers)) == (400, "key_missing")


def test_a_form_without_a_file_is_refused(send):
    assert said(send({"name": "a.png"})) == (400, "no_file")
    assert said(send({"file": "not a file"})) == (400, "no_file")


def test_two_files_in_one_request_are_refused(send):
    from django.core.files.uploadedfile import SimpleUploadedFile

    files = [SimpleUploadedFile(f"{n}.png", pictures.png(n)) for n in (1, 2)]
    assert said(send({"file": files})) == (400, "one_file")
    assert SmearImage.objects.count() == 0


def test_21_megabytes_are_refused(send):
    assert said(send(form(b"x" * 21 * 1024 * 1024))) == (413, "too_large")


def test_a_file_past_the_limit_is_stopped_while_it_arrives(send, monkeypatch):
    monkeypatch.setattr("patients.uploads.LimitedUploadHandler.limit", 1000)
    assert said(send(form(b"x" * 70_000))) == (413, "too_large")


def test_a_length_that_lies_is_believed_before_the_body_is_read(send):
    response = send(key="key-00000001", **{"Content-Length": str(2 * 1024**3)})
    assert said(response) == (413, "too_large")


@pytest.mark.parametrize("length", ["-1", "many", "1e3", "٣"])
def test_a_length_that_is_no_number_is_refused(client, address, length):
    response = client.generic(
        "POST",
        address,
        b"x",
        MULTIPART_CONTENT,
        CONTENT_LENGTH=length,
        headers={"Idempotency-Key": "key-00000001"},
    )
    assert said(response) == (400, "broken_upload")


def test_a_body_of_unknown_length_is_refused(client, address):
    response = client.generic("POST", address, b"", CONTENT_TYPE=MULTIPART_CONTENT)
    assert said(response) == (411, "length_required")


@pytest.mark.parametrize(
    "content_type",
    ["", "application/json", "image/png", "text/plain", "application/x-www-form-urlencoded"],
)
def test_only_a_form_with_a_file_is_taken(client, address, content_type):
    response = client.generic("POST", address, pictures.png(), content_type)
    assert said(response) == (415, "content_type")


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=" + "x" * 300,
        "multipart/form-data; boundary=é",
    ],
)
def test_a_broken_boundary_is_refused(client, address, content_type):
    response = client.generic(
        "POST",
        address,
        b"--nothing\r\n",
        content_type,
        headers={"Idempotency-Key": "key-00000001"},
    )
    assert said(response) in (
        (400, "broken_upload"),
        (400, "no_file"),
        (
            415,
            "unsupported_media_type",
        ),  # a boundary so long that the header is not understood at all
    )


def test_five_thousand_fields_are_refused(send):
    assert said(send(form(**{f"f{n}": "x" for n in range(5000)}))) == (400, "too_many_fields")


def test_a_compressed_body_is_refused(client, address):
    body = gzip.compress(encode_multipart(BOUNDARY, form()))
    response = client.generic(
        "POST",
        address,
        body,
        MULTIPART_CONTENT,
        headers={"Content-Encoding": "gzip", "Idempotency-Key": "key-00000001"},
    )
    assert said(response) == (415, "content_encoding")


def test_an_upload_that_was_cut_is_not_kept_and_its_retry_is(client, address, send):
    data = pictures.png()
    fields = {"size": str(len(data)), **form(data)}
    body = encode_multipart(BOUNDARY, fields)
    response = client.generic(
        "POST",
        address,
        body[: -len(data) // 2],
        MULTIPART_CONTENT,
        headers={"Idempotency-Key": "key-00000001"},
    )
    assert said(response) == (400, "cut_short")
    assert SmearImage.objects.count() == 0
    assert send(form(size=str(len(data)))).status_code == 201


@pytest.mark.parametrize(
    ("trouble", "status", "code"),
    [
        (DecoderUnavailable("test"), 503, "decoder_unavailable"),
        (StorageUnavailable("Not just now."), 503, "storage_unavailable"),
    ],
)
def test_what_may_be_tried_again_says_when(send, monkeypatch, trouble, status, code):
    def fail(*args, **kwargs):
        raise trouble

    monkeypatch.setattr(image_services, "rebuild", fail)
    response = send()
    assert said(response) == (status, code)
    assert int(response["Retry-After"]) > 0


def test_a_full_disk_is_said_and_leaves_nothing_behind(send, monkeypatch):
    from patients import storage

    def full(key, data, *, sha256):
        raise StorageUnavailable("No.") from OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(storage, "write_once", full)
        assert said(send()) == (507, "storage_full")
    assert SmearImage.objects.count() == 0
    assert send().status_code == 201  # space again: no restart


def test_a_full_disk_under_the_spool_is_said_too(send, monkeypatch):
    from django.core.files import uploadhandler

    def full(self, *args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(uploadhandler.TemporaryFileUploadHandler, "new_file", full)
    assert said(send()) == (507, "storage_full")


def test_more_than_a_person_can_send_is_slowed_down_and_a_batch_of_200_is_not(send, monkeypatch):
    assert api.UPLOADS_PER_MINUTE >= 3 * 200
    monkeypatch.setattr(api, "UPLOADS_PER_MINUTE", 3)
    answers = [send(key=f"key-{n:08}").status_code for n in range(9)]
    slowed = send()
    assert answers.count(429) >= 3  # the window may turn once in between
    if slowed.status_code == 429:
        assert said(slowed) == (429, "too_many")
        assert 0 < int(slowed["Retry-After"]) <= 61


def test_a_withdrawn_case_takes_no_picture(send, people, draft):
    case_withdraw(actor=people.clinician, case=draft)
    assert said(send()) == (409, "move_refused")


def test_who_may_send(people, draft, address, sign_in):
    headers = {"Idempotency-Key": "key-00000001"}
    send = lambda client: client.post(address, form(), headers=headers)  # noqa: E731
    assert said(send(Client())) == (403, "not_signed_in")
    assert said(send(sign_in(people.other_clinician))) == (404, "not_found")
    assert said(send(sign_in(people.specialist))) == (404, "not_found")  # a draft
    assert said(send(sign_in(people.administrator))) == (404, "not_found")
    assert said(send(sign_in(people.clinician, enforce_csrf_checks=True))) == (
        403,
        "permission_denied",
    )
    missing = reverse("patients:api-images", args=[uuid.uuid4()])
    assert (
        sign_in(people.clinician).post(missing, form(), headers=headers).json()
        == sign_in(people.other_clinician).post(address, form(), headers=headers).json()
    )


def test_a_specialist_sees_a_submitted_case_and_may_not_add_to_it(people, submitted, sign_in):
    address = reverse("patients:api-images", args=[submitted.public_id])
    client = sign_in(people.specialist)
    assert client.get(address).json()["count"] == 1
    headers = {"Idempotency-Key": "key-00000001"}
    assert said(client.post(address, form(), headers=headers)) == (403, "forbidden")
    assert AuditEvent.objects.filter(action="access.denied").count() == 1


def test_the_list_tells_the_warnings_in_words(client, address, send):
    send()
    SmearImage.objects.update(warnings=["possible_text", "unheard_of"])
    (facts,) = client.get(address).json()["images"]
    assert [warning["code"] for warning in facts["warnings"]] == ["possible_text"]
    assert "patient" in facts["warnings"][0]["message"]


def test_cases_are_listed_and_shown_to_programs(client, draft, people):
    factories.make_case(people.other_clinician)
    listed = client.get(reverse("patients:api-cases")).json()
    assert [case["number"] for case in listed["results"]] == [draft.number]
    shown = client.get(reverse("patients:api-case", args=[draft.public_id]))
    assert shown.json()["patient"]["mrn"] == draft.patient.mrn
    assert json.loads(shown.content)["images"] == 0
    for method in ("post", "put", "patch", "delete"):
        assert getattr(client, method)(reverse("patients:api-cases")).status_code == 405

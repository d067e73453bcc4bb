"""The PDF: drawn once from the signed files, kept under its hash, never from the network."""

import hashlib
import os
import re
import socket
import subprocess
import sys
import zlib
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from audit.models import AuditEvent
from patients import storage
from patients.services.orphans import orphans_found
from review.choices import LETTERS, Label
from review.models import Report
from review.reports import pdf
from review.reports.inks import INKS
from review.services import rendering
from review.services.rendering import ReportDamaged, report_pdf
from tests.review.real_case import pictured_case, spoil
from tests.review.signed import ready_to_sign, signed_report, two_signers

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(people):
    return pictured_case(people.clinician, ["eosinophil"] * 2 + ["neutrophil"] * 8, abstained=[1])


@pytest.fixture
def report(people, case):
    return signed_report(people, case)


def browser(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def download(user, report):
    return browser(user).get(reverse("review:report-pdf", args=[report.public_id]))


def streams(data: bytes) -> list[bytes]:
    """Every compressed stream of a PDF, opened."""
    found = []
    for raw in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.S):
        try:
            found.append(zlib.decompress(raw))
        except zlib.error:
            continue
    return found


def test_it_is_drawn_once_kept_and_handed_out_as_it_was(people, report, monkeypatch):
    drawn = []
    draw = rendering.draw
    monkeypatch.setattr(rendering, "draw", lambda one: drawn.append(one) or draw(one))
    first = download(people.clinician, report)
    assert first.headers["Content-Type"] == "application/pdf"
    name = f"{report.case.number}-report-1.pdf"
    assert first.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert first.content.startswith(b"%PDF-1.7")
    assert download(people.specialist, report).content == first.content
    assert drawn == [report]
    report.refresh_from_db()
    assert hashlib.sha256(first.content).hexdigest() == report.pdf_sha256
    event = AuditEvent.objects.get(action="report.rendered")
    assert event.data["sha256"] == report.pdf_sha256
    assert report.pdf_key not in set(orphans_found(older_than=timedelta(days=-1)))


def test_the_frozen_content_is_inside_and_its_code_in_plain_bytes(report):
    data = report_pdf(report=report)
    assert report.content.encode() in streams(data)
    code = f"{report.code[:5]}-{report.code[5:10]}-{report.code[10:]}".encode()
    assert b"(" + code + b")" in data


@pytest.mark.local_shape  # there the pictures themselves come from a server
def test_drawing_asks_nobody_outside(report, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a report was fetched from the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr("urllib.request.OpenerDirector.open", refuse)
    assert pdf.draw(report).startswith(b"%PDF")
    fetcher = pdf._fetcher({"cell:1": b"x"})
    for address in ("https://example.org/x.png", "file:///etc/passwd", "cell:2", "data:,x"):
        with pytest.raises(ValueError, match="fetches nothing"):
            fetcher.fetch(address)


def test_hostile_text_is_text(people, case):
    reading = ready_to_sign(people, case)
    from tests.review.signed import sign

    hostile = '<img src="file:///etc/passwd"><script>alert(1)</script>{{ 7 }}'
    report = sign(reading, people.specialist, comment=hostile)
    page = browser(people.clinician).get(reverse("review:report", args=[report.public_id]))
    assert "<script>alert" not in page.content.decode()
    assert report_pdf(report=report).startswith(b"%PDF")


def test_a_changed_byte_is_not_handed_out(people, report):
    report_pdf(report=report)
    report.refresh_from_db()
    spoil(report.pdf_key)
    answer = download(people.clinician, report)
    assert answer.status_code == 410
    assert "has changed since it was made" in answer.content.decode()
    assert AuditEvent.objects.filter(action="report.unusable", outcome="failed").count() == 1
    storage.delete(report.pdf_key)
    assert download(people.clinician, report).status_code == 410


def test_a_changed_picture_is_not_drawn(people, report):
    spoil(report.case.images.get(position=1).picture_key)
    answer = download(people.clinician, report)
    assert answer.status_code == 410
    report.refresh_from_db()
    assert report.pdf_key == ""


def test_of_two_that_draw_at_once_both_get_the_same(report, monkeypatch):
    draw, before = rendering.draw, set(storage.list_keys("reports"))

    def slowly(one):
        monkeypatch.setattr(rendering, "draw", draw)
        other = report_pdf(report=Report.objects.get(pk=one.pk))  # somebody else is faster
        assert other.startswith(b"%PDF")
        return draw(one)

    monkeypatch.setattr(rendering, "draw", slowly)
    mine = report_pdf(report=report)
    report.refresh_from_db()
    assert hashlib.sha256(mine).hexdigest() == report.pdf_sha256
    assert set(storage.list_keys("reports")) - before == {report.pdf_key}


def test_a_report_that_waits_for_a_signature_has_none(people, case):
    two_signers(people)
    with pytest.raises(rendering.DomainError, match="when it is signed"):
        report_pdf(report=signed_report(people, case))


def test_a_content_that_was_changed_is_not_drawn(report):
    report.content = report.content.replace("blast", "monocyte")
    with pytest.raises(ReportDamaged):
        report_pdf(report=report)


def test_without_pango_the_page_says_so_and_offers_print(people, report, monkeypatch):
    monkeypatch.setattr(pdf, "pdf_available", lambda: False)
    monkeypatch.setattr("review.views.report.pdf_available", lambda: False)
    page = browser(people.clinician).get(reverse("review:report", args=[report.public_id]))
    text = page.content.decode()
    assert reverse("review:report-pdf", args=[report.public_id]) not in text
    assert "Printing from the browser works" in text
    assert pdf.NEEDED in text
    answer = download(people.clinician, report)
    assert answer.status_code == 503
    assert "Pango is not installed" in answer.content.decode()


def test_the_image_installs_what_the_page_names():
    root = Path(settings.BASE_DIR)
    for name in ("Dockerfile", "tests/servers/install-pango"):
        text = (root / name).read_text()
        assert all(package in text for package in pdf.NEEDED.split()), name


def test_inks_are_the_light_themes_hues():
    css = (Path(settings.BASE_DIR) / "static/css/app.css").read_text()
    light = css[: css.index('[data-bs-theme="dark"]')]
    for label, ink in INKS.items():
        letter = LETTERS[label].lower()
        assert f"--class-{letter}: {ink};" in light, Label(label)


@pytest.mark.local_shape
def test_drawing_pdfs_lets_no_half_picture_through():
    """WeasyPrint changes that for the whole process when it is loaded."""
    code = (
        "import django; django.setup()\n"
        "from review.reports.pdf import pdf_available\n"
        "from PIL import ImageFile\n"
        "print(pdf_available(), ImageFile.LOAD_TRUNCATED_IMAGES)\n"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "telemed.settings"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False,
        cwd=settings.BASE_DIR, env=environment,
    )  # fmt: skip
    assert done.stdout.split() == ["True", "False"], done.stderr

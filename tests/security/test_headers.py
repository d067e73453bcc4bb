"""Every page and every error page carries the headers that keep a browser safe."""

import pytest
from django.test import Client, override_settings
from django.urls import include, path

from tests.security.access_table import DJANGO_ADMIN_PREFIX
from tests.security.routes import every_route, rows

pytestmark = pytest.mark.django_db


def crash(request):
    raise RuntimeError("on purpose, in a test")


urlpatterns = [path("crash", crash), path("", include("telemed.urls"))]
handler400 = "telemed.views.bad_request"
handler403 = "telemed.views.forbidden"
handler404 = "telemed.views.not_found"
handler500 = "telemed.views.server_error"

EXPECTED = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def policy_of(response):
    parts = response.headers["Content-Security-Policy"].split(";")
    return {part.split()[0]: part.split()[1:] for part in parts if part.strip()}


def check(response, *, sandboxed=False):
    for name, value in EXPECTED.items():
        assert response.headers.get(name) == value, name
    assert "no-store" in response.headers["Cache-Control"]
    assert "geolocation=()" in response.headers["Permissions-Policy"]
    assert "Server" not in response.headers
    csp = policy_of(response)
    assert csp["default-src"] == ["'none'"]
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    if sandboxed:
        assert "sandbox" in csp
        return
    assert csp["script-src"] == csp["style-src"] == csp["form-action"] == ["'self'"]
    for name in ("object-src", "base-uri", "frame-ancestors"):
        assert csp[name] == ["'none'"], name


# Whose picture may be served, to whom: the answer is no page of ours.
PICTURES = {("image_id", "clinician"), ("item_id", "administrator")}


@pytest.mark.parametrize(
    ("route", "row"), [pytest.param(route, row, id=route.route or "/") for route, row in rows()]
)
def test_every_address_answers_with_the_headers(world, route, row):
    url = route.url(row.make(world))
    for column in ("anonymous", "clinician", "administrator"):
        for method in ("get", "post", "delete"):
            response = getattr(world.browsers[column], method)(url)
            assert response.status_code < 500 or route.name == "health-ready", (column, method)
            served = (*row.make(world), column) in PICTURES
            check(response, sandboxed=served and "sandbox" in str(response.headers))


def test_djangos_admin_carries_them_too(world):
    for route in every_route():
        if route.route in (DJANGO_ADMIN_PREFIX, "admin/accounts/user/", "admin/audit/auditevent/"):
            check(world.browsers["administrator"].get("/" + route.route))


@override_settings(ROOT_URLCONF="tests.security.test_headers")
@pytest.mark.parametrize(
    ("ask", "status"),
    [
        (lambda client: client.get("/", headers={"host": "evil.example"}), 400),
        (lambda client: client.post("/account/theme", {"theme": "dark"}), 403),
        (lambda client: client.get("/people/"), 403),
        (lambda client: client.get("/no-such-page"), 404),
        (lambda client: client.get("/account/theme"), 405),
        (lambda client: client.get("/crash"), 500),
    ],
)
def test_every_error_page_carries_them(world, ask, status):
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    client.force_login(world.people.clinician)
    response = ask(client)
    assert response.status_code == status
    check(response)
    assert "Traceback" not in response.content.decode()


def test_the_429_page_carries_them(people):
    for _ in range(31):
        response = Client().post("/account/login/", {"login": "x@example.org", "password": "y"})
    assert response.status_code == 429
    check(response)


def test_pages_hold_no_inline_script_style_or_handler(world):
    """The policy would refuse them; here the page itself is looked at."""
    import re

    inline = re.compile(
        r"<script(?![^>]*\bsrc=)[^>]*>\s*\S|<style|\sstyle=|\son[a-z]+=\"|javascript:", re.I
    )
    for route, row in rows():
        for column in ("anonymous", "clinician", "administrator"):
            response = world.browsers[column].get(route.url(row.make(world)))
            if response.headers.get("Content-Type", "").startswith("text/html"):
                found = inline.search(response.content.decode())
                assert not found, f"{route.route}: {found.group(0)}"

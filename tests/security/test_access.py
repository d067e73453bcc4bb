"""Every address, asked by everybody: the table says what must happen."""

import re

import pytest
from django.contrib import admin
from django.db import transaction
from django.urls import reverse

from audit.models import AuditEvent, Outcome
from tests.security import access_table as table
from tests.security.routes import every_route, rows
from tests.security.world import CANARY, CANARY_MRN, sign_in

ROWS = [pytest.param(route, row, id=route.route or "/") for route, row in rows()]
pytestmark = pytest.mark.django_db


def test_every_address_has_a_row():
    missing = [
        f'    "{route.route}": Row(GET=..., POST=...),  # {route.name}'
        for route in every_route()
        if route.route not in table.TABLE and not route.route.startswith(table.DJANGO_ADMIN_PREFIX)
    ]
    assert not missing, "Add to tests/security/access_table.py:\n" + "\n".join(missing)


def test_no_row_is_left_of_an_address_that_is_gone():
    assert set(table.TABLE) <= {route.route for route in every_route()}


def test_djangos_admin_shows_only_what_is_named():
    shown = {model._meta.label for model in admin.site._registry}
    assert shown == table.DJANGO_ADMIN_MODELS


def answer(world, column, method, route, row, arguments):
    """The response, with everything that the request wrote undone."""
    with transaction.atomic():
        browser = world.browsers[column]
        response = getattr(browser, method.lower())(
            route.url(arguments), row.data(world) if method == "POST" else {}
        )
        transaction.set_rollback(True)
    return response


def code_of(response) -> str:
    """The letter of the table for this response, "?" for what the table has no word for."""
    status = response.status_code
    where = response.headers.get("Location", "")
    if status == 302 and where.startswith(reverse("account_login")):
        return "L"
    if status == 302 and "/reauthenticate/" in where:
        return "R"
    if response.wsgi_request.path == reverse("health-ready") and status in (200, 503):
        return "V"
    if status < 400 or status in (400, 409, 415, 422):
        return "I"
    return {403: "F", 404: "N", 405: "M"}.get(status, f"?{status}")


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("route", "row"), ROWS)
def test_everybody_gets_what_the_table_says(world, route, row, method):
    policy = getattr(row, method)
    arguments = row.make(world)
    got, leaks = "", []
    for column, expected in zip(table.COLUMNS, policy, strict=True):
        response = answer(world, column, method, route, row, arguments)
        got += code_of(response)
        if column not in ("clinician", "specialist"):
            text = body(response) + str(response.headers.items())
            leaks += [f"{column}: {word}" for word in (CANARY, CANARY_MRN) if word in text]
        if expected in "FM":
            assert CANARY not in body(response), f"{column} is refused and sees the patient"
    assert got == policy, f"{method} {route.route}: columns {' '.join(table.COLUMNS)}"
    assert not leaks


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("route", "row"), [p for p in ROWS if "<uuid" in p.id or "<int" in p.id])
def test_somebody_elses_object_looks_exactly_like_a_missing_one(world, route, row, method):
    arguments = row.make(world)
    nothing = route.arguments_of_nothing(arguments)
    assert nothing != arguments
    for column, expected in zip(table.COLUMNS, getattr(row, method), strict=True):
        if expected == "I":
            continue
        theirs = answer(world, column, method, route, row, arguments)
        missing = answer(world, column, method, route, row, nothing)
        if expected == "F" and missing.status_code == 404:
            continue  # they see the object; only this act is not theirs
        assert signature(theirs, arguments) == signature(missing, nothing), column


def body(response) -> str:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return content.decode("utf-8", "replace")


def signature(response, arguments):
    """Status, headers and body without what differs between any two requests."""
    request_id = response.headers.get("X-Request-ID", "")
    masks = [
        response.wsgi_request.path,
        request_id,
        *(text for text in map(str, arguments.values()) if len(text) > 8),
    ]

    def masked(text: str) -> str:
        for mask in filter(None, masks):
            text = text.replace(mask, "*")
        return re.sub(r'(csrf-token" content="|csrfmiddlewaretoken" value=")[^"]*', r"\1*", text)

    headers = {name: masked(value) for name, value in response.headers.items()}
    return response.status_code, headers, masked(body(response))


@pytest.mark.parametrize(
    "route",
    [
        pytest.param(route, id=route.route)
        for route in every_route()
        if route.route.startswith(table.DJANGO_ADMIN_PREFIX)
        and not route.route.startswith(("admin/login", "admin/logout", "admin/jsi18n"))
        and route.name != "admin:None"
        and "^" not in route.route
        and "(" not in route.route
    ],
)
def test_djangos_admin_lets_administrators_in_and_nobody_else(world, route):
    arguments = dict.fromkeys(route.pattern.pattern.converters, "1")
    for column, expected in zip(table.COLUMNS, table.DJANGO_ADMIN, strict=True):
        response = world.browsers[column].get(route.url(arguments))
        if expected == "I":
            assert response.status_code in (200, 302, 403, 404), column
            assert "/login/" not in response.headers.get("Location", "")
        else:
            assert response.status_code == 302, column
            assert response.headers["Location"].startswith("/admin/login/"), column
        assert CANARY not in body(response)


def test_djangos_sign_in_is_the_products_own(world):
    response = world.browsers["anonymous"].get("/admin/login/?next=/admin/")
    assert response.status_code == 302
    assert response.headers["Location"].startswith(reverse("account_login"))
    assert world.browsers["clinician"].get("/admin/login/?next=/admin/").status_code == 403


@pytest.mark.parametrize(("route", "row"), ROWS)
def test_no_post_works_without_the_csrf_token(world, route, row):
    if row.POST in (table.NO, table.NOBODY):
        pytest.skip("nothing can be posted there")
    for user in (world.people.clinician, world.people.administrator):
        browser = sign_in(user, enforce_csrf_checks=True)
        response = browser.post(route.url(row.make(world)), row.data(world))
        assert response.status_code in (403, 405), user.role


def test_a_denied_case_is_recorded_and_a_missing_one_is_not(world):
    url = reverse("patients:case", args=[world.case.public_id])
    before = AuditEvent.objects.filter(action="access.denied").count()
    assert world.browsers["outsider"].get(url).status_code == 404
    denied = AuditEvent.objects.filter(action="access.denied", outcome=Outcome.DENIED)
    assert denied.count() == before + 1
    event = denied.latest("sequence")
    assert event.actor_id == world.people.other_clinician.pk
    assert event.object_id == str(world.case.public_id)

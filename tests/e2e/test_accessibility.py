"""axe-core on every page that each role can reach, in light and dark, on a desk and on a phone.

Each person follows every link from their first page, a few of each kind. The access table says which
pages that must have been: a new page that nobody links to, or that is not looked at, fails here.
"""

import hashlib
from collections import Counter, deque
from urllib.parse import urljoin, urlsplit

import pytest
from django.urls import Resolver404, resolve
from playwright.sync_api import Page

from telemed import demo
from tests.e2e.axe import SOURCE, in_both_themes, violations
from tests.security.access_table import COLUMNS, DJANGO_ADMIN_PREFIX, TABLE

CLINICIAN, SPECIALIST, ADMINISTRATOR = (person.email for person in demo.PEOPLE)
# Answers that are no pages: parts that a page loads into itself, and files.
PARTS = {
    "cases/<uuid:case_id>/header",
    "cases/<uuid:case_id>/pictures",
    "cases/<uuid:case_id>/thread",
    "cases/<uuid:case_id>/timeline",
    "cases/<uuid:public_id>/cells",
    "datasets/<slug:slug>/progress",
    "notices/bell",
    "patients/search",
    "readings/<uuid:public_id>/differential",
}
FILES = {
    "datasets/<slug:slug>/export",
    "datasets/pictures/<uuid:item_id>/small",
    "datasets/pictures/<uuid:item_id>/whole",
    "labelling/next/<uuid:cell_id>",
    "images/<uuid:image_id>/picture",
    "images/<uuid:image_id>/thumbnail",
    "models/<str:model_id>/files/<path:name>",
    "reports/<uuid:report_id>/cells/<int:number>",
    "reports/<uuid:report_id>/fhir",
    "reports/<uuid:report_id>/json",
    "reports/<uuid:report_id>/pdf",
    "health/live",
}
# They send on to another page.
DOORS = {"", "notices/<uuid:notice_id>/"}
# Reached by a mail, or only in the middle of something; their templates are those of other pages.
ASIDE = {
    "account/^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
    "account/2fa/authenticate/",
}
# Nobody links to them; they are opened by name.
BY_NAME = {
    "account/inactive/": "/account/inactive/",
    "account/password/reset/done/": "/account/password/reset/done/",
    "account/password/reset/key/done/": "/account/password/reset/key/done/",
    "account/reauthenticate/": "/account/reauthenticate/",
    "account/logout/": "/account/logout/",
    "models/compare": "/models/compare",  # by a form
    "verify/": "/verify/",
}
# A specialist's own texts, without JavaScript; with it they are part of the page that signs.
OWN_TEXTS = "/text-blocks/"
# The access table's world has no case that a specialist holds; here there is one.
WHEN_HELD = {
    "cases/<uuid:case_id>/hand-over",
    "cases/<uuid:case_id>/opinion",
    "cases/<uuid:case_id>/sign",
    "readings/<uuid:public_id>/compare",
}
# How many pages of one address are looked at: cases and models differ by what has become of them.
SEVERAL = {
    "cases/<uuid:case_id>/": 8,
    "cases/<uuid:case_id>/review": 3,
    "models/<str:model_id>/": 2,
}

pytestmark = [pytest.mark.slow, pytest.mark.local_shape, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def furnished(stack):
    """The demonstration, and beside it what it has not: a signed and critical case, opinions, a
    model that the gate refused, a data set and a training run."""
    stack.wait_seeded()
    stack.call("tests.servers.twins:refused", "worse")
    stack.call("tests.servers.data_sets:imported", "e2e-axe")
    stack.call("tests.servers.teaching:stopped_run", "e2e-stopped")
    return [
        stack.call("tests.servers.signed_case:critical", "E2E-AXE-1"),
        stack.call("tests.servers.signed_case:opinions", "E2E-AXE-2"),
    ]


def test_axe_is_the_pinned_one():
    (pinned,) = [
        line.split()
        for line in (SOURCE.parent / "VERSIONS").read_text().splitlines()
        if line.startswith(SOURCE.name)
    ]
    assert hashlib.sha256(SOURCE.read_bytes()).hexdigest() == pinned[4]


def test_axe_finds_what_is_wrong(page):
    page.set_content("<html><body><img src=x><input><p style='color:#ccc'>pale</p></body></html>")
    found = " ".join(violations(page))
    for rule in ("image-alt", "label", "color-contrast"):
        assert rule in found


def route_of(address: str) -> str | None:
    """The address as Django spells it, or None for what is not Django's."""
    try:
        return resolve(urlsplit(address).path).route
    except Resolver404:
        return None


def expected(column: str) -> set[str]:
    """The pages that somebody of this role is let in to."""
    place = COLUMNS.index(column)
    return {
        route
        for route, row in TABLE.items()
        if row.GET[place] == "I" and not route.startswith("api/")
    } - (PARTS | FILES | DOORS | ASIDE)


def look(page: Page, address: str) -> list[str]:
    """What axe says of the page at this address; the page is left at a desk's width."""
    page.goto(address)
    page.wait_for_load_state("networkidle")
    found = in_both_themes(page)
    page.set_viewport_size({"width": 390, "height": 844})
    found += [f"phone: {line}" for line in violations(page)]
    page.set_viewport_size({"width": 1440, "height": 900})
    return [f"{urlsplit(address).path}: {line}" for line in found]


def follow(page: Page, starts: list[str]) -> tuple[Counter[str], list[str]]:
    """Every page that links lead to: how many of each address, and what axe found."""
    waiting = deque(urljoin(page.url, start) for start in starts)
    known, seen, found = set(waiting), Counter[str](), []
    while waiting:
        address = waiting.popleft()
        route = route_of(address)
        if route is None or route in PARTS | FILES or route.startswith(DJANGO_ADMIN_PREFIX):
            continue
        if seen[route] >= SEVERAL.get(route, 1):
            continue
        found += look(page, address)
        # Sent on: it is the page that one arrives at that was looked at.
        seen.update({route, route_of(page.url) or ""})
        links = page.evaluate("[...document.querySelectorAll('a[href]')].map((a) => a.href)")
        for link in links:
            link = link.partition("#")[0]
            if link not in known and urlsplit(link).netloc == urlsplit(page.url).netloc:
                known.add(link)
                waiting.append(link)
    return seen, found


@pytest.mark.parametrize(
    ("column", "email"),
    [("clinician", CLINICIAN), ("specialist", SPECIALIST), ("administrator", ADMINISTRATOR)],
)
def test_no_page_keeps_anybody_out(visitor, furnished, column, email):
    visitor.sign_in(email)
    starts = ["/", *BY_NAME.values()]
    if column != "administrator":
        starts[1:1] = furnished
    if column == "specialist":
        starts.append(OWN_TEXTS)
    seen, found = follow(visitor.page, starts)
    assert not found, "\n".join(found)
    missed = expected(column) - set(seen)
    if column == "specialist":
        missed |= WHEN_HELD - set(seen)
    assert not missed, f"a {column} may open these, and no link led there"


def test_no_page_keeps_out_who_is_not_signed_in(page):
    page.goto("/account/login/")
    seen, found = follow(page, ["/account/login/"])
    assert not found, "\n".join(found)
    assert set(seen) >= {"account/login/", "account/password/reset/"}


def test_error_pages_keep_nobody_out(visitor):
    for status in ("404", "403"):
        visitor.expect_complaint(status)
    visitor.sign_in(CLINICIAN)
    assert look(visitor.page, f"{visitor.page.url}nothing-here") == []
    assert look(visitor.page, urljoin(visitor.page.url, "/people/")) == []


def test_djangos_admin_keeps_nobody_out(visitor):
    page = visitor.page
    visitor.sign_in(ADMINISTRATOR)
    found = []
    for path in ("", "accounts/user/", "accounts/user/1/change/", "audit/auditevent/"):
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            # Anew each time: its colours take a moment from one theme to the other.
            page.goto(f"/{DJANGO_ADMIN_PREFIX}{path}")
            found += [f"{path} {scheme}: {line}" for line in violations(page, preload=False)]
    assert not found, "\n".join(found)

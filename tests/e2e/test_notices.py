"""The bell, the notice centre, and a critical result acknowledged, on a desk and on a phone."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from telemed import demo
from tests.e2e.axe import in_both_themes
from tests.servers.stack import Stack
from tests.servers.valkey import wait_until

CLINICIAN, SPECIALIST, _ = (person.email for person in demo.PEOPLE)
CANARY = "Canarybird"  # the patient's name
SIZES = {"desk": (1440, 900), "phone": (390, 844)}

pytestmark = [pytest.mark.slow, pytest.mark.local_shape]


@pytest.fixture(params=SIZES)
def size(request) -> str:
    return request.param


@pytest.fixture
def mrn(request: pytest.FixtureRequest) -> str:
    """A patient of the test's own."""
    return "E2E-" + re.sub(r"[^a-z]+", "-", request.node.name)[-30:].strip("-")


@pytest.fixture
def critical(stack: Stack, mrn: str) -> str:
    """The address of a case with a critical result that nobody has acknowledged."""
    stack.wait_seeded()
    return stack.call("tests.servers.signed_case:critical", mrn)


@pytest.fixture(scope="module")
def another(stack: Stack) -> str:
    """The same, shared by tests that leave it as it is."""
    stack.wait_seeded()
    return stack.call("tests.servers.signed_case:critical", "E2E-NOTICES")


@pytest.fixture
def person(new_visitor: Callable, size: str) -> Callable[[str], Page]:
    """``person(email)``: that person's page, signed in, of this size."""

    def _person(email: str) -> Page:
        width, height = SIZES[size]
        visitor = new_visitor(width=width, height=height)
        visitor.sign_in(email)
        return visitor.page

    return _person


def mails(stack: Stack) -> list[str]:
    return [path.read_text() for path in Path(stack.data_dir, "mail").iterdir() if path.is_file()]


def test_a_critical_result_is_told_mailed_and_acknowledged(stack, critical, mrn, person):
    page = person(CLINICIAN)
    bell = page.get_by_role("link", name=re.compile("Notices"))
    expect(bell).to_have_accessible_name(re.compile(r"Notices, \d+ unread"))
    bell.click()
    expect(page.locator("h1")).to_have_text("Notices")
    line = page.locator(".notice-line.is-critical.is-unread").first
    expect(line).to_contain_text("Acknowledge it now.")
    assert CANARY not in page.locator("#notices").inner_text()
    assert in_both_themes(page) == []

    line.locator(".notice-open").click()
    expect(page).to_have_url(re.compile(re.escape(critical)))
    banner = page.locator(".critical-banner")
    expect(banner).to_have_attribute("role", "alert")
    expect(banner).to_contain_text("blast")
    button = banner.get_by_role("button", name="Acknowledge this critical result")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".critical-settled")).to_contain_text(
        f"Acknowledged by {demo.PEOPLE[0].name}"
    )
    expect(page.locator(".critical-banner")).to_have_count(0)

    number = page.locator("h1").inner_text().split()[0]
    wait_until(
        lambda: any(f"Critical result in {number}" in mail for mail in mails(stack)),
        seconds=90,
        what="the mail about it",
    )
    assert not any(CANARY in mail or mrn in mail for mail in mails(stack))
    about_it = [mail for mail in mails(stack) if f"Critical result in {number}" in mail]
    assert len(about_it) == 1

    seen = person(SPECIALIST)
    seen.goto(critical)
    expect(seen.locator(".critical-settled")).to_contain_text(demo.PEOPLE[0].name)


def test_the_bell_renews_itself_only_while_it_is_looked_at(another, mrn, person):
    page = person(CLINICIAN)
    page.clock.install()
    page.goto("/notices/?show=unread")
    page.get_by_role("button", name="Mark all as read").click()
    expect(page.locator("#bell")).not_to_contain_text("unread")

    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    writer = person(SPECIALIST)
    writer.goto(another)
    writer.locator("#thread textarea").fill(f"Please call me: {mrn}")
    writer.get_by_role("button", name="Send").click()
    expect(writer.locator("#thread")).to_contain_text(f"Please call me: {mrn}")

    page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    page.clock.run_for(120_000)
    assert not [url for url in asked if url.endswith("/notices/bell")]
    page.evaluate("Object.defineProperty(document, 'hidden', { value: false, configurable: true })")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#bell")).to_contain_text("1 unread")
    with page.expect_request("**/notices/bell"):
        page.clock.run_for(36_000)
    assert len([url for url in asked if url.endswith("/notices/bell")]) == 2


def test_one_is_marked_as_read_and_the_page_stays(stack, another, person):
    stack.call("tests.servers.signed_case:messages", another)
    page = person(CLINICIAN)
    page.goto("/notices/")
    unread = page.locator(".notice-line.is-unread")
    before = unread.count()
    assert before >= 1
    unread.first.get_by_role("button", name=re.compile("Mark as read")).click()
    expect(unread).to_have_count(before - 1)
    expect(page).to_have_url(re.compile(r"/notices/$"))


def test_what_one_is_told_by_mail_is_kept(person):
    page = person(CLINICIAN)
    page.goto("/notices/preferences")
    box = page.get_by_role("checkbox", name="Somebody wrote in a case's thread: by e-mail")
    was = box.is_checked()
    box.set_checked(not was)
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".messages")).to_contain_text("Saved.")
    assert box.is_checked() != was
    expect(page.get_by_role("checkbox", name="A critical result: on screen")).to_be_disabled()
    assert in_both_themes(page) == []


def test_what_is_new_is_marked_in_the_list_until_one_looks(critical, mrn, person):
    page = person(CLINICIAN)
    page.goto(f"/cases/?q={mrn}")
    news = page.locator(".news").first
    expect(news).to_contain_text("critical result, report signed")
    page.locator(".case-table a").first.click()
    page.goto(f"/cases/?q={mrn}")
    expect(page.locator(".case-table tbody tr").first.locator(".news")).to_have_count(0)

"""From one case to the next with the keyboard alone: read, sign, go on."""

import re

import pytest
from playwright.sync_api import expect

from telemed import demo
from tests.e2e.desk import all_saved, at_desk, case_of, ready

pytestmark = [pytest.mark.slow, pytest.mark.local_shape]


def test_a_case_is_read_and_signed_and_the_next_one_opened_without_a_mouse(stack, open_desk):
    further = stack.call("tests.servers.desk_case:held", "E2E-KEYS-2", "3")
    page = open_desk(6)
    case = case_of(page)
    left = page.locator("[data-undecided]")
    while left.inner_text() != "0":
        page.keyboard.press("5")
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    all_saved(page)
    expect(page.locator("[data-unseen]")).to_have_attribute("data-unsent", "0")

    page.keyboard.press("r")
    page.wait_for_url(f"**/cases/{case}/sign")
    expect(page.get_by_label("Your password")).to_be_focused()
    page.keyboard.type(demo.PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/reports/*/")
    expect(page.get_by_text("is signed: report version 1")).to_be_visible()
    go_on = page.locator("[data-next-case]")
    expect(go_on).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/review$"))
    ready(page)
    assert case_of(page) != case
    at_desk(page, further)
    expect(page.locator(".cell")).to_have_count(3)

"""The desk in a browser when the line drops, when the session ends, and when somebody else was first."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.desk import (
    ACTS,
    SAVED,
    SPECIALIST,
    all_saved,
    at_desk,
    case_of,
    labels,
    name_of,
    ready,
    state,
    tiles,
    told,
)

COLLEAGUE = "colleague@demo.example"

pytestmark = [pytest.mark.slow, pytest.mark.local_shape]


def test_no_verdict_is_lost_when_the_line_drops_nor_when_the_page_is_loaded_again(
    stack, visitor, open_desk
):
    visitor.expect_complaint("ERR_")
    page = open_desk(30)
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.keyboard.press("7")
    all_saved(page)

    # No answer to any act, while the page itself still loads.
    page.route(ACTS, lambda route: route.abort())
    for key in ("5", "7", "8"):
        page.keyboard.press(key)
    page.keyboard.press("z")
    expect(state(page)).to_contain_text("4 changes not saved yet, kept in this browser")
    expect(page.locator(".cell.is-pending")).to_have_count(3)
    now = labels(page)
    assert told(stack, page)["acts"] == 1
    page.reload()
    ready(page)
    assert "beforeunload" in asked
    assert labels(page) == now
    expect(state(page)).to_contain_text("4 changes not saved yet")

    page.unroute(ACTS)
    page.keyboard.press("6")
    all_saved(page)
    kept = told(stack, page)
    assert kept["acts"] == 6
    assert kept["labels"] == labels(page)
    expect(page.locator(".cell.is-pending")).to_have_count(0)

    # The whole line, and back.
    visitor.context.set_offline(True)
    for key in ("1", "2", "3"):
        page.keyboard.press(key)
    expect(state(page)).to_contain_text("Connection lost: 3 changes not saved yet")
    visitor.context.set_offline(False)
    all_saved(page)
    assert told(stack, page)["acts"] == 9
    assert told(stack, page)["labels"] == labels(page)


def test_an_answer_that_is_lost_is_not_a_verdict_twice(stack, visitor, open_desk):
    visitor.expect_complaint("ERR_")
    page = open_desk(10)
    lost = []

    def lose(route):
        if route.request.method == "POST" and not lost:
            lost.append(route.fetch().status)  # the server has it, the browser hears nothing
            route.abort()
        else:
            route.continue_()

    page.route(ACTS, lose)
    page.keyboard.press("7")
    all_saved(page)
    assert lost == [200]
    assert told(stack, page)["acts"] == 1


def test_whoever_signs_in_again_has_lost_nothing(stack, visitor, open_desk):
    visitor.expect_complaint("403")
    page = open_desk(10)
    page.on("dialog", lambda dialog: dialog.accept())
    case = page.url
    visitor.context.clear_cookies()
    page.keyboard.press("7")
    expect(page.locator("[data-banner=signed-out]")).to_contain_text("You were signed out")
    page.get_by_role("button", name="Sign in again").click()
    page.wait_for_url("**/account/login/**")
    visitor.sign_in(SPECIALIST)
    page.goto(case)
    all_saved(ready(page))
    assert told(stack, page)["acts"] == 1


def conflicting(visitor, other: Page, page: Page, *, cells: int) -> list[str]:
    """The line of ``page`` is down; both desks call the same cells something else."""
    visitor.expect_complaint("ERR_")
    visitor.expect_complaint("409")
    names = [name_of(tiles(page, "neutrophil").nth(place)) for place in range(cells)]
    visitor.context.set_offline(True)
    for desk, key in ((page, "7"), (other, "4")):
        tiles(desk, "neutrophil").first.click()
        for _ in range(cells):
            desk.keyboard.press(key)
    all_saved(other)
    visitor.context.set_offline(False)
    expect(page.locator("[data-conflict]")).to_be_visible(timeout=SAVED)
    return names


def test_a_conflict_is_shown_and_the_reader_chooses(stack, visitor, new_visitor, open_desk):
    page = open_desk(60)
    elsewhere = new_visitor()  # the same person at another machine
    elsewhere.sign_in(SPECIALIST)
    other = at_desk(elsewhere.page, page.url.removesuffix("review"))
    first, second = conflicting(visitor, other, page, cells=2)

    dialog = page.locator("[data-conflict]")
    expect(dialog.locator("li")).to_have_count(1)  # the acts were two, one cell each
    expect(dialog).to_contain_text(f"Cell {first}")
    expect(dialog).to_contain_text("Monocyte")
    expect(dialog).to_contain_text("Dr Jonas Lindqvist")
    # Put off, it waits; other work goes on.
    page.keyboard.press("Escape")
    expect(page.locator("[data-banner=conflict]")).to_be_visible()
    expect(state(page)).to_contain_text("2 changes not saved: decide first")
    page.get_by_role("button", name="Decide", exact=True).click()
    dialog.get_by_role("button", name="Keep mine").click()
    expect(dialog).to_contain_text(f"Cell {second}")
    dialog.get_by_role("button", name="Take theirs").click()
    expect(dialog).to_be_hidden()
    all_saved(page)
    kept = told(stack, page)["labels"]
    assert (kept[first], kept[second]) == ("blast", "monocyte")
    assert labels(page) == kept
    # The other desk hears of it.
    expect(tiles(other, "blast")).to_have_count(1, timeout=SAVED)


def test_a_colleague_looks_on_and_sees_each_verdict_as_it_is_given(stack, new_visitor, open_desk):
    stack.call("tests.servers.desk_case:colleague", COLLEAGUE, "Dr Ida Moreau")
    page = open_desk(12)
    looker = new_visitor()
    looker.sign_in(COLLEAGUE)
    other = at_desk(looker.page, page.url.removesuffix("review"))
    expect(other.locator("[data-banners]")).to_contain_text("Dr Jonas Lindqvist holds this case")
    expect(other.locator("[data-banner=here]")).to_contain_text("Dr Jonas Lindqvist has this case")
    expect(page.locator("[data-banner=here]")).to_contain_text("Dr Ida Moreau", timeout=SAVED)
    page.locator(".cell").first.click()
    page.keyboard.press("7")
    expect(tiles(other, "blast")).to_have_count(1, timeout=SAVED)
    other.locator(".cell").first.click()
    other.keyboard.press("5")
    expect(other.locator("#toasts")).to_contain_text("You look at this reading")
    assert told(stack, page)["acts"] == 1

    # Handed over meanwhile: the desk says so, and takes no more.
    page.goto(f"/cases/{case_of(page)}/hand-over")
    page.get_by_label("Colleague").select_option(label="Dr Ida Moreau")
    page.get_by_role("button", name=re.compile("Hand over")).click()
    page.wait_for_url("**/worklist/**")
    expect(other.locator("[data-banner=given]")).to_contain_text("yours to read", timeout=SAVED)

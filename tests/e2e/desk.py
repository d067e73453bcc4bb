"""What the tests of the desk in a browser do with its page."""

import json
import re

import pytest
from playwright.sync_api import Locator, Page, expect

from telemed import demo

SPECIALIST = demo.PEOPLE[1].email
ACTS = "**/api/v1/readings/*/acts"
SAVED = 30_000  # ms
# position -> class, as the page shows it
LABELS = """() => Object.fromEntries([...document.querySelectorAll(".cell")].map((tile) =>
  [tile.querySelector(".cell-no").textContent, tile.closest("[data-label]").querySelector("h2").id]))"""


def at_desk(page: Page, case: str) -> Page:
    page.goto(f"{case}review")
    return ready(page)


def ready(page: Page) -> Page:
    expect(page.locator("[data-desk][data-ready]")).to_be_visible()
    return page


def case_of(page: Page) -> str:
    return re.search(r"/cases/([0-9a-f-]+)/", page.url)[1]


def told(stack, page: Page) -> dict:
    return json.loads(stack.call("tests.servers.desk_case:told", case_of(page)))


def labels(page: Page) -> dict[str, str]:
    return {name: found.removeprefix("group-") for name, found in page.evaluate(LABELS).items()}


def state(page: Page) -> Locator:
    return page.locator("[data-state]")


def all_saved(page: Page) -> None:
    expect(state(page)).to_have_text("All saved", timeout=SAVED)
    expect(state(page)).to_have_attribute("data-pending", "0")


def tiles(page: Page, label: str) -> Locator:
    return page.locator(f'[aria-labelledby="group-{label}"] > .cell')


def name_of(tile: Locator) -> str:
    return tile.locator(".cell-no").inner_text()


def chosen(page: Page) -> int:
    return page.locator('.cell[aria-selected="true"]').count()


def press_until_disabled(page: Page, key: str, button: str, *, most: int) -> int:
    """How many times it was pressed."""
    target = page.locator(f".desk-acts [data-do={button}]")
    for times in range(most):
        if target.is_disabled():
            return times
        page.keyboard.press(key)
    pytest.fail(f"{button} goes on after {most} times")

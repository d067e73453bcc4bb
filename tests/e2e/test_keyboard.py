"""The main flow with the keyboard alone: all of it is reached, and the focus is seen and never lost."""

import re

import cv2
import pytest
from playwright.sync_api import Locator, Page, expect

from ml.phantoms import draw_cell
from telemed import demo

CLINICIAN = demo.PEOPLE[0].email
MINUTES = 60_000
# Why a person would not see where the focus is; empty when they do. A file input is seen by its
# label, a cell by its tile.
UNSEEN = """() => {
  const focused = document.activeElement;
  if (!focused || focused === document.body) return "nothing has the focus";
  const label = focused.labels?.[0];
  const shown = focused.classList.contains("visually-hidden") && label ? label : focused;
  const marked = [shown, shown.closest(".tile")].filter(Boolean).some((element) => {
    const style = getComputedStyle(element);
    return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2)
      || style.boxShadow !== "none";
  });
  const name = shown.outerHTML.slice(0, 120);
  if (!marked) return `no ring: ${name}`;
  const box = shown.getBoundingClientRect();
  const seen = document.elementFromPoint(box.x + box.width / 2,
    (Math.max(box.top, 0) + Math.min(box.bottom, innerHeight)) / 2);
  return seen && (shown.contains(seen) || seen.contains(shown)) ? "" : `covered or off screen: ${name}`;
}"""

pytestmark = [pytest.mark.slow, pytest.mark.local_shape]


def tab_to(page: Page, target: Locator, *, stops: int = 40) -> None:
    """Tab until it has the focus; every stop on the way must be seen."""
    expect(target).to_be_attached()
    for _ in range(stops):
        page.keyboard.press("Tab")
        assert page.evaluate(UNSEEN) == ""
        if target.evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"not reached with {stops} Tabs: {target}")


def picture(seed: int) -> bytes:
    kind = "eosinophil" if seed % 2 else "lymphocyte"
    return cv2.imencode(".png", draw_cell(kind, seed).image[..., ::-1].copy())[1].tobytes()


def sign_in(page: Page) -> None:
    page.goto("/account/login/")
    tab_to(page, page.locator("input[name=login]"))
    page.keyboard.type(CLINICIAN)
    tab_to(page, page.locator("input[name=password]"))
    page.keyboard.type(demo.PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Cases")


def open_case(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.locator(".skip-link")).to_be_focused()
    assert page.evaluate(UNSEEN) == ""
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    tab_to(page, page.get_by_role("link", name="New case"), stops=1)
    page.keyboard.press("Enter")
    expect(page.locator("#id_patient_q")).to_be_focused()
    for name, words in (("mrn", "E2E-KEYS"), ("family_name", "Keyboard")):
        tab_to(page, page.locator(f"input[name={name}]"))
        page.keyboard.type(words)
    tab_to(page, page.get_by_role("button", name="Add patient and open case"))
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text(re.compile(r"TH-\d{4}-\d{5}"))


def upload_and_submit(page: Page) -> None:
    tab_to(page, page.locator("#upload-files"))
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files(
        [{"name": f"cell-{n}.png", "mimeType": "image/png", "buffer": picture(n)} for n in range(6)]
    )
    expect(page.locator("#upload-summary")).to_contain_text("6 received", timeout=MINUTES)
    submit = page.get_by_role("button", name="Submit 6 images")
    tab_to(page, submit)
    page.keyboard.press("Enter")
    expect(page.locator("#cells")).to_be_visible()


def test_the_main_flow_needs_no_mouse(page):
    sign_in(page)
    open_case(page)
    upload_and_submit(page)

    # The answers of the polls leave the focus where it is.
    maps = page.locator(".cells-tools [data-maps]")
    tab_to(page, maps)
    expect(page.locator("#cells")).to_contain_text("6 cells read", timeout=3 * MINUTES)
    expect(maps).to_be_focused()

    # One class, and back: the link that was pressed is gone then, the focus is not.
    tab_to(page, page.locator(".count").first)
    page.keyboard.press("Enter")
    expect(page.locator(".count").first).to_have_attribute("aria-current", "true")
    expect(page.locator(".count").first).to_be_focused()
    tab_to(page, page.get_by_role("link", name="Show all 6 cells"))
    page.keyboard.press("Enter")
    tiles = page.locator(".tile-open")
    expect(tiles).to_have_count(6)
    expect(tiles.first).to_be_focused()
    assert page.evaluate(UNSEEN) == ""

    # The gallery, the map, the enlarged cell.
    page.keyboard.press("ArrowRight")
    expect(tiles.nth(1)).to_be_focused()
    page.keyboard.press("o")
    expect(page.locator(".tile canvas.map").first).to_be_visible()
    page.keyboard.press("Enter")
    dialog = page.locator("[data-zoom]")
    expect(dialog).to_be_visible()
    for _ in range(12):  # more than it has buttons: the focus stays inside
        page.keyboard.press("Tab")
        assert dialog.evaluate(
            "dialog => dialog.contains(document.activeElement) || document.activeElement === document.body"
        )
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(tiles.nth(1)).to_be_focused()

    # The thread, and the timeline beside it.
    body = page.locator("textarea[name=body]")
    tab_to(page, body)
    body.evaluate("box => { box.style.height = '120px' }")  # as a hand on its corner would
    page.keyboard.type("Written without a mouse.")
    tab_to(page, page.get_by_role("button", name="Send"), stops=1)
    page.keyboard.press("Enter")
    expect(page.locator("#thread .thread-body")).to_have_text("Written without a mouse.")
    expect(body).to_be_focused()
    expect(body).to_have_value("")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    expect(page.locator("#tab-thread")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tab-timeline")).to_be_focused()
    expect(page.locator("#timeline")).to_contain_text("wrote in the thread")

    # A menu gives the focus back.
    menu = page.locator("button.dropdown-toggle")
    menu.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Your account")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    expect(menu).to_be_focused()

"""What happens in the browser around results: keys, map, zoom, a lost connection, quick look."""

import base64
import itertools
import re

import cv2
import pytest
from playwright.sync_api import Page, expect

from ml.phantoms import draw_cell
from telemed import demo

CLINICIAN = demo.PEOPLE[0].email
MINUTES = 60_000
DROP = """([selector, base64]) => {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], "dropped.png", { type: "image/png" }));
  for (const kind of ["dragenter", "dragover", "drop"])
    document.querySelector(selector).dispatchEvent(
      new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: data }));
}"""

pytestmark = pytest.mark.slow

_cases = itertools.count(1)


def picture(seed: int) -> bytes:
    return cv2.imencode(".png", draw_cell("eosinophil", seed).image[..., ::-1].copy())[1].tobytes()


def open_case(page: Page, mrn: str) -> None:
    page.goto("/cases/new")
    page.locator("input[name=mrn]").fill(mrn)
    page.locator("input[name=family_name]").fill("Browser")
    page.get_by_role("button", name="Add patient and open case").click()
    expect(page.locator("h1")).to_contain_text(re.compile(r"TH-\d{4}-\d{5}"))


def drop(page: Page, selector: str, data: bytes) -> None:
    page.evaluate(DROP, [selector, base64.b64encode(data).decode()])


@pytest.fixture
def read_case(visitor) -> Page:
    """A case with six cells that were read, in the browser of the clinician."""
    page = visitor.page
    visitor.sign_in(CLINICIAN)
    open_case(page, f"E2E-RESULTS-{next(_cases)}")
    page.locator("#upload-files").set_input_files(
        [{"name": f"cell-{n}.png", "mimeType": "image/png", "buffer": picture(n)} for n in range(6)]
    )
    expect(page.locator("#upload-summary")).to_contain_text("6 received", timeout=MINUTES)
    page.get_by_role("button", name="Submit 6 images").click()
    expect(page.locator("#cells")).to_contain_text("6 cells read", timeout=3 * MINUTES)
    return page


def test_the_gallery_works_by_keys_alone(read_case):
    page = read_case
    tiles = page.locator(".tile-open")
    expect(page.locator('.tile-open[tabindex="0"]')).to_have_count(1)
    tiles.first.focus()
    page.keyboard.press("ArrowRight")
    expect(tiles.nth(1)).to_be_focused()
    page.keyboard.press("End")
    expect(tiles.nth(5)).to_be_focused()
    page.keyboard.press("Home")

    expect(page.locator(".tile canvas.map").first).to_be_hidden()
    page.keyboard.press("o")
    expect(page.locator(".tile canvas.map").first).to_be_visible()
    painted = page.locator(".tile canvas.map").first.evaluate(
        "canvas => canvas.getContext('2d').getImageData(0, 0, 48, 48).data.some((v) => v > 0)"
    )
    assert painted

    page.keyboard.press("Enter")
    dialog = page.locator("[data-zoom]")
    expect(dialog).to_be_visible()
    expect(page.locator("[data-zoom-title]")).to_have_text("Cell 1")
    expect(dialog.locator(".bar-line")).to_have_count(5)
    expect(dialog).to_contain_text("Decision support, not a diagnosis")
    sheet = dialog.locator(".zoom-sheet")
    before = sheet.bounding_box()["width"]
    page.keyboard.press("+")
    assert sheet.bounding_box()["width"] > before
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-zoom-title]")).to_have_text("Cell 2")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(tiles.nth(1)).to_be_focused()

    # A picture dropped beside the case's own zone goes nowhere, and nobody leaves the page.
    address = page.url
    drop(page, ".case-side", picture(50))
    expect(page.locator("[data-quick]")).to_be_hidden()
    assert page.url == address


def test_quick_look_answers_stores_nothing_and_hands_its_picture_to_a_new_case_alone(visitor):
    page = visitor.page
    sent: list[str] = []
    page.on("request", lambda r: sent.append(r.url) if r.method == "POST" else None)

    def look() -> None:
        page.goto("/models/")
        drop(page, "main", picture(99))
        expect(page.locator("[data-quick] .reading")).to_be_visible(timeout=MINUTES)
        expect(page.locator("[data-quick]")).to_contain_text("Nothing was stored.")
        expect(page.locator("[data-quick] canvas.map")).to_be_visible()

    def received() -> int:
        return sum("/images" in url for url in sent)

    visitor.sign_in(CLINICIAN)
    open_case(page, "E2E-OTHER")
    other = page.url
    look()
    page.get_by_role("button", name="Open a case with this image").click()
    page.wait_for_url("**/cases/new")
    page.goto(other)  # changed their mind: another patient's draft must not get the picture
    expect(page.locator("#pictures")).to_contain_text("No picture yet")
    page.reload()
    page.wait_for_load_state("networkidle")
    assert received() == 0

    look()
    page.get_by_role("button", name="Open a case with this image").click()
    page.wait_for_url("**/cases/new")
    page.locator("input[name=mrn]").fill("E2E-QUICK")
    page.locator("input[name=family_name]").fill("Quick")
    page.get_by_role("button", name="Add patient and open case").click()
    expect(page.locator("#upload-summary")).to_contain_text("1 received", timeout=MINUTES)
    assert received() == 1


def test_quick_look_says_why_a_file_is_refused(visitor):
    visitor.expect_complaint("422")
    page = visitor.page
    visitor.sign_in(CLINICIAN)
    page.goto("/quick-look/")
    page.locator("[data-quick-file]").set_input_files(
        {"name": "notes.png", "mimeType": "image/png", "buffer": b"these are notes"}
    )
    expect(page.locator("[data-quick] [role=alert]")).to_contain_text("not a JPEG, PNG or TIFF")
    expect(page.locator("[data-quick]")).to_contain_text("Nothing was stored.")


def test_the_theme_is_chosen_before_the_first_paint_and_kept(visitor):
    page = visitor.page
    visitor.sign_in(CLINICIAN)
    page.goto("/models/")
    for choice in ("dark", "light"):
        page.get_by_label("Light or dark").click()
        with page.expect_response("**/account/theme"):
            page.locator(f"[data-theme-choice={choice}]").click()
        expect(page.locator("html")).to_have_attribute("data-bs-theme", choice)
        page.reload()
        expect(page.locator("html")).to_have_attribute("data-bs-theme", choice)
        expect(page.locator("html")).to_have_attribute("data-theme", choice)


def test_more_pictures_are_added_to_a_case_that_was_submitted(read_case):
    page = read_case
    page.locator("#add-images summary").click()
    page.locator("#upload-files").set_input_files(
        [{"name": "more.png", "mimeType": "image/png", "buffer": picture(77)}]
    )
    expect(page.locator("#upload-summary")).to_contain_text("1 received", timeout=MINUTES)
    expect(page.locator("#cells")).to_contain_text("7 cells read", timeout=3 * MINUTES)

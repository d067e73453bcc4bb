"""``make screenshots``: the pictures of docs/screenshots, taken from the demonstration itself."""

import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
from playwright.sync_api import Browser, Page, expect, sync_playwright

from telemed import demo
from tests.servers.stack import ROOT, Stack
from tests.servers.visitor import FLAGS, Visitor

CLINICIAN, SPECIALIST, ADMINISTRATOR = (person.email for person in demo.PEOPLE)
DESK, PHONE = (1440, 900), (390, 844)


def first_case(page: Page) -> None:
    page.locator("main a[href*='/cases/']:not([href$='/new'])").first.click()
    page.wait_for_load_state("networkidle")


def case(page: Page) -> None:
    page.goto("/cases/?q=DEMO-001")
    first_case(page)
    page.get_by_role("button", name="Where the model looked").click()


def looked_at(page: Page) -> None:
    """The answer of the quick look to a drawn eosinophil."""
    from ml.phantoms import draw_cell

    page.goto("/quick-look/")
    _, png = cv2.imencode(".png", draw_cell("eosinophil", 4).image[..., ::-1])
    file = {"name": "phantom.png", "mimeType": "image/png", "buffer": png.tobytes()}
    page.locator("input[type=file]").first.set_input_files([file])
    expect(page.locator("body")).to_contain_text("Nothing was stored", timeout=30_000)
    page.wait_for_load_state("networkidle")


def desk(page: Page) -> None:
    page.goto("/worklist/?section=mine")
    page.get_by_role("link", name="Read", exact=True).first.click()
    page.locator(".cell").first.click()
    page.wait_for_load_state("networkidle")


def report(page: Page) -> None:
    page.goto("/cases/?q=DEMO-003")
    first_case(page)
    page.locator("main a[href*='/reports/']").first.click()
    page.wait_for_load_state("networkidle")


def model(page: Page) -> None:
    page.goto("/models/")
    page.locator("main table a").first.click()
    page.wait_for_load_state("networkidle")


def at(path: str) -> Callable[[Page], None]:
    def go(page: Page) -> None:
        page.goto(path)
        page.wait_for_load_state("networkidle")

    return go


# name, who, what to do from their first page, width and height, colour scheme
SHOTS: tuple[tuple[str, str | None, Callable[[Page], None], tuple[int, int], str], ...] = (
    ("sign-in", None, at("/account/login/"), DESK, "light"),
    ("cases", CLINICIAN, at("/cases/"), DESK, "light"),
    ("case", CLINICIAN, case, DESK, "light"),
    ("case-dark", CLINICIAN, first_case, DESK, "dark"),
    ("case-phone", CLINICIAN, first_case, PHONE, "light"),
    ("quick-look", CLINICIAN, looked_at, DESK, "light"),
    ("worklist", SPECIALIST, at("/worklist/?section=open"), DESK, "light"),
    ("desk", SPECIALIST, desk, DESK, "light"),
    ("desk-phone", SPECIALIST, desk, PHONE, "dark"),
    ("report", CLINICIAN, report, DESK, "light"),
    ("people", ADMINISTRATOR, at("/people/"), DESK, "light"),
    ("audit", ADMINISTRATOR, at("/audit/"), DESK, "light"),
    ("model", ADMINISTRATOR, model, DESK, "light"),
)


def shoot(browser: Browser, address: str, folder: Path) -> list[str]:
    """Takes every picture; what the browsers complained about."""
    complaints = []
    for name, person, act, (width, height), scheme in SHOTS:
        context = browser.new_context(
            base_url=address,
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            reduced_motion="reduce",
        )
        visitor = Visitor(context)
        if person:
            visitor.sign_in(person)
        act(visitor.page)
        visitor.page.screenshot(path=folder / f"{name}.png")
        complaints += [f"{name}: {line}" for line in visitor.complaints()]
        visitor.close()
        print(f"  {folder.name}/{name}.png", flush=True)
    return complaints


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix="th-shots-"))
    stack = Stack(place / "data")
    try:
        print("Starting TeleHeme with its demonstration ...", flush=True)
        stack.start().wait_seeded()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=list(FLAGS)
            )
            complaints = shoot(browser, stack.address, folder)
            browser.close()
    finally:
        stack.end()
        shutil.rmtree(place, ignore_errors=True)
    if complaints:
        sys.exit("The browser complained:\n" + "\n".join(complaints))


if __name__ == "__main__":
    main()

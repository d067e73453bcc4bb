"""Names that break careless pages, in a real browser: shown as they are, and nothing else happens.

A content policy violation or a console error fails the test by itself (see conftest).
"""

from collections.abc import Callable, Iterator

import cv2
import pytest
from playwright.sync_api import APIResponse, Page, expect

from ml.phantoms import draw_cell
from telemed import demo
from tests.security.hostile_text import HOSTILE_TEXT

CLINICIAN, SPECIALIST, ADMINISTRATOR = (person.email for person in demo.PEOPLE)
MINUTES = 60_000
SCRIPT, IMAGE = HOSTILE_TEXT["script"], HOSTILE_TEXT["image_tag"]
# What the texts would add to a page that does not escape them.
INJECTED = """() => [...document.querySelectorAll("script:not([src]), img[src='x'], [onerror]")]
  .map((element) => element.outerHTML)"""
SHOWN = "() => document.body.textContent.replace(/\\s+/g, ' ')"

pytestmark = [pytest.mark.slow, pytest.mark.local_shape]


class Reader:
    """One person's page, which says so when it was not left alone."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.dialogs: list[str] = []
        page.on("dialog", self._dialog)

    def _dialog(self, dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def open(self, path: str, *, shows: str = "", params: dict[str, str] | None = None) -> None:
        if params:
            path = f"{path}?{self.page.evaluate('fields => new URLSearchParams(fields).toString()', params)}"
        answer = self.page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        self.check(shows)

    def check(self, shows: str = "") -> None:
        self.page.wait_for_load_state("networkidle")
        assert self.page.evaluate(INJECTED) == [], self.page.url
        assert "TeleHeme" in self.page.title()
        assert self.dialogs == []
        text = self.page.evaluate(SHOWN)
        assert " ".join(shows.split()) in text, f"{shows!r} is not on {self.page.url}"

    def send(self, form_page: str, path: str, **fields: str) -> APIResponse:
        """What the form of this page sends."""
        self.page.goto(form_page)
        token = self.page.locator("meta[name=csrf-token]").get_attribute("content")
        return self.page.request.post(
            path,
            form={**fields, "csrfmiddlewaretoken": token or ""},
            headers={"Referer": self.page.url},
        )


@pytest.fixture
def reader(new_visitor) -> Callable[[str], Reader]:
    def sign_in(email: str) -> Reader:
        visitor = new_visitor()
        visitor.sign_in(email)
        return Reader(visitor.page)

    return sign_in


def files() -> Iterator[dict[str, object]]:
    for seed, name in enumerate(HOSTILE_TEXT.values()):
        image = draw_cell("lymphocyte", 400 + seed).image[..., ::-1].copy()
        yield {
            "name": name,
            "mimeType": "image/png",
            "buffer": cv2.imencode(".png", image)[1].tobytes(),
        }


def test_patients_with_any_name_are_listed_found_and_opened(reader):
    clinician = reader(CLINICIAN)
    for name, text in HOSTILE_TEXT.items():
        fields = {"mrn": f"H-{name}", "family_name": text, "given_name": text, "sex": "unknown"}
        answer = clinician.send("/cases/new", "/cases/new", key=f"hostile-{name}", **fields)
        assert "/cases/new" not in answer.url, f"{name}: {answer.text()[:2000]}"
        clinician.open(answer.url, shows=text)
    shown = {"script": SCRIPT, "image_tag": IMAGE}
    for name, text in shown.items():
        clinician.open("/cases/", params={"q": f"H-{name}"}, shows=text)
        clinician.open("/cases/new", params={"q": text}, shows=text)
        clinician.open("/patients/", params={"q": text}, shows=text)
        clinician.page.get_by_role("link", name=text).first.click()
        clinician.check(text)
        clinician.page.get_by_role("link", name="Edit patient").click()
        clinician.check()
        assert clinician.page.locator("input[name=family_name]").input_value() == text
    for text in HOSTILE_TEXT.values():
        clinician.open("/cases/", params={"q": text})


def test_a_case_full_of_them_is_read_and_talked_about(reader):
    clinician, specialist = reader(CLINICIAN), reader(SPECIALIST)
    page = clinician.page
    answer = clinician.send(
        "/cases/new", "/cases/new", mrn=IMAGE[:40], family_name=SCRIPT, sex="unknown", key="hostile"
    )
    clinician.open(answer.url)
    every = "\n".join(HOSTILE_TEXT.values())
    page.locator("textarea[name=clinical_question]").fill(every)
    for field, text in (("device", SCRIPT), ("site", IMAGE)):
        page.locator(f"input[name={field}]").fill(text)
        page.keyboard.press("Tab")
    expect(page.locator("#details-state")).to_contain_text("Saved")
    page.locator("#upload-files").set_input_files(list(files()))
    count = len(HOSTILE_TEXT)
    expect(page.locator("#upload-summary")).to_contain_text(f"{count} received", timeout=MINUTES)
    clinician.check(SCRIPT)  # a file's name, in the list of what was sent
    page.get_by_role("button", name=f"Submit {count} images").click()
    expect(page.locator("#cells")).to_contain_text(f"{count} cells read", timeout=3 * MINUTES)

    # The enlarged cell shows its file's name.
    for name in ("script", "image_tag", "template"):
        page.locator(".tile-open").nth(list(HOSTILE_TEXT).index(name)).click()
        expect(page.locator("[data-zoom-side]")).to_contain_text(HOSTILE_TEXT[name])
        clinician.check()
        page.keyboard.press("Escape")
    page.locator("textarea[name=body]").fill(every)
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#thread .thread-body")).to_contain_text("{{7*7}}")
    clinician.check(SCRIPT)

    # One who reads it, and whose own name is no better.
    case = page.url
    try:
        specialist.send("/account/", "/account/", full_name=SCRIPT, theme="auto")
        specialist.open(case, shows=SCRIPT)
        specialist.page.locator("textarea[name=body]").fill(IMAGE)
        specialist.page.get_by_role("button", name="Send").click()
        expect(specialist.page.locator("#thread")).to_contain_text(IMAGE)
        specialist.page.locator("details.fold summary").click()
        expect(specialist.page.locator(".picture-name").first).to_be_visible()
        specialist.check(SCRIPT)
        page.reload()
        page.get_by_role("tab", name="Timeline").click()
        expect(page.locator("#timeline")).to_contain_text(SCRIPT)
        clinician.check(IMAGE)
    finally:
        specialist.send("/account/", "/account/", full_name=demo.PEOPLE[1].name, theme="auto")


def test_people_and_organisations_of_any_name_are_administered(reader):
    administrator = reader(ADMINISTRATOR)
    for text in (SCRIPT, IMAGE):
        administrator.send("/organisations/add", "/organisations/add", name=text)
        administrator.open("/organisations/", params={"q": text}, shows=text)
        administrator.page.get_by_role("link", name=text).first.click()
        administrator.check(text)
    administrator.page.goto("/people/add")
    choice = administrator.page.locator("select[name=organisation] option", has_text=IMAGE)
    organisation = choice.first.get_attribute("value") or ""
    answer = administrator.send(
        "/people/add",
        "/people/add",
        full_name=SCRIPT,
        email="hostile@demo.example",
        role="clinician",
        organisation=organisation,
    )
    administrator.open(answer.url, shows=SCRIPT)
    administrator.open("/people/", params={"q": "hostile@"}, shows=SCRIPT)
    administrator.open("/people/", shows=IMAGE)
    administrator.open("/audit/", params={"who": SCRIPT})
    administrator.open("/admin/accounts/user/", shows=SCRIPT)
    administrator.open("/admin/accounts/organisation/", shows=IMAGE)

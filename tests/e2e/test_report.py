"""Writing, signing, reading, verifying and amending a report, on a desk and on a phone."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from telemed import demo
from tests.e2e.axe import in_both_themes
from tests.servers.stack import Stack

CLINICIAN, SPECIALIST, _ = (person.email for person in demo.PEOPLE)
SIZES = {"desk": (1440, 900), "phone": (390, 844)}

pytestmark = [pytest.mark.slow, pytest.mark.local_shape]


@pytest.fixture(params=SIZES)
def size(request) -> str:
    return request.param


@pytest.fixture
def sign_page(stack: Stack, size: str) -> str:
    """The address of the sign page of a case of the test's own, ready to be signed."""
    stack.wait_seeded()
    return stack.call("tests.servers.report_case:ready", f"E2E-REPORT-{size}")


@pytest.fixture
def person(new_visitor: Callable, size: str) -> Callable[[str], Page]:
    """``person(email)``: that person's page, signed in, of this size; "" stays signed out."""

    def _person(email: str) -> Page:
        width, height = SIZES[size]
        visitor = new_visitor(width=width, height=height)
        visitor.expect_complaint("422 (Unprocessable")
        if email:
            visitor.sign_in(email)
        return visitor.page

    return _person


def fits(page: Page) -> None:
    """Nothing sticks out to the side."""
    wide = page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0


def test_a_report_is_written_signed_read_verified_and_amended(sign_page, person, size, tmp_path):
    page = person(SPECIALIST)
    page.goto(sign_page)
    expect(page.locator("h1")).to_contain_text("Sign TH-")
    fits(page)
    assert in_both_themes(page) == []

    # Text blocks and the comment, which saves itself and shows in the preview.
    page.get_by_text("New text block").click()
    page.locator("#id_new-title").fill(f"Mature {size}")
    page.locator("#id_new-body").fill("Lymphocytes are mature.")
    page.get_by_role("button", name="Keep block").click()
    comment = page.locator("#id_comment")
    comment.fill("No blasts.")
    page.get_by_role("button", name=f"Mature {size}", exact=True).click()
    expect(comment).to_have_value("No blasts. Lymphocytes are mature.")
    expect(page.locator(".sheet-comment")).to_contain_text("Lymphocytes are mature.")
    expect(page.locator("#details-state")).to_contain_text(re.compile(r"Saved \d\d:\d\d"))

    # A wrong password changes nothing and keeps the text; the right one signs, by Enter.
    page.locator("#id_password").fill("not-the-password")
    page.get_by_role("button", name="Sign report").click()
    expect(page.locator("#sign-form .field-errors")).to_contain_text(
        "This is not your password.", timeout=30_000
    )
    expect(comment).to_have_value("No blasts. Lymphocytes are mature.")
    page.locator("#id_password").fill(demo.PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("Report, version 1", timeout=30_000)
    report = page.url
    fits(page)
    assert in_both_themes(page) == []
    code = page.locator(".sheet-code b").inner_text()

    # The clinic reads it, and the reading centre sees that.
    clinic = person(CLINICIAN)
    clinic.goto(report)
    expect(clinic.locator(".sheet-comment")).to_contain_text("Lymphocytes are mature.")
    expect(clinic.locator(".sheet-group img").first).to_have_js_property("complete", True)
    assert in_both_themes(clinic) == []
    with clinic.expect_download() as download:
        clinic.get_by_role("link", name="Download PDF").click()
    pdf = tmp_path / "report.pdf"
    download.value.save_as(pdf)
    assert pdf.read_bytes().startswith(b"%PDF")
    page.reload()
    expect(page.locator(".receipts").first).to_contain_text(f"Opened by {demo.PEOPLE[0].name}")

    # Whoever holds the paper, without an account.
    stranger = person("")
    stranger.goto("/verify/")
    stranger.get_by_label("Code").fill(code.lower())
    stranger.keyboard.press("Enter")
    expect(stranger.locator(".verdict h2")).to_contain_text("exists and is in force")
    assert "Canarybird" not in stranger.locator("body").inner_text()
    fits(stranger)
    assert in_both_themes(stranger) == []
    stranger.goto("/verify/")
    stranger.locator("input[type=file]").set_input_files(pdf)
    stranger.get_by_role("button", name="Verify").click()
    expect(stranger.locator(".verdict")).to_contain_text("The file is the PDF of this report")

    # Amended: the reason, what changed, and the old version says so.
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Amend report").click()
    page.wait_for_url("**/review")
    page.goto(sign_page)
    expect(comment).to_have_value("No blasts. Lymphocytes are mature.")
    comment.fill("No blasts. Some lymphocytes are reactive.")
    page.locator("#id_reason").fill("Seen again with a colleague.")
    page.locator("#id_password").fill(demo.PASSWORD)
    page.get_by_role("button", name="Sign amended report").click()
    expect(page.locator("h1")).to_contain_text("Report, version 2", timeout=30_000)
    expect(page.locator(".changes")).to_contain_text("Some lymphocytes are reactive.")
    clinic.reload()
    expect(clinic.locator(".sheet-standing")).to_contain_text("replaced by an amended version")
    clinic.get_by_role("link", name="version 2", exact=True).click()
    expect(clinic.locator(".sheet-amended")).to_contain_text("Seen again with a colleague.")
    stranger.goto(f"/verify/?code={code}")
    expect(stranger.locator(".verdict h2")).to_contain_text("was replaced by version 2")

"""An administrator has a candidate read new pictures, and goes back: seen from the clinic's cases."""

import re

import pytest
from playwright.sync_api import Page, expect

from classifier.inference.discovery import DEFAULT_MODEL
from telemed import demo
from tests.e2e.desk import case_of
from tests.e2e.test_results import CLINICIAN, MINUTES, open_case, picture

pytestmark = [pytest.mark.slow, pytest.mark.local_shape]
ADMINISTRATOR = demo.PEOPLE[2].email
CANDIDATE = "e2e-candidate"


def reader_of_a_new_case(stack, page: Page, mrn: str) -> str:
    open_case(page, mrn)
    page.locator("#upload-files").set_input_files(
        [{"name": "cell.png", "mimeType": "image/png", "buffer": picture(len(mrn) + ord(mrn[-1]))}]
    )
    expect(page.locator("#upload-summary")).to_contain_text("1 received", timeout=MINUTES)
    page.get_by_role("button", name="Submit 1 image").click()
    expect(page.locator("#cells")).to_contain_text("1 cell read", timeout=3 * MINUTES)
    return stack.call("tests.servers.twins:readers", case_of(page))


def test_a_candidate_passes_the_gate_reads_a_case_and_gives_way_again(stack, new_visitor):
    stack.wait_seeded()
    stack.call("tests.servers.twins:registered", CANDIDATE)
    clinic = new_visitor()
    clinic.sign_in(CLINICIAN)
    office = new_visitor()
    office.sign_in(ADMINISTRATOR)
    page = office.page

    page.goto(f"/models/{CANDIDATE}/")
    page.get_by_role("link", name="Promote …").click()
    page.get_by_role("button", name="Try the gate").click(timeout=2 * MINUTES)
    verdict = page.locator(".promotion-verdict")
    expect(verdict).to_have_text("Nothing speaks against it", timeout=2 * MINUTES)
    expect(page.get_by_role("main")).to_contain_text("Right on 0.9920 of 1,500 cells")
    assert reader_of_a_new_case(stack, clinic.page, "E2E-PROMOTE-1") == DEFAULT_MODEL

    page.get_by_role("button", name="Activate").click(timeout=2 * MINUTES)
    expect(page.get_by_role("main")).to_contain_text("Activated", timeout=2 * MINUTES)
    assert reader_of_a_new_case(stack, clinic.page, "E2E-PROMOTE-2") == CANDIDATE

    page.goto("/models/")
    page.get_by_role("button", name=f"Go back to {DEFAULT_MODEL}").click(timeout=2 * MINUTES)
    row = page.get_by_role("row", name=re.compile(DEFAULT_MODEL))
    page.wait_for_load_state()
    page.goto("/models/")
    expect(row).to_contain_text("Active", timeout=2 * MINUTES)
    assert reader_of_a_new_case(stack, clinic.page, "E2E-PROMOTE-3") == DEFAULT_MODEL

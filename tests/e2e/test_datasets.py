"""An administrator imports a data set, looks at it, takes it away as a file, and makes one of signed
cells after their organisation has consented."""

import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from telemed import demo
from tests.datasets import sets
from tests.e2e.axe import in_both_themes

pytestmark = [pytest.mark.local_shape]
ADMINISTRATOR = demo.PEOPLE[2].email
PATIENCE = 120_000  # ms: two slices a set, behind whatever the worker has to read


@pytest.fixture
def archive(tmp_path: Path) -> str:
    path = tmp_path / "smears.zip"
    names = {f"smears/{kind}/{n}.png": n for n, kind in enumerate(("monocyte", "blast") * 4)}
    path.write_bytes(sets.zip_of({**names, "smears/neutrophil/twin.png": 0}))
    return str(path)


def is_ready(page: Page) -> None:
    """The page says so by itself, without being loaded anew by hand."""
    expect(page.get_by_role("link", name="Browse the pictures")).to_be_visible(timeout=PATIENCE)


def test_a_data_set_is_imported_looked_at_and_exported(visitor, archive):
    page = visitor.page
    visitor.sign_in(ADMINISTRATOR)
    page.get_by_role("link", name="Data sets").click()
    page.get_by_role("link", name="Import").first.click()
    page.get_by_label("Zip file with the pictures").set_input_files(archive)
    page.get_by_label("Name", exact=True).fill("Our smears")
    page.get_by_label("Licence").fill("CC BY 4.0")
    page.get_by_role("button", name="Send and import").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Our smears")
    is_ready(page)
    expect(page.get_by_role("main")).to_contain_text("at least one of the two is wrong")
    assert not in_both_themes(page)

    page.get_by_role("link", name="Browse the pictures").click()
    expect(page.locator(".set-pictures li")).to_have_count(9)
    page.get_by_role("link", name="Blast", exact=False).first.click()
    expect(page.locator(".set-pictures li")).to_have_count(4)
    page.go_back()
    page.get_by_role("link", name="Our smears").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Export").click()
    names = zipfile.ZipFile(download.value.path()).namelist()
    assert "our-smears/manifest.csv" in names
    assert len(names) == 11


def test_signed_cells_become_a_set_when_their_organisation_consents(visitor, stack):
    stack.wait_seeded()
    page = visitor.page
    visitor.sign_in(ADMINISTRATOR)
    page.goto("/organisations/")
    page.get_by_role("link", name="Northfield Clinic").first.click()
    page.get_by_role("link", name="Write down its consent").click()
    page.get_by_label("Why").fill("Agreement of the clinic.")
    page.get_by_role("button", name="Write it down").click()
    expect(page.get_by_role("main")).to_contain_text("Agreement of the clinic.")
    assert not in_both_themes(page)

    page.goto("/datasets/signed")
    expect(page.get_by_role("main")).to_contain_text("Drawn cells of demonstrations")
    page.get_by_label("Which cells").select_option("drawn")
    page.get_by_label("Name", exact=True).fill("Drawn and signed")
    page.get_by_label("Licence").fill("Within the house")
    page.get_by_role("button", name="Make the set").click()
    is_ready(page)
    expect(page.get_by_role("main")).to_contain_text("Synthetic")

    page.goto("/organisations/")
    page.get_by_role("link", name="Northfield Clinic").first.click()
    page.get_by_role("link", name="Consent and its history").click()
    page.get_by_label("Its signed cells may be used").select_option("no")
    page.get_by_label("Why").fill("Taken back.")
    page.get_by_role("button", name="Write it down").click()
    page.goto("/datasets/drawn-and-signed/")
    expect(page.get_by_role("alert")).to_contain_text("consents no more")

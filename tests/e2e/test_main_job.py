"""The main job on real images: sign in, open a case, send twenty pictures, see twenty classes."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from telemed import demo
from tests.servers.stack import ROOT

CLASSES = ("basophil", "eosinophil", "lymphocyte", "monocyte", "neutrophil")
CLINICIAN, SPECIALIST = demo.PEOPLE[0].email, demo.PEOPLE[1].email
MINUTES = 60_000

pytestmark = [pytest.mark.slow, pytest.mark.realdata]


@pytest.fixture(scope="module")
def twenty(real_data: Path) -> list[tuple[Path, str]]:
    """Four test-split pictures of each class, the classes taking turns."""
    with (real_data / "pbc" / "manifest.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "test"]
    of_class = {name: [row["path"] for row in rows if row["class"] == name][:4] for name in CLASSES}
    return [(real_data / of_class[name][turn], name) for turn in range(4) for name in CLASSES]


def open_case(page: Page, mrn: str) -> None:
    page.goto("/cases/")
    page.get_by_role("link", name="New case").click()
    page.locator("input[name=mrn]").fill(mrn)
    page.locator("input[name=family_name]").fill("Browser")
    page.locator("input[name=given_name]").fill("Test")
    page.get_by_role("button", name="Add patient and open case").click()
    expect(page.locator("h1")).to_contain_text(re.compile(r"TH-\d{4}-\d{5}"))


def labels_on(page: Page) -> list[str]:
    """The most probable class of every tile, in upload order."""
    cells = page.locator("#cells [data-cell]").evaluate_all(
        "tiles => tiles.map(tile => JSON.parse(tile.dataset.cell))"
    )
    return [cell.get("label", "") for cell in cells]


def test_a_clinician_sees_twenty_real_cells_classified_as_on_the_command_line(visitor, twenty):
    page = visitor.page
    visitor.sign_in(CLINICIAN)
    open_case(page, "E2E-20")
    page.locator("textarea[name=clinical_question]").fill("Which cells are these?")
    expect(page.locator("main")).to_contain_text(re.compile(r"Saved \d\d:\d\d"))

    page.locator("#upload-files").set_input_files([path for path, _ in twenty])
    expect(page.locator("#upload-summary")).to_contain_text("20 received", timeout=MINUTES)
    page.get_by_role("button", name="Submit 20 images").click()
    expect(page.locator("#cells")).to_contain_text("20 cells read", timeout=3 * MINUTES)
    expect(page.locator("#cells progress[aria-label='Cells read']")).to_have_count(0)

    seen = labels_on(page)
    truth = [label for _, label in twenty]
    assert len(seen) == 20
    assert sum(a == b for a, b in zip(seen, truth, strict=True)) >= 18, list(
        zip(seen, truth, strict=True)
    )
    assert page.locator("#cells canvas[data-map]").count() == 20
    assert seen == labels_of_the_command([path for path, _ in twenty])


def labels_of_the_command(paths: list[Path]) -> list[str]:
    """What ``manage.py classify --json`` says of the same files, with no database of its own."""
    answer = subprocess.run(
        [sys.executable, "manage.py", "classify", "--json", *map(str, paths)],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": "sqlite:////nowhere/at/all.sqlite3"},
        capture_output=True,
        text=True,
        timeout=280,
        check=True,
    )
    rows = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [Path(row["path"]) for row in rows] == paths
    return [row["label"] for row in rows]


def test_the_specialist_of_the_reading_centre_takes_the_case_and_answers(new_visitor, twenty):
    clinician, specialist = new_visitor(), new_visitor()
    page = clinician.page
    clinician.sign_in(CLINICIAN)
    open_case(page, "E2E-READ")
    page.locator("#upload-files").set_input_files([path for path, _ in twenty[:5]])
    page.get_by_role("button", name="Submit 5 images").click()
    expect(page.locator("#cells")).to_contain_text("5 cells read", timeout=3 * MINUTES)
    address = page.url

    desk = specialist.page
    specialist.sign_in(SPECIALIST)
    desk.goto(address)
    desk.get_by_role("button", name="Take for review").click()
    expect(desk).to_have_url(re.compile("/review$"))
    desk.goto(address)
    expect(desk.locator("h1")).to_contain_text("In review")
    desk.locator("textarea[name=body]").fill("Seen: the fourth cell is a monocyte.")
    desk.get_by_role("button", name="Send").click()
    expect(desk.locator("#thread")).to_contain_text("the fourth cell is a monocyte")

    page.reload()
    expect(page.locator("#thread")).to_contain_text("the fourth cell is a monocyte")
    page.get_by_role("tab", name="Timeline").click()
    expect(page.locator("#timeline")).to_contain_text(demo.PEOPLE[1].name)


def test_quick_look_answers_without_storing_anything(visitor, twenty):
    page = visitor.page
    visitor.sign_in(CLINICIAN)
    page.goto("/quick-look/")
    path, label = twenty[4]
    page.locator("input[type=file]").first.set_input_files(path)
    answer = page.get_by_role("dialog").or_(page.locator("main"))
    expect(answer.filter(has_text=re.compile(label, re.I)).first).to_be_visible(timeout=MINUTES)
    expect(page.locator("body")).to_contain_text("Nothing was stored")


def test_the_whole_flow_works_on_a_phone(new_visitor, twenty):
    visitor = new_visitor(width=390, height=844, has_touch=True, is_mobile=True)
    page = visitor.page
    visitor.sign_in(CLINICIAN)
    open_case(page, "E2E-PHONE")
    page.locator("#upload-camera").set_input_files(twenty[0][0])
    page.get_by_role("button", name="Submit 1 image").click()
    expect(page.locator("#cells")).to_contain_text("1 cell read", timeout=3 * MINUTES)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

"""The model pages in a browser: values under pointer and keys, tabs, comparison, files."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from classifier.inference.locked import Locked
from telemed import demo
from tests.e2e.axe import in_both_themes, violations
from tests.servers.twins import twin

pytestmark = [pytest.mark.local_shape]
CLINICIAN = demo.PEOPLE[0].email
OTHER = "e2e-second-model"


@pytest.fixture(scope="module")
def shipped() -> Path:
    (folder,) = (path for path in Path(settings.MODEL_DIRS[0]).iterdir() if path.is_dir())
    return folder


@pytest.fixture(scope="module", autouse=True)
def second(stack):
    """The shipped model's twin in the data directory, a little worse, and not registered."""
    rng = np.random.default_rng(5)

    def unsure(said: Locked) -> Locked:
        scores = np.log(np.maximum(said.probabilities, 1e-6))
        raised = np.exp(scores + rng.normal(0, 1.5, scores.shape))
        return replace(said, probabilities=raised / raised.sum(axis=1, keepdims=True))

    folder = twin(stack.data_dir / "models" / OTHER, unsure)
    yield
    shutil.rmtree(folder)


def no_wider_than_it_is(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_chart_says_its_value_under_the_pointer_and_under_the_keys(visitor, shipped):
    page = visitor.page
    visitor.sign_in(CLINICIAN)
    page.goto(f"/models/{shipped.name}/")
    chart = page.locator("figure.chart", has=page.get_by_role("heading", name="Accuracy"))
    stage, said = chart.locator("[data-chart-stage]"), chart.locator("[data-chart-say]")
    expect(said).to_contain_text("arrow keys")
    stage.hover(position={"x": 200, "y": 60})
    expect(said).to_contain_text("accuracy 0.")
    page.mouse.move(0, 0)
    expect(said).to_contain_text("arrow keys")
    stage.focus()
    page.keyboard.press("Home")
    expect(said).to_contain_text("Head, epoch 1: training accuracy")
    page.keyboard.press("ArrowDown")
    expect(said).to_contain_text("Head, epoch 1: validation accuracy")
    page.keyboard.press("End")
    expect(said).to_contain_text("Fine-tuning 2, epoch 10: validation accuracy")
    stage.blur()
    expect(said).to_contain_text("arrow keys")


def test_sets_and_mistakes_are_chosen_by_links_that_work_without_scripts(new_visitor, shipped):
    visitor = new_visitor(java_script_enabled=False)
    page = visitor.page
    visitor.sign_in(CLINICIAN)
    page.goto(f"/models/{shipped.name}/")
    page.get_by_role("navigation", name="Locked sets").get_by_role(
        "link", name="bccd whole fields"
    ).click()
    expect(page.get_by_role("heading", name="On bccd whole fields, 348 cells")).to_be_visible()
    page.get_by_role("link", name="Neutrophil said to be eosinophil").click()
    expect(page.locator("#answers h3")).to_contain_text("Neutrophil said to be eosinophil")
    rows = page.locator("#answers tbody tr")
    expect(rows).to_have_count(20)
    page.locator("#answers").get_by_role("link", name="Next").click()
    expect(page.locator("#answers h3")).to_contain_text("Neutrophil said to be eosinophil")


def test_a_file_of_a_model_is_saved_as_it_is(visitor, shipped):
    page = visitor.page
    visitor.sign_in(CLINICIAN)
    page.goto(f"/models/{shipped.name}/")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="history.csv").click()
    saved = waiting.value
    assert saved.suggested_filename == f"{shipped.name}-history.csv"
    assert Path(saved.path()).read_bytes() == (shipped / "history.csv").read_bytes()


def test_two_models_are_compared_from_the_list(visitor, shipped):
    page = visitor.page
    visitor.sign_in(CLINICIAN)
    page.goto("/models/")
    page.get_by_label("First").select_option(shipped.name)
    page.get_by_label("Second").select_option(OTHER)
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", name="Differences on pbc/test, 1,500 cells")).to_be_visible()
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="Log loss"))
    expect(row).to_contain_text("worse")
    page.get_by_role("link", name="From right to wrong").click()
    expect(page.locator("#changed tbody tr").first).to_be_visible()
    page.get_by_role("link", name="Swap first and second").click()
    expect(row).to_contain_text("better")


@pytest.mark.slow
@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize(
    "address",
    [
        "/models/",
        "/models/{id}/?set=bccd whole fields",
        "/models/{id}/?set=pbc_other/test",
        "/models/compare?a={id}&b={other}&set=bccd whole fields",
        "/models/compare?a={id}&b={other}&set=pbc_other/test",
    ],
)
def test_no_model_page_keeps_anybody_out_or_is_wider_than_the_screen(
    new_visitor, shipped, address, width
):
    visitor = new_visitor(width=width)
    page = visitor.page
    visitor.sign_in(CLINICIAN)
    page.goto(address.format(id=shipped.name, other=OTHER))
    page.wait_for_load_state("networkidle")
    for summary in page.locator("details:not([open]) > summary").all():
        if summary.is_visible():
            summary.click()
    no_wider_than_it_is(page)
    found = in_both_themes(page) if width == 1440 else violations(page)
    assert not found, "\n".join(found)

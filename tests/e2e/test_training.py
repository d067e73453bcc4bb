"""From signed cells to a model that reads: a set, a run that is watched, the gate, and back again."""

import re

import pytest
from playwright.sync_api import expect

from classifier.inference.discovery import DEFAULT_MODEL
from telemed import demo
from tests.e2e.test_datasets import is_ready
from tests.e2e.test_promotion import reader_of_a_new_case
from tests.e2e.test_results import CLINICIAN, MINUTES
from tests.servers.stack import Stack

pytestmark = [pytest.mark.slow, pytest.mark.local_shape, pytest.mark.timeout(1500)]
ADMINISTRATOR = demo.PEOPLE[2].email
PATIENTS = 20
OWN = "signed-cells-1"
# It learns for a minute from a hundred drawn cells with weights that nobody trained: what is tried
# here is the way, not how good the model is.
ENVIRONMENT = {
    "TELEHEME_TRAINING_WORKER": "1",
    "TELEHEME_WEIGHTS": "random",
    "TELEHEME_DATA": "",
    "TELEHEME_GATE_TEST": "*/test",
    "TELEHEME_GATE_OTHER_SET": "none",
    "TELEHEME_GATE_EXTERNAL_SET": "none",
    **{
        f"TELEHEME_GATE_{name}": "1"
        for name in ("ACCURACY", "RECALL", "CALIBRATION", "MOST_ECE", "ABSTAINED")
    },
}
FIELDS = {
    "model_id": OWN, "views": "1", "epochs": "8", "learning_rate": "0.003",
    "fine_tune_epochs": "2", "views_per_epoch": "128", "fine_tune_batch": "16", "averaging": "0.8",
}  # fmt: skip


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """The product with a worker that trains."""
    stack = Stack(tmp_path_factory.mktemp("training") / "data", environment=ENVIRONMENT)
    try:
        yield stack.start()
    finally:
        stack.end()


def test_a_model_is_trained_from_signed_cells_watched_promoted_and_left_again(stack, new_visitor):
    stack.wait_seeded()
    for first in range(0, 5 * PATIENTS, 25):  # five patients at a time
        stack.call("tests.servers.teaching:signed", f"E2E-TEACH-{first}", "5", str(5000 + first))
    office, clinic = new_visitor(), new_visitor()
    office.sign_in(ADMINISTRATOR)
    clinic.sign_in(CLINICIAN)
    page = office.page

    page.goto("/organisations/")
    page.get_by_role("link", name="Northfield Clinic").first.click()
    page.get_by_role("link", name="Write down its consent").click()
    page.get_by_label("Why").fill("Agreement of the clinic.")
    page.get_by_role("button", name="Write it down").click()
    page.goto("/datasets/signed")
    page.get_by_label("Which cells").select_option("drawn")
    page.get_by_label("Name", exact=True).fill("Our signed cells")
    page.get_by_label("Licence").fill("Ours alone")
    page.get_by_role("button", name="Make the set").click()
    is_ready(page)

    page.goto("/training/new")
    page.get_by_role("checkbox", name=re.compile("Our signed cells")).check()
    page.get_by_label("What learns").select_option("fine-tuning")
    page.get_by_label("Network").select_option("short")
    page.get_by_label("Input").select_option("96")
    for name, value in FIELDS.items():
        page.locator(f"#id_{name}").fill(value)
    page.get_by_role("button", name="Start").click()

    # Watched: the page is not loaded again by hand.
    going = page.locator("#going")
    expect(going).to_contain_text("Running", timeout=2 * MINUTES)
    expect(going).to_contain_text(re.compile(r"epoch \d+ of 2"), timeout=6 * MINUTES)
    expect(going.locator("figure.chart")).to_have_count(2, timeout=2 * MINUTES)
    expect(going).to_contain_text(f"It made {OWN}", timeout=8 * MINUTES)
    expect(going.get_by_role("row", name=re.compile("fine-tuning 2"))).to_be_visible()

    page.get_by_role("link", name="Open the model").click()
    expect(page.get_by_role("main")).to_contain_text("Candidate")
    expect(page.get_by_role("main")).to_contain_text("our-signed-cells/test")
    page.get_by_role("link", name="Promote …").click()
    page.get_by_role("button", name="Try the gate").click(timeout=2 * MINUTES)
    verdict = page.locator(".promotion-verdict")
    expect(verdict).to_have_text("Nothing speaks against it", timeout=2 * MINUTES)
    expect(page.get_by_role("main")).to_contain_text("Both were measured on the same")
    page.get_by_role("button", name="Activate").click(timeout=2 * MINUTES)
    expect(page.get_by_role("main")).to_contain_text("Activated", timeout=2 * MINUTES)
    assert reader_of_a_new_case(stack, clinic.page, "E2E-TRAINED-1") == OWN

    page.goto("/models/")
    page.get_by_role("button", name=f"Go back to {DEFAULT_MODEL}").click(timeout=2 * MINUTES)
    page.wait_for_load_state()
    row = page.get_by_role("row", name=re.compile(DEFAULT_MODEL))
    expect(row).to_contain_text("Active", timeout=2 * MINUTES)
    assert reader_of_a_new_case(stack, clinic.page, "E2E-TRAINED-2") == DEFAULT_MODEL

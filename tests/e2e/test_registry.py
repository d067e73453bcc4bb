"""An administrator sends a model, is told why one is refused, and names and retires a candidate."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from telemed import demo
from tests.e2e.axe import in_both_themes, violations
from tests.security.models.parts import good, packed, vouched

pytestmark = [pytest.mark.local_shape]
ADMINISTRATOR = demo.PEOPLE[2].email


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """A zip file of a model that is fit, and one whose classes stand in another order."""
    right, wrong = tmp_path / "right.zip", tmp_path / "wrong.zip"
    right.write_bytes(packed(vouched(good(), id="e2e-registry")))
    wrong.write_bytes(packed(vouched(good(), classes=["monocyte"])))
    return str(right), str(wrong)


def test_a_model_is_sent_named_and_retired(visitor, files):
    right, wrong = files
    page = visitor.page
    visitor.sign_in(ADMINISTRATOR)
    visitor.expect_complaint("422")
    page.goto("/models/")
    page.get_by_role("link", name="Add a model").click()
    send = page.get_by_role("button", name="Send and check")

    page.get_by_label("Zip file of a model directory").set_input_files(wrong)
    send.click()
    expect(page.get_by_role("alert")).to_contain_text("the classes must be basophil")
    assert not violations(page)

    page.get_by_label("Zip file of a model directory").set_input_files(right)
    send.click()
    expect(page.get_by_role("status").first).to_contain_text("is a candidate", timeout=60_000)
    expect(page.get_by_role("heading", level=1)).to_have_text("e2e-registry")

    panel = page.get_by_role("region", name="Registry")
    panel.get_by_label("New alias").fill("trial")
    panel.get_by_role("button", name="Set").click()
    expect(panel).to_contain_text("trial")
    assert not in_both_themes(page)
    panel.get_by_role("button", name="Remove the alias trial").click()
    expect(panel).to_contain_text("none")
    panel.get_by_role("button", name="Retire").click()
    expect(page.get_by_role("main")).to_contain_text("Retired")

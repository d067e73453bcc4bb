"""The panel of a shadow on its model's page, as administrators use it, and the gate's finding."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from classifier import examination
from classifier.choices import ModelState, PromotionState
from classifier.gate import refused
from classifier.models import Prediction
from classifier.promotion import promotion_ask
from classifier.registry import model_register
from classifier.shadow import shadow_end, shadow_start
from classifier.shadow_jobs import rest
from tests.classifier.shadowing import read_along
from tests.review.conftest import read_case

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def browser(client, administrator):
    client.force_login(administrator)
    return client


def page(browser, model_id="second"):
    return browser.get(reverse("classifier:model", args=[model_id])).content.decode()


def post(browser, name, model_id="second"):
    return browser.post(
        reverse(f"classifier:{name}", args=[model_id]), follow=True
    ).content.decode()


def panel(browser, since=""):
    return browser.get(
        reverse("classifier:shadow", args=["second"]), {"since": since}, headers=HTMX
    )


def read_cells(people, version, labels=("neutrophil", "lymphocyte", "monocyte")):
    """A case that the active model has read."""
    case = read_case(people.clinician, labels)
    Prediction.objects.of_case(case).update(model_version=version)
    return case


def test_from_beginning_to_end(browser, people, first, second):
    assert "As a shadow it would read each new cell" in page(browser)
    assert "second reads along from now on" in post(browser, "shadow-start")
    shown = page(browser)
    assert "it reads each new cell after first" in shown
    assert "Nothing read yet" in shown
    assert "every 5s" in shown
    second.refresh_from_db()
    read_along(second, read_cells(people, first))
    shown = page(browser)
    assert "Beside first, 3 cells" in shown
    assert "0.0 %" in shown
    assert "None of these cells is of a signed case yet" in shown
    assert "second reads along no more" in post(browser, "shadow-end")
    shown = page(browser)
    assert "Beside first, 3 cells" in shown
    assert "Let it read along again" in shown
    assert "every 5s" not in shown


def test_the_panel_asks_again_only_while_it_reads_and_is_told_when_nothing_changed(
    browser, people, first, second
):
    shadow_start(version=second)
    shown = panel(browser).content.decode()
    assert "<html" not in shown
    stamp = shown.split("since=")[1].split('"')[0]
    assert panel(browser, stamp).status_code == 204
    read_along(second, read_cells(people, first))
    answer = panel(browser, stamp)
    assert answer.status_code == 200
    assert "Cells read along" in answer.content.decode()
    stamp = answer.content.decode().split("since=")[1].split('"')[0]
    shadow_end(version=second)
    assert "since=" not in panel(browser, stamp).content.decode()


def test_the_panel_by_itself_leads_to_the_page(browser, first, second):
    answer = browser.get(reverse("classifier:shadow", args=["second"]))
    assert answer.status_code == 302
    assert answer.headers["Location"] == reverse("classifier:model", args=["second"])


def test_why_it_is_left_alone_is_said(browser, first, second):
    shadow_start(version=second)
    rest(second, why="<b>It broke.</b>")
    assert "&lt;b&gt;It broke.&lt;/b&gt;" in page(browser)


@pytest.mark.parametrize(
    ("name", "model_id", "words"),
    [
        ("shadow-start", "first", "first is active; only a candidate can read along"),
        ("shadow-end", "second", "second does not read along"),
        ("shadow-start", "third", "second reads along already, and no more than one may"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    browser, first, second, folder, name, model_id, words
):
    if model_id == "third":
        model_register(directory=folder / "third")
        shadow_start(version=second)
        assert "reads along now; that must end first" in page(browser, "third")
    assert words in post(browser, name, model_id)


def test_where_none_may_there_is_no_button(browser, first, second, settings):
    settings.SHADOWS = 0
    shown = page(browser)
    assert "TELEHEME_SHADOWS is 0" in shown
    assert "Let it read along" not in shown


def test_nobody_else_sees_the_panel(client, people, first, second):
    shadow_start(version=second)
    for user in (people.clinician, people.specialist):
        client.force_login(user)
        assert "Reading along" not in page(client)
        assert panel(client).status_code == 403


def test_a_shadow_can_be_retired_and_promoted_from_its_page(browser, people, first, second, quick):
    shadow_start(version=second)
    shown = page(browser)
    assert "Retire" in shown
    assert "It reads along, and counts for no case" in shown
    read_along(second, read_cells(people, first))
    promotion = promotion_ask(actor=people.administrator, version=second)
    assert promotion.state == PromotionState.DONE
    shown = page(browser)
    assert "This is what it read while it was a shadow" in shown
    assert "Beside first, 3 cells" in shown
    assert "End reading along" not in shown
    second.refresh_from_db()
    assert second.state == ModelState.ACTIVE


def test_the_shell_begins_and_ends_it_and_says_why_not(first, second):
    def run(*arguments):
        call_command("shadow_model", *arguments, stdout=(out := StringIO()))
        return out.getvalue()

    assert "second reads along from now on" in run("second")
    second.refresh_from_db()
    assert second.state == ModelState.SHADOW
    assert "reads along no more" in run("second", "--end")
    with pytest.raises(CommandError, match="does not read along"):
        run("second", "--end")
    with pytest.raises(CommandError, match="No model 'nothing' is registered"):
        run("nothing")


def test_the_gate_tells_of_it_and_refuses_nothing_by_it(people, first, second, quick):
    assert "shadow" not in [each.code for each in examination.examine(second, first)]
    shadow_start(version=second)
    read_along(second, read_cells(people, first))  # says another class of every cell
    *_, found = findings = examination.examine(second, first)
    assert (found.code, found.title, found.passed) == ("shadow", "As a shadow", None)
    assert "Beside first it read 3 new cells along and said the same of 0.0000" in found.sentence
    assert "No condition is made of this" in found.sentence
    assert refused(findings) == []
    assert examination.recent(second, first) == findings


def test_the_page_of_the_gate_shows_it_as_not_judged(browser, people, first, second, quick):
    shadow_start(version=second)
    read_along(second, read_cells(people, first))
    browser.post(reverse("classifier:try-gate", args=["second"]))
    shown = browser.get(reverse("classifier:promote", args=["second"])).content.decode()
    assert "As a shadow <span>not judged</span>" in shown
    assert "Nothing speaks against it" in shown

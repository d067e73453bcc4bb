"""The pages of promotion, as two administrators use them."""

import pytest
from django.urls import reverse

from classifier import examination
from classifier.choices import PromotionState
from classifier.models import Promotion
from classifier.promotion import promotion_ask
from classifier.queueing import active_version
from classifier.registry import model_register
from tests.servers.candidates import sets, write_candidate

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(client, administrator):
    client.force_login(administrator)
    return client


def page(browser, name, *arguments):
    return browser.get(reverse(f"classifier:{name}", args=arguments)).content.decode()


def post(browser, name, *arguments, **data):
    """Status, and the page that it leads to."""
    answer = browser.post(reverse(f"classifier:{name}", args=arguments), data, follow=True)
    return answer.status_code, answer.content.decode()


def test_from_the_trial_to_the_way_back(browser, first, second, quick):
    assert "Try the gate" in page(browser, "promote", "second")
    _, tried = post(browser, "try-gate", "second")
    assert "Nothing speaks against it" in tried
    assert tried.count('class="finding-passed"') == 10
    assert active_version() == first
    _, done = post(browser, "promote", "second", reason="<b>Newer</b>")
    assert "second reads new pictures from now on" in done
    assert "&lt;b&gt;Newer&lt;/b&gt;" in done
    assert active_version() == second
    assert "Go back to first" in page(browser, "models")
    _, back = post(browser, "rollback", active="second")
    assert "first reads new pictures from now on" in back
    assert active_version() == first


def test_a_refusal_says_why(browser, first, folder, quick):
    model_register(directory=write_candidate(folder / "worse", sets(test={"wrong": range(40)})))
    _, tried = post(browser, "try-gate", "worse")
    assert "3 of 10 findings speak against it" in tried
    assert "Right on 0.9600 of 1,000 cells" in tried
    assert "Activate" not in tried
    _, asked = post(browser, "promote", "worse")  # by hand, past the page
    assert "worse was refused. first stays active." in asked
    assert "Refused by the gate" in page(browser, "model", "worse")


def test_a_second_administrator_agrees(browser, client, first, second, colleague, quick, settings):
    settings.TWO_PERSON_PROMOTION = True
    post(browser, "try-gate", "second")
    assert "Ask a second administrator" in page(browser, "promote", "second")
    _, asked = post(browser, "promote", "second")
    assert "waits for a second administrator" in asked
    assert "Withdraw" in asked
    assert "Agree and activate" not in asked
    waiting = Promotion.objects.get()
    _, own = post(browser, "promotion-decide", waiting.public_id, answer="agree")
    assert "another administrator must agree" in own
    client.force_login(colleague)
    assert "waits for a second administrator" in page(client, "models")
    assert "Agree and activate" in page(client, "promotion", waiting.public_id)
    _, agreed = post(client, "promotion-decide", waiting.public_id, answer="agree")
    assert "second reads new pictures from now on" in agreed
    assert active_version() == second


@pytest.mark.parametrize(("answer", "state"), [("decline", "declined"), ("withdraw", "withdrawn")])
def test_it_is_declined_or_withdrawn(
    browser, administrator, first, second, colleague, quick, settings, answer, state
):
    settings.TWO_PERSON_PROMOTION = True
    asker = colleague if answer == "decline" else administrator
    waiting = promotion_ask(actor=asker, version=second)
    post(browser, "promotion-decide", waiting.public_id, answer=answer)
    waiting.refresh_from_db()
    assert waiting.state == state
    assert active_version() == first


def test_what_became_active_meanwhile_is_said(
    browser, first, second, folder, colleague, quick, settings
):
    settings.TWO_PERSON_PROMOTION = True
    waiting = promotion_ask(actor=colleague, version=second)
    settings.TWO_PERSON_PROMOTION = False
    promotion_ask(actor=colleague, version=model_register(directory=folder / "third"))
    shown = page(browser, "promotion", waiting.public_id)
    assert "Another model became active since the gate ran" in shown
    assert "Agree and activate" not in shown


@pytest.mark.parametrize(
    ("name", "arguments", "data", "words"),
    [
        ("promote", ["first"], {}, "first reads new pictures already"),
        ("try-gate", ["first"], {}, "first reads new pictures already"),
        ("rollback", [], {"active": "first"}, "There is no earlier version to go back to"),
        ("rollback", [], {"active": "second"}, "second is not active any more"),
        ("rollback", [], {"active": "nothing"}, "That model is not registered"),
        ("rollback", [], {}, "That model is not registered"),
        ("rollback", [], {"active": "x" * 500}, "That model is not registered"),
        ("promote", ["second"], {"reason": "x" * 301}, "at most 300 characters"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    browser, first, second, quick, name, arguments, data, words
):
    status, shown = post(browser, name, *arguments, **data)
    assert words in shown
    assert status in (200, 422)
    assert active_version() == first
    assert not Promotion.objects.exists()


def test_an_answer_that_is_none_changes_nothing(browser, first, second, quick, settings):
    settings.TWO_PERSON_PROMOTION = True
    waiting = promotion_ask(actor=None, version=second)
    _, shown = post(browser, "promotion-decide", waiting.public_id, answer="perhaps")
    assert "Nothing was changed" in shown
    waiting.refresh_from_db()
    assert waiting.state == PromotionState.WAITING


def test_a_damaged_earlier_model_is_not_gone_back_to(browser, first, second, folder, quick):
    post(browser, "promote", "second")
    (folder / "first" / "graph.bin").write_bytes(b"another")
    _, shown = post(browser, "rollback", active="second")
    assert "Going back was refused" in shown
    assert "graph.bin is not the one" in shown
    assert active_version() == second


def test_only_administrators_see_it(client, people, first, second, quick):
    client.force_login(people.clinician)
    for name, *arguments in (("models",), ("model", "first"), ("model", "second")):
        assert "romot" not in page(client, name, *arguments)


def test_what_is_not_there_is_404(browser, first):
    assert browser.get(reverse("classifier:promote", args=["nothing"])).status_code == 404


def test_the_findings_are_gone_when_another_model_is_active(browser, first, second, folder, quick):
    post(browser, "try-gate", "second")
    assert examination.recent(second, first)
    post(browser, "promote", model_register(directory=folder / "third").model_id)
    assert "Hold it against third" in page(browser, "promote", "second")

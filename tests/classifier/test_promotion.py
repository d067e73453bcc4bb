"""Which model reads new pictures: asking, two people, the way back, and the shell."""

import pytest
from django.core.management import CommandError, call_command

from audit.models import AuditEvent
from classifier import examination
from classifier.choices import ModelState, PromotionState
from classifier.gate import refused
from classifier.models import ModelVersion, Promotion
from classifier.promotion import (
    PromotionRefused,
    previous_version,
    promotion_agree,
    promotion_ask,
    promotion_decline,
    promotion_rollback,
    promotion_try,
    promotion_withdraw,
)
from classifier.queueing import active_version
from classifier.registry import model_activate, model_register
from tests.servers.candidates import sets, write_candidate

pytestmark = pytest.mark.django_db
DONE, WAITING, REFUSED = PromotionState.DONE, PromotionState.WAITING, PromotionState.REFUSED


def events(action):
    return list(AuditEvent.objects.filter(action=action))


def state(version):
    return ModelVersion.objects.get(pk=version.pk).state


# Asking.


def test_a_trial_changes_nothing(administrator, first, second, quick):
    assert refused(promotion_try(actor=administrator, version=second)) == []
    assert active_version() == first
    assert not Promotion.objects.exists()


def test_a_trial_that_is_refused_is_kept_with_its_reasons(administrator, first, folder, quick):
    version = model_register(
        directory=write_candidate(folder / "worse", sets(test={"wrong": range(40)}))
    )
    promotion_try(actor=administrator, version=version)
    kept = Promotion.objects.get()
    assert kept.state == REFUSED
    assert kept.asked_by == administrator
    assert any("Right on 0.9600" in finding["sentence"] for finding in kept.findings)


def test_what_was_looked_at_is_not_worked_out_again(administrator, first, second, quick):
    promotion_try(actor=administrator, version=second)
    promotion_ask(actor=administrator, version=second)
    assert quick == ["second"]


def test_what_was_looked_at_under_other_margins_is(administrator, first, second, quick, settings):
    promotion_try(actor=administrator, version=second)
    settings.GATE_MARGINS = {**settings.GATE_MARGINS, "recall": 0.01}
    promotion_ask(actor=administrator, version=second)
    assert quick == ["second", "second"]


def test_files_that_changed_after_the_look_are_seen(administrator, first, second, folder, quick):
    promotion_try(actor=administrator, version=second)
    (folder / "second" / "graph.bin").write_bytes(b"another")
    with pytest.raises(PromotionRefused, match=r"graph\.bin is not the one"):
        promotion_ask(actor=administrator, version=second)
    assert active_version() == first


def test_the_active_model_cannot_be_asked_for(administrator, first, quick):
    with pytest.raises(PromotionRefused, match="reads new pictures already"):
        promotion_ask(actor=administrator, version=first)


def test_another_model_that_became_active_while_the_gate_ran(
    administrator, first, second, folder, quick, monkeypatch
):
    third = model_register(directory=folder / "third")
    monkeypatch.setattr(
        examination,
        "rates",
        lambda directories: model_activate(version=third) and [20.0] * len(directories),
    )
    with pytest.raises(PromotionRefused, match="Another model became active"):
        promotion_ask(actor=administrator, version=second)
    assert active_version() == third
    assert not Promotion.objects.exists()


# Two people.


@pytest.fixture
def waiting(administrator, first, second, quick, settings):
    settings.TWO_PERSON_PROMOTION = True
    return promotion_ask(actor=administrator, version=second)


def test_where_two_are_asked_for_it_waits(waiting, administrator, first, second):
    assert waiting.state == WAITING
    assert active_version() == first
    assert len(events("promotion.asked")) == 1
    with pytest.raises(PromotionRefused, match="waits for a second administrator already"):
        promotion_ask(actor=administrator, version=second)


def test_another_administrator_agrees(waiting, colleague, first, second):
    done = promotion_agree(actor=colleague, promotion=waiting)
    assert (done.state, done.decided_by) == (DONE, colleague)
    assert active_version() == second
    assert [event.actor_name for event in events("promotion.done")] == [colleague.email]


def test_nobody_agrees_with_themselves(waiting, administrator, first):
    for act in (promotion_agree, promotion_decline):
        with pytest.raises(PromotionRefused, match="You asked for this yourself"):
            act(actor=administrator, promotion=waiting)
    assert active_version() == first


def test_it_is_declined_or_withdrawn(waiting, administrator, colleague, first, second):
    with pytest.raises(PromotionRefused, match="Somebody else asked for this"):
        promotion_withdraw(actor=colleague, promotion=waiting)
    assert promotion_withdraw(actor=administrator, promotion=waiting).state == "withdrawn"
    again = promotion_ask(actor=administrator, version=second)
    assert promotion_decline(actor=colleague, promotion=again).state == "declined"
    for act in (promotion_agree, promotion_decline):
        with pytest.raises(PromotionRefused, match="decided meanwhile: declined"):
            act(actor=colleague, promotion=again)
    assert active_version() == first
    assert len(events("promotion.withdrawn")) == len(events("promotion.declined")) == 1


def test_nobody_agrees_to_what_was_compared_with_another_model(waiting, colleague, folder, second):
    third = model_activate(version=model_register(directory=folder / "third"))
    with pytest.raises(PromotionRefused, match="compared this one with first"):
        promotion_agree(actor=colleague, promotion=waiting)
    assert active_version() == third
    waiting.refresh_from_db()
    assert waiting.state == WAITING


def test_nobody_agrees_to_files_that_changed(waiting, colleague, folder, first):
    (folder / "second" / "indist.npz").write_bytes(b"another")
    with pytest.raises(PromotionRefused, match=r"indist\.npz is not the one"):
        promotion_agree(actor=colleague, promotion=waiting)
    assert active_version() == first


# Going back.


def test_one_click_goes_back_to_what_was_active_before(administrator, first, second, quick):
    promotion_ask(actor=administrator, version=second)
    back = promotion_rollback(actor=administrator, active=second)
    assert (back.state, back.rollback, back.version) == (DONE, True, first)
    assert [finding["code"] for finding in back.findings] == ["files", "golden"]
    assert active_version() == first
    assert state(second) == ModelState.RETIRED
    assert len(events("promotion.rolled_back")) == 1


def test_two_steps_back_are_two_models_back(administrator, first, second, folder, quick):
    third = model_register(directory=folder / "third")
    for version in (second, third):
        promotion_ask(actor=administrator, version=version)
    promotion_rollback(actor=administrator, active=third)
    assert active_version() == second
    promotion_rollback(actor=administrator, active=second)
    assert active_version() == first
    assert previous_version(first) is None


def test_what_was_gone_back_from_may_be_asked_for_again(administrator, first, second, quick):
    promotion_ask(actor=administrator, version=second)
    promotion_rollback(actor=administrator, active=second)
    assert promotion_ask(actor=administrator, version=second).state == DONE
    assert previous_version(second) == first


def test_going_back_needs_no_second_person(administrator, first, second, quick, settings):
    promotion_ask(actor=administrator, version=second)
    settings.TWO_PERSON_PROMOTION = True
    assert promotion_rollback(actor=administrator, active=second).state == DONE


def test_a_second_click_does_not_go_back_further(administrator, first, second, folder, quick):
    promotion_ask(actor=administrator, version=second)
    promotion_rollback(actor=administrator, active=second)
    with pytest.raises(PromotionRefused, match="second is not active any more"):
        promotion_rollback(actor=administrator, active=second)
    assert active_version() == first


def test_without_an_earlier_version_there_is_no_way_back(administrator, first, second, quick):
    with pytest.raises(PromotionRefused, match="no earlier version"):
        promotion_rollback(actor=administrator, active=first)


def test_a_damaged_model_is_not_gone_back_to(administrator, first, second, folder, quick):
    promotion_ask(actor=administrator, version=second)
    (folder / "first" / "graph.bin").write_bytes(b"another")
    back = promotion_rollback(actor=administrator, active=second)
    assert (back.state, back.rollback) == (REFUSED, True)
    assert active_version() == second


def test_activating_from_the_shell_can_be_gone_back_from(administrator, first, second, quick):
    model_activate(version=second)
    assert promotion_rollback(actor=administrator, active=second).version == first


# The shell.


def test_the_command_says_what_was_found(first, second, quick, capsys):
    call_command("promote_model", "second", dry_run=True)
    said_ = capsys.readouterr().out
    assert "passed     Accuracy: Right on 0.9900" in said_
    assert "Nothing was changed" in said_
    assert active_version() == first
    call_command("promote_model", "second")
    assert "second reads new pictures from now on" in capsys.readouterr().out
    assert active_version() == second


def test_the_command_fails_where_the_gate_refuses(first, folder, quick, capsys):
    worse = sets(test={"wrong": range(40)})
    model_register(directory=write_candidate(folder / "worse", worse))
    with pytest.raises(CommandError, match="would be refused"):
        call_command("promote_model", "worse", dry_run=True)
    assert not Promotion.objects.exists()
    with pytest.raises(CommandError, match=r"was refused\. first stays active"):
        call_command("promote_model", "worse")
    assert "REFUSED    Accuracy" in capsys.readouterr().out
    assert Promotion.objects.get().state == REFUSED


def test_the_command_says_that_a_second_person_must_agree(first, second, quick, settings, capsys):
    settings.TWO_PERSON_PROMOTION = True
    call_command("promote_model", "second")
    assert "waits for an administrator" in capsys.readouterr().out
    assert active_version() == first


def test_the_command_names_what_is_not_registered(first):
    with pytest.raises(CommandError, match="No model 'nothing' is registered"):
        call_command("promote_model", "nothing")

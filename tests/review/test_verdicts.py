"""Verdicts: added only, once per act, never on top of what the reader has not seen."""

import pytest
from django.db import Error, connection, transaction

from patients.errors import DomainError, KeyReused
from patients.services import case_hand_over, case_release
from review.current import cell_states
from review.errors import NotYours, VerdictConflict
from review.models import Act, Verdict
from review.services.readings import case_take
from review.services.verdicts import Change, act_classify, act_undo, cells_seen
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def reading(people, case):
    return case_take(actor=people.specialist, case=case)


def labels(reading) -> list[str]:
    return [state.label for state in cell_states(reading)]


def change(reading, place: int, label: str, before: str | None = None) -> Change:
    state = cell_states(reading)[place]
    return Change(state.cell.public_id, before or state.label, label)


def classify(reading, actor, *changes, key="k1"):
    return act_classify(actor=actor, reading=reading, key=key, changes=changes)


def test_before_any_verdict_a_cell_is_what_the_model_said_and_unidentified_where_it_abstained(
    reading,
):
    assert labels(reading)[:2] == ["basophil"] * 2
    assert labels(reading)[8:] == ["neutrophil", "unidentified"]


def test_a_verdict_names_who_when_and_from_what(people, reading):
    act = classify(reading, people.specialist, change(reading, 9, "blast"))
    (verdict,) = act.verdicts.all()
    assert (verdict.before, verdict.label, verdict.suggested) == (
        "unidentified", "blast", "unidentified",
    )  # fmt: skip
    assert act.reader == people.specialist
    assert act.at is not None
    assert labels(reading)[9] == "blast"


def test_the_same_act_sent_twice_is_one_act(people, reading):
    first = classify(reading, people.specialist, change(reading, 0, "monocyte"))
    again = classify(reading, people.specialist, change(reading, 0, "monocyte", "basophil"))
    assert again == first
    assert Verdict.objects.count() == 1
    with pytest.raises(KeyReused):
        classify(reading, people.specialist, change(reading, 0, "blast"))


def test_a_cell_that_is_something_else_by_now_refuses_the_whole_act(people, reading):
    classify(reading, people.specialist, change(reading, 0, "monocyte"))
    with pytest.raises(VerdictConflict) as refused:
        classify(
            reading, people.specialist,
            change(reading, 0, "blast", "basophil"), change(reading, 1, "blast"), key="k2",
        )  # fmt: skip
    (conflict,) = refused.value.conflicts
    assert (conflict["label"], conflict["expected"]) == ("monocyte", "basophil")
    assert conflict["by"] == str(people.specialist)
    assert labels(reading)[:2] == ["monocyte", "basophil"]


def test_undo_and_redo_go_to_the_beginning_and_back(people, reading):
    before = labels(reading)
    acts = [
        classify(reading, people.specialist, change(reading, place, "blast"), key=f"k{place}")
        for place in range(4)
    ]
    after = labels(reading)
    undone = [
        act_undo(actor=people.specialist, reading=reading, key=f"u{act.number}", of=act.public_id)
        for act in reversed(acts)
    ]
    assert labels(reading) == before
    for act in reversed(undone):
        act_undo(actor=people.specialist, reading=reading, key=f"r{act.number}", of=act.public_id)
    assert labels(reading) == after
    assert [act.kind for act in Act.objects.order_by("number")] == (
        ["classify"] * 4 + ["undo"] * 4 + ["redo"] * 4
    )


def test_an_act_is_taken_back_once(people, reading):
    act = classify(reading, people.specialist, change(reading, 0, "blast"))
    act_undo(actor=people.specialist, reading=reading, key="u1", of=act.public_id)
    with pytest.raises(DomainError, match="taken back already"):
        act_undo(actor=people.specialist, reading=reading, key="u2", of=act.public_id)


def test_undo_is_refused_where_the_cell_was_called_something_else_since(people, reading):
    act = classify(reading, people.specialist, change(reading, 0, "blast"))
    classify(reading, people.specialist, change(reading, 0, "monocyte"), key="k2")
    with pytest.raises(VerdictConflict):
        act_undo(actor=people.specialist, reading=reading, key="u1", of=act.public_id)
    assert labels(reading)[0] == "monocyte"


def test_only_whoever_holds_the_case_gives_verdicts(people, reading):
    colleague = factories.make_user("specialist", people.centre)
    with pytest.raises(NotYours):
        classify(reading, colleague, change(reading, 0, "blast"))
    case_hand_over(actor=people.specialist, case=reading.case, to=colleague)
    with pytest.raises(NotYours, match=str(colleague)):
        classify(reading, people.specialist, change(reading, 0, "blast"))
    classify(reading, colleague, change(reading, 0, "blast"))
    case_release(actor=colleague, case=reading.case)
    with pytest.raises(NotYours, match="nobody"):
        classify(reading, colleague, change(reading, 1, "blast"), key="k2")


def test_what_was_said_cannot_be_changed_in_the_database(people, reading):
    classify(reading, people.specialist, change(reading, 0, "blast"))
    for statement in (
        "UPDATE review_verdict SET label = 'monocyte'",
        "DELETE FROM review_verdict",
        "UPDATE review_act SET number = 7",
        "DELETE FROM review_act",
    ):
        with (
            pytest.raises(Error, match="only added to"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


def test_an_unknown_class_no_cell_and_another_cases_cell_are_refused(people, reading):
    with pytest.raises(DomainError, match="no class"):
        classify(reading, people.specialist, change(reading, 0, "zebra"))
    with pytest.raises(DomainError, match="1 to 500"):
        classify(reading, people.specialist)
    from uuid import uuid4

    with pytest.raises(DomainError, match="no longer in the case"):
        classify(reading, people.specialist, Change(uuid4(), "blast", "blast"))
    assert not Act.objects.exists()


def test_seen_is_noted_once_and_a_verdict_is_seeing(people, reading):
    states = cell_states(reading)
    ids = [state.cell.public_id for state in states[:3]]
    cells_seen(actor=people.specialist, reading=reading, cells=ids)
    cells_seen(actor=people.specialist, reading=reading, cells=ids)
    classify(reading, people.specialist, change(reading, 9, "blast"))
    assert [state.seen for state in cell_states(reading)] == [True] * 3 + [False] * 6 + [True]

"""The desk's interface: each verdict once, conflicts by name, and nothing of a model that is hidden."""

import json
from uuid import uuid4

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from patients.services import case_hand_over, case_release
from review.choices import ReadingKind
from review.current import cell_states
from review.models import Act, CellSeen, DeskSettings, Reading
from review.services.readings import case_take
from tests import factories
from tests.review.conftest import CLASSES, read_case

pytestmark = pytest.mark.django_db


@pytest.fixture
def reading(people, case) -> Reading:
    return case_take(actor=people.specialist, case=case)


@pytest.fixture
def desk(client, people):
    """The specialist's browser."""
    client.force_login(people.specialist)
    return client


def address(name: str, reading: Reading) -> str:
    return reverse(f"review:api-{name}", args=[reading.public_id])


def post(client, name, reading, body):
    return client.post(address(name, reading), json.dumps(body), content_type="application/json")


def cells(reading, *changes) -> list[dict]:
    """(place, label) or (place, label, before) -> what is sent."""
    states = cell_states(reading)
    return [
        {
            "cell": str(states[place].cell.public_id),
            "label": label,
            "before": rest[0] if rest else states[place].label,
        }
        for place, label, *rest in changes
    ]


def classify(client, reading, *changes, key="key-00000001"):
    body = {"key": key, "kind": "classify", "cells": cells(reading, *changes)}
    return post(client, "acts", reading, body)


def take_back(client, reading, kind, of, key):
    return post(client, "acts", reading, {"key": key, "kind": kind, "of": of})


def labels(reading) -> list[str]:
    return [state.label for state in cell_states(reading)]


def test_a_verdict_is_answered_with_its_act_and_how_far_the_reading_is(desk, reading):
    answer = classify(desk, reading, (9, "blast"), (0, "monocyte"))
    assert answer.status_code == 200
    body = answer.json()
    assert (body["number"], body["kind"], body["mine"]) == (1, "classify", True)
    assert [(cell["before"], cell["label"]) for cell in body["cells"]] == [
        ("basophil", "monocyte"), ("unidentified", "blast"),
    ]  # fmt: skip
    assert body["progress"] == {
        "cells": 10, "undecided": 0, "unseen": 8, "waiting": 0, "last": 1,
    }  # fmt: skip


def test_the_same_key_is_the_same_act_also_after_a_lost_answer(desk, reading):
    first = classify(desk, reading, (0, "monocyte")).json()
    again = classify(desk, reading, (0, "monocyte", "basophil"))
    assert (again.status_code, again.json()["act"]) == (200, first["act"])
    other = classify(desk, reading, (0, "blast", "basophil"))
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    assert Act.objects.count() == 1


def test_undo_and_redo_by_the_act(desk, reading):
    act = classify(desk, reading, (0, "blast")).json()["act"]
    undone = take_back(desk, reading, "undo", act, "key-undo-1").json()
    assert (undone["kind"], undone["of"], labels(reading)[0]) == ("undo", act, "basophil")
    redone = take_back(desk, reading, "redo", undone["act"], "key-redo-1").json()
    assert (redone["kind"], labels(reading)[0]) == ("redo", "blast")
    twice = take_back(desk, reading, "undo", act, "key-undo-2")
    assert (twice.status_code, twice.json()["code"]) == (422, "taken_back")
    mixed = take_back(desk, reading, "redo", redone["act"], "key-redo-2")
    assert (mixed.status_code, mixed.json()["code"]) == (422, "kind")


def test_a_conflict_says_what_each_cell_is_and_who_said_so(desk, people, reading):
    classify(desk, reading, (0, "monocyte"))
    answer = classify(desk, reading, (0, "blast", "basophil"), (1, "blast"), key="key-00000002")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    (conflict,) = answer.json()["conflicts"]
    assert (conflict["label"], conflict["by"]) == ("monocyte", str(people.specialist))
    assert conflict["at"]
    assert Act.objects.count() == 1


def test_whoever_lost_the_case_is_told_who_holds_it(desk, people, reading):
    colleague = factories.make_user("specialist", people.centre, name="Dr Next")
    case_hand_over(actor=people.specialist, case=reading.case, to=colleague)
    answer = classify(desk, reading, (0, "blast"))
    assert (answer.status_code, answer.json()["code"]) == (409, "not_yours")
    assert "Dr Next" in answer.json()["message"]
    case_release(actor=colleague, case=reading.case)
    for name, body in (("seen", {"cells": [str(uuid4())]}), ("commit", {})):
        assert post(desk, name, reading, body).json()["code"] == "not_yours"


@pytest.mark.parametrize(
    "body",
    [
        [],
        "text",
        {},
        {"key": "short", "kind": "classify", "cells": []},
        {"key": "key-00000001"},
        {"key": "key-00000001", "kind": "adopt", "cells": []},
        {"key": "key-00000001", "kind": "classify", "cells": {}},
        {"key": "key-00000001", "kind": "classify", "cells": []},
        {"key": "key-00000001", "kind": "classify", "cells": [1]},
        {"key": "key-00000001", "kind": "classify", "cells": [{}]},
        {"key": "key-00000001", "kind": "classify",
         "cells": [{"cell": "x", "before": "blast", "label": "blast"}]},
        {"key": "key-00000001", "kind": "classify",
         "cells": [{"cell": str(uuid4()), "before": "blast", "label": "zebra"}]},
        {"key": "key-00000001", "kind": "classify",
         "cells": [{"cell": str(uuid4()), "before": "blast", "label": "blast"}] * 501},
        {"key": "key-00000001", "kind": "classify",
         "cells": [{"cell": str(uuid4()), "before": "blast", "label": "blast"}]},
        {"key": "key-00000001", "kind": "undo"},
        {"key": "key-00000001", "kind": "undo", "of": 7},
        {"key": "key-00000001", "kind": "undo", "of": str(uuid4())},
    ],
)  # fmt: skip
def test_what_cannot_be_an_act_is_refused_with_a_sentence(desk, reading, body):
    answer = post(desk, "acts", reading, body)
    assert answer.status_code == 422
    assert answer.json()["message"].endswith(".")
    assert not Act.objects.exists()


def test_half_a_request_is_refused(desk, reading):
    answer = desk.post(address("acts", reading), '{"key": ', content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "broken")


def test_another_tab_sees_what_was_done_since(desk, reading):
    for place in range(3):
        classify(desk, reading, (place, "blast"), key=f"key-0000000{place}")
    body = desk.get(address("acts", reading), {"after": 1}).json()
    assert [act["number"] for act in body["acts"]] == [2, 3]
    assert body["acts"][0]["key"] == "key-00000001"
    assert (body["yours"], body["more"], body["here"]) == (True, False, [])
    assert body["progress"]["last"] == 3
    everything = desk.get(address("acts", reading), {"after": "nonsense"}).json()
    assert len(everything["acts"]) == 3


def test_a_colleague_looks_on_and_each_sees_that_the_other_is_there(
    desk, people, reading, client_class
):
    classify(desk, reading, (0, "blast"))
    colleague = factories.make_user("specialist", people.centre, name="Dr Looker")
    other = client_class()
    other.force_login(colleague)
    assert desk.get(address("acts", reading)).json()["here"] == []
    looks = other.get(address("acts", reading)).json()
    assert (looks["yours"], looks["here"], looks["holder"]) == (
        False, [str(people.specialist)], str(people.specialist),
    )  # fmt: skip
    assert (looks["acts"][0]["mine"], looks["acts"][0]["key"]) == (False, "")
    assert desk.get(address("acts", reading)).json()["here"] == ["Dr Looker"]
    assert classify(other, reading, (1, "blast")).json()["code"] == "not_yours"


@pytest.fixture
def client_class():
    from django.test import Client

    return Client


def test_seen_cells_are_noted_and_strangers_among_them_left_out(desk, reading):
    ids = [str(state.cell.public_id) for state in cell_states(reading)[:3]]
    answer = post(desk, "seen", reading, {"cells": [*ids, str(uuid4())]})
    assert answer.json() == {"seen": 3}
    assert CellSeen.objects.count() == 3
    for wrong in ({}, {"cells": []}, {"cells": ["x"]}, {"cells": ids * 200}, {"cells": "abc"}):
        assert post(desk, "seen", reading, wrong).status_code == 422


def test_clinicians_and_strangers_do_not_reach_it(client, people, reading):
    for person, status in (
        (people.clinician, 403), (people.other_specialist, 404), (people.administrator, 404),
    ):  # fmt: skip
        client.force_login(person)
        assert client.get(address("acts", reading)).status_code == status
        assert classify(client, reading, (0, "blast")).status_code == status
        assert client.get(address("evidence", reading)).status_code == status


# A reading that hides the model -----------------------------------------------------------------


@pytest.fixture
def blind(people) -> Reading:
    case = read_case(people.clinician, CLASSES)
    reading = case_take(actor=people.specialist, case=case)
    Reading.objects.filter(pk=reading.pk).update(blind=True)
    reading.refresh_from_db()
    return reading


def test_a_blind_reading_gives_nothing_of_the_model_until_it_is_committed(desk, blind):
    assert desk.get(address("evidence", blind)).json()["code"] == "hidden"
    early = post(desk, "commit", blind, {})
    assert (early.status_code, early.json()["code"]) == (422, "undecided")
    changes = [(place, "blast") for place in range(5)]
    body = classify(desk, blind, *changes).json()
    assert {cell["before"] for cell in body["cells"]} == {"unidentified"}
    assert "neutrophil" not in json.dumps(body)
    assert post(desk, "commit", blind, {}).json()["committed_at"]
    shown = desk.get(address("evidence", blind)).json()
    assert {cell["label"] for cell in shown["cells"].values()} == set(CLASSES)


def test_whoever_owes_a_blinded_second_reading_follows_no_other(desk, people, reading):
    colleague = factories.make_user("specialist", people.centre)
    second = Reading.objects.create(
        case=reading.case, kind=ReadingKind.SECOND, blind=True, reader=colleague
    )
    # The holder does not look over the second reader's shoulder, nor the other way round.
    assert desk.get(address("acts", second)).json()["code"] == "blinded"
    desk.force_login(colleague)
    assert desk.get(address("acts", reading)).json()["code"] == "blinded"
    assert desk.get(address("evidence", reading)).status_code == 403
    assert desk.get(address("acts", second)).status_code == 200


def test_evidence_is_the_models_with_its_map_and_reasons(desk, reading):
    body = desk.get(address("evidence", reading)).json()
    state = cell_states(reading)[9]
    found = body["cells"][state.cell.public_id.hex]
    assert (found["label"], found["abstained"]) == ("neutrophil", True)
    assert found["reasons"]
    assert len(found["probabilities"]) == 5
    assert AuditEvent.objects.filter(action="cells.read").exists()


# Costs ------------------------------------------------------------------------------------------


def test_costs_do_not_grow_with_the_case(desk, people, django_assert_max_num_queries):
    case = read_case(people.clinician, [CLASSES[place % 5] for place in range(60)])
    reading = case_take(actor=people.specialist, case=case)
    batch = [(place, "blast") for place in range(50)]
    body = {"key": "key-00000001", "kind": "classify", "cells": cells(reading, *batch)}
    with django_assert_max_num_queries(36):
        act = post(desk, "acts", reading, body).json()["act"]
    with django_assert_max_num_queries(38):
        assert take_back(desk, reading, "undo", act, "key-00000002").status_code == 200
    with django_assert_max_num_queries(24):
        desk.get(address("acts", reading))
    ids = [cell["cell"] for cell in body["cells"]]
    with django_assert_max_num_queries(18):
        post(desk, "seen", reading, {"cells": ids})
    with django_assert_max_num_queries(20):
        desk.get(address("evidence", reading))


# One's own desk ---------------------------------------------------------------------------------


def put(client, body):
    return client.put(reverse("review:api-desk"), json.dumps(body), content_type="application/json")


def test_keys_are_kept_for_the_person(desk, people):
    answer = put(desk, {"keys": {"blast": "B", "undo": "y"}, "auto_advance": False})
    assert answer.status_code == 200
    assert (answer.json()["keys"]["blast"], answer.json()["auto_advance"]) == ("b", False)
    kept = DeskSettings.objects.get(user=people.specialist)
    assert kept.keys == {"blast": "b", "undo": "y"}
    put(desk, {"keys": {"blast": "7", "undo": "z"}, "auto_advance": True})
    kept.refresh_from_db()
    assert (kept.keys, kept.auto_advance) == ({}, True)
    assert AuditEvent.objects.filter(action="desk.set").count() == 2


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"blast": "5"}, "5 would mean both"),
        ({"blast": "q", "platelet": "Q"}, "q would mean both"),
        ({"blast": "?"}, "belongs to the desk"),
        ({"blast": "/"}, "belongs to the desk"),
        ({"blast": "Enter"}, "one key"),
        ({"blast": ""}, "one key"),
        ({"blast": "\t"}, "one key"),
        ({"blast": "\u0000"}, "one key"),
        ({"blast": 7}, "one key"),
        ({"zebra": "q"}, "no key for"),
    ],
)
def test_a_key_that_cannot_be_had_is_refused_by_name(desk, keys, why):
    answer = put(desk, {"keys": keys, "auto_advance": True})
    assert (answer.status_code, answer.json()["code"]) == (422, "key")
    assert why in answer.json()["message"]
    assert answer.json()["name"] in keys
    assert not DeskSettings.objects.exists()


@pytest.mark.parametrize("body", [[], {}, {"keys": []}, {"keys": {}, "auto_advance": 1}])
def test_settings_that_are_none_are_refused(desk, body):
    assert put(desk, body).status_code == 422


def test_only_specialists_have_a_desk(client, people):
    client.force_login(people.clinician)
    assert put(client, {"keys": {}, "auto_advance": True}).status_code == 403

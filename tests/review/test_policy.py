"""An organisation's rules: the house's defaults, what may be set, who set it and when."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import Error, connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.models import AuditEvent
from patients.errors import StaleEdit
from review.choices import LEUKOCYTES
from review.models import ReadingPolicy
from review.policy import ADULTS, FLAGS, Level, Policy, policy_of
from review.policy_history import differences, history, since
from review.policy_values import PolicyRefused, parse, stored
from review.services.policies import policy_set

ADULT = {"name": "Adults", "first": 18, "last": None, "ranges": {}}


def problems(values) -> dict[str, str]:
    with pytest.raises(PolicyRefused) as refused:
        parse(values)
    assert str(refused.value)
    return refused.value.problems


# The house -----------------------------------------------------------------------------------


def test_the_houses_ranges_are_those_of_adults():
    said = {
        str(label): tuple(map(float, (*usual.percent, *usual.absolute)))
        for label, usual in Policy().ranges_for(50).items()
    }
    assert said == {
        "neutrophil": (45, 79, 1.8, 7.8),
        "lymphocyte": (16, 47, 1.0, 4.8),
        "monocyte": (0, 9, 0, 0.80),
        "eosinophil": (0, 6, 0, 0.45),
        "basophil": (0, 2, 0, 0.20),
    }


def test_the_houses_flags_are_the_clinical_ones():
    said = {(rule.quantity, rule.relation, float(rule.limit), str(rule.level)) for rule in FLAGS}
    assert said == {
        ("eosinophil", ">", 0.5, "note"), ("eosinophil", ">=", 1.5, "note"),
        ("eosinophil", ">", 10, "urgent"), ("monocyte", ">", 1.0, "note"),
        ("lymphocyte", ">", 3.5, "note"), ("neutrophil", "<", 1.8, "note"),
        ("neutrophil", "<", 0.5, "critical"), ("blast", ">=", 1, "critical"),
        ("wbc", "<=", 2, "review"), ("wbc", ">", 30, "review"),
        ("neutrophil", "<", 1.0, "review"), ("lymphocyte", ">", 6.0, "review"),
        ("eosinophil", ">", 2.0, "review"), ("monocyte", ">", 2.0, "review"),
    }  # fmt: skip


def test_the_houses_times_and_shares():
    house = Policy()
    assert house.turnaround == {"stat": 60, "routine": 1440, "background": 4320}
    assert (house.escalate_after, house.target_cells, house.two_signers) == (30, 100, False)
    assert (house.read_before_model, house.second_reading) == (0.0, 0.0)
    assert house.identity == "house defaults"


@pytest.mark.parametrize(("age", "found"), [(17, False), (18, True), (90, True), (None, True)])
def test_the_houses_ranges_begin_at_eighteen_and_an_unknown_age_is_an_adults(age, found):
    assert bool(Policy().ranges_for(age)) is found


def test_every_age_finds_its_own_group():
    groups = [
        {"name": "Infants", "first": 0, "last": 0, "ranges": {}},
        {"name": "Children", "first": 1, "last": 17, "ranges": {}},
        ADULT,
    ]
    policy = Policy(**parse({"age_groups": groups[::-1]}))
    assert [policy.group_for(age).name for age in (0, 1, 17, 18, 120)] == [
        "Infants", "Children", "Children", "Adults", "Adults",
    ]  # fmt: skip
    assert policy.group_for(0).ages == "0 years"


# What may be set -----------------------------------------------------------------------------

SHARE = "A share is a number from 0 (never) to 1 (every case)."
ENDS = "Give both ends of the range as numbers, or neither."


@pytest.mark.parametrize("value", [-0.1, 1.01, "much", "", None, True, float("nan"), [1], "1e9"])
@pytest.mark.parametrize("name", ["read_before_model", "second_reading"])
def test_a_share_is_from_nought_to_one(name, value):
    assert problems({name: value}) == {name: SHARE}


@pytest.mark.parametrize(
    ("values", "path", "sentence"),
    [
        ({"two_signers": "yes"}, "two_signers", "This is yes or no."),
        ({"target_cells": 150}, "target_cells", "A differential counts to 100 or to 200 cells."),
        ({"target_cells": True}, "target_cells", "A differential counts to 100 or to 200 cells."),
        ({"escalate_after": 0}, "escalate_after", "Give whole minutes, from 1 to 1440."),
        ({"escalate_after": "ten"}, "escalate_after", "Give whole minutes, from 1 to 1440."),
        ({"turnaround": {"stat": 1.5}}, "turnaround.stat", "Give whole minutes, from 1 to 43200."),
        ({"turnaround": {"soon": 5}}, "turnaround.soon", "There is no priority called 'soon'."),
        ({"turnaround": {"stat": 2000}}, "turnaround.routine", "Routine cannot be due before stat (2000 minutes)."),
        ({"turnaround": 5}, "turnaround", "This is a table of names and values."),
        ({"zebra": 1}, "zebra", "There is no rule called 'zebra'."),
        ([], "", "Rules are a table of names and values."),
        ({"flags": {"zebra": {}}}, "flags.zebra", "There is no flag called 'zebra'."),
        ({"flags": {"blasts": {"level": "dire"}}}, "flags.blasts.level", "Choose one of: noted, film review, urgent, critical result."),
        ({"flags": {"blasts": {"limit": 0.5}}}, "flags.blasts.limit", "Give a whole number of cells, 1 or more, or leave it empty."),
        ({"flags": {"blasts": {"limit": "1e999"}}}, "flags.blasts.limit", "Give a whole number of cells, 1 or more, or leave it empty."),
        ({"flags": {"hypereosinophilia": {"limit": 0.4}}}, "flags.hypereosinophilia.limit", "This limit is below that of eosinophilia (0.5)."),
        ({"flags": {"severe_neutropenia": {"limit": 2}}}, "flags.severe_neutropenia.limit", "This limit is above that of neutropenia (1.8)."),
        ({"flags": {"wbc_high": {"limit": 2}}}, "flags.wbc_high.limit", "The high limit of total WBC is not above the low one (2)."),
        ({"age_groups": []}, "age_groups", "Give 1 to 12 age groups."),
        ({"age_groups": [ADULT] * 13}, "age_groups", "Give 1 to 12 age groups."),
    ],
)  # fmt: skip
def test_each_wrong_value_has_its_sentence(values, path, sentence):
    assert problems(values)[path] == sentence


@pytest.mark.parametrize("limit", [0, -1, 1001, "0.0001", "x", "inf", True])
def test_a_limit_is_a_number_of_cells_per_volume(limit):
    sentence = problems({"flags": {"eosinophilia": {"limit": limit}}})["flags.eosinophilia.limit"]
    assert sentence.startswith("Give a number above 0 and up to 1000 (×10⁹/L)")


@pytest.mark.parametrize(
    ("changes", "path", "sentence"),
    [
        ({"name": " "}, "name", "Give the age group a name of at most 60 characters."),
        ({"name": "x" * 61}, "name", "Give the age group a name of at most 60 characters."),
        ({"first": "18"}, "first", "Give the youngest age in whole years, 0 to 130."),
        ({"first": -1}, "first", "Give the youngest age in whole years, 0 to 130."),
        ({"last": 131}, "last", "Give the oldest age in whole years, 0 to 130, or leave it empty."),
        ({"last": 17}, "last", "The oldest age is below the youngest."),
        ({"ranges": {"zebra": {}}}, "ranges.zebra", "There is no leukocyte class called 'zebra'."),
        ({"ranges": {"blast": {"many": [0, 1]}}}, "ranges.blast.many", "A range is in percent or absolute."),
        ({"ranges": {"blast": {"percent": [5, 3]}}}, "ranges.blast.percent", "The low end is above the high end."),
        ({"ranges": {"blast": {"percent": [5, 101]}}}, "ranges.blast.percent", "Both ends lie between 0 and 100."),
        ({"ranges": {"blast": {"absolute": [-1, 3]}}}, "ranges.blast.absolute", "Both ends lie between 0 and 1000."),
        ({"ranges": {"blast": {"percent": [None, 3]}}}, "ranges.blast.percent", ENDS),
        ({"ranges": {"blast": {"percent": ["a", 3]}}}, "ranges.blast.percent", ENDS),
        ({"ranges": {"blast": {"percent": [3]}}}, "ranges.blast.percent", "A range has a low and a high end."),
        ({"ranges": {"blast": {"percent": ["0.1234", 3]}}}, "ranges.blast.percent", "Give at most three digits after the point."),
    ],
)  # fmt: skip
def test_each_fault_of_an_age_group_has_its_sentence(changes, path, sentence):
    assert problems({"age_groups": [ADULT | changes]}) == {f"age_groups.0.{path}": sentence}


@pytest.mark.parametrize(("first", "last"), [(0, 18), (30, 40), (18, 18), (90, None)])
def test_age_groups_do_not_overlap(first, last):
    other = {"name": "Others", "first": first, "last": last, "ranges": {}}
    found = problems({"age_groups": [ADULT, other]})
    assert found == {
        "age_groups.1.first": "These ages overlap with those of Adults (18 years and older)."
    }


def test_two_age_groups_have_two_names():
    other = {"name": "ADULTS", "first": 0, "last": 17, "ranges": {}}
    assert problems({"age_groups": [ADULT, other]}) == {
        "age_groups.1.name": "Another age group has this name."
    }


def test_every_fault_is_said_at_once():
    assert (
        len(problems({"zebra": 1, "two_signers": 2, "target_cells": 3, "escalate_after": 4.5})) == 4
    )


def test_a_limit_of_nothing_switches_a_flag_off():
    policy = Policy(**parse({"flags": {"monocytosis": {"limit": None}}}))
    assert "monocytosis" not in {rule.code for rule in policy.rules_for(40)}


NUMBERS = st.decimals(0, 100, places=3)
SPANS = st.none() | st.lists(NUMBERS, min_size=2, max_size=2).map(sorted)


@settings(deadline=None)
@given(
    read_before_model=st.floats(0, 1),
    two_signers=st.booleans(),
    target_cells=st.sampled_from([100, 200]),
    escalate_after=st.integers(1, 1440),
    flags=st.dictionaries(
        st.sampled_from(["monocytosis", "eosinophils_review", "monocytes_review"]),
        st.fixed_dictionaries(
            {
                "limit": st.none() | st.decimals("0.001", 1000, places=3),
                "level": st.sampled_from(Level.values),
            }
        ),
    ),
    ranges=st.dictionaries(
        st.sampled_from(LEUKOCYTES), st.fixed_dictionaries({"percent": SPANS, "absolute": SPANS})
    ),
)
def test_what_is_stored_comes_back_the_same_through_json(ranges, **values):
    policy = Policy(**parse(values | {"age_groups": [ADULT | {"ranges": ranges}]}))
    kept = json.loads(json.dumps(stored(policy)))
    again = Policy(**parse(kept))
    assert differences(policy, again) == []
    assert (again.flags, again.read_before_model) == (policy.flags, policy.read_before_model)
    assert stored(again) == stored(policy)


def test_of_the_house_nothing_is_stored():
    assert stored(Policy()) == {}
    assert Policy(**parse({})) == Policy()


# Setting it ----------------------------------------------------------------------------------


@pytest.fixture
def set_rules(people):
    def act(values, *, reason="Our own study.", **more):
        return policy_set(
            actor=people.administrator, organisation=people.clinic, values=values, reason=reason,
            **more,
        )  # fmt: skip

    return act


@pytest.mark.django_db
def test_without_a_row_the_houses_rules_hold_and_one_query_says_so(
    people, django_assert_num_queries
):
    with django_assert_num_queries(1):
        assert policy_of(people.clinic) == Policy()


@pytest.mark.django_db
def test_the_newest_row_holds_over_the_houses_rules(people, set_rules, django_assert_num_queries):
    set_rules({"target_cells": 200, "second_reading": 0.1})
    row = set_rules({"second_reading": 0.2})
    with django_assert_num_queries(1):
        policy = policy_of(people.clinic)
    assert (policy.identity, policy.number) == (f"{people.clinic.name}, rules 2", 2)
    assert policy.since == row.created_at
    assert (policy.second_reading, policy.target_cells) == (0.2, 100)
    assert policy.flags == FLAGS
    assert policy_of(people.centre) == Policy()


@pytest.mark.django_db
def test_only_what_differs_from_the_house_is_stored(set_rules):
    row = set_rules({"target_cells": 100, "escalate_after": 30, "turnaround": {"stat": 45}})
    assert row.values == {"turnaround": {"stat": 45}}


@pytest.mark.django_db
def test_setting_is_recorded_without_what_people_typed(people, set_rules):
    row = set_rules(
        {"target_cells": 200, "age_groups": [ADULT | {"name": "Typed by hand"}]}, reason="Because."
    )
    event = AuditEvent.objects.get(action="policy.set")
    assert (event.actor_id, event.object_id) == (people.administrator.pk, str(row.public_id))
    assert event.data == {
        "organisation": str(people.clinic.public_id), "number": 1,
        "fields": ["age_groups", "target_cells"],
    }  # fmt: skip


@pytest.mark.django_db
def test_setting_what_holds_already_adds_nothing(set_rules):
    assert set_rules({}) is None
    first = set_rules({"target_cells": 200}, expected=0)
    assert set_rules({"target_cells": 200}, expected=0) == first  # the same form, sent twice
    assert ReadingPolicy.objects.count() == 1
    assert AuditEvent.objects.filter(action="policy.set").count() == 1


@pytest.mark.django_db
def test_a_form_that_somebody_overtook_is_refused(people, set_rules):
    set_rules({"target_cells": 200}, expected=0)
    with pytest.raises(StaleEdit, match=f"{people.clinic.name}, rules 1 is in force"):
        set_rules({"second_reading": 0.5}, expected=0)
    assert policy_of(people.clinic).number == 1


@pytest.mark.django_db
@pytest.mark.parametrize("reason", ["", "   ", "x" * 301])
def test_rules_are_set_for_a_reason(set_rules, reason):
    with pytest.raises(PolicyRefused, match="Say why"):
        set_rules({"target_cells": 200}, reason=reason)
    assert not ReadingPolicy.objects.exists()


@pytest.mark.django_db
def test_back_to_the_house_is_a_row_too(people, set_rules):
    set_rules({"target_cells": 200})
    row = set_rules({}, reason="Back.")
    assert (row.number, row.values) == (2, {})
    assert replace(policy_of(people.clinic), identity="", number=0, since=None) == replace(
        Policy(), identity=""
    )


@pytest.mark.django_db
def test_a_row_is_never_changed_or_deleted(set_rules):
    set_rules({"target_cells": 200})
    for statement in (
        "UPDATE review_readingpolicy SET number = 7",
        "DELETE FROM review_readingpolicy",
    ):
        with (
            pytest.raises(Error, match="only added to"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


@pytest.mark.django_db
def test_the_history_says_what_changed_and_since_when(people, set_rules):
    set_rules({"flags": {"eosinophilia": {"limit": 0.6}}, "target_cells": 200})
    set_rules(
        {"flags": {"eosinophilia": {"limit": 0.6, "level": "urgent"}}, "second_reading": 0.25}
    )
    newest, oldest = history(people.clinic)
    assert oldest.changes == [
        "Cells to count: 100 → 200",
        "Eosinophilia: above 0.5 ×10⁹/L, noted → above 0.6 ×10⁹/L, noted",
    ]
    assert newest.changes == [
        "Cells to count: 200 → 100",
        "Second reading: never → 0.25 of the cases",
        "Eosinophilia: above 0.6 ×10⁹/L, noted → above 0.6 ×10⁹/L, urgent",
    ]
    dated = {path: row.number for path, row in since([newest, oldest]).items()}
    assert dated == {"second_reading": 2, "flags.eosinophilia": 2}


@pytest.mark.django_db
def test_a_range_that_was_taken_away_is_dated_too(people, set_rules):
    adults = stored(replace(Policy(), age_groups=(ADULTS, *parse({"age_groups": [
        {"name": "Children", "first": 0, "last": 17, "ranges": {"neutrophil": {"percent": [30, 60]}}}
    ]})["age_groups"])))  # fmt: skip
    set_rules(adults)
    del adults["age_groups"][0]["ranges"]["monocyte"]
    set_rules(adults)
    newest, oldest = history(people.clinic)
    assert oldest.changes == [
        "Ages of Children: none → 0 to 17 years", "Children, neutrophils: none → 30-60 %",
    ]  # fmt: skip
    assert newest.changes == ["Adults, monocytes: 0-9 %, 0-0.8 ×10⁹/L → none"]
    assert since([newest, oldest])["age_groups.Adults.monocyte"].number == 2
    assert policy_of(people.clinic).ranges_for(5)["neutrophil"].percent == (
        Decimal(30),
        Decimal(60),
    )

"""Flags: at each limit and on both sides of it, certain or not, and what they say."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from review.choices import LEUKOCYTES
from review.critical import critical_findings
from review.differential import differential
from review.policy import FLAGS, Policy


def counted(counts, *, wbc=None, age=40, policy=None):
    return differential(
        counts,
        total_wbc=None if wbc is None else Decimal(wbc),
        policy=policy or Policy(),
        age=age,
    )


def flags_of(counts, **more):
    return {flag.code: flag for flag in counted(counts, **more).flags}


def with_limit(code, **changes):
    return Policy(flags=tuple(replace(r, **changes) if r.code == code else r for r in FLAGS))


def with_levels(**levels):
    return Policy(
        flags=tuple(replace(rule, level=levels.get(rule.code, rule.level)) for rule in FLAGS)
    )


def share(label, percent, n=10_000):
    """So many percent of one class, the rest of one that has no limit of its own."""
    count = round(n * percent / 100)
    return {label: count, "immature_granulocyte": n - count}


def test_six_eosinophils_of_a_hundred_say_what_they_cannot_show():
    flag = flags_of({"eosinophil": 6, "neutrophil": 60, "lymphocyte": 30, "monocyte": 4})[
        "eosinophil_percent_high"
    ]
    assert flag.sentence == (
        "eosinophils 6 % (2.2-12.6): above the limit cannot be shown with 100 cells"
    )
    assert (flag.certain, flag.critical) == (False, False)


def test_a_certain_flag_names_the_limit():
    flag = flags_of({"lymphocyte": 92, "neutrophil": 8})["lymphocyte_percent_high"]
    assert flag.sentence == "lymphocytes 92 % (84.8-96.5): above the limit of 47 %"
    assert flag.certain is True
    assert flag.interpretation == "H"


# code, label, a percentage of WBC 10 on the near side of the limit, on it, and on the far side
LIMITS = (
    ("eosinophilia", "eosinophil", 4.9, 5, 5.1),
    ("monocytosis", "monocyte", 9.9, 10, 10.1),
    ("lymphocytosis", "lymphocyte", 34.9, 35, 35.1),
    ("neutropenia", "neutrophil", 18.1, 18, 17.9),
    ("severe_neutropenia", "neutrophil", 5.1, 5, 4.9),
    ("neutrophils_review", "neutrophil", 10.1, 10, 9.9),
    ("lymphocytes_review", "lymphocyte", 59.9, 60, 60.1),
    ("eosinophils_review", "eosinophil", 19.9, 20, 20.1),
    ("monocytes_review", "monocyte", 19.9, 20, 20.1),
)


@pytest.mark.parametrize(("code", "label", "near", "on", "far"), LIMITS)
def test_a_limit_is_met_beyond_it_and_only_doubtful_on_it(code, label, near, on, far):
    assert code not in flags_of(share(label, near), wbc="10")
    flag = flags_of(share(label, on), wbc="10")[code]
    assert (flag.met, flag.certain, flag.critical) == (False, False, False)
    assert flags_of(share(label, far), wbc="10")[code].met is True


def test_hypereosinophilia_begins_at_its_limit():
    assert "hypereosinophilia" not in flags_of(share("eosinophil", 14.9), wbc="10")
    assert flags_of(share("eosinophil", 15), wbc="10")["hypereosinophilia"].met is True


def test_more_than_ten_eosinophils_are_urgent():
    assert "eosinophils_urgent" not in flags_of(share("eosinophil", 49.9), wbc="20")
    assert flags_of(share("eosinophil", 60), wbc="20")["eosinophils_urgent"].level == "urgent"


@pytest.mark.parametrize(
    ("wbc", "code"), [("2", "wbc_low"), ("2.01", None), ("30", None), ("30.01", "wbc_high")]
)
def test_a_low_and_a_high_wbc_ask_for_a_film_review(wbc, code):
    found = {code for code in flags_of({}, wbc=wbc) if code.startswith("wbc")}
    assert found == ({code} if code else set())


def test_without_a_wbc_there_are_only_relative_flags():
    counts = {"eosinophil": 80, "neutrophil": 2, "lymphocyte": 18}
    assert set(flags_of(counts)) == {"eosinophil_percent_high", "neutrophil_percent_low"}
    assert "severe_neutropenia" in flags_of(counts, wbc="4")


def test_basophils_above_their_range_are_flagged():
    flag = flags_of(share("basophil", 3), wbc="10")["basophil_high"]
    assert flag.sentence == "basophils 0.30 ×10⁹/L (0.27-0.34): above 0.2, the end of the range"
    assert "basophil_percent_high" in flags_of(share("basophil", 3))


def test_any_blast_is_critical_whatever_the_wbc():
    result = counted({"blast": 1, "neutrophil": 60, "lymphocyte": 39})
    (flag,) = [flag for flag in result.flags if flag.critical]
    assert flag.sentence == "1 blast among 100 cells, 1 % (0.03-5.4): any blast is flagged"
    assert (flag.certain, flag.interpretation) == (True, "HH")
    assert critical_findings(result, Policy()) == [("blasts", flag.sentence)]
    assert result.row("blast").flag == flag


def test_an_uncertain_critical_result_is_one_all_the_same_and_says_so():
    result = counted({"neutrophil": 8, "lymphocyte": 92}, wbc="5.5")
    ((rule, sentence),) = critical_findings(result, Policy())
    assert rule == "severe_neutropenia"
    assert sentence == (
        "neutrophils 0.44 ×10⁹/L (0.19-0.83): counted as severe neutropenia (below 0.5), which "
        "cannot be shown with 100 cells"
    )
    assert result.row("neutrophil").flag.interpretation == "LL"


def test_on_a_critical_limit_nobody_is_alerted():
    assert critical_findings(counted(share("neutrophil", 5), wbc="10"), Policy()) == []


def test_critical_findings_are_by_the_rules_that_are_asked():
    result = counted({"blast": 1, "neutrophil": 99}, wbc="10")
    assert critical_findings(result, with_limit("blasts", limit=Decimal(2))) == []
    assert critical_findings(result, with_limit("blasts", limit=None)) == []
    assert critical_findings(result, with_limit("blasts", level="note")) == []


def test_a_graver_flag_that_is_as_sure_says_what_a_milder_one_would():
    certain = flags_of(share("eosinophil", 60), wbc="40")
    assert {code for code in certain if "eosinophil" in code} == {
        "eosinophils_urgent", "eosinophils_review",
    }  # fmt: skip
    # 1.66 (1.09-2.34): surely eosinophilia, and perhaps hypereosinophilia.
    doubtful = flags_of({"eosinophil": 23, "neutrophil": 57, "lymphocyte": 20}, wbc="7.2")
    assert [doubtful[code].certain for code in ("eosinophilia", "hypereosinophilia")] == [
        True,
        False,
    ]


def test_a_milder_flag_that_the_organisation_calls_graver_is_not_hidden():
    few = {"neutrophil": 1, "lymphocyte": 99}
    assert "neutropenia" not in flags_of(few, wbc="5")
    policy = with_levels(neutropenia="critical", severe_neutropenia="note")
    assert flags_of(few, wbc="5", policy=policy)["neutropenia"].critical is True


def test_the_end_of_a_range_does_not_hide_a_flag_with_a_name():
    found = flags_of({"lymphocyte": 50, "neutrophil": 50}, wbc="20")
    assert found["lymphocytosis"].certain is True
    assert "lymphocyte_high" not in found


def test_children_have_no_adults_ranges_and_no_adults_lymphocytes():
    child = flags_of({"lymphocyte": 70, "neutrophil": 30}, wbc="12", age=3)
    assert "lymphocytosis" not in child
    assert not [code for code in child if code.endswith(("_high", "_low"))]
    unknown = flags_of({"lymphocyte": 70, "neutrophil": 30}, wbc="12", age=None)
    assert {"lymphocytosis", "lymphocytes_review"} <= set(unknown)
    assert "severe_neutropenia" in flags_of({"lymphocyte": 98, "neutrophil": 2}, wbc="12", age=3)


def test_the_gravest_flags_come_first():
    result = counted({"blast": 3, "neutrophil": 2, "lymphocyte": 70, "monocyte": 25}, wbc="12")
    graveness = [(flag.critical, flag.level) for flag in result.flags]
    assert graveness[0][0] is True
    order = ["critical", "urgent", "review", "note"]
    assert [order.index(level) for _, level in graveness] == sorted(
        order.index(level) for _, level in graveness
    )


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(LEUKOCYTES), st.integers(0, 150), min_size=1),
    st.decimals("0", "100", places=2) | st.none(),
    st.integers(0, 100) | st.none(),
)
def test_a_flag_is_certain_exactly_where_the_whole_interval_is_beyond(counts, wbc, age):
    result = differential(counts, total_wbc=wbc, policy=Policy(), age=age)
    limits = {rule.code: rule for rule in Policy().flags if rule.unit != "cells"}
    for flag in result.flags:
        assert flag.met or not flag.certain
        if flag.code not in limits or flag.label == "wbc":
            continue
        row, limit = result.row(flag.label), float(limits[flag.code].limit)
        if flag.direction == "high":
            beyond = row.absolute_low > limit or (
                row.absolute_low == limit and flag.code == "hypereosinophilia"
            )
        else:
            beyond = row.absolute_high < limit
        assert flag.certain is beyond
        if flag.certain:
            assert "cannot be shown" not in flag.sentence
        else:
            assert f"cannot be shown with {result.n} cell" in flag.sentence
    assert len({flag.code for flag in result.flags}) == len(result.flags)

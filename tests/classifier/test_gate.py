"""What the gate lets pass, and what it refuses with which reason: on what models said."""

from dataclasses import replace

import pytest

from classifier.gate import LOCKED, MEASURED, Policy, judge, judge_speed, refused
from tests.servers.candidates import SETS, permuted, said, sets

RULES = Policy()


def why(candidate, active=None, policy=RULES):
    """Code -> sentence of each refusal."""
    active = sets() if active is None else active
    return {finding.code: finding.sentence for finding in refused(judge(candidate, active, policy))}


def test_the_same_answers_pass_everything():
    findings = judge(sets(), sets(), RULES)
    assert [finding.code for finding in findings] == [LOCKED, *MEASURED]
    assert all(finding.passed for finding in findings)
    assert "same 1,500 cells of 3 locked sets" in findings[0].sentence


def test_a_better_model_passes():
    assert why(sets(test={"wrong": range(2)}, outside={"wrong": range(40)})) == {}


def test_a_worse_model_is_refused_with_its_figures():
    found = why(sets(test={"wrong": range(30)}))
    assert "accuracy" in found
    assert (
        "Right on 0.9700 of 1,000 cells of pbc/test, the active model on 0.9900"
        in (found["accuracy"])
    )
    assert "worse by more than the margin of 0.005" in found["accuracy"]


def test_it_is_the_end_of_the_interval_that_counts_and_not_the_difference():
    # Four cells of a thousand fewer are within the margin; that it is no worse is not shown by them.
    few = sets(test={"wrong": range(14)})
    difference = next(f for f in judge(few, sets(), RULES) if f.code == "accuracy").figures[0]
    assert difference.difference == pytest.approx(-0.004)
    assert difference.low < -0.005
    assert set(why(few)) >= {"accuracy"}
    assert "accuracy" not in why(few, policy=replace(RULES, accuracy=0.02))


def test_one_class_that_became_worse_is_refused_though_the_whole_did_not():
    lymphocytes = [n for n in range(1000) if said(1000).kinds[n] == "lymphocyte"]
    candidate, active = sets(test={"wrong": lymphocytes[:14]}), sets(test={"wrong": range(30)})
    found = why(candidate, active)
    assert set(found) == {"recall"}
    assert "The recall of lymphocytes may be worse" in found["recall"]


def test_classes_in_another_order_are_refused():
    found = why({name: permuted(locked) for name, locked in sets().items()})
    assert {"accuracy", "recall", "external"} <= set(found)
    assert "basophils, eosinophils, lymphocytes, monocytes and neutrophils" in found["recall"]


def test_a_model_that_is_too_sure_or_not_sure_enough_is_refused():
    unsure = why(sets(test={"sure": 0.80}))
    assert set(unsure) == {"calibration"}
    assert "More than 0.05 is never accepted" in unsure["calibration"]
    slightly = why(sets(test={"sure": 0.96}))
    assert "more than 0.01 above it" in slightly["calibration"]


def test_a_model_that_names_what_it_should_not_is_refused():
    found = why(sets(other={"abstained": 0.1}), sets(other={"abstained": 0.2}))
    assert set(found) == {"other"}
    assert "would name what it should not" in found["other"]


def test_a_model_that_leaves_more_to_people_is_refused():
    assert set(why(sets(test={"abstained": 0.11}))) == {"abstained"}


def test_a_model_that_is_worse_elsewhere_is_refused():
    found = why(sets(outside={"wrong": range(97)}))
    assert set(found) == {"external"}
    assert "below it by more than 0.02" in found["external"]
    assert why(sets(outside={"wrong": range(95)})) == {}


def test_other_pictures_cannot_be_compared():
    other = said(1000)
    other = replace(other, pictures=(("set/another.png", "0" * 16), *other.pictures[1:]))
    found = judge({**sets(), SETS.test: other}, sets(), RULES)
    assert [finding.code for finding in refused(found)] == [LOCKED]
    assert "not measured on the same pictures: 1 of 1,000" in found[0].sentence
    assert [finding.passed for finding in found[1:]] == [None] * len(MEASURED)


def test_fewer_pictures_cannot_be_compared():
    assert LOCKED in why({**sets(), SETS.test: said(999)})


@pytest.mark.parametrize("name", [SETS.test, SETS.other, SETS.outside])
def test_a_set_that_is_missing_is_named(name):
    found = why({key: value for key, value in sets().items() if key != name})
    assert set(found) == {LOCKED}
    assert found[LOCKED].startswith(f"The candidate was not measured on the locked set {name}. ")


def test_an_active_model_that_was_not_measured_is_named():
    assert "The active model was not measured" in why(sets(), {SETS.test: said(1000)})[LOCKED]


def test_a_first_model_is_held_against_fixed_bounds():
    good = sets(other={"abstained": 0.9})
    findings = judge(good, None, RULES, why_alone="No model is active.")
    assert refused(findings) == []
    assert "No model is active." in findings[0].sentence
    assert {finding.code: finding.passed for finding in findings}["external"] is None
    bad = sets(test={"wrong": range(60), "abstained": 0.3}, other={"abstained": 0.1})
    assert {finding.code for finding in refused(judge(bad, None, RULES))} == {
        "accuracy", "calibration", "abstained", "other",
    }  # fmt: skip


def test_speed_is_a_share_of_the_active_models():
    assert judge_speed(15, 30, RULES).passed
    slow = judge_speed(14.9, 30, RULES)
    assert slow.passed is False
    assert "14.9 pictures a second" in slow.sentence
    assert "too slow" in slow.sentence
    assert judge_speed(1, None, RULES).passed


def test_a_finding_can_be_kept_and_read_again():
    from classifier.examination import unpacked

    for finding in judge(sets(), sets(), RULES):
        assert unpacked(finding.as_json()) == finding
        assert finding.as_json()["title"] == finding.title


OWN = replace(RULES, test="pbc/test, */test", other="", outside="")


def own_only(**test) -> dict:
    return {"ours/test": said(200, **test), "ours/val": said(50)}


def test_models_are_compared_on_a_set_that_both_were_measured_on():
    found = judge(own_only(), {**sets(), **own_only()}, OWN)
    assert found[0].sentence == "Both were measured on the same 200 cells of one locked set."
    assert not refused(found)
    assert {f.code: f.passed for f in found}["other"] is None, "this installation asks for none"


def test_the_first_set_that_both_have_counts():
    both = {**sets(), **own_only()}
    assert "1,000 cells" in judge(both, both, OWN)[0].sentence


def test_without_a_common_set_the_gate_says_so_and_refuses():
    found = judge(own_only(), sets(), OWN)
    assert [finding.code for finding in refused(found)] == [LOCKED]
    assert "not both measured on one locked set of pbc/test, */test" in found[0].sentence
    assert "The candidate was measured on ours/test, ours/val" in found[0].sentence
    assert "the active model on bccd whole fields, pbc/test, pbc_other/test" in found[0].sentence


def test_alone_it_is_held_against_bounds_on_the_set_that_it_has():
    found = judge(own_only(wrong=range(60)), None, OWN, why_alone="Nothing is active.")
    assert {finding.code for finding in refused(found)} >= {"accuracy"}


def test_test_cells_must_be_named():
    assert (
        "No locked set of test cells" in judge(sets(), sets(), replace(RULES, test=""))[0].sentence
    )


def test_a_margin_of_one_asks_for_nothing():
    rules = replace(OWN, accuracy=1.0, recall=1.0, calibration=1.0, most_ece=1.0)
    worst = own_only(wrong=range(200))
    assert not refused(judge(worst, {**sets(), **own_only()}, rules))

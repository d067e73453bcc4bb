"""The page of an organisation's rules: seen, changed and dated by administrators."""

import re
from uuid import uuid4

import pytest
from django.urls import reverse

from review.models import ReadingPolicy
from review.policy import Policy, policy_of
from review.policy_form import RulesForm
from review.services.policies import policy_set

pytestmark = pytest.mark.django_db
NEW = "age_groups-1"  # the group that the house's form offers to add


@pytest.fixture
def admin(client, people):
    client.force_login(people.administrator)
    return client


@pytest.fixture
def page(people):
    return reverse("review:rules", args=[people.clinic.public_id])


def fields_of(organisation, **changes) -> dict[str, str]:
    """What the browser would send of the form as it opens, with these changes."""
    form = RulesForm(policy=policy_of(organisation), since={})
    sent = {}
    for name in form.fields:
        value = form[name].value()
        if value is True:
            sent[name] = "on"
        elif value is not None and value is not False:
            sent[name] = str(value)
    return sent | {"reason": "Our own study."} | changes


def errors_of(response) -> dict[str, list[str]]:
    return {name: list(errors) for name, errors in response.context["form"].errors.items()}


def test_it_shows_the_houses_rules_where_nothing_was_set(admin, page):
    response = admin.get(page)
    text = response.content.decode()
    assert response.status_code == 200
    assert "The <b>house defaults</b>; nothing was changed yet." in text
    assert 'name="age_groups-0-ranges-neutrophil-percent-low" value="45"' in text
    assert 'name="flags-hypereosinophilia-limit" value="1.5"' in text
    assert 'name="turnaround-background" value="4320"' in text
    assert text.count("house default") > 20


def test_the_organisations_page_leads_there(admin, people, page):
    response = admin.get(reverse("accounts:organisation", args=[people.clinic.public_id]))
    assert f'href="{page}"' in response.content.decode()


def test_an_organisation_that_is_not_there_has_no_rules(admin):
    assert admin.get(reverse("review:rules", args=[uuid4()])).status_code == 404


@pytest.mark.parametrize("who", ["clinician", "specialist", "other_specialist"])
def test_only_administrators_see_and_set_them(client, people, page, who):
    client.force_login(getattr(people, who))
    assert client.get(page).status_code == 403
    assert client.post(page, fields_of(people.clinic, target_cells="200")).status_code == 403
    assert not ReadingPolicy.objects.exists()


def test_sent_back_as_it_opened_the_form_changes_nothing(admin, people, page):
    response = admin.post(page, fields_of(people.clinic), follow=True)
    assert "in force already; nothing was changed" in response.content.decode()
    assert not ReadingPolicy.objects.exists()


def test_changed_rules_are_in_force_dated_and_in_the_history(admin, people, page):
    sent = fields_of(
        people.clinic,
        **{
            "target_cells": "200", "two_signers": "on", "read_before_model": "0.1",
            "flags-eosinophilia-limit": "0.6", "flags-monocytosis-limit": "",
            "flags-neutropenia-level": "urgent", "turnaround-stat": "45", "escalate_after": "20",
            "age_groups-0-ranges-eosinophil-absolute-high": "0.50",
            "age_groups-0-ranges-basophil-percent-low": "",
            "age_groups-0-ranges-basophil-percent-high": "",
        },
    )  # fmt: skip
    response = admin.post(page, sent, follow=True)
    policy = policy_of(people.clinic)
    limits = {rule.code: rule for rule in policy.flags}
    assert (policy.number, policy.target_cells, policy.two_signers) == (1, 200, True)
    assert (policy.read_before_model, policy.escalate_after) == (0.1, 20)
    assert policy.turnaround == {"stat": 45, "routine": 1440, "background": 4320}
    assert float(limits["eosinophilia"].limit) == 0.6
    assert limits["monocytosis"].limit is None
    assert limits["neutropenia"].level == "urgent"
    ranges = policy.ranges_for(40)
    assert float(ranges["eosinophil"].absolute[1]) == 0.5
    assert ranges["basophil"].percent is None
    assert ranges["neutrophil"] == Policy().ranges_for(40)["neutrophil"]
    text = response.content.decode()
    assert f"Saved. Rules 1 of {people.clinic} are in force from now on." in text
    history = text.split('class="rules-entries"')[1]
    for said in (
        str(people.administrator), "Our own study.", "Cells to count: 100 → 200",
        "Monocytosis: above 1 ×10⁹/L, noted → switched off", "Two signatures: no → yes",
    ):  # fmt: skip
        assert said in history
    assert ", rules 1" in text.split('class="rules-entries"')[0]


def test_an_age_group_is_added_and_taken_away(admin, people, page):
    sent = fields_of(people.clinic) | {
        f"{NEW}-name": "Children", f"{NEW}-first": "0", f"{NEW}-last": "17",
        f"{NEW}-ranges-lymphocyte-percent-low": "30", f"{NEW}-ranges-lymphocyte-percent-high": "60",
    }  # fmt: skip
    assert admin.post(page, sent).status_code == 302
    policy = policy_of(people.clinic)
    assert [group.name for group in policy.age_groups] == ["Children", "Adults"]
    assert [int(end) for end in policy.ranges_for(4)["lymphocyte"].percent] == [30, 60]
    gone = fields_of(people.clinic) | {"age_groups-0-remove": "on"}
    assert admin.post(page, gone).status_code == 302
    assert policy_of(people.clinic).age_groups == Policy().age_groups


LONG = "Ensure this value has at most 12 characters (it has 13)."


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("read_before_model", "1.5", "A share is a number from 0 (never) to 1 (every case)."),
        ("read_before_model", "", "A share is a number from 0 (never) to 1 (every case)."),
        ("second_reading", "half", "A share is a number from 0 (never) to 1 (every case)."),
        ("target_cells", "150", "A differential counts to 100 or to 200 cells."),
        ("turnaround-stat", "0", "Give whole minutes, from 1 to 43200."),
        ("turnaround-routine", "1,5", "Give whole minutes, from 1 to 43200."),
        ("turnaround-routine", "5", "Routine cannot be due before stat (60 minutes)."),
        ("escalate_after", "", "Give whole minutes, from 1 to 1440."),
        ("escalate_after", "9" * 13, LONG),
        ("age_groups-0-name", "", "Give the age group a name of at most 60 characters."),
        ("age_groups-0-first", "adult", "Give the youngest age in whole years, 0 to 130."),
        ("age_groups-0-last", "200", "Give the oldest age in whole years, 0 to 130, or leave it empty."),
        ("age_groups-0-last", "4", "The oldest age is below the youngest."),
        ("age_groups-0-ranges-neutrophil-percent-low", "90", "The low end is above the high end."),
        ("age_groups-0-ranges-neutrophil-percent-low", "", "Give both ends of the range as numbers, or neither."),
        ("age_groups-0-ranges-neutrophil-absolute-low", "x", "Give both ends of the range as numbers, or neither."),
        ("flags-eosinophilia-limit", "much", "Give a number above 0 and up to 1000 (×10⁹/L), with at most three digits after the point, or leave it empty to switch the flag off."),
        ("flags-blasts-limit", "1.5", "Give a whole number of cells, 1 or more, or leave it empty."),
        ("flags-blasts-level", "dire", "Choose one of: noted, film review, urgent, critical result."),
        ("flags-hypereosinophilia-limit", "0.4", "This limit is below that of eosinophilia (0.5)."),
        ("reason", "", "Say why, in at most 300 characters."),
    ],
)  # fmt: skip
def test_every_wrong_value_gets_its_sentence_beside_its_field(
    admin, people, page, field, value, sentence
):
    sent = fields_of(people.clinic, target_cells="200") | {field: value}
    response = admin.post(page, sent)
    assert response.status_code == 422
    assert errors_of(response) == {field: [sentence]}
    text = response.content.decode()
    marked = re.search(rf'<(?:input|select)[^>]*name="{field}"[^>]*>', text).group()
    assert "is-invalid" in marked
    assert f'id="id_{field}_error"' in text
    assert not ReadingPolicy.objects.exists()


def test_a_fault_of_a_group_is_said_at_that_group_though_another_is_removed(admin, people, page):
    sent = fields_of(people.clinic) | {
        "age_groups-0-remove": "on", f"{NEW}-name": "Children", f"{NEW}-first": "x",
    }  # fmt: skip
    assert list(errors_of(admin.post(page, sent))) == [f"{NEW}-first"]


def test_overlapping_groups_are_said_at_the_second(admin, people, page):
    sent = fields_of(people.clinic) | {f"{NEW}-name": "Old", f"{NEW}-first": "70"}
    response = admin.post(page, sent)
    assert errors_of(response) == {
        f"{NEW}-first": ["These ages overlap with those of Adults (18 years and older)."]
    }
    # What was typed is still there, and open to be seen.
    text = response.content.decode()
    assert '<details class="rules-group fold" open>' in text
    assert f'name="{NEW}-name" value="Old"' in text


def test_without_any_group_the_form_says_so(admin, people, page):
    response = admin.post(page, fields_of(people.clinic) | {"age_groups-0-remove": "on"})
    assert errors_of(response) == {"__all__": ["Give 1 to 12 age groups."]}
    assert "Give 1 to 12 age groups." in response.content.decode()


@pytest.mark.parametrize(
    "changes",
    [
        {"groups": "999999"}, {"groups": "-1"}, {"groups": "x"}, {"number": "x"}, {"number": ""},
        {"reason": "x" * 301}, {"reason": "\x00"}, {"age_groups-0-name": "y" * 500},
        {"flags-eosinophilia-level": "z" * 500}, {"turnaround-stat": "١٢"},
    ],
)  # fmt: skip
def test_a_form_that_no_browser_sends_is_refused_and_never_an_error(admin, people, page, changes):
    response = admin.post(page, fields_of(people.clinic, target_cells="200") | changes)
    assert response.status_code == 422
    assert not ReadingPolicy.objects.exists()


def test_an_empty_form_is_refused(admin, page):
    assert admin.post(page, {}).status_code == 422
    assert not ReadingPolicy.objects.exists()


def test_whoever_was_overtaken_sees_what_changed_and_may_save_again(admin, people, page):
    sent = fields_of(people.clinic, target_cells="200")
    policy_set(
        actor=people.administrator, organisation=people.clinic, reason="Meanwhile.",
        values={"second_reading": 0.25},
    )  # fmt: skip
    response = admin.post(page, sent)
    text = response.content.decode()
    assert response.status_code == 409
    assert "Somebody else changed these rules while you were writing" in text
    assert "Second reading: never → 0.25 of the cases" in text.split("<section")[0]
    assert policy_of(people.clinic).target_cells == 100
    shown = response.context["form"]
    assert (shown["target_cells"].value(), shown["number"].value()) == ("200", "1")
    assert admin.post(page, sent | {"number": "1"}).status_code == 302
    assert policy_of(people.clinic).number == 2


def test_what_is_typed_is_shown_as_text(admin, people, page):
    sent = fields_of(people.clinic, reason="<script>alert(1)</script>")
    admin.post(page, sent | {"age_groups-0-name": "<b>Adults</b>"})
    text = admin.get(page).content.decode()
    assert "<script>alert(1)" not in text
    assert "<b>Adults" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_a_long_history_has_pages_and_costs_no_more_queries(
    admin, people, page, django_assert_max_num_queries
):
    for cells in [200, 100] * 15:
        policy_set(
            actor=people.administrator, organisation=people.clinic, reason=f"To {cells}.",
            values={"target_cells": cells},
        )  # fmt: skip
    with django_assert_max_num_queries(12):
        text = admin.get(page).content.decode()
    assert text.count("<b>Rules ") == 21  # twenty entries, and the rules in force
    assert "Rules 30</b>," in text
    assert "Rules 10</b>," in admin.get(f"{page}?page=2").content.decode()

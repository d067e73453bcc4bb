"""Two models side by side on one page."""

import json
import re
from dataclasses import replace

import pytest
from django.urls import reverse

from classifier.compared import paired
from tests.classifier.test_compared import made
from tests.classifier.test_model_page import put, text, with_predictions
from tests.servers import engine

pytestmark = pytest.mark.django_db
A, B = made(300, seed=1, pull=2.5), made(300, seed=2, pull=1.0)
OTHER_A = made(60, seed=3, kinds=("platelet", "ig"))
OTHER_B = made(60, seed=4, kinds=("platelet", "ig"))


@pytest.fixture
def two(settings, tmp_path):
    """Directories of "first" and "second", the second worse."""
    settings.MODEL_DIRS = [tmp_path]
    first = engine.write_model(tmp_path, model_id="first")
    second = engine.write_model(tmp_path, model_id="second", shift=1.0)
    with_predictions(first, {"pbc/test": A, "pbc_other/test": OTHER_A, "only here": A})
    with_predictions(second, {"pbc/test": B, "pbc_other/test": OTHER_B})
    return first, second


@pytest.fixture
def page(client, people, two):
    client.force_login(people.clinician)

    def get(status=200, **query):
        answer = client.get(reverse("classifier:compare"), query)
        assert answer.status_code == status
        return answer.content.decode()

    return get


PAIR = {"a": "first", "b": "second"}


def test_figures_of_both_and_their_difference_stand_in_one_row(page):
    said = text(page(**PAIR))
    found = paired(A, B)
    for row in (found.accuracy, found.macro_f1, found.ece, found.loss, found.abstained):
        assert f"{row.a:.4f} {row.b:.4f} {row.difference:+.4f}".replace("-", "−") in said
    assert f"{found.lost} went from right to wrong and {found.gained} from wrong to right" in said
    assert "McNemar's exact test" in said.replace("&#x27;", "'")
    assert found.accuracy.high < 0
    assert "worse" in said
    assert "Only one of the two was measured on: only here" in said


def verdict(html, figure):
    table = html.partition('id="differences"')[2].partition("</table>")[0]
    row = re.search(rf'scope="row">{figure}.*?</tr>', table, re.DOTALL)[0]
    return re.search(r'class="verdict-[^"]*">([^<]*)', row)[1]


@pytest.mark.parametrize("figure", ["Accuracy", "Log loss"])
def test_swapped_what_was_worse_is_better(page, figure):
    assert verdict(page(**PAIR), figure) == "worse"
    assert verdict(page(a="second", b="first"), figure) == "better"


def rows(html):
    table = html.partition('id="changed"')[2].partition("</table>")[0].partition("<tbody")[2]
    return [text(row) for row in re.findall(r"<tr.*?</tr>", table, re.DOTALL)]


def test_cells_that_changed_are_listed_with_the_lost_first_and_by_kind_of_change(page):
    found = paired(A, B)
    first = rows(page(**PAIR))
    assert len(first) == 25
    assert found.changed[0].picture in first[0].replace(" ", "")
    gained = [row for n in (1, 2) for row in rows(page(**PAIR, move="gained", page=n))]
    names = {row.picture for row in found.changed if row.move == "gained"}
    assert {re.search(r"set/\d+\.png", row.replace(" ", ""))[0] for row in gained} == names


def test_cells_of_no_class_are_compared_by_abstention_alone(page):
    said = text(page(**PAIR, set="pbc_other/test"))
    assert "None of these cells is of one of the classes" in said
    assert "Abstained" in said
    assert "Accuracy" not in said
    assert "Of no class: to another class" in said


def test_what_the_manifests_say_stands_side_by_side(page, two):
    content = json.loads((two[1] / "manifest.json").read_text())
    (two[1] / "manifest.json").write_text(json.dumps({**content, "temperature": 0.75}))
    html = page(**PAIR)
    assert re.search(r'class="is-other"[^/]*Temperature.*?1\.0000.*?0\.7500', html, re.DOTALL)
    assert re.search(r"<tr><th[^>]*>Precision", html)


def test_without_a_choice_there_is_the_form(page):
    html = page()
    assert html.count("<option") == 4
    assert "Differences" not in html


def test_one_model_alone_has_nothing_to_be_compared_with(page, settings, tmp_path):
    settings.MODEL_DIRS = [tmp_path / "alone"]
    engine.write_model(tmp_path / "alone")
    assert "Only one model" in page()
    settings.MODEL_DIRS = [tmp_path / "none"]
    assert "No model yet" in page()


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"a": "first"}, "Choose two models."),
        ({"b": "first"}, "Choose two models."),
        ({"a": "first", "b": "first"}, "Choose two different models"),
        ({"a": "first", "b": "nothing"}, "There is no model 'nothing' here."),
        ({"a": "<b>", "b": "first"}, "There is no model '<b>' here."),
    ],
)
def test_what_cannot_be_compared_is_said_in_a_sentence(page, query, sentence):
    html = page(status=400, **query)
    assert sentence in html.replace("&#x27;", "'").replace("&lt;", "<").replace("&gt;", ">")
    assert "'<b>'" not in html


@pytest.mark.parametrize("query", [{"set": "x"}, {"page": "x"}, {"page": "999"}, {"move": "x"}])
def test_odd_questions_have_the_whole_page_for_an_answer(page, query):
    assert "Differences on pbc/test" in page(**PAIR, **query)


def test_models_measured_on_other_cells_are_not_compared(page, two):
    moved = replace(B, pictures=(("other.png", "0"), *B.pictures[1:]))
    with_predictions(two[1], {"pbc/test": moved, "pbc_other/test": OTHER_B})
    said = text(page(**PAIR))
    assert "pbc/test: The two were not measured on the same pictures: 1 of 300" in said
    assert "pbc_other/test" in said  # the way to the set that can be compared
    assert "Side by side" in said


def test_models_without_a_set_in_common_or_without_predictions_say_so(page, two):
    with_predictions(two[1], {"elsewhere": B})
    assert "on no set that is the same" in text(page(**PAIR))
    put(two[1], {}, drop=["predictions.csv"])
    said = text(page(**PAIR))
    assert "second came without predictions.csv" in said
    assert "Side by side" in said


def test_the_list_and_the_models_page_lead_to_the_comparison(client, page):
    for address in (reverse("classifier:models"), reverse("classifier:model", args=["second"])):
        html = client.get(address).content.decode()
        form = html.partition(f'action="{reverse("classifier:compare")}"')[2].partition("</form>")[
            0
        ]
        assert re.findall(r'<option value="(\w+)" selected', form) == ["first", "second"]

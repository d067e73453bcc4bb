"""A differential on the page: the chart and the table say the same, live and frozen alike."""

import json
import re
from decimal import Decimal

import pytest
from django.template.loader import render_to_string

from review.differential import differential
from review.differential_view import WIDTH, view
from review.policy import Policy

COUNTS = {
    "eosinophil": 23, "neutrophil": 51, "lymphocyte": 19, "monocyte": 5, "basophil": 1, "blast": 1,
    "erythroblast": 3, "artefact": 2, "not_a_cell": 1, "unidentified": 4,
}  # fmt: skip


def counted(counts=COUNTS, *, wbc="7.2", age=40):
    return differential(counts, total_wbc=Decimal(wbc) if wbc else None, policy=Policy(), age=age)


def drawn(result, **context) -> str:
    return render_to_string("review/_differential.html", {"differential": result} | context)


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).replace("&nbsp;", " ")


def test_the_table_has_a_line_for_each_class_that_was_found_and_for_the_common_five():
    lines = view(counted()).lines
    assert [line.letter for line in lines] == ["N", "L", "M", "E", "B", "X"]
    assert [line.letter for line in view(counted({"neutrophil": 1})).lines] == list("NLMEB")


@pytest.mark.parametrize("compact", [False, True])
def test_it_says_every_figure_with_its_interval(compact):
    text = words(drawn(counted(), compact=compact))
    for said in (
        "23", "(15.2-32.5)", "1.66", "(1.09-2.34)", "Eosinophilia", "100 leukocytes counted",
        "4 unidentified", "NRBC 3 per 100 WBC (0.6-9)", "not counted: 2 artefacts, 1 not a cell",
        "total WBC 7.2 ×10⁹/L", "ranges: Adults, house defaults", "Critical result: 1 blast among",
        "hypereosinophilia (1.5 or more) cannot be shown with 100 cells",
    ):  # fmt: skip
        assert said in text


def test_the_full_table_says_the_ranges_too():
    text = words(drawn(counted()))
    assert "45-79" in text
    assert "0-0.45" in text
    assert "0-0.45" not in words(drawn(counted(wbc=None)))


@pytest.mark.parametrize("compact", [False, True])
def test_what_a_report_froze_looks_like_what_is_counted_now(compact):
    live = counted()
    frozen = json.loads(json.dumps(live.as_dict()))
    assert drawn(frozen, compact=compact) == drawn(live, compact=compact)


def test_bars_are_where_the_figures_are():
    result = counted()
    for line in view(result).lines:
        row = result.row(line.label)
        for at, percent in (
            (line.bar.x, row.low),
            (line.point, row.percent),
            (line.bar.x + line.bar.width, row.high),
        ):
            assert 100 * (at / WIDTH) ** 2 == pytest.approx(percent, abs=0.2)
    neutrophils = view(result).lines[0]
    assert 100 * (neutrophils.band.x / WIDTH) ** 2 == pytest.approx(45, abs=0.2)


def test_before_anything_is_counted_nothing_is_drawn_and_the_page_says_so():
    text = drawn(counted({"unidentified": 12}))
    assert "no leukocytes counted yet, 100 wanted" in text
    assert "diff-bar" not in text
    assert words(text).count("none counted") == 5


@pytest.mark.parametrize(
    ("age", "said"),
    [
        (None, "ranges: Adults (age unknown), house defaults"),
        (4, "no ranges for this age in the house defaults"),
    ],
)
def test_it_says_whose_ranges_they_are(age, said):
    assert said in words(drawn(counted(age=age)))


def test_cells_that_are_missing_to_the_target_are_counted():
    assert "40 leukocytes counted, 60 missing to 100" in drawn(counted({"neutrophil": 40}))


def test_nothing_in_it_needs_an_inline_style():
    for compact in (False, True):
        html = drawn(counted(), compact=compact)
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=", html)

"""What counts as drift, and what is chance: on numbers drawn here, and on real cells by the engine."""

import numpy as np
import pytest
from django.utils import timezone

from monitoring import cells as packed
from monitoring.drift import PSI_LIMIT, chi_square, measure, population_distance, psi
from tests.monitoring.cells import drawn


def cells_of(answers: list[dict]) -> packed.Cells:
    at = timezone.now()
    facts = {"case": 1, "at": at, "abstained": False, "in_distribution": None, "embedding": None}
    return packed.from_rows([facts | {"pk": n} | one for n, one in enumerate(answers)])


def test_cells_come_out_of_their_package_as_they_went_in():
    cells = cells_of(drawn(12, seed=1))
    again = packed.unpack(cells.pack())
    assert again.label.tolist() == cells.label.tolist()
    assert np.array_equal(again.place, cells.place)
    assert len(packed.unpack(b"")) == 0


def test_a_cell_without_an_embedding_stands_beside_those_that_have_one():
    both = packed.joined(
        cells_of([{"label": "monocyte", "confidence": 1.0}]), cells_of(drawn(3, seed=1))
    )
    assert np.isnan(both.place[0]).all()
    assert np.isfinite(both.place[1:]).all()


def test_the_index_is_nothing_of_the_same_counts_and_a_major_shift_of_turned_ones():
    counts = np.array([100, 50, 25, 25])
    assert psi(counts, counts) == pytest.approx(0)
    assert psi(counts, counts[::-1]) > PSI_LIMIT


def test_the_index_by_hand():
    assert psi(np.array([79.5, 19.5]), np.array([49.5, 49.5])) == pytest.approx(
        0.3 * np.log(0.8 / 0.5) - 0.3 * np.log(0.2 / 0.5), abs=0.01
    )


def test_chance_in_a_thousand_is_as_in_the_tables():
    for freedom, value in ((4, 18.47), (9, 27.88)):
        assert chi_square(freedom) == pytest.approx(value, rel=0.02)


@pytest.mark.parametrize("seed", range(5), ids=str)
def test_re_samples_of_the_same_population_do_not_alarm(seed):
    reference = cells_of(drawn(400, seed=100))
    assert measure(cells_of(drawn(200, seed=seed)), reference).over == {}


def test_cells_that_lie_elsewhere_alarm_by_their_appearance_alone():
    found = measure(cells_of(drawn(200, seed=1, away=0.7)), cells_of(drawn(400, seed=2)))
    assert set(found.over) == {"appearance"}


def test_another_confidence_alarms_by_it_alone():
    found = measure(cells_of(drawn(200, seed=1, sure=3)), cells_of(drawn(400, seed=2)))
    assert set(found.over) == {"confidence"}


def test_another_mix_of_cells_is_not_another_appearance():
    reference = cells_of(drawn(400, seed=1))
    more = [one for one in drawn(1000, seed=2) if one["label"] != "neutrophil"]
    some = [one for one in drawn(1000, seed=3) if one["label"] == "neutrophil"]
    found = measure(cells_of([*more[:80], *some[:120]]), reference)
    assert set(found.over) == {"classes"}


def test_more_abstention_alarms_when_the_intervals_part():
    reference = cells_of(
        [one | {"abstained": n % 20 == 0} for n, one in enumerate(drawn(400, seed=1))]
    )
    often = cells_of([one | {"abstained": n % 5 == 0} for n, one in enumerate(drawn(200, seed=2))])
    assert set(measure(often, reference).over) == {"abstention"}
    rarely = cells_of(
        [one | {"abstained": n % 14 == 0} for n, one in enumerate(drawn(200, seed=2))]
    )
    assert measure(rarely, reference).over == {}


def test_without_embeddings_there_is_no_distance():
    bare = [one | {"embedding": None} for one in drawn(200, seed=1)]
    assert population_distance(cells_of(bare), cells_of(bare)) == (None, False)


def test_measuring_twice_gives_the_same_figures():
    window, reference = cells_of(drawn(200, seed=1, away=0.4)), cells_of(drawn(400, seed=2))
    assert measure(window, reference) == measure(window, reference)

"""predictions.csv: what a model said of the locked sets, written and read back."""

import numpy as np
import pytest

from classifier.inference import CLASSES, ModelError
from classifier.inference.locked import COLUMNS, Locked, read_locked, write_locked


@pytest.fixture
def sets():
    rng = np.random.default_rng(1)

    def one(kinds):
        return Locked(
            pictures=tuple((f'set/{n:03}, odd "name".png', f"{n:016x}") for n in range(len(kinds))),
            kinds=tuple(kinds),
            probabilities=rng.dirichlet(np.ones(5), len(kinds)),
            abstained=rng.random(len(kinds)) < 0.5,
        )

    return {"pbc/test": one(CLASSES * 4), "pbc_other/test": one(["platelet", "ig"])}


def test_what_was_written_is_read(tmp_path, sets):
    write_locked(tmp_path / "p.csv", sets)
    found = read_locked(tmp_path / "p.csv")
    assert list(found) == list(sets)
    for name, locked in found.items():
        assert locked.pictures == sets[name].pictures
        assert locked.kinds == sets[name].kinds
        assert np.abs(locked.probabilities - sets[name].probabilities).max() < 1e-5
        assert (locked.abstained == sets[name].abstained).all()
        assert (locked.predicted == sets[name].predicted).all()
    assert found["pbc/test"].truth.tolist() == [0, 1, 2, 3, 4] * 4
    assert found["pbc_other/test"].truth.tolist() == [-1, -1]


LINE = "s,a.png,00,basophil,1,0,0,0,0,1"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "columns"),
        ("a,b\n", "columns"),
        (",".join(COLUMNS) + "\n" + LINE + ",1\n", "line 2 is not a line"),
        (",".join(COLUMNS) + "\n" + LINE.replace("1,0,0", "one,0,0") + "\n", "cannot be read"),
        (",".join(COLUMNS) + "\n" + LINE.replace("1,0,0", "2,0,0") + "\n", "do not add up"),
        (",".join(COLUMNS) + "\n" + LINE.replace("1,0,0", "3,-2,0") + "\n", "not between 0 and 1"),
        (",".join(COLUMNS) + "\n" + LINE.replace("1,0,0", "nan,0,0") + "\n", "do not add up"),
    ],
)
def test_another_file_is_refused_in_one_sentence(tmp_path, text, sentence):
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(ModelError, match=sentence):
        read_locked(tmp_path / "p.csv")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ModelError, match="cannot be read"):
        read_locked(tmp_path / "p.csv")

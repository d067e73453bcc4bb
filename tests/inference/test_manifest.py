import json
import pickle

import numpy as np
import pytest

from classifier.inference import CLASSES, ModelError, find_model, load_manifest, load_model
from classifier.inference.discovery import model_directories
from tests.inference.conftest import write_model


def change(directory, **values):
    """Alter manifest.json itself, hashes left as they are."""
    path = directory / "manifest.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, **values}))


def test_a_sound_directory_is_accepted_and_named_by_its_manifest_hash(model_directory):
    first = load_manifest(model_directory)
    assert first.classes == CLASSES
    assert len(first.sha256) == 64
    assert set(first.files) == {"graph.xml", "graph.bin", "indist.npz"}
    change(model_directory, code_version="another")
    assert load_manifest(model_directory).sha256 != first.sha256


@pytest.mark.parametrize("name", ["graph.xml", "graph.bin", "indist.npz"])
def test_one_changed_byte_in_any_file_is_refused(model_directory, name):
    path = model_directory / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match=rf"{name} is not the one the manifest names"):
        load_model(model_directory)


@pytest.mark.parametrize("name", ["graph.xml", "graph.bin", "indist.npz"])
def test_a_missing_file_is_refused(model_directory, name):
    (model_directory / name).unlink()
    with pytest.raises(ModelError, match=f"{name} is missing"):
        load_model(model_directory)


def test_a_directory_without_manifest_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"manifest\.json is missing"):
        load_manifest(tmp_path)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"classes": CLASSES[::-1]}, "in this order"),
        ({"classes": CLASSES[:4]}, "in this order"),
        ({"input_size": 5}, "input size"),
        ({"input_size": 10**6}, "input size"),
        ({"preprocessing": "other-v9"}, "unknown preprocessing"),
        ({"precision": "fp4"}, "unknown precision"),
        ({"temperature": 0}, "temperature must be above 0"),
        ({"softening": -0.1}, "softening must not be below 0"),
        ({"temperature": float("nan")}, "not finite"),
        ({"bias": [0.0]}, "one number a class"),
        ({"thresholds": {"confidence": float("inf"), "in_distribution": 0.5}}, "not finite"),
        ({"thresholds": {"confidence": 0.5}}, "wrong kind"),
        ({"format": 2}, "format"),
        ({"id": "../../up"}, "id may have"),
        ({"input_size": "big"}, "wrong kind"),
        ({"surprise": 1}, "does not know"),
        ({"files": {}}, "must all be named"),
    ],
)
def test_values_that_cannot_be_right_are_refused(model_directory, values, sentence):
    change(model_directory, **values)
    with pytest.raises(ModelError, match=sentence):
        load_manifest(model_directory)


def test_a_field_that_is_absent_is_refused(model_directory):
    path = model_directory / "manifest.json"
    content = json.loads(path.read_text())
    del content["temperature"]
    path.write_text(json.dumps(content))
    with pytest.raises(ModelError, match="temperature"):
        load_manifest(model_directory)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"id": 1}', "\xff"])
def test_a_manifest_that_is_no_manifest_is_refused(model_directory, text):
    (model_directory / "manifest.json").write_text(text, encoding="latin-1")
    with pytest.raises(ModelError):
        load_manifest(model_directory)


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "a\\b"])
def test_file_names_cannot_leave_the_directory(model_directory, name):
    files = json.loads((model_directory / "manifest.json").read_text())["files"]
    change(model_directory, files={**files, name: "0" * 64})
    with pytest.raises(ModelError, match="leaves its directory"):
        load_manifest(model_directory)


def test_a_link_instead_of_a_file_is_refused(model_directory, tmp_path):
    path = model_directory / "graph.bin"
    path.rename(tmp_path / "elsewhere.bin")
    path.symlink_to(tmp_path / "elsewhere.bin")
    with pytest.raises(ModelError, match=r"graph\.bin is missing"):
        load_manifest(model_directory)


def rewrite_statistics(directory, **changes):
    """Change arrays and make the manifest agree again, as an attacker with the directory could."""
    from ml.export import write_manifest

    path = directory / "indist.npz"
    with np.load(path) as stored:
        arrays = {**stored, **changes}
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})
    write_manifest(directory, json.loads((directory / "manifest.json").read_text()))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"mean": np.full(16, np.nan, np.float32)}, "not finite"),
        ({"mean": np.zeros(3, np.float32)}, "shape"),
        ({"scales": np.zeros(2, np.float32)}, "shape"),
        ({"centres": None}, "does not hold"),
    ],
)
def test_statistics_that_cannot_be_right_are_refused(model_directory, changes, sentence):
    rewrite_statistics(model_directory, **changes)
    with pytest.raises(ModelError, match=sentence):
        load_model(model_directory)


def test_a_pickle_in_the_statistics_is_never_unpickled(model_directory, tmp_path):
    trap = tmp_path / "sprung"

    class Trap:
        def __reduce__(self):
            return (open, (str(trap), "w"))

    pickle.loads(pickle.dumps(Trap())).close()
    assert trap.exists(), "the trap itself must work, or this test shows nothing"
    trap.unlink()
    rewrite_statistics(model_directory, mean=np.array([Trap()], dtype=object))
    with pytest.raises(ModelError, match="does not hold"):
        load_model(model_directory)
    assert not trap.exists()


def test_a_graph_with_other_outputs_than_the_manifest_says_is_refused(tmp_path):
    directory = write_model(tmp_path / "odd", feature_size=17)
    with pytest.raises(ModelError):
        load_model(directory)


def test_models_are_found_by_id_in_the_folders_given(model_directory):
    folder = model_directory.parent
    assert list(model_directories([folder])) == [model_directory]
    assert find_model("tiny", ["/nowhere", folder]) == model_directory
    with pytest.raises(ModelError, match="no model 'huge'; found: tiny"):
        find_model("huge", [folder])

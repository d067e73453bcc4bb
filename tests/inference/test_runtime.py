import subprocess
import sys

import numpy as np
import pytest

from classifier.inference import find_model, load_model
from classifier.inference.preprocess import crop
from classifier.inference.runtime import RawOutput
from ml.graph import area_matrix
from tests.inference.conftest import SIZE, write_model

ARRAYS = ("probabilities", "logits", "cams", "features")


def run(model, picture) -> RawOutput:
    return model.start(model.prepare(picture)).result()


def largest_difference(one: RawOutput, other: RawOutput) -> float:
    return max(float(np.abs(getattr(one, n) - getattr(other, n)).max()) for n in ARRAYS)


@pytest.mark.parametrize("source", [1, 3, 4, 5, 8, 10, 12, 17, 35])
def test_resampling_keeps_the_mean_of_every_map(source):
    matrix = area_matrix(source, 8).astype(np.float64)
    assert np.allclose(matrix.sum(axis=1), 1)
    assert np.allclose(matrix.sum(axis=0), 8 / source)
    level = np.random.default_rng(source).normal(size=(source, source))
    assert np.isclose((matrix @ level @ matrix.T).mean(), level.mean())


@pytest.mark.parametrize("precision", ["f32", "bf16"])
def test_maps_add_up_to_the_logits_exactly(tmp_path, pictures, precision):
    model = load_model(write_model(tmp_path / "tiny", precision=precision), threads=1)
    for picture in pictures[:6]:
        raw = run(model, picture)
        assert raw.cams.shape == (8, 8, 5)
        sums = raw.cams.astype(np.float64).mean(axis=(0, 1)) + model.manifest.bias
        assert np.abs(sums - raw.logits).max() < 1e-4 * max(1.0, np.abs(raw.cams).max())


def test_maps_show_where_the_evidence_is(tiny):
    """Independent of the sum: the map must follow the picture when it is turned by 180 degrees."""
    picture = np.full((SIZE, SIZE, 3), 128, np.uint8)
    picture[:24, :24] = (255, 0, 128)
    plain, turned = run(tiny, picture), run(tiny, picture[::-1, ::-1].copy())
    spread = plain.cams.std(axis=(0, 1))
    assert (spread > 1e-3).all()
    best = int(spread.argmax())
    one, other = plain.cams[..., best].ravel(), turned.cams[::-1, ::-1, best].ravel()
    assert np.corrcoef(one, other)[0, 1] > np.corrcoef(one, turned.cams[..., best].ravel())[0, 1]


def test_probabilities_are_the_softmax_of_the_logits_over_the_temperature(tiny, pictures):
    raw = run(tiny, pictures[0])
    powers = np.exp((raw.logits - raw.logits.max()) / tiny.manifest.temperature)
    assert np.allclose(raw.probabilities, powers / powers.sum(), atol=1e-6)
    assert raw.probabilities.sum() == pytest.approx(1, abs=1e-6)


def test_results_do_not_depend_on_company_repetition_or_restart(tmp_path, pictures):
    directory = write_model(tmp_path / "tiny", precision="bf16")
    model = load_model(directory, threads=2)
    alone = [run(model, picture) for picture in pictures]
    for size in (1, 2, 3, 16, len(pictures)):
        for first in range(0, len(pictures), size):
            part = slice(first, first + size)
            pending = [model.start(model.prepare(picture)) for picture in pictures[part]]
            for waiting, reference in zip(pending, alone[part], strict=True):
                assert largest_difference(waiting.result(), reference) < 1e-5
    again = load_model(directory, threads=2)
    worst = max(
        largest_difference(run(again, picture), reference)
        for picture, reference in zip(pictures, alone, strict=True)
    )
    assert worst < 1e-5


def test_threads_and_streams_do_not_change_results(tmp_path, pictures):
    directory = write_model(tmp_path / "tiny", precision="bf16")
    models = [load_model(directory, threads=t, streams=s) for t, s in ((1, 1), (2, 1), (2, 2))]
    for picture in pictures[:5]:
        first, *others = (run(model, picture) for model in models)
        assert all(largest_difference(first, other) < 1e-5 for other in others)


def test_a_processor_without_bfloat16_falls_back_to_float32_and_says_so(
    tmp_path, monkeypatch, pictures
):
    from classifier.inference import openvino_runtime

    class OldCore:
        def __init__(self):
            self._core = openvino_runtime.ov.__dict__["_real_core"]()

        def get_property(self, *_):
            return ["FP32", "INT8"]

        def __getattr__(self, name):
            return getattr(self._core, name)

    monkeypatch.setattr(openvino_runtime.ov, "_real_core", openvino_runtime.ov.Core, raising=False)
    monkeypatch.setattr(openvino_runtime.ov, "Core", OldCore)
    model = load_model(write_model(tmp_path / "tiny", precision="bf16"), threads=1)
    result = model.classify(pictures[0])
    assert model.manifest.precision == "bf16"
    assert model.precision == result.precision == "f32"


def test_a_crop_of_the_wrong_shape_is_refused(tiny):
    with pytest.raises(ValueError, match="uint8 crop"):
        tiny.runtime.start(np.zeros((SIZE, SIZE + 1, 3), np.uint8))


def test_the_graph_itself_resizes_what_has_another_size(model_directory):
    """The file is complete: any engine may feed it pictures of any size."""
    import openvino as ov

    graph = ov.Core().compile_model(model_directory / "graph.xml", "CPU")
    rng = np.random.default_rng(2)
    small = rng.integers(0, 256, (1, SIZE, SIZE, 3), dtype=np.uint8)
    large = small.repeat(2, axis=1).repeat(2, axis=2)
    one, other = graph(small)["probabilities"].copy(), graph(large)["probabilities"]
    assert one.shape == other.shape == (1, 5)
    assert np.abs(one - other).max() < 0.25


def test_crops_say_where_they_come_from():
    picture = np.zeros((100, 140, 3), np.uint8)
    picture[:, 70:] = 255
    found = crop(picture, size=32, preprocessing="centre-three-quarters-v1")
    assert (found.box.x, found.box.y, found.box.width, found.box.height) == (32, 12, 75, 75)
    assert found.pixels.shape == (32, 32, 3)
    assert found.pixels[:, 0].max() == 0
    assert found.pixels[:, -1].min() == 255


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (7, 3), (2000, 2000)])
def test_pictures_of_any_size_are_classified(tiny, shape):
    picture = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    assert tiny.classify(picture).label in tiny.manifest.classes


def test_serving_never_imports_tensorflow_or_keras_or_the_training_code():
    """With the shipped model, in a process of its own."""
    code = (
        "import sys, numpy as np\n"
        "from classifier.inference import find_model, load_model\n"
        "result = load_model(find_model()).classify(np.zeros((90, 90, 3), np.uint8))\n"
        "bad = {'tensorflow', 'keras', 'ml', 'django', 'sklearn'} & set(sys.modules)\n"
        "assert not bad, bad\n"
        "assert 'openvino' in sys.modules\n"
        "print(result.label)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in load_model(find_model(), threads=1).manifest.classes


def test_reading_manifests_does_not_even_import_openvino():
    code = (
        "import sys\n"
        "from classifier.inference import find_model, load_manifest\n"
        "load_manifest(find_model())\n"
        "assert 'openvino' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr

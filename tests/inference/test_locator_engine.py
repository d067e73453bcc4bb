"""OpenVINO runs the locator's network: as NumPy does, whoever asks, and whatever was asked before."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import pytest

from classifier.inference import locator_engine, locator_net
from classifier.inference.colour import background, optical_density
from classifier.inference.locate import locate
from classifier.inference.locator_engine import Engine
from classifier.inference.preprocess import decode
from ml.phantoms import LABELS, draw_cell, draw_field

SHAPES = [(128, 128), (96, 128), (128, 104), (8, 128), (8, 8), (192, 192), (520, 1024)]


@cache
def density(shape: tuple[int, int]) -> np.ndarray:
    """Of a drawn cell, repeated until it fills the shape."""
    picture = draw_cell("neutrophil", 9100).image[100:260, 100:260]
    times = [-(-wanted // given) for wanted, given in zip(shape, picture.shape, strict=False)]
    picture = np.tile(picture, (*times, 1))[: shape[0], : shape[1]]
    return optical_density(np.ascontiguousarray(picture), background(picture))


def same(one: locator_net.Maps, other: locator_net.Maps) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.fixture(scope="module")
def drawn() -> list[np.ndarray]:
    cells = [draw_cell(label, seed).image for label in LABELS for seed in (9100, 9101)]
    fields = [draw_field(seed, labels=["neutrophil", "monocyte"]).image for seed in (700, 701)]
    return [*cells, *fields, np.ascontiguousarray(cells[0][:, 60:300])]


def by_numpy(pictures, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(locator_net, "_runner", lambda: locator_net.reference)
        return [locate(picture) for picture in pictures]


def assert_same_cells(pictures, monkeypatch) -> None:
    by_engine = [locate(picture) for picture in pictures]
    assert locator_net._runner() is locator_engine.run
    for one, other in zip(by_engine, by_numpy(pictures, monkeypatch), strict=True):
        assert len(one.cells) == len(other.cells)
        for cell, expected in zip(one.cells, other.cells, strict=True):
            assert np.abs(np.subtract(cell.box, expected.box)).max() < 0.1  # pixels
            assert abs(cell.score - expected.score) < 1e-4


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_its_maps_are_those_of_numpy(shape):
    found, expected = Engine().run(density(shape)), locator_net.reference(density(shape))
    for name, one, other in zip(found._fields, found, expected, strict=True):
        assert one.shape == other.shape, name
        assert one.dtype == np.float32, name
        assert np.abs(one - other).max() < 1e-4, name


def test_the_cells_of_drawn_pictures_are_those_of_numpy(drawn, monkeypatch):
    assert_same_cells(drawn, monkeypatch)


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["pbc", "txl_pbc", "bccd_fields"])
def test_the_cells_of_photographs_are_those_of_numpy(real_data, name, monkeypatch):
    kinds = (".jpg", ".jpeg", ".png")
    files = sorted(path for path in (real_data / name).rglob("*") if path.suffix.lower() in kinds)
    chosen = files[:: max(1, len(files) // 40)]
    assert_same_cells([decode(path.read_bytes()) for path in chosen], monkeypatch)


def test_a_map_does_not_depend_on_the_shapes_that_came_before():
    alone = {shape: Engine().run(density(shape)) for shape in SHAPES}
    engine = Engine()
    for shape in [*SHAPES, *reversed(SHAPES), *SHAPES]:
        assert same(engine.run(density(shape)), alone[shape])


def test_a_map_does_not_depend_on_what_runs_beside_it():
    engine = Engine()
    shapes = SHAPES[:6] * 12
    alone = {shape: engine.run(density(shape)) for shape in set(shapes)}
    with ThreadPoolExecutor(6) as pool:
        found = pool.map(lambda shape: engine.run(density(shape)), shapes)
        assert all(same(one, alone[shape]) for one, shape in zip(found, shapes, strict=True))


def test_a_later_picture_does_not_change_an_earlier_map():
    engine = Engine()
    first = engine.run(density((128, 128)))
    kept = [each.copy() for each in first]
    engine.run(np.zeros((128, 128, 3), np.float32))
    assert all(np.array_equal(one, other) for one, other in zip(first, kept, strict=True))


def test_it_computes_in_float32_also_where_the_processor_has_bfloat16():
    engine = Engine()
    engine.run(density((128, 128)))
    engine.run(density((8, 8)))
    for (request,) in engine._idle.values():
        compiled = request.get_compiled_model()
        assert compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name() == "f32"


def in_a_process_of_its_own(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_child_forked_after_its_first_picture_locates_too():
    """The threads of an engine do not survive a fork: with the parent's it would wait for ever."""
    code = (
        "import os, sys, numpy as np\n"
        "from classifier.inference.locate import locate\n"
        "from ml.phantoms import draw_cell\n"
        "picture = draw_cell('monocyte', 9100).image\n"
        "before = locate(picture).cells[0].box\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    os._exit(0 if locate(picture).cells[0].box == before else 3)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    assert in_a_process_of_its_own(code) == "0"


def test_many_threads_may_bring_the_first_picture():
    code = (
        "import sys, threading, numpy as np\n"
        "from classifier.inference.locate import locate\n"
        "sys.setswitchinterval(1e-5)\n"
        "picture = np.zeros((128, 128, 3), np.uint8)\n"
        "begin = threading.Barrier(8)\n"
        "def look():\n"
        "    begin.wait()\n"
        "    locate(picture)\n"
        "threads = [threading.Thread(target=look) for _ in range(8)]\n"
        "[each.start() for each in threads]\n"
        "[each.join() for each in threads]\n"
        "print('all')\n"
    )
    assert in_a_process_of_its_own(code) == "all"


def test_nothing_is_loaded_before_the_first_picture_and_numpy_does_without():
    code = (
        "import sys\n"
        "from classifier.inference import locator_net\n"
        "from classifier.inference.locate import locate\n"
        "assert 'openvino' not in sys.modules\n"
        "sys.modules['openvino'] = None\n"
        "from ml.phantoms import draw_cell\n"
        "assert len(locate(draw_cell('monocyte', 9100).image).cells) == 1\n"
        "assert locator_net._runner() is locator_net.reference\n"
        "print('located')\n"
    )
    assert in_a_process_of_its_own(code) == "located"

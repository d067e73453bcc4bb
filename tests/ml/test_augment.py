"""Views of a cell: other laboratories' colours, the same cell."""

import cv2
import numpy as np
import pytest

from ml import augment
from ml.patches import SIDE
from ml.phantoms import draw_cell


@pytest.fixture(scope="module")
def patch() -> np.ndarray:
    return cv2.resize(draw_cell("eosinophil", 3).image, (SIDE, SIDE))


def test_a_seed_decides_everything_and_no_two_views_are_alike(patch):
    def views() -> list[bytes]:
        return [
            augment.view(patch, np.random.default_rng(seed), size=96).tobytes()
            for seed in range(12)
        ]

    assert views() == views()
    assert len(set(views())) == 12


@pytest.mark.parametrize("size", [64, 192, 299])
def test_a_view_is_an_8_bit_picture_of_the_asked_size(patch, size):
    for seed in range(6):
        view = augment.view(patch, np.random.default_rng(seed), size=size)
        assert view.shape == (size, size, 3)
        assert view.dtype == np.uint8
        assert view.std() > 3, "there is something to see"


def test_the_nucleus_is_dyed_and_the_background_is_not(patch):
    density = cv2.LUT(patch, augment.DENSITY)
    inside = augment.nucleus(density) > 0.9
    outside = augment.nucleus(density) < 0.01
    own = density[inside].mean(axis=0)
    target = own * np.array([1.6, 0.7, 1.2], np.float32)
    dyed = augment.dye(density, target, 1.0)
    assert np.allclose(dyed[inside].mean(axis=0), target, rtol=0.15)
    assert np.allclose(dyed[outside], density[outside])


def test_the_stain_of_a_patch_is_that_of_its_nucleus(patch):
    darker = np.clip(patch.astype(np.float32) * 0.8, 0, 255).astype(np.uint8)
    assert (augment.stain_of(darker) > augment.stain_of(patch)).all()
    assert augment.nuclear_stains(np.stack([patch, darker])).shape == (2, 3)


def test_a_mild_view_keeps_the_colours(patch):
    for seed in range(6):
        view = augment.mild_view(patch, np.random.default_rng(seed), size=128)
        nucleus = np.percentile(view.reshape(-1, 3), 2, axis=0)
        assert np.allclose(nucleus, np.percentile(patch.reshape(-1, 3), 2, axis=0), atol=30)

"""Phantoms keep their promises: the same seed, the same picture, and a truth that fits it."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from ml.phantoms import (
    LABELS,
    OTHER_KINDS,
    GranuleKind,
    NucleusShape,
    draw_cell,
    draw_field,
    draw_other,
    sample_parameters,
)


def sharpness(image):
    return cv2.Laplacian(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.CV_64F).std()


def density(image, mask):
    """Mean optical density of the masked pixels over all channels."""
    return float(-np.log10(np.maximum(image[mask], 1) / 255.0).mean())


@pytest.mark.parametrize("label", LABELS)
def test_same_seed_same_picture_and_another_seed_another_one(label):
    first, again, other = draw_cell(label, 3), draw_cell(label, 3), draw_cell(label, 4)
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.mask, again.mask)
    assert first.parameters == again.parameters
    assert not np.array_equal(first.image, other.image)


@pytest.mark.parametrize("label", LABELS)
def test_every_seed_gives_a_valid_picture_with_a_true_box(label):
    for seed in range(100, 109):
        phantom = draw_cell(label, seed)
        assert phantom.image.shape == (360, 360, 3)
        assert phantom.image.dtype == np.uint8
        x, y, w, h = phantom.box
        assert 0 <= x < x + w <= 360
        assert 0 <= y < y + h <= 360
        inside = phantom.mask[y : y + h, x : x + w]
        assert inside.sum() == phantom.mask.sum() > 3000
        for edge in (inside[0], inside[-1], inside[:, 0], inside[:, -1]):
            assert edge.any()
        assert not (phantom.nucleus_mask & ~phantom.mask).any()
        assert 0.2 < phantom.nucleus_mask.sum() / phantom.mask.sum() < 0.95
        # The nucleus is the darkest thing, and the cell stands out from the slide.
        cytoplasm = phantom.mask & ~phantom.nucleus_mask
        assert density(phantom.image, phantom.nucleus_mask) > density(phantom.image, cytoplasm)


@pytest.mark.parametrize("label", LABELS)
def test_the_drawn_nucleus_has_the_area_asked_for(label):
    for seed in range(5):
        phantom = draw_cell(label, seed)
        share = phantom.nucleus_mask.sum() / phantom.mask.sum()
        assert share == pytest.approx(phantom.parameters.nucleus.area_fraction, abs=0.12)


def test_classes_have_the_nuclei_and_granules_of_the_textbook():
    for seed in range(60):
        drawn = {label: sample_parameters(label, seed) for label in LABELS}
        assert 2 <= drawn["neutrophil"].nucleus.lobes <= 5
        assert 2 <= drawn["eosinophil"].nucleus.lobes <= 3
        assert drawn["monocyte"].nucleus.shape is NucleusShape.KIDNEY
        assert drawn["lymphocyte"].nucleus.shape is NucleusShape.ROUND
        assert drawn["basophil"].granules.kind is GranuleKind.COARSE_VIOLET
        assert drawn["basophil"].granules.over_nucleus > 0.2
        assert drawn["eosinophil"].granules.kind is GranuleKind.COARSE_ORANGE
        assert drawn["neutrophil"].granules.kind is GranuleKind.FINE
        assert drawn["lymphocyte"].granules.kind is GranuleKind.NONE
        sizes = {label: p.cytoplasm.diameter_um for label, p in drawn.items()}
        assert sizes["lymphocyte"] < sizes["neutrophil"] < sizes["monocyte"] + 1


def test_more_blur_is_less_sharp_and_nothing_moves():
    usual = sample_parameters("neutrophil", 5)
    blurred = replace(usual, optics=replace(usual.optics, blur=3.0))
    sharp, soft = draw_cell("neutrophil", 5), draw_cell("neutrophil", 5, parameters=blurred)
    assert sharpness(soft.image) < 0.6 * sharpness(sharp.image)
    assert np.array_equal(sharp.mask, soft.mask)


def test_stain_gains_raise_optical_density_where_their_dye_is():
    usual = sample_parameters("eosinophil", 5)
    plain = draw_cell("eosinophil", 5)
    azure = replace(usual, stain=replace(usual.stain, azure_gain=1.5))
    eosin = replace(usual, stain=replace(usual.stain, eosin_gain=1.6))
    cytoplasm = plain.mask & ~plain.nucleus_mask
    bluer = draw_cell("eosinophil", 5, parameters=azure).image
    redder = draw_cell("eosinophil", 5, parameters=eosin).image
    assert density(bluer, plain.nucleus_mask) > 1.1 * density(plain.image, plain.nucleus_mask)
    assert density(redder, cytoplasm) > 1.15 * density(plain.image, cytoplasm)


def test_noise_and_surroundings_do_what_they_say():
    usual = sample_parameters("lymphocyte", 2)
    noisy = replace(usual, optics=replace(usual.optics, noise=8.0))
    alone = replace(
        usual, surroundings=replace(usual.surroundings, red_cell_cover=0.0, platelets=0.0)
    )
    crowded = replace(usual, surroundings=replace(usual.surroundings, red_cell_cover=0.7))
    rest = ~draw_cell("lymphocyte", 2).mask
    picture = {
        "usual": draw_cell("lymphocyte", 2).image,
        "noisy": draw_cell("lymphocyte", 2, parameters=noisy).image,
        "alone": draw_cell("lymphocyte", 2, parameters=alone).image,
        "crowded": draw_cell("lymphocyte", 2, parameters=crowded).image,
    }
    assert sharpness(picture["noisy"]) > 1.2 * sharpness(picture["usual"])
    assert density(picture["alone"], rest) < density(picture["usual"], rest)
    assert density(picture["usual"], rest) < density(picture["crowded"], rest)


def test_parameters_of_another_class_and_unknown_names_are_refused():
    with pytest.raises(ValueError, match="monocyte"):
        draw_cell("neutrophil", 1, parameters=sample_parameters("monocyte", 1))
    with pytest.raises(ValueError, match="label must be one of"):
        sample_parameters("blast", 1)
    with pytest.raises(ValueError, match="kind must be one of"):
        draw_other("cat", 1)


def test_field_keeps_its_cells_inside_the_frame_and_apart():
    wanted = list(LABELS)
    for seed in range(3):
        field = draw_field(seed, labels=wanted, shape=(600, 800))
        assert field.image.shape == (600, 800, 3)
        assert [cell.label for cell in field.cells] == wanted
        owner = np.zeros((600, 800), int)
        for cell in field.cells:
            x, y, w, h = cell.box
            assert 0 < x < x + w < 800
            assert 0 < y < y + h < 600
            assert cell.mask.shape == cell.nucleus_mask.shape == (h, w)
            assert not (cell.nucleus_mask & ~cell.mask).any()
            owner[y : y + h, x : x + w] += cell.mask
        assert owner.max() == 1
        assert len(field.red_cell_boxes) > 20
        for x, y, w, h in field.red_cell_boxes:
            assert 0 <= x < x + w <= 800
            assert 0 <= y < y + h <= 600


def test_field_is_deterministic_and_says_when_cells_do_not_fit():
    first, again = draw_field(9, shape=(480, 640)), draw_field(9, shape=(480, 640))
    assert np.array_equal(first.image, again.image)
    assert 1 <= len(first.cells) <= 4
    with pytest.raises(ValueError, match="ask for fewer"):
        draw_field(1, labels=["monocyte"] * 30, shape=(480, 640))


@pytest.mark.parametrize("kind", OTHER_KINDS)
def test_out_of_scope_pictures_are_valid_and_repeatable(kind):
    picture = draw_other(kind, 1, size=240)
    assert picture.shape == (240, 240, 3)
    assert picture.dtype == np.uint8
    assert np.array_equal(picture, draw_other(kind, 1, size=240))


def features(phantom):
    """A dozen numbers about colour and shape, measured on the picture within the true masks."""
    image = phantom.image.astype(np.float32) / 255
    cytoplasm = phantom.mask & ~phantom.nucleus_mask
    grey = image.mean(2)
    fine = grey - cv2.GaussianBlur(grey, (0, 0), 1.5)
    contour, _ = cv2.findContours(
        phantom.nucleus_mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    largest = max(contour, key=cv2.contourArea)
    hull = cv2.contourArea(cv2.convexHull(largest))
    return [
        *image[phantom.nucleus_mask].mean(0),
        *image[cytoplasm].mean(0),
        fine[phantom.nucleus_mask].std() * 5,
        fine[cytoplasm].std() * 5,
        phantom.mask.sum() / 20000,
        phantom.nucleus_mask.sum() / phantom.mask.sum(),
        cv2.contourArea(largest) / hull,
    ]


def test_a_trivial_classifier_trained_on_other_seeds_tells_the_classes_apart():
    train = {c: np.array([features(draw_cell(c, s)) for s in range(200, 206)]) for c in LABELS}
    every = np.concatenate(list(train.values()))
    scale = every.std(0) + 1e-6
    centres = np.array([train[c].mean(0) / scale for c in LABELS])
    right = total = 0
    for index, label in enumerate(LABELS):
        for seed in range(300, 305):
            seen = np.array(features(draw_cell(label, seed))) / scale
            right += int(np.linalg.norm(centres - seen, axis=1).argmin() == index)
            total += 1
    assert right / total >= 0.95

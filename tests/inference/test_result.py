from dataclasses import replace

import cv2
import numpy as np
import pytest

from classifier.inference import REASONS, Box, explain, overlay_png
from classifier.inference.manifest import Thresholds
from classifier.inference.quality import Quality, measure
from classifier.inference.result import judge, quantise
from classifier.inference.runtime import RawOutput


@pytest.fixture
def judged(tiny):
    def call(
        *, logits=(0, 1, 5, 2, 0), thresholds=None, quality=None, features=None, softening=0.0
    ):
        values = np.array(logits, np.float32)
        powers = np.exp(values - values.max())
        raw = RawOutput(
            probabilities=powers / powers.sum(),
            logits=values,
            cams=np.arange(320, dtype=np.float32).reshape(8, 8, 5),
            features=np.zeros(16, np.float32) if features is None else features,
            milliseconds=1.0,
        )
        limits = thresholds or Thresholds(0, 0)
        return judge(
            raw,
            quality=quality or Quality(50, 1),
            box=Box(0, 0, 8, 8),
            manifest=replace(
                tiny.manifest, thresholds=limits, temperature=1.0, softening=softening
            ),
            statistics=tiny.statistics,
            precision="f32",
            milliseconds=2.0,
        )

    return call


def test_the_label_is_the_most_probable_class_also_when_abstained(judged):
    sure = judged()
    assert (sure.label, sure.abstained, sure.reasons) == ("lymphocyte", False, ())
    unsure = judged(thresholds=Thresholds(confidence=0.999, in_distribution=0))
    assert (unsure.label, unsure.abstained) == ("lymphocyte", True)
    assert unsure.reasons == ("low_confidence",)
    assert unsure.by_class["lymphocyte"] == unsure.confidence == max(unsure.probabilities)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"thresholds": Thresholds(0, 0.99)}, "out_of_distribution"),
        ({"thresholds": Thresholds(0, 0, contrast=60)}, "blank"),
        ({"thresholds": Thresholds(0, 0, sharpness=2)}, "blurred"),
        ({"features": np.full(16, np.nan, np.float32)}, "out_of_distribution"),
    ],
)
def test_each_limit_has_its_reason(judged, changes, reason):
    result = judged(**changes)
    assert result.abstained
    assert reason in result.reasons
    assert REASONS[reason] == explain(reason)


def test_every_reason_is_one_sentence():
    assert all(text.endswith(".") and text.count(".") == 1 for text in REASONS.values())


def test_a_number_that_is_not_one_abstains(judged):
    result = judged(logits=(np.nan,) * 5)
    assert result.abstained
    assert "low_confidence" in result.reasons


def test_a_map_becomes_64_bytes_and_back():
    cam = np.random.default_rng(0).normal(size=(8, 8)).astype(np.float32)
    data, low, high = quantise(cam)
    back = np.frombuffer(data, np.uint8).reshape(8, 8) / 255 * (high - low) + low
    assert len(data) == 64
    assert np.abs(back - cam).max() <= (high - low) / 500
    assert quantise(np.ones((8, 8)))[0] == bytes(64)


def test_the_overlay_is_clear_outside_of_the_box_and_strongest_at_the_evidence():
    cam = bytearray(64)
    cam[8 * 2 + 2] = 255  # third row, third column
    data = overlay_png(bytes(cam), box=Box(40, 0, 80, 80), width=160, height=80)
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert image.shape == (80, 160, 4)
    alpha = image[:, :, 3]
    assert alpha[:, :40].max() == 0
    assert alpha[:, 120:].max() == 0
    y, x = np.unravel_index(alpha.argmax(), alpha.shape)
    assert abs(int(y) - 25) <= 5
    assert abs(int(x) - 65) <= 5
    assert 0 < alpha.max() < 255, "the cell must stay visible"


def test_the_overlay_of_a_large_picture_stays_small():
    data = overlay_png(bytes(range(64)), box=Box(-5, 0, 4000, 3000), width=4000, height=3000)
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert image.shape == (384, 512, 4)


def test_a_map_of_another_size_is_refused():
    with pytest.raises(ValueError, match="64 bytes"):
        overlay_png(b"", box=Box(0, 0, 1, 1), width=1, height=1)


def test_blur_lowers_sharpness_step_by_step_and_exposure_does_not():
    rng = np.random.default_rng(3)
    picture = np.full((200, 200, 3), 220, np.uint8)
    cv2.circle(picture, (100, 100), 60, (120, 60, 150), -1)
    picture = np.clip(picture + rng.normal(0, 20, picture.shape), 0, 255).astype(np.uint8)
    ladder = [measure(cv2.GaussianBlur(picture, (0, 0), s)).sharpness for s in (0.5, 1, 2, 4, 8)]
    assert ladder == sorted(ladder, reverse=True)
    darker = measure((picture * 0.5).astype(np.uint8))
    assert darker.sharpness == pytest.approx(measure(picture).sharpness, rel=0.15)
    assert measure(np.full((50, 50, 3), 7, np.uint8)).contrast == 0


def test_the_further_from_the_training_cells_the_less_sure(judged):
    near = np.zeros(16, np.float32)
    far = np.full(16, 40, np.float32)
    plain = judged(features=far)
    assert judged(features=far, softening=0.0).probabilities == plain.probabilities
    soft = judged(features=far, softening=0.5)
    assert soft.label == plain.label
    assert 0.2 < soft.confidence < plain.confidence
    assert sum(soft.probabilities) == pytest.approx(1, abs=1e-6)
    assert judged(features=near, softening=0.5).confidence > soft.confidence


def test_features_that_are_no_numbers_soften_nothing_and_abstain(judged):
    result = judged(features=np.full(16, np.nan, np.float32), softening=0.5)
    assert result.abstained
    assert sum(result.probabilities) == pytest.approx(1, abs=1e-6)

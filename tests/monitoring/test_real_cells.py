"""The promise, on real pictures through the real engine and the database: five re-samples of one
population raise no alarm, and a hue that turned by a tenth of the circle does within 200 pictures."""

import csv
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from django.utils import timezone

from classifier.inference import find_model, load_model
from monitoring.drift import WINDOW
from monitoring.models import Alarm
from monitoring.streams import follow
from tests.monitoring.cells import new_case, read

REFERENCE = 250  # fewer than the product takes, so that fewer cells need to be read here
UNSEEN = 250  # of which each re-sample takes two hundred
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.realdata,
    pytest.mark.slow,
    pytest.mark.local_shape,
    pytest.mark.timeout(600),
]


def turned(rgb: np.ndarray, share: float) -> np.ndarray:
    """The hue moved on by a share of the circle."""
    hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV_FULL).astype(np.int32)
    hsv[..., 0] = (hsv[..., 0] + round(256 * share)) % 256
    return cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB_FULL)


def answers(model, pictures) -> list[dict]:
    """What the worker would write of each picture."""
    results = [item.result for item in model.pipeline(enumerate(pictures))]
    return [
        {
            "label": one.label,
            "confidence": one.confidence,
            "abstained": one.abstained,
            "in_distribution": one.in_distribution,
            "embedding": one.embedding,
        }
        for one in results
    ]


def pictures(folder: Path, count: int):
    """Of cells that the model did not learn from, in a fixed random order."""
    with (folder / "pbc" / "manifest.csv").open() as stream:
        rows = [row for row in csv.DictReader(stream) if row["split"] == "test"]
    order = np.random.default_rng(1).permutation(len(rows))[:count]
    for place in order:
        yield cv2.imread(str(folder / rows[place]["path"]), cv2.IMREAD_COLOR_RGB)


def test_a_turned_hue_alarms_within_two_hundred_pictures_and_re_samples_do_not(
    people, real_data, monkeypatch
):
    monkeypatch.setattr("monitoring.streams.REFERENCE", REFERENCE)
    model = load_model(find_model())
    shown = list(pictures(real_data, REFERENCE + UNSEEN + WINDOW))
    plain = answers(model, shown[: REFERENCE + UNSEEN])
    shifted = answers(model, (turned(one, 0.1) for one in shown[REFERENCE + UNSEEN :]))
    case, at = new_case(people), timezone.now() - timedelta(days=1)
    read(case, plain[:REFERENCE], at=at)
    rng = np.random.default_rng(2)
    for hour in range(1, 6):
        chosen = rng.permutation(UNSEEN)[:WINDOW] + REFERENCE
        read(case, [plain[n] for n in chosen], at=at + timedelta(hours=hour))
        follow()
        assert not Alarm.objects.exists(), hour
    read(case, shifted, at=at + timedelta(hours=6))
    follow()
    assert {"appearance", "confidence"} & set(Alarm.objects.values_list("kind", flat=True))

"""The same picture is found however it was turned, recoded or taken again, and no other is."""

import cv2
import numpy as np
import pytest

from datasets.similar import THUMB, Pair, clusters, hashes, turn
from ml.datasets.scan import Look
from ml.datasets.similar import between, within
from tests.ml.sets import picture


def look(rgb):
    thumb = cv2.resize(rgb, (THUMB, THUMB), interpolation=cv2.INTER_AREA)
    return Look("", f"{hash(rgb.tobytes())}{rgb.shape}", *rgb.shape[:2], 0, thumb)


def jpeg(rgb):
    return cv2.imdecode(cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, 40])[1], 1)


CHANGES = {
    "turned": lambda p: np.rot90(p),
    "turned and mirrored": lambda p: np.rot90(p, 3)[:, ::-1],
    "mirrored": lambda p: p[::-1],
    "recoded": jpeg,
    "half the size": lambda p: cv2.resize(p, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
    "brighter": lambda p: cv2.convertScaleAbs(p, alpha=0.8, beta=30),
    "another white balance": lambda p: (p * [1.0, 0.9, 0.8]).astype(np.uint8),
    "blurred": lambda p: cv2.GaussianBlur(p, (0, 0), 2),
    "shifted a little": lambda p: p[2:, 1:],
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_same_picture_is_found(change):
    changed = np.ascontiguousarray(CHANGES[change](picture(7)))
    looks = [look(picture(seed)) for seed in range(20)] + [look(changed)]
    assert [(pair.a, pair.b, pair.exact) for pair in within(looks)] == [(7, 20, False)]
    assert [(p.a, p.b) for p in between(looks[:20], looks[20:])] == [(7, 0)]


def test_unlike_pictures_are_not_taken_for_the_same():
    assert within([look(picture(seed)) for seed in range(600)]) == []


def test_similar_is_not_the_same():
    """A picture with another one shining through: 25 % is still it, 40 % is not."""
    for one, other in ((1, 2), (3, 4), (5, 6), (7, 8)):
        faint, strong = (
            look(cv2.addWeighted(picture(one), 1 - share, picture(other), share, 0))
            for share in (0.25, 0.4)
        )
        assert len(within([look(picture(one)), faint])) == 1
        assert within([look(picture(one)), strong]) == []


def test_the_same_pixels_are_exact_and_paired_once():
    looks = [look(picture(seed)) for seed in (1, 2, 1, 1)]
    assert within(looks) == [Pair(0, 2, 1.0, exact=True), Pair(0, 3, 1.0, exact=True)]
    assert between(looks[:1], looks) == [Pair(0, b, 1.0, exact=True) for b in (0, 2, 3)]


def test_pictures_of_one_colour_are_like_no_other():
    flat = [look(np.full((40, 40, 3), grey, np.uint8)) for grey in (0, 100, 101, 255)]
    assert within(flat) == []


def test_more_pictures_than_a_block():
    looks = [look(picture(seed)) for seed in range(1100)]
    looks[1050] = look(np.rot90(picture(3)).copy())
    looks[700] = look(picture(699)[::-1].copy())
    assert [(pair.a, pair.b) for pair in within(looks)] == [(3, 1050), (699, 700)]


def test_nothing_is_compared_with_nothing():
    assert within([]) == []
    assert between([], [look(picture(1))]) == []
    assert between([look(picture(1))], []) == []


def test_brightness_does_not_change_the_hash():
    thumbs = np.stack([look(picture(seed)).thumb // 2 for seed in range(8)])
    assert (hashes(thumbs) == hashes(thumbs + 60)).all()


def test_the_eight_positions_are_all_different_and_closed():
    thumb = look(picture(1)).thumb[np.newaxis]
    all_eight = {turn(thumb, position).tobytes() for position in range(8)}
    assert len(all_eight) == 8
    assert {turn(turn(thumb, 5), position).tobytes() for position in range(8)} == all_eight


def test_what_hangs_together_is_one_cluster():
    assert clusters(6, [(4, 2), (0, 4), (3, 5)]) == [[0, 2, 4], [1], [3, 5]]
    assert clusters(0, []) == []

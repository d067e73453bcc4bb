"""The short way into our own PNG gives what the general decoder gives, or nothing at all."""

import zlib

import cv2
import numpy as np
import pytest

from classifier.inference.own_png import open_own
from classifier.inference.preprocess import decode
from patients.images.png_writing import rgb_png


def general(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (255, 256), (257, 100), (700, 64)])
def test_our_own_pictures_open_the_short_way(height, width):
    pixels = np.random.default_rng(height).integers(0, 256, (height, width, 3), np.uint8)
    data = rgb_png(pixels)
    assert np.array_equal(open_own(data), pixels)
    assert np.array_equal(general(data), pixels)


def test_pictures_of_other_writers_are_left_to_the_general_decoder():
    pixels = np.random.default_rng(1).integers(0, 256, (80, 90, 3), np.uint8)
    other = cv2.imencode(".png", pixels[..., ::-1])[1].tobytes()
    assert open_own(other) is None
    assert np.array_equal(decode(other), pixels)
    assert open_own(b"") is None
    assert open_own(cv2.imencode(".jpg", pixels)[1].tobytes()) is None


def test_damaged_ones_are_left_to_the_general_decoder():
    good = rgb_png(np.full((64, 64, 3), 200, np.uint8))
    for at in range(len(good)):
        bad = bytearray(good)
        bad[at] ^= 0x40
        opened = open_own(bytes(bad))
        # The check sum of the compressed data finds what the general decoder's chunk sums find.
        assert opened is None or np.array_equal(opened, np.full((64, 64, 3), 200, np.uint8))
    for length in range(len(good)):
        assert open_own(good[:length]) is None


def test_a_bomb_that_claims_to_be_small_is_not_one_of_ours():
    small = rgb_png(np.zeros((64, 64, 3), np.uint8))
    body = zlib.compress(bytes(10_000_000))
    chunk = b"IDAT" + body
    bomb = small[:33] + len(body).to_bytes(4, "big") + chunk
    bomb += zlib.crc32(chunk).to_bytes(4, "big") + small[-12:]
    assert open_own(bomb) is None

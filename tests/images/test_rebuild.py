"""The public face: one picture out, whatever came in."""

import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from patients.images import (
    REFUSAL_CODES,
    ImageRefused,
    blank_area,
    limits,
    rebuild,
    rebuilding,
)
from patients.images.pool import ChildLimits, DecoderPool
from tests.images.corpus.jpegs import ink
from tests.images.corpus.model import cell, cell_pixels, jpeg, png, saved
from tests.images.corpus.pixels import labelled

pytestmark = pytest.mark.local_shape  # neither database nor store


def pixels_of(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


def test_the_name_of_the_file_changes_nothing():
    assert rebuild(jpeg(), filename="a.png") == rebuild(jpeg(), filename="../../x.exe")


def test_a_rebuilt_picture_rebuilds_to_itself():
    first = rebuild(jpeg())
    again = rebuild(first.png)
    assert again.png == first.png
    assert again.original_sha256 == first.sha256


def test_the_thumbnail_is_small_and_has_the_same_shape():
    small = Image.open(io.BytesIO(rebuild(saved(cell(600, 300), "JPEG")).thumbnail))
    assert (small.format, small.size) == ("JPEG", (192, 96))
    narrow = Image.open(io.BytesIO(rebuild(saved(cell(2000, 64), "PNG")).thumbnail))
    assert narrow.size == (192, 6)
    kept = Image.open(io.BytesIO(rebuild(png()).thumbnail))
    assert kept.size == (128, 96)


def test_a_turned_tiff_is_turned_once():
    stored = Image.fromarray(np.ascontiguousarray(np.rot90(cell_pixels(), 1)))
    data = saved(stored, "TIFF", tiffinfo={274: 6})
    assert np.array_equal(pixels_of(rebuild(data).png), cell_pixels())


def test_blanking_makes_the_area_white_and_changes_nothing_else():
    before = rebuild(saved(labelled(), "PNG"))
    assert "possible_text" in before.warnings
    after = blank_area(before.png, (-5, 0, 10_000, 24))
    assert "possible_text" not in after.warnings
    was, now = pixels_of(before.png), pixels_of(after.png)
    assert (now[:24] == 255).all()
    assert np.array_equal(now[24:], was[24:])
    assert after.original_sha256 == before.sha256
    assert (pixels_of(after.thumbnail)[:8] > 240).all()


@pytest.mark.parametrize(
    "box", [(0, 0, 0, 0), (500, 0, 600, 10), (9, 9, 3, 3), (0, 0, 5), ("a", 0, 1, 1), None]
)
def test_a_box_outside_the_picture_is_refused(box):
    with pytest.raises(ImageRefused) as refused:
        blank_area(png(), box)
    assert refused.value.code == "box"


def test_a_wide_gamut_profile_is_applied():
    """A profile with red and green exchanged must exchange them in the picture."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exchanged = srgb.replace(b"rXYZ", b"tmp_").replace(b"gXYZ", b"rXYZ").replace(b"tmp_", b"gXYZ")
    exchanged = exchanged.replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))
    result = pixels_of(rebuild(png(icc_profile=exchanged)).png).astype(int)
    wanted = cell_pixels()[..., [1, 0, 2]].astype(int)
    assert np.abs(result - wanted).mean() < 2
    assert np.array_equal(pixels_of(rebuild(png(icc_profile=srgb)).png), cell_pixels())


@pytest.mark.parametrize("profile", [b"", b"nonsense" * 100])
def test_a_damaged_profile_is_left_out(profile: bytes):
    plain = rebuild(saved(Image.fromarray(ink(), "CMYK"), "JPEG", quality=95))
    damaged = rebuild(
        saved(Image.fromarray(ink(), "CMYK"), "JPEG", quality=95, icc_profile=profile)
    )
    assert damaged.png == plain.png


@pytest.mark.parametrize(
    ("mode", "kind", "options"),
    [
        ("RGB", "TIFF", {"compression": "tiff_lzw"}),
        ("RGB", "TIFF", {"compression": "tiff_adobe_deflate"}),
        ("RGB", "TIFF", {"compression": "packbits"}),
        ("RGBA", "TIFF", {}),
        ("P", "TIFF", {}),
        ("RGB", "PNG", {"bits": 8}),
    ],
)
def test_ordinary_ways_to_save_are_taken(mode: str, kind: str, options: dict):
    result = pixels_of(rebuild(saved(cell().convert(mode), kind, **options)).png)
    assert np.array_equal(result, np.asarray(cell().convert(mode).convert("RGB")))


def test_sixteen_pictures_at_once_are_not_mixed_up():
    sizes = [(64 + 3 * n, 80 + n) for n in range(64)]
    data = [saved(cell(*size), "JPEG") for size in sizes]
    with ThreadPoolExecutor(16) as threads:
        results = list(threads.map(rebuild, data))
    assert [(one.width, one.height) for one in results] == sizes


def test_an_answer_that_is_not_what_it_says_is_not_believed(monkeypatch):
    liar = DecoderPool("tests.images.hooks:nonsense")
    monkeypatch.setattr(rebuilding, "pool", liar)
    for extra in range(5):
        with pytest.raises(ImageRefused):
            rebuild(png() + b"x" * extra)
    liar.close()


def test_every_refusal_is_one_sentence():
    for code in REFUSAL_CODES:
        message = ImageRefused(code).message
        assert message.endswith(".")
        assert ". " not in message


def test_the_request_side_loads_no_decoder():
    """Web processes import this package; decoders and arrays belong to the child."""
    script = "import sys, patients.images; print({'PIL', 'numpy', 'django'} & set(sys.modules))"
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "kind"), [("RGB", "JPEG"), ("CMYK", "JPEG"), ("RGBA", "PNG"), ("RGB", "TIFF")]
)
def test_forty_megapixels_fit_into_the_limits(mode: str, kind: str):
    """Smooth pictures, as the file may have 20 MB; turned, which costs one more copy."""
    ramp = np.linspace(0, 255, 8000, dtype=np.uint8)
    plane = np.broadcast_to(ramp, (5000, 8000))
    channels = len(Image.new(mode, (1, 1)).getbands())
    image = Image.fromarray(np.stack([plane] * channels, -1), mode)
    exif = Image.Exif()
    exif[0x0112] = 6
    data = saved(
        image, kind, **({"compression": "tiff_adobe_deflate"} if kind == "TIFF" else {"exif": exif})
    )
    assert len(data) < limits.MAX_BYTES
    result = rebuild(data)
    assert result.width * result.height == 40_000_000


@pytest.mark.slow
def test_a_progressive_bomb_ends_in_time():
    """Many scans over a large picture: the processor limit ends it (or the scan cap)."""
    data = saved(Image.new("RGB", (8000, 5000)), "JPEG", progressive=True)
    scan = data.rindex(b"\xff\xda")
    bomb = data[:-2] + data[scan:-2] * 80 + b"\xff\xd9"
    assert len(bomb) < limits.MAX_BYTES
    strict = DecoderPool("patients.images.decode:run", child=ChildLimits(cpu=2, wall=8))
    try:
        head, _ = strict.run({"format": "JPEG"}, [bomb])
        assert head
    except ImageRefused as error:
        refused = error
        assert refused.code in ("timeout", "corrupt")
    finally:
        strict.close()

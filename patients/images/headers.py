"""Looks at the bytes before any decoder does: what kind of file, how large, is it whole.

Everything here is plain Python over `bytes` with explicit caps; the cost is bounded by the file's
length. A picture that is too large is refused from its header alone.
"""

from dataclasses import dataclass

from patients.images import limits
from patients.images.refusals import ImageRefused


@dataclass(frozen=True)
class Header:
    """What the file says about itself. `width` and `height` are as stored, before orientation."""

    format: str  # JPEG, PNG or TIFF
    width: int
    height: int
    warnings: tuple[str, ...] = ()


def check_size(width: int, height: int, least: int = limits.MIN_SIDE) -> None:
    """Refuses a picture whose declared size is outside the limits."""
    if width <= 0 or height <= 0:
        raise ImageRefused("corrupt")
    if width * height > limits.MAX_PIXELS:
        raise ImageRefused("pixels")
    if max(width, height) > limits.MAX_SIDE:
        raise ImageRefused("side")
    if min(width, height) < least:
        raise ImageRefused("too_small")


def inspect(data: bytes) -> Header:
    """Finds the format by content (a file name is never asked) and checks the structure."""
    # The checkers need check_size from here.
    from patients.images import jpeg_header, png_header, tiff_header

    if not data:
        raise ImageRefused("empty")
    if len(data) > limits.MAX_BYTES:
        raise ImageRefused("too_large")
    if data.startswith(b"\xff\xd8"):
        return jpeg_header.inspect(data)
    if data.startswith(png_header.SIGNATURE):
        return png_header.inspect(data)
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return tiff_header.inspect(data)
    raise ImageRefused("type", _advice(data))


_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")


def _advice(data: bytes) -> str | None:
    """A better sentence for the foreign formats that really turn up; None for the general one."""
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS:
        return (
            "This is a HEIC picture, as iPhones make them; please export it as JPEG "
            '(or set the camera to "Most Compatible").'
        )
    if data[128:132] == b"DICM":
        return (
            "This is a DICOM file, which also holds patient data; please export the picture "
            "as JPEG or PNG."
        )
    if data.startswith(b"%PDF"):
        return "This is a PDF document; please export the picture inside it as JPEG or PNG."
    if data.startswith((b"PK\x03\x04", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!")):
        return "This is an archive; please unpack it and upload the pictures inside."
    foreign = {
        "GIF": data.startswith(b"GIF8"),
        "BMP": data.startswith(b"BM"),
        "WebP": data.startswith(b"RIFF") and data[8:12] == b"WEBP",
        "AVIF": data[4:12] in (b"ftypavif", b"ftypavis"),
        "JPEG 2000": data.startswith((b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51")),
    }
    for name, found in foreign.items():
        if found:
            return f"{name} pictures are not taken; please export it as JPEG, PNG or TIFF."
    return None

"""Turns every picture mode that passes the header checks into 8-bit sRGB. Runs in the child."""

import io
from typing import Any

from PIL import Image, ImageCms

from patients.images import limits
from patients.images.refusals import ImageRefused

_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
_ALPHA = {"RGBA", "RGBa", "PA", "LA", "La"}


def to_rgb(image: Image.Image) -> tuple[Image.Image, list[str]]:
    """`image` (loaded, turned) as mode RGB, with the warnings that belong to it.

    - an embedded profile is applied (relative colorimetric, black point compensation) unless it
      calls itself sRGB; a damaged one is left out with a warning;
    - CMYK without a profile: R = (255 - C)(255 - K) / 255 and so on, with the Adobe convention
      that JPEG stores ink inverted, as browsers do;
    - transparency is composited on white, so that no hidden picture reaches the model.
    """
    warnings: list[str] = []
    profile = image.info.get("icc_profile")
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA" if _see_through(image) else "RGB")
    elif (image.mode == "RGB" and _see_through(image)) or image.mode == "RGBa":
        image = image.convert("RGBA")
    elif image.mode in ("RGBX", "YCbCr"):
        image = image.convert("RGB")
    if image.mode == "RGBA":
        if image.getchannel("A").histogram()[255] < image.width * image.height:
            warnings.append("transparency")
        white = Image.new("RGB", image.size, (255, 255, 255))
        white.paste(image, mask=image.getchannel("A"))
        image = white
    if image.mode not in ("RGB", "CMYK"):
        raise ImageRefused("bit_depth" if image.mode[0] in "IF" else "colour")
    if profile:
        converted = _through_profile(image, profile)
        if converted is None:
            warnings.append("colour_profile_ignored")
        else:
            image = converted
    return (image if image.mode == "RGB" else image.convert("RGB")), warnings


def _see_through(image: Image.Image) -> bool:
    return "transparency" in image.info or image.mode in _ALPHA


def _through_profile(image: Image.Image, profile: Any) -> Image.Image | None:
    """The picture in sRGB, or None where the profile is unusable or not for this mode."""
    if not isinstance(profile, bytes) or len(profile) > limits.MAX_ICC_BYTES:
        return None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() != image.mode:
            return None
        if image.mode == "RGB" and "srgb" in ImageCms.getProfileDescription(source).lower():
            return image
        return ImageCms.profileToProfile(
            image,
            source,
            _SRGB,
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None

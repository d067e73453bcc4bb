"""Where a page that previews a report finds the pictures of cells that nobody has signed yet."""

from collections.abc import Callable, Mapping
from typing import Any

from django.urls import reverse


def preview_picture(basis: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], str]:
    """The thumbnail of the picture that a cell lies in."""
    addresses = {
        image["position"]: reverse("patients:thumbnail", args=[image["id"]])
        for image in basis["images"]
    }
    return lambda cell: addresses[cell["image"]]

"""What the panel of a shadow shows, on the page of its model."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from classifier import model_comparison, shadow_figures
from classifier.choices import ModelState
from classifier.models import ModelVersion
from classifier.queueing import active_version
from classifier.shadow import shadows
from classifier.shadow_jobs import rests

POLL_SECONDS = 5


def panel(request: HttpRequest, version: ModelVersion) -> dict[str, Any]:
    """Context of ``classifier/_shadow_panel.html``; without ``version`` there is nothing to show."""
    reads = version.state == ModelState.SHADOW
    seen = shadow_figures.stamp(version)  # before the figures: what changes between is shown next
    found = shadow_figures.reading(version) if reads or shadow_figures.has_read(version) else None
    if found is None and version.state != ModelState.CANDIDATE:
        return {"request": request}
    signed = found.signed if found else None
    return {
        "request": request,
        "version": version,
        "reads": reads,
        "found": found,
        "rows": model_comparison.rows(signed.compared) if signed and signed.compared else (),
        "stamp": seen,
        "interval": POLL_SECONDS,
        "rest": rests(version) if reads else "",
        "active": active_version(),
        "may_start": version.state == ModelState.CANDIDATE,
        "others": [each for each in shadows() if each != version],
        "most": settings.SHADOWS,
    }

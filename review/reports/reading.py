"""A stored report's content as Python values."""

import json
from typing import Any

from review.models import Report


def content_of(report: Report) -> dict[str, Any]:
    """What was frozen (``review.reports.content``). It is parsed, not believed: see ``checks``."""
    return json.loads(report.content)

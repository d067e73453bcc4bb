"""``{% with drawn=differential|drawn %}``: a differential as its chart and table show it."""

from collections.abc import Mapping
from typing import Any

from django import template

from review.differential import Differential
from review.differential_view import View, view

register = template.Library()


@register.filter
def drawn(differential: Differential | Mapping[str, Any]) -> View:
    """Of a ``Differential``, or of its ``as_dict()`` as a report froze it."""
    return view(differential)

"""What a model version says of its own limits, taken from its card."""

import re
from collections.abc import Iterator

from classifier.model_pages import one_model
from classifier.models import ModelVersion

_ITEM = re.compile(r"[*-]\s+(.*)")


def stated_limits(version: ModelVersion) -> list[str]:
    """The points under "Limits" in its model card, without markup; empty where it states none.

    The card is believed only where its hash is the one in the manifest.
    """
    facts = one_model(version.model_id)
    if facts is None or facts.manifest_sha256 != version.manifest_sha256:
        return []
    return list(points_under("Limits", facts.card()))


def points_under(heading: str, card: str) -> Iterator[str]:
    """List items and paragraphs of one section of a Markdown card."""
    inside, lines = False, list[str]()
    for line in [*card.splitlines(), "## "]:
        if line.startswith("## "):
            if inside:
                yield from _joined(lines)
                return
            inside = line[3:].strip() == heading
        elif inside:
            lines.append(line)


def _joined(lines: list[str]) -> Iterator[str]:
    point: list[str] = []
    for line in [*lines, ""]:
        item = _ITEM.match(line)
        if (item or not line.strip()) and point:
            yield re.sub(r"[*`]", "", " ".join(point))
            point = []
        if item or line.strip():
            point.append((item[1] if item else line).strip())

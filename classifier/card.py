"""Model cards as HTML: the few parts of Markdown that they use, everything else escaped.

A card comes with a model directory, so it is text from outside: nothing in it becomes a tag, a
link or a picture of its own.
"""

import re
from collections.abc import Iterator

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

_INLINE = (
    (re.compile(r"`([^`]+)`"), r"<code>\1</code>"),
    (re.compile(r"\*\*([^*]+)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"(?<![*\w])\*([^*]+)\*(?!\w)"), r"<em>\1</em>"),
    # A link keeps its words; its address is shown as text.
    (re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)"), r"\1 (\2)"),
)
_HEADING = re.compile(r"(#{1,6})\s+(.*)")
_ITEM = re.compile(r"\s*(?:[-*]|\d+\.)\s+(.*)")
_RULE = re.compile(r"\|?[\s:|-]+\|?")


def render_card(text: str) -> SafeString:
    """Headings, paragraphs, lists, tables and code blocks; at most one level of each."""
    return mark_safe("\n".join(_blocks(text.splitlines())))  # noqa: S308 - every part is escaped


def _inline(text: str) -> str:
    done = str(escape(text.strip()))
    for pattern, replacement in _INLINE:
        done = pattern.sub(replacement, done)
    return done


def _blocks(lines: list[str]) -> Iterator[str]:
    at = 0
    while at < len(lines):
        line = lines[at]
        start = at
        if line.startswith("```"):
            at += 1
            while at < len(lines) and not lines[at].startswith("```"):
                at += 1
            yield f"<pre><code>{escape(chr(10).join(lines[start + 1 : at]))}</code></pre>"
            at += 1
        elif heading := _HEADING.match(line):
            # The page has its own h1.
            level = min(6, len(heading[1]) + 1)
            yield f"<h{level}>{_inline(heading[2])}</h{level}>"
            at += 1
        elif line.lstrip().startswith("|"):
            while at < len(lines) and lines[at].lstrip().startswith("|"):
                at += 1
            yield _table(lines[start:at])
        elif _ITEM.match(line):
            at, items = _items(lines, at)
            yield "<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>"
        elif not line.strip():
            at += 1
        else:
            at += 1
            while at < len(lines) and lines[at].strip() and not _starts_block(lines[at]):
                at += 1
            yield f"<p>{_inline(' '.join(lines[start:at]))}</p>"


def _starts_block(line: str) -> bool:
    return bool(_HEADING.match(line) or _ITEM.match(line)) or line.startswith(("```", "|"))


def _items(lines: list[str], at: int) -> tuple[int, list[str]]:
    """The list that begins at a line, continuation lines joined; and the line behind it."""
    items: list[list[str]] = []
    while at < len(lines) and lines[at].strip():
        if item := _ITEM.match(lines[at]):
            items.append([item[1]])
        elif lines[at].startswith((" ", "\t")):
            items[-1].append(lines[at])
        else:
            break
        at += 1
    return at, [_inline(" ".join(part.strip() for part in parts)) for parts in items]


def _table(lines: list[str]) -> str:
    rows = [
        line.strip().strip("|").split("|") for line in lines if not _RULE.fullmatch(line.strip())
    ]
    if not rows:
        return ""
    head, *body = rows
    top = "".join(f'<th scope="col">{_inline(cell)}</th>' for cell in head)
    rest = "".join(
        "<tr>" + "".join(f"<td>{_inline(cell)}</td>" for cell in row) + "</tr>" for row in body
    )
    return (
        '<div class="card-table" tabindex="0"><table class="table table-sm">'
        f"<thead><tr>{top}</tr></thead><tbody>{rest}</tbody></table></div>"
    )

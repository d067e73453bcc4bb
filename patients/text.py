"""Text from outside that is kept as it came, as far as a database can hold it."""

import re

LONGEST_NAME = 255
# What PostgreSQL (NUL) and UTF-8 (lone surrogates) cannot store. Everything else is kept
# literally and escaped where it is shown.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """The text with what no database can hold replaced by U+FFFD."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def file_name(text: str) -> str:
    """A file's name as people see it, at most 255 characters. It is never a path."""
    return storable(text)[:LONGEST_NAME]


def header_name(text: str) -> str:
    """A file's name without its ending, as a header may hold it: no control characters, no path
    separators, no quotes, no direction overrides; at most 60 characters."""
    stem = text.rpartition(".")[0] or text
    plain = "".join(
        letter for letter in stem if letter.isprintable() and letter not in '/\\";<>%'
    ).strip(". ")
    return plain[:60] or "picture"

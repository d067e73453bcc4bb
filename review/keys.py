"""The keys of the desk: what ships, what a person has changed, and what may be changed to what."""

from collections.abc import Mapping
from typing import Any

from patients.errors import DomainError
from review.choices import Label
from review.models import DeskSettings

# What a person may remap, and the key that ships. Labels first; then what else the desk does.
DEFAULTS: dict[str, str] = {
    Label.BASOPHIL: "1",
    Label.EOSINOPHIL: "2",
    Label.LYMPHOCYTE: "3",
    Label.MONOCYTE: "4",
    Label.NEUTROPHIL: "5",
    Label.IMMATURE_GRANULOCYTE: "6",
    Label.BLAST: "7",
    Label.ATYPICAL_LYMPHOCYTE: "8",
    Label.ERYTHROBLAST: "9",
    Label.PLATELET: "p",
    Label.SMUDGE_CELL: "s",
    Label.ARTEFACT: "f",
    Label.NOT_A_CELL: "0",
    Label.CANNOT_TELL: "c",
    Label.UNIDENTIFIED: "u",
    "undo": "z",
    "overlay": "o",
    "group": "a",
    "advance": "g",
    "next_case": "j",
    "previous_case": "k",
    "sign": "r",
}
ACTIONS: dict[str, str] = {
    "undo": "Undo (with Shift: redo)",
    "overlay": "Where the model looked",
    "group": "Select all in the group",
    "advance": "Auto-advance on or off",
    "next_case": "Next case of the worklist",
    "previous_case": "Previous case of the worklist",
    "sign": "To the report and its signature",
}
# Those of the desk that stay where they are, and those that a browser takes for itself (Firefox
# searches the page with / and ').
FIXED = "?+-=. /'"


class KeyRefused(DomainError):
    """A key that cannot be had. ``name`` is what it was meant for."""

    code = "key"

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


def named(name: str) -> str:
    """What the key does, in words."""
    return ACTIONS.get(name) or str(Label(name).label)


def checked(given: Mapping[str, Any]) -> dict[str, str]:
    """A person's keys, small letters, only those that differ from what ships.

    Raises KeyRefused for a name that has no key, a key that is not one visible character, one that
    is fixed or the browser's, and one that two things would share.
    """
    keys = dict(DEFAULTS)
    for name, value in given.items():
        if name not in DEFAULTS:
            raise KeyRefused(str(name), f"There is no key for {str(name)[:40]!r}.")
        key = value.lower() if isinstance(value, str) else ""
        if len(key) != 1 or not key.isprintable() or key.isspace():
            raise KeyRefused(name, f"{named(name)}: choose one key that writes a character.")
        if key in FIXED:
            raise KeyRefused(
                name, f"{named(name)}: {key} belongs to the desk or the browser. Choose another."
            )
        keys[name] = key
    taken: dict[str, str] = {}
    for name, key in keys.items():
        if key in taken:
            raise KeyRefused(name, f"{key} would mean both {named(taken[key])} and {named(name)}.")
        taken[key] = name
    return {name: key for name, key in keys.items() if key != DEFAULTS[name]}


def keys_of(settings: DeskSettings | None) -> dict[str, str]:
    """Every key of a person's desk. What a later version no longer knows is left out."""
    own = settings.keys if settings else {}
    return {name: own.get(name, key) for name, key in DEFAULTS.items()}

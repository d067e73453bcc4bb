"""Names as people write them, brought to the ones of this project."""

import unicodedata

# Beyond these, plurals, capitals, dots, dashes and underscores are understood.
SYNONYMS = {
    "basophil": ("baso", "ba", "bas", "basophilic granulocyte"),
    "eosinophil": ("eos", "eo", "eosino", "eosinophilic granulocyte"),
    "lymphocyte": ("lym", "ly", "lymph", "typical lymphocyte"),
    "monocyte": ("mono", "mo", "mon"),
    "neutrophil": (
        *("neut", "neu", "ne", "sne", "bne", "seg", "band", "neutrophilic granulocyte"),
        *("segmented neutrophil", "neutrophil segmented", "band neutrophil", "neutrophil band"),
    ),
    "ig": ("immature granulocyte",),
    "erythroblast": ("nrbc", "normoblast"),
    "platelet": ("thrombocyte", "plt"),
}
_CLASSES = {word: name for name, words in SYNONYMS.items() for word in (name, *words)}
_SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing", "eval"), "test"),
}
LONGEST = 60


def class_name(text: str) -> str:
    """One of ours where it is one, else the name in small letters; ValueError if it is no name.

    Several cells in one picture are separated by commas, and stay so.
    """
    return ",".join(_class(part) for part in text.split(",")) if text.strip() else ""


def is_known(text: str) -> bool:
    return _known(text.casefold()) is not None


def _class(text: str) -> str:
    plain = unicodedata.normalize("NFC", text).casefold().strip()
    sound = plain[:1].isalnum() and all(c.isalnum() or c in " _-.()+/" for c in plain)
    if not sound or len(plain) > LONGEST:
        raise ValueError(f"its class {text[:LONGEST]!r} is no name")
    return _known(plain) or plain


def _known(plain: str) -> str | None:
    words = " ".join("".join(c if c.isalnum() else " " for c in plain).split())
    return _CLASSES.get(words) or _CLASSES.get(words.removesuffix("s"))


def split_name(text: str) -> str:
    """train, val, test or nothing; ValueError for anything else."""
    word = text.strip().casefold()
    if word and word not in _SPLITS:
        raise ValueError(f"its split {text!r} is none of train, val, test")
    return _SPLITS.get(word, "")


def is_split(text: str) -> bool:
    return text.strip().casefold() in _SPLITS


def harmless(text: str) -> str:
    """A cell of a table that no spreadsheet takes for a formula (OWASP, "CSV Injection")."""
    text = text.strip()
    if text.startswith(("=", "+", "-", "@")):
        try:
            float(text)
        except ValueError:
            return "'" + text
    return text

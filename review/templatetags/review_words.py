"""How reports say things in a word or two."""

from django import template

from review.reports.inks import INKS

register = template.Library()

_METHODS = {
    "password": "password",
    "totp": "second factor",
    "recovery_codes": "recovery code",
    "demonstration": "demonstration, nobody's proof",
}


@register.filter
def ends(text: str) -> str:
    """An interval with the sign that is meant for it: "2.2–12.6" of "2.2-12.6"."""
    letters = list(text)
    for place in range(1, len(letters) - 1):
        if letters[place] == "-" and letters[place - 1].isdigit() and letters[place + 1].isdigit():
            letters[place] = "–"
    return "".join(letters)


@register.filter
def method(name: str) -> str:
    """How a signer proved who they are."""
    return _METHODS.get(name, name)


@register.filter
def words(name: str) -> str:
    """A name of the model's as words."""
    return name.replace("_", " ")


@register.filter
def lower_first(text: str) -> str:
    """Inside a sentence: "artefact", but "NRBC" stays."""
    return text[:1].lower() + text[1:]


@register.filter
def ink(label: str) -> str:
    """The class's colour on paper; on screen the style sheet has the theme's."""
    return INKS.get(label, "#1c2327")

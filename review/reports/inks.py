"""The colours of the classes on paper: those of the light theme (static/css/app.css)."""

from review.choices import LETTERS, Label

INKS: dict[str, str] = {
    Label.BASOPHIL: "#6b2aa6",
    Label.EOSINOPHIL: "#a54700",
    Label.LYMPHOCYTE: "#1b5cb8",
    Label.MONOCYTE: "#486552",
    Label.NEUTROPHIL: "#b0225a",
    Label.IMMATURE_GRANULOCYTE: "#514903",
    Label.BLAST: "#632d56",
    Label.ATYPICAL_LYMPHOCYTE: "#1f2a84",
    Label.ERYTHROBLAST: "#3f1109",
    Label.CANNOT_TELL: "#193b05",
}


def hues() -> str:
    """The rules that app.css has on screen, for a PDF."""
    return "".join(
        f".hue-{LETTERS[label].lower()} {{ --hue: {ink}; }}\n" for label, ink in INKS.items()
    )

"""Why a cell is left to human eyes: machine codes, and their plain English in this one place."""

LOW_CONFIDENCE = "low_confidence"
OUT_OF_DISTRIBUTION = "out_of_distribution"
BLANK = "blank"
NO_CELL = "no_cell"
BLURRED = "blurred"

REASONS = {
    BLANK: "The picture is nearly one even colour: no cell can be seen in it.",
    NO_CELL: "No white cell was found in the picture.",
    BLURRED: "The picture is too blurred to tell the classes apart.",
    OUT_OF_DISTRIBUTION: "The picture does not look like the cells this model was trained on.",
    LOW_CONFIDENCE: "The model is not sure enough between the classes.",
}


def explain(code: str) -> str:
    """The sentence for a reason code; a code from a newer version is shown as it is."""
    return REASONS.get(code, code)

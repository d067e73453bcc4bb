"""What is said when a picture is not taken: a stable code for machines, one sentence for people."""

_REFUSALS = {
    "empty": "The file is empty; please choose the picture again or copy it once more.",
    "type": "This is not a JPEG, PNG or TIFF picture; please export it as JPEG or PNG.",
    "truncated": "The file ends before the picture does, as after an interrupted copy; "
    "please upload the original again.",
    "corrupt": "The picture is damaged and cannot be read; please export it again from the "
    "original.",
    "pixels": "The picture has more than 40 megapixels; please export the field of view or a "
    "smaller version.",
    "side": "One side of the picture is longer than 10,000 pixels; please export the field of "
    "view alone.",
    "too_small": "The picture is smaller than 64 x 64 pixels; please export it in full resolution.",
    "frames": "The file holds more than one picture; please upload each picture as a file of its "
    "own.",
    "bit_depth": "The picture does not have 8 bits per colour; please export it as ordinary 8-bit "
    "colour.",
    "colour": "The picture is not in colour, and cells are told apart by their stain; please "
    "upload a colour picture.",
    "too_large": "The file is larger than 20 MB; please export it as JPEG or as the field of view "
    "alone.",
    "metadata": "The picture carries an unreasonable amount of hidden data; please export it again "
    "as JPEG or PNG.",
    "timeout": "Reading the picture took too long; please export it again as plain JPEG or PNG.",
    "memory": "Reading the picture took too much memory; please export it smaller or as JPEG.",
    "box": "The area to blank lies outside the picture; please draw it again.",
}

WARNINGS = {
    "possible_text": "There may be writing in this picture; if it names a patient, blank that "
    "area.",
    "extra_frames": "The file held further pictures behind the first; only the first is used.",
    "appended_data": "Data behind the end of the picture was removed.",
    "transparency": "Transparent parts are shown, and analysed, as white.",
    "no_colour": "The picture shows hardly any colour.",
    "colour_profile_ignored": "The colour profile in the file is damaged and was not used.",
}


class ImageRefused(Exception):
    """The bytes are not a picture this product takes. Trying again with them gives the same answer.

    `code` is one of the keys of the table above and never changes its meaning; `message` is one
    sentence for a clinician.
    """

    def __init__(self, code: str, message: str | None = None) -> None:
        self.code = code
        self.message = message or _REFUSALS[code]
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message


class DecoderUnavailable(Exception):
    """The picture could not be looked at just now; nothing is known about it. Retry is right."""

    message = "The picture could not be checked just now; nothing was lost, please try again."
    retryable = True

    def __init__(self, reason: str = "") -> None:
        self.reason = reason
        super().__init__(f"{self.message} ({reason})" if reason else self.message)


REFUSAL_CODES = frozenset(_REFUSALS)

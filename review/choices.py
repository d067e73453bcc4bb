"""The fixed vocabularies of review: what a reader may call a cell, and the states of their work."""

from django.db import models


class Label(models.TextChoices):
    """What a reader may call a cell. The first five are the model's classes, in its order."""

    BASOPHIL = "basophil", "Basophil"
    EOSINOPHIL = "eosinophil", "Eosinophil"
    LYMPHOCYTE = "lymphocyte", "Lymphocyte"
    MONOCYTE = "monocyte", "Monocyte"
    NEUTROPHIL = "neutrophil", "Neutrophil"
    IMMATURE_GRANULOCYTE = "immature_granulocyte", "Immature granulocyte"
    BLAST = "blast", "Blast"
    ATYPICAL_LYMPHOCYTE = "atypical_lymphocyte", "Atypical lymphocyte"
    ERYTHROBLAST = "erythroblast", "Erythroblast (NRBC)"
    PLATELET = "platelet", "Platelet"
    SMUDGE_CELL = "smudge_cell", "Smudge cell"
    ARTEFACT = "artefact", "Artefact"
    NOT_A_CELL = "not_a_cell", "Not a cell"
    CANNOT_TELL = "cannot_tell", "Cannot tell"
    # Not decided: where the model abstained, or the reader put the cell back. Never signed.
    UNIDENTIFIED = "unidentified", "Unidentified"


# Counted in the differential, in the order in which reports list them.
LEUKOCYTES: tuple[str, ...] = (
    Label.NEUTROPHIL,
    Label.LYMPHOCYTE,
    Label.MONOCYTE,
    Label.EOSINOPHIL,
    Label.BASOPHIL,
    Label.IMMATURE_GRANULOCYTE,
    Label.ATYPICAL_LYMPHOCYTE,
    Label.BLAST,
)
# Decided, and outside the differential. Erythroblasts are counted per 100 leukocytes.
OUTSIDE: tuple[str, ...] = (
    Label.ERYTHROBLAST,
    Label.PLATELET,
    Label.SMUDGE_CELL,
    Label.ARTEFACT,
    Label.NOT_A_CELL,
    Label.CANNOT_TELL,
)
# One letter a label, shown wherever its colour is, unlike any other's.
LETTERS: dict[str, str] = {
    Label.BASOPHIL: "B",
    Label.EOSINOPHIL: "E",
    Label.LYMPHOCYTE: "L",
    Label.MONOCYTE: "M",
    Label.NEUTROPHIL: "N",
    Label.IMMATURE_GRANULOCYTE: "I",
    Label.BLAST: "X",
    Label.ATYPICAL_LYMPHOCYTE: "A",
    Label.ERYTHROBLAST: "R",
    Label.PLATELET: "P",
    Label.SMUDGE_CELL: "S",
    Label.ARTEFACT: "F",
    Label.NOT_A_CELL: "0",
    Label.CANNOT_TELL: "C",
    Label.UNIDENTIFIED: "?",
}


class ReadingKind(models.TextChoices):
    """Who reads a case, and what they see of it."""

    PRIMARY = "primary", "Reading"  # the one that is signed; whoever holds the case reads it
    SECOND = "second", "Blinded second reading"  # sees neither the model nor the first reader
    OPINION = "opinion", "Second opinion"  # sees everything, decides nothing


class ActKind(models.TextChoices):
    CLASSIFY = "classify", "Classified"
    UNDO = "undo", "Undone"
    REDO = "redo", "Redone"
    ADOPT = "adopt", "Adopted from another reading"


class ReportState(models.TextChoices):
    AWAITING = "awaiting", "Waiting for the second signature"
    FINAL = "final", "Signed"
    SUPERSEDED = "superseded", "Replaced by an amended report"
    RETURNED = "returned", "Returned by the second signer"


class Answered(models.TextChoices):
    """The clinician's feedback on a report."""

    YES = "yes", "Yes"
    PARTLY = "partly", "Partly"
    NO = "no", "No"


class NoticeKind(models.TextChoices):
    CASE_READY = "case_ready", "A case is ready for review"
    CASE_HANDED = "case_handed", "A case was handed to me"
    OPINION_ASKED = "opinion_asked", "I am asked for a second opinion"
    OPINION_GIVEN = "opinion_given", "A second opinion was given"
    COSIGN_ASKED = "cosign_asked", "A report waits for my second signature"
    REPORT_RETURNED = "report_returned", "The second signer returned a report"
    REPORT_SIGNED = "report_signed", "A report was signed"
    REPORT_AMENDED = "report_amended", "A report that I had was amended"
    COMMENT = "comment", "Somebody wrote in a case's thread"
    FEEDBACK = "feedback", "A clinician answered on a report"
    CRITICAL = "critical", "A critical result"
    CRITICAL_ESCALATED = "critical_escalated", "A critical result nobody acknowledged"
    CELL_UNREAD = "cell_unread", "A cell could not be analysed"


class MailState(models.TextChoices):
    NONE = "none", "Not sent by e-mail"
    WAITING = "waiting", "Waiting"
    SENDING = "sending", "Being sent"
    SENT = "sent", "Sent"
    FAILED = "failed", "Could not be sent"
    # Handed to the mail server, and its answer was lost: never sent again by itself.
    UNKNOWN = "unknown", "Perhaps sent"

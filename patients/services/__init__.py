"""Every change to patients, cases and pictures. Keyword-only, one transaction, audited."""

from patients.services.blanking import image_blank
from patients.services.cases import case_create, case_edit
from patients.services.images import Received, image_receive, image_remove
from patients.services.people import patient_create, patient_edit
from patients.services.thread import comment_add
from patients.services.workflow import (
    case_claim,
    case_hand_over,
    case_move,
    case_release,
    case_reopen,
    case_submit,
    case_withdraw,
)

__all__ = [
    "Received",
    "case_claim",
    "case_create",
    "case_edit",
    "case_hand_over",
    "case_move",
    "case_release",
    "case_reopen",
    "case_submit",
    "case_withdraw",
    "comment_add",
    "image_blank",
    "image_receive",
    "image_remove",
    "patient_create",
    "patient_edit",
]

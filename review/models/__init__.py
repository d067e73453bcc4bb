"""Readings and verdicts, reports and signatures, and what surrounds them."""

from review.models.desk import (
    CaseVisit,
    DeskSettings,
    Notice,
    NoticePreference,
    ReadingPolicy,
    ReferenceCell,
    TextBlock,
)
from review.models.readings import Act, CellSeen, Presence, Reading, Verdict
from review.models.reports import (
    CriticalResult,
    Feedback,
    Report,
    ReportDraft,
    ReportReceipt,
    Signature,
)

__all__ = [
    "Act",
    "CaseVisit",
    "CellSeen",
    "CriticalResult",
    "DeskSettings",
    "Feedback",
    "Notice",
    "NoticePreference",
    "Presence",
    "Reading",
    "ReadingPolicy",
    "ReferenceCell",
    "Report",
    "ReportDraft",
    "ReportReceipt",
    "Signature",
    "TextBlock",
    "Verdict",
]

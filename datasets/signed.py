"""Which cells a set of signed cells is made of: those of final reports of consenting organisations.

What an item keeps of its origin: the label as it was signed, stain and magnification, the month, a
number for the site and a random name for the patient, both drawn anew for each set.
"""

import json
import secrets
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db.models import Count

from classifier.models import Cell
from datasets.archives import MOST_FILES
from datasets.choices import ItemState
from datasets.consents import consents_now
from datasets.errors import SetRefused
from datasets.layouts.names import class_name
from datasets.models import DataSet, Item
from patients.choices import CaseStatus
from review.choices import Label, ReportState
from review.models import Report

LOOKUP = 500
# Labels that say nothing of what a cell looks like.
NOT_TAUGHT = (Label.UNIDENTIFIED, Label.CANNOT_TELL)
DISPUTED = "Its readers differ, and nobody has decided yet."


def plan_signed(data_set: DataSet) -> list[Item]:
    """The items of a set of signed cells, not saved, in random order. SetRefused where none is."""
    consenting = consents_now()
    groups: dict[int, str] = {}
    sites: dict[int, str] = {}
    items: list[Item] = []
    for report in reports_of(consenting, synthetic=data_set.synthetic).iterator(100):
        if len(items) >= MOST_FILES:
            break
        case, content = report.case, json.loads(report.content)
        group = groups.setdefault(case.patient_id, secrets.token_hex(8))
        site = sites.setdefault(case.organisation_id, str(len(sites) + 1))
        disputed = _disputed(content)
        for facts, cell in _cells(content["cells"]):
            if facts["label"] in NOT_TAUGHT:
                continue
            items.append(
                Item(
                    data_set=data_set,
                    kind=class_name(facts["label"]),
                    source_group=group,
                    cell=cell,
                    organisation_id=case.organisation_id,
                    month=f"{report.final_at:%Y-%m}" if report.final_at else "",
                    attributes={
                        "site": site,
                        "stain": case.stain,
                        "magnification": str(case.magnification or ""),
                        "basis": facts["basis"],
                    },
                    state=ItemState.LEFT_OUT if facts["number"] in disputed else ItemState.WAITING,
                    problem=DISPUTED if facts["number"] in disputed else "",
                )
            )
    if not items:
        raise nothing_signed(data_set.synthetic)
    secrets.SystemRandom().shuffle(items)
    for number, item in enumerate(items, 1):
        item.number = number
    return items


def nothing_signed(synthetic: bool) -> SetRefused:
    if not consents_now():
        return SetRefused(
            "No organisation lets its signed cells be used for training. An administrator says so "
            "on the organisation's page."
        )
    kind = "drawn" if synthetic else "real"
    return SetRefused(
        f"There are no signed {kind} cells of organisations that consent. Sign a report first."
    )


def reports_of(organisations: set[int], *, synthetic: bool) -> Any:
    """The final reports of these organisations' cases, the newest first."""
    return (
        Report.objects.filter(
            state=ReportState.FINAL,
            case__organisation__in=organisations,
            case__synthetic=synthetic,
        )
        .select_related("case")
        .order_by("-pk")
    )


def available() -> dict[bool, dict[str, int]]:
    """How many cells of signed cases a set could draw on now: drawn or real -> organisation's name
    -> cells. Some of them may be left out."""
    rows = (
        Cell.objects.filter(
            image__case__status=CaseStatus.SIGNED,
            image__case__organisation__in=consents_now(),
            image__removed_at__isnull=True,
        )
        .order_by("image__case__organisation__name")
        .values_list("image__case__synthetic", "image__case__organisation__name")
        .annotate(Count("pk"))
    )
    found: dict[bool, dict[str, int]] = {False: {}, True: {}}
    for synthetic, name, count in rows:
        found[synthetic][name] = count
    return found


def _cells(listed: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], Cell]]:
    """The report's cells that are still there, each with its row."""
    for begin in range(0, len(listed), LOOKUP):
        part = {UUID(facts["id"]): facts for facts in listed[begin : begin + LOOKUP]}
        rows = Cell.objects.filter(public_id__in=part, image__removed_at__isnull=True)
        for cell in rows.order_by("pk"):
            yield part[cell.public_id], cell


def _disputed(content: dict[str, Any]) -> set[int]:
    """Numbers of the cells that another finished reading called something else, where the signed
    label is no later word."""
    signed = {cell["number"]: cell for cell in content["cells"]}
    found = set()
    for other in content["other_readings"]:
        for number, label in other["labels"].items():
            cell = signed[int(number)]
            later = cell["basis"] == "verdict" and cell["at"] > other["finished_at"]
            if label not in NOT_TAUGHT and label != cell["label"] and not later:
                found.add(int(number))
    return found

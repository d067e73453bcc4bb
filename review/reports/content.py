"""What a report freezes: everything it rests on, as one canonical JSON text.

``basis_of`` is what the case says now; ``freeze`` adds what the signer says. Two bases with the same
digest would be the same report, whenever they are signed.
"""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from django.utils import timezone

from accounts.models import User
from classifier.choices import PredictionState
from classifier.models import ModelVersion, Prediction
from patients.models import Case
from review import figures
from review.choices import LEUKOCYTES, ReadingKind
from review.current import CellState, cell_states, latest_verdicts, suggestion
from review.differential import Differential, case_differential, compare, model_differential
from review.models import CellSeen, Reading
from review.policy import Policy, policy_of
from review.reports.canonical import canonical, digest, plain
from review.reports.limits import stated_limits
from telemed import VERSION

FORMAT = "teleheme.report/1"
# What somebody could change in the case; the rest of a basis follows from it and from the rules.
SUBJECT = ("case", "patient", "organisation", "specimen", "total_wbc", "images", "cells")


def basis_of(reading: Reading, *, reader: User) -> dict[str, Any]:
    """Everything but the signer's own words, as plain JSON values. ``reader``: who would sign."""
    case = reading.case
    states = cell_states(reading, show_model=True)
    counted = case_differential(reading)
    return plain(
        {
            "case": _case(case),
            "patient": _patient(case),
            "organisation": {
                "id": case.organisation.public_id,
                "name": case.organisation.name,
            },
            "specimen": {
                "stain": case.get_stain_display(),
                "magnification": case.get_magnification_display() or "",
                "device": case.device,
                "site": case.site,
                "pixel_size": f"{figures.plain(case.pixel_size_nm)} nm"
                if case.pixel_size_nm is not None
                else "",
            },
            "total_wbc": {"value": case.total_wbc, "unit": "10*9/L"}
            if case.total_wbc is not None
            else None,
            "images": _images(states),
            "cells": _cells(reading, states),
            "models": _models(states),
            "reading": _reading(reading),
            "other_readings": _other_readings(case, states),
            "policies": {
                "referring": _policy(policy_of(case.organisation)),
                "reading": _policy(policy_of(reader.organisation)),
            },
            "differential": counted.as_dict(),
            "corrections": _corrections(case, counted),
        }
    )


def basis_digest(basis: Mapping[str, Any]) -> str:
    return digest(canonical(basis))


def freeze(
    basis: Mapping[str, Any],
    *,
    signer: User,
    at: Any,
    code: str,
    version: int,
    comment: str,
    amends: str = "",
    reason: str = "",
) -> str:
    """The canonical JSON of a report. ``amends`` is the SHA-256 of the version that it replaces."""
    return canonical(
        {
            **basis,
            "format": FORMAT,
            "software": {"name": "TeleHeme", "version": VERSION},
            "report": {"code": code, "version": version, "amends": amends, "reason": reason},
            "comment": comment,
            "signed_first": {
                "by": _person(signer),
                "organisation": signer.organisation.name,
                "at": at,
            },
        }
    )


def said(content: Mapping[str, Any]) -> tuple[Any, ...]:
    """What whoever has the case in hand could have changed since: each cell's name, the pictures,
    and the details that the figures rest on. Not who said it when."""
    cells = [(cell["id"], cell["label"]) for cell in content["cells"]]
    return cells, content["images"], content["specimen"], content["total_wbc"]


def labels_of(content: Mapping[str, Any]) -> Counter[str]:
    """How many cells have each label in a frozen report."""
    return Counter(cell["label"] for cell in content["cells"])


def counts_agree(content: Mapping[str, Any]) -> bool:
    """The frozen differential counts exactly the frozen labels."""
    labels = labels_of(content)
    counted = {row["label"]: row["count"] for row in content["differential"]["rows"]}
    return all(labels[label] == counted.get(label, 0) for label in LEUKOCYTES)


def _case(case: Case) -> dict[str, Any]:
    return {
        "id": case.public_id,
        "number": case.number,
        "question": case.clinical_question,
        "priority": case.priority,
        "submitted_at": case.submitted_at,
        "submitted_by": _person(case.created_by),
        "synthetic": case.synthetic,
    }


def _patient(case: Case) -> dict[str, Any]:
    patient = case.patient
    day = timezone.localdate(case.submitted_at) if case.submitted_at else timezone.localdate()
    return {
        "id": patient.public_id,
        "mrn": patient.mrn,
        "family_name": patient.family_name,
        "given_name": patient.given_name,
        "birth_date": patient.birth_date,
        "sex": patient.sex,
        "age": patient.age_on(day),
    }


def _images(states: Iterable[CellState]) -> list[dict[str, Any]]:
    images = {state.cell.image_id: state.cell.image for state in states}
    return [
        {
            "id": image.public_id,
            "position": image.position,
            "sha256": image.sha256,
            "width": image.width,
            "height": image.height,
        }
        for image in images.values()
    ]


def _cells(reading: Reading, states: Iterable[CellState]) -> list[dict[str, Any]]:
    seen: dict[int, CellSeen] = {}
    for row in CellSeen.objects.filter(reading=reading).select_related("reader").order_by("-pk"):
        seen[row.cell_id] = row  # the first to see it
    return [
        {
            "number": number,
            "id": state.cell.public_id,
            "image": state.cell.image.position,
            "image_sha256": state.cell.image.sha256,
            "index": state.cell.index,
            "box": [state.cell.x, state.cell.y, state.cell.width, state.cell.height],
            "model": _answer(state.prediction),
            "label": state.label,
            **_word(state, seen.get(state.cell.pk)),
        }
        for number, state in enumerate(states, 1)
    ]


def _word(state: CellState, seen: CellSeen | None) -> dict[str, Any]:
    """Who called the cell so, and when: a verdict, or the suggestion that stood when it was seen."""
    if state.verdict is not None:
        act = state.verdict.act
        return {"basis": "verdict", "by": _person(act.reader), "at": act.at}
    return {
        "basis": "suggestion",
        "by": _person(seen.reader) if seen else None,
        "at": seen.at if seen else None,
    }


def _answer(row: Prediction | None) -> dict[str, Any] | None:
    if row is None or row.state != PredictionState.DONE:
        return None
    return {
        "label": row.label,
        "suggested": suggestion(row),
        "confidence": row.confidence,
        "abstained": row.abstained,
        "reasons": row.reasons,
        "shown": row.shown,
        "id": row.model_version.model_id,
        "sha256": row.model_sha256,
        "precision": row.precision,
    }


def _models(states: Iterable[CellState]) -> list[dict[str, Any]]:
    found: dict[str, ModelVersion] = {}
    for state in states:
        row = state.prediction
        if row is not None and row.state == PredictionState.DONE:
            found[row.model_version.model_id] = row.model_version
    return [
        {
            "id": version.model_id,
            "sha256": version.manifest_sha256,
            "precision": version.precision,
            "thresholds": version.manifest.get("thresholds") or {},
            "limits": stated_limits(version),
        }
        for _, version in sorted(found.items())
    ]


def _reading(reading: Reading) -> dict[str, Any]:
    return {
        "id": reading.public_id,
        "before_model": reading.blind,
        "opened_at": reading.opened_at,
        "committed_at": reading.committed_at,
        "acts": reading.acts.count(),
    }


def _other_readings(case: Case, states: list[CellState]) -> list[dict[str, Any]]:
    """Second readings and opinions that are finished, with what they called each cell."""
    rows = (
        Reading.objects.filter(case=case, finished_at__isnull=False)
        .exclude(kind=ReadingKind.PRIMARY)
        .select_related("reader")
        .order_by("pk")
    )
    found = []
    for row in rows:
        verdicts = latest_verdicts(row)
        found.append(
            {
                "kind": row.kind,
                "reader": _person(row.reader) if row.reader else None,
                "finished_at": row.finished_at,
                "labels": {
                    str(number): verdicts[state.cell.pk].label
                    for number, state in enumerate(states, 1)
                    if state.cell.pk in verdicts
                },
            }
        )
    return found


def _policy(policy: Policy) -> dict[str, Any]:
    values = dataclasses.asdict(policy)
    return {"identity": values.pop("identity"), "values": values}


def _corrections(case: Case, counted: Differential) -> list[dict[str, Any]]:
    return [one.as_dict() for one in compare(model_differential(case), counted)]


def _person(user: User) -> dict[str, str]:
    return {"id": str(user.public_id), "name": user.get_full_name()}

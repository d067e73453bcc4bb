"""Cells like this one: the nearest among signed cells, and reference cells of the classes in question."""

from dataclasses import dataclass

import numpy as np

from accounts.models import User
from accounts.permissions import visible_cases
from classifier.choices import PredictionState
from classifier.gallery import latest_predictions
from classifier.inference.classes import CLASSES
from classifier.inference.embedding import place_of
from classifier.models import Cell, Prediction
from patients.choices import CaseStatus
from review.choices import Label, ReadingKind
from review.current import newest_labels, suggestion
from review.models import ReferenceCell, Verdict

NEAREST = 8
SEARCHED = 5_000  # the newest signed cells
PER_CLASS = 3  # reference cells of a class
LIKELY = 0.1  # probability from which on a class is in question


@dataclass(frozen=True)
class Alike:
    """A signed cell, what it was signed as, and how far away it lies (Mahalanobis)."""

    cell: Cell
    label: str
    distance: float


def look_alikes(user: User, cell: Cell, *, most: int = NEAREST) -> list[Alike]:
    """The nearest signed cells that this person may see, of other cases, nearest first.

    Compared in the space of the model version that read the cell; empty where it has not been read.
    Three queries, two of them for what is shown.
    """
    row = latest_predictions(cell.image.case).get(cell.pk)
    if row is None or row.state != PredictionState.DONE or not row.embedding:
        return []
    found = list(
        Prediction.objects.filter(
            visible_cases(user, path="cell__image__case__"),
            cell__image__case__status=CaseStatus.SIGNED,
            cell__image__removed_at__isnull=True,
            model_version=row.model_version_id,
            state=PredictionState.DONE,
            embedding__isnull=False,
        )
        .exclude(cell__image__case=cell.image.case_id)
        .order_by("-pk")
        .values_list("pk", "embedding")[:SEARCHED]
    )
    own = place_of(row.embedding).astype(np.float32)
    found = [(pk, data) for pk, data in found if data and len(data) == 2 * own.size]
    if not found:
        return []
    others = np.stack([place_of(data) for _, data in found]).astype(np.float32)
    distances = np.sqrt(((others - own) ** 2).sum(axis=1))
    order = np.argsort(distances, kind="stable")[:most]
    rows = Prediction.objects.select_related("cell__image__case").in_bulk(
        [found[place][0] for place in order]
    )
    nearest = [rows[found[place][0]] for place in order]
    labels = signed_labels([each.cell_id for each in nearest])
    return [
        Alike(each.cell, labels.get(each.cell_id, suggestion(each)), float(distances[place]))
        for place, each in zip(order, nearest, strict=True)
    ]


def signed_labels(cells: list[int]) -> dict[int, str]:
    """The newest verdict of the primary readings on these cells, by primary key."""
    return newest_labels(
        Verdict.objects.filter(cell__in=cells, act__reading__kind=ReadingKind.PRIMARY)
    )


def in_question(row: Prediction | None, label: str) -> list[str]:
    """The classes between which a cell lies: what it is called, and what the model finds likely."""
    likely: list[str] = []
    if row is not None and row.state == PredictionState.DONE:
        ranked = sorted(zip(row.probabilities or (), CLASSES, strict=False), reverse=True)
        likely = [name for probability, name in ranked[:3] if probability >= LIKELY]
    named = [label] if label != Label.UNIDENTIFIED else []
    return list(dict.fromkeys([*named, *likely]))


def references(user: User, labels: list[str]) -> list[ReferenceCell]:
    """Reference cells of these classes that the person's organisation keeps and they may see."""
    kept = (
        ReferenceCell.objects.filter(
            visible_cases(user, path="cell__image__case__"),
            organisation=user.organisation_id,
            label__in=labels,
            cell__image__removed_at__isnull=True,
        )
        .select_related("cell__image")
        .order_by("-pk")
    )
    shown: dict[str, list[ReferenceCell]] = {label: [] for label in labels}
    for each in kept[: 20 * len(labels)]:
        if len(shown[each.label]) < PER_CLASS:
            shown[each.label].append(each)
    return [each for label in labels for each in shown[label]]

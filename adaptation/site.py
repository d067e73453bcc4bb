"""The signed cells of one organisation, as the active model read them."""

from dataclasses import dataclass

import numpy as np
from django.db.models import Count

from accounts.models import Organisation
from adaptation.trial import SiteCells
from classifier.choices import PredictionState
from classifier.inference.classes import CLASSES
from classifier.inference.embedding import place_of
from classifier.models import ModelVersion, Prediction
from patients.choices import CaseStatus
from patients.models import Case
from review.signed_cells import signed_cells

MOST_CELLS = 500  # the newest


@dataclass(frozen=True)
class Site:
    cells: SiteCells
    others: int
    """Signed as none of the model's classes: not used."""
    before_model: int
    """Named before the reader saw the model's answer."""
    at_most: bool
    """There may be older ones, which are not used."""


def sites() -> list[tuple[Organisation, int]]:
    """Organisations with signed cases, and how many; two queries."""
    many = dict(
        Case.objects.filter(status=CaseStatus.SIGNED)
        .order_by()
        .values_list("organisation")
        .annotate(number=Count("pk"))
    )
    return [(each, many[each.pk]) for each in Organisation.objects.filter(pk__in=many)]


def site_of(organisation: Organisation, version: ModelVersion) -> Site:
    """Four queries, of at most ``MOST_CELLS`` cells."""
    rows = Prediction.objects.filter(
        cell__image__case__organisation=organisation,
        cell__image__case__status=CaseStatus.SIGNED,
        cell__image__removed_at__isnull=True,
        model_version=version,
        state=PredictionState.DONE,
        embedding__isnull=False,
    )
    found = list(
        rows.order_by("-pk").values_list(
            "pk", "cell", "cell__image__case", "probabilities", "embedding", "reasons"
        )[:MOST_CELLS]
    )
    cells = (
        rows.filter(pk__gte=found[-1][0]).values("cell") if found else rows.none().values("cell")
    )
    said = signed_cells(cells)
    size = max((len(row[4]) for row in found), default=0)
    signed = [row for row in found if row[1] in said and len(row[4]) == size]
    used = [row for row in signed if said[row[1]].label in CLASSES]
    return Site(
        cells=SiteCells(
            keys=tuple(str(row[1]) for row in used),
            truth=np.array([CLASSES.index(said[row[1]].label) for row in used], np.int64),
            probabilities=np.array([row[3] for row in used], float).reshape(-1, len(CLASSES)),
            places=np.array([place_of(row[4]) for row in used], float).reshape(
                len(used), size // 2
            ),
            cases=np.array([row[2] for row in used], np.int64),
            other_reasons=np.array([bool(set(row[5]) - {"low_confidence"}) for row in used], bool),
        ),
        others=len(signed) - len(used),
        before_model=sum(said[row[1]].before_model for row in used),
        at_most=len(found) == MOST_CELLS,
    )

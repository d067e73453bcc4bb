"""Which unread cells would teach a model most: those it is unsure of, and those unlike what is known.

Uncertainty is the entropy of the class probabilities over its largest value. Novelty is d / (d + m),
d being the distance to the nearest signed cell or cell chosen before it, m the median of that over
the candidates at first: 0 for a twin, a half for a usual cell. Cells are chosen one after the other
(greedy k-centre; Sener & Savarese 2018, arXiv:1708.00489), so that no two of them are alike.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from django.db.models import QuerySet

from accounts.models import Role, User
from accounts.permissions import visible_cases
from classifier.choices import PredictionState
from classifier.hiding import answers_hidden
from classifier.inference.embedding import place_of
from classifier.models import ModelVersion, Prediction
from classifier.queueing import active_version
from datasets.consents import consents_now
from patients.choices import CaseStatus

CANDIDATES = 1_000  # the newest cells that are read and not signed
KNOWN = 2_000  # the newest signed cells
SHOWN = 24
UNREAD = (CaseStatus.READY, CaseStatus.IN_REVIEW)


@dataclass(frozen=True)
class Useful:
    prediction: Prediction
    uncertainty: float
    novelty: float


@dataclass(frozen=True)
class Ranking:
    version: ModelVersion | None
    chosen: list[Useful]
    candidates: int
    known: int


def most_useful(user: User, *, most: int = SHOWN) -> Ranking:
    """A specialist's: of the cases that they may open and whose answers are not kept from them. An
    administrator's: of organisations that consent, without pictures that may have writing."""
    version = active_version()
    if version is None:
        return Ranking(None, [], 0, 0)
    own = _of(user, version)
    newest = own.filter(cell__image__case__status__in=UNREAD).order_by("-pk")
    rows = [
        (pk, probabilities, place_of(data))
        for pk, probabilities, data in newest.values_list("pk", "probabilities", "embedding")[
            :CANDIDATES
        ]
    ]
    known = own.filter(cell__image__case__status=CaseStatus.SIGNED).order_by("-pk")
    places = [place_of(data) for data in known.values_list("embedding", flat=True)[:KNOWN]]
    sizes = Counter(map(len, [*(row[2] for row in rows), *places]))
    size = max(sizes, key=lambda each: sizes[each], default=0)
    rows = [row for row in rows if len(row[2]) == size]
    places = [place for place in places if len(place) == size]
    if not rows:
        return Ranking(version, [], 0, len(places))
    order = rank(
        np.array([row[1] for row in rows], np.float64),
        np.array([row[2] for row in rows], np.float32).reshape(len(rows), size),
        np.array(places, np.float32).reshape(len(places), size),
        most=2 * most,
    )
    found = Prediction.objects.select_related("cell__image__case").in_bulk(
        [rows[place][0] for place, _, _ in order]
    )
    chosen = [
        Useful(found[rows[place][0]], uncertainty, novelty) for place, uncertainty, novelty in order
    ]
    shown = _may_see(user, chosen)[:most]
    return Ranking(version, shown, len(rows), len(places))


def rank(
    probabilities: np.ndarray, places: np.ndarray, known: np.ndarray, *, most: int
) -> list[tuple[int, float, float]]:
    """(row, uncertainty, novelty when it was chosen) of the most useful ones, the most useful first.

    ``probabilities`` (N, C), ``places`` (N, D) in the model's space, ``known`` (M, D).
    """
    if not len(probabilities):
        return []
    shares = np.clip(probabilities, 1e-12, 1.0)
    unsure = -(shares * np.log(shares)).sum(axis=1) / np.log(shares.shape[1])
    away = _nearest(places, known) if len(known) else np.full(len(places), np.inf)
    usual = float(np.median(away)) if len(known) else float(np.median(_spread(places)))
    usual = max(usual, 1e-6)
    chosen: list[tuple[int, float, float]] = []
    left = np.ones(len(places), bool)
    for _ in range(min(most, len(places))):
        with np.errstate(invalid="ignore"):
            novel = np.where(np.isinf(away), 1.0, away / (away + usual))
        score = np.where(left, unsure + novel, -np.inf)
        row = int(score.argmax())
        chosen.append((row, float(unsure[row]), float(novel[row])))
        left[row] = False
        away = np.minimum(away, np.sqrt(((places - places[row]) ** 2).sum(axis=1)))
    return chosen


def _nearest(places: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(N,), the distance of each place to the nearest known one."""
    squares = (places**2).sum(axis=1)[:, np.newaxis] - 2 * places @ known.T + (known**2).sum(axis=1)
    return np.sqrt(np.clip(squares.min(axis=1), 0, None))


def _spread(places: np.ndarray) -> np.ndarray:
    """(N,), the distance of each place to the middle of all: the scale where nothing is known."""
    return np.sqrt(((places - places.mean(axis=0)) ** 2).sum(axis=1))


def _of(user: User, version: ModelVersion) -> QuerySet[Prediction]:
    rows = Prediction.objects.filter(
        model_version=version,
        state=PredictionState.DONE,
        embedding__isnull=False,
        cell__image__removed_at__isnull=True,
    )
    if user.role == Role.ADMINISTRATOR:
        return rows.filter(cell__image__case__organisation__in=consents_now())
    return rows.filter(visible_cases(user, path="cell__image__case__"))


def _may_see(user: User, chosen: list[Useful]) -> list[Useful]:
    if user.role == Role.ADMINISTRATOR:
        return [
            each for each in chosen if "possible_text" not in each.prediction.cell.image.warnings
        ]
    cases = {each.prediction.cell.image.case for each in chosen}
    hidden = {case.pk for case in cases if answers_hidden(user, case)}
    return [each for each in chosen if each.prediction.cell.image.case_id not in hidden]

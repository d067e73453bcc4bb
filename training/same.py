"""Whether a run would make again what a run made before, and whether its data sets are enough."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db.models import Count

from classifier.inference.classes import CLASSES
from classifier.models import ModelVersion
from datasets.choices import ItemState, Split
from datasets.contents import require_ready
from datasets.models import DataSet, Item
from training.choices import OPEN_STATES, JobState
from training.errors import TrainingRefused
from training.models import TrainingJob

LEAST = {Split.TRAIN: 5, Split.VAL: 2, Split.TEST: 2}
"""Cells of each class that the chosen sets must have together."""


def fingerprint(
    *,
    kind: str,
    data_sets: Iterable[DataSet],
    options: Mapping[str, Any],
    start: ModelVersion | None,
) -> str:
    """SHA-256 (hex) over everything that decides what a run makes."""
    facts = {
        "kind": kind,
        "data": sorted([each.slug, each.listing_sha256] for each in data_sets),
        "options": options,
        "start": start.manifest_sha256 if start else settings.TRAINING_WEIGHTS,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def require_new(mark: str) -> None:
    """TrainingRefused where a run with this fingerprint has made a model, or is about to."""
    before = (
        TrainingJob.objects.filter(fingerprint=mark, state__in=[*OPEN_STATES, JobState.DONE])
        .order_by("pk")
        .last()
    )
    if before is None:
        return
    if before.state == JobState.DONE:
        raise TrainingRefused(
            "Data and options are unchanged, so there is nothing to retrain: "
            f"{before.model_id} was made from them.",
            code="unchanged",
        )
    raise TrainingRefused(
        f"A run with the same data and options is on its way already: {before.model_id}.",
        code="unchanged",
    )


def cells(data_sets: Sequence[DataSet]) -> Counter[tuple[str, str]]:
    """(class, split) -> how many pictures the sets have together."""
    rows = (
        Item.objects.filter(data_set__in=data_sets, state=ItemState.KEPT)
        .values_list("kind", "split")
        .annotate(many=Count("pk"))
        .order_by()
    )
    return Counter({(kind, split): many for kind, split, many in rows})


def require_enough(data_sets: Sequence[DataSet]) -> None:
    """TrainingRefused unless every class has cells in every split; SetRefused where a set is not
    ready, or holds cells of an organisation that took its consent back."""
    if not data_sets:
        raise TrainingRefused("Choose at least one data set.")
    for each in data_sets:
        require_ready(each)
    found = cells(data_sets)
    few = [
        f"{label} {found[label, split]} of {least} in {split.label.lower()}"
        for split, least in LEAST.items()
        for label in CLASSES
        if found[label, split] < least
    ]
    if few:
        more = f", and {len(few) - 4} more" if len(few) > 4 else ""
        raise TrainingRefused(
            "These data sets have too few cells to train and to measure: "
            f"{'; '.join(few[:4])}{more}.",
            code="few",
        )

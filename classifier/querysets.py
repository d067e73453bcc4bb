"""Reads on cells and predictions."""

from typing import Any

from django.db import models

from accounts.permissions import visible_cases
from classifier.choices import OPEN_STATES


class CellQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> "CellQuerySet":
        return self.filter(visible_cases(user, path="image__case__"))


class PredictionQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> "PredictionQuerySet":
        return self.filter(visible_cases(user, path="cell__image__case__"))

    def open(self) -> "PredictionQuerySet":
        return self.filter(state__in=OPEN_STATES)

    def of_shadows(self) -> "PredictionQuerySet":
        return self.filter(beside__isnull=False)

    def of_case(self, case: Any) -> "PredictionQuerySet":
        """Of the pictures that are still in the case."""
        return self.filter(cell__image__case=case, cell__image__removed_at__isnull=True)


class CountingManager(models.Manager.from_queryset(PredictionQuerySet)):  # type: ignore[misc]
    """The jobs that count for a case. What a shadow reads is not there, for anybody who asks."""

    def get_queryset(self) -> PredictionQuerySet:
        return super().get_queryset().filter(beside__isnull=True)

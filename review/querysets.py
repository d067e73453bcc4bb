"""Reads of review: things that belong to a case are seen by whoever sees the case."""

from typing import Any

from django.db import models

from accounts.permissions import visible_cases


class OfCaseQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> "OfCaseQuerySet":
        return self.filter(visible_cases(user, path="case__"))

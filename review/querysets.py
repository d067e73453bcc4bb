"""Reads of review: things that belong to a case are seen by whoever sees the case."""

from typing import Any

from django.db import models

from accounts.models import Role
from accounts.permissions import visible_cases
from review.choices import ReportState


class NoticeQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> "NoticeQuerySet":
        """One's own."""
        return self.filter(recipient=user)

    def on_screen(self) -> "NoticeQuerySet":
        """Without those that a person wants by e-mail alone."""
        return self.filter(on_screen=True)

    def unread(self) -> "NoticeQuerySet":
        return self.filter(on_screen=True, read_at__isnull=True)


class OfCaseQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> "OfCaseQuerySet":
        return self.filter(visible_cases(user, path="case__"))


class ReportQuerySet(OfCaseQuerySet):
    def visible_to(self, user: Any) -> "ReportQuerySet":
        """Those of the cases that this person sees; what was not signed to the end, specialists."""
        reports = self.filter(visible_cases(user, path="case__"))
        return reports if getattr(user, "role", "") == Role.SPECIALIST else reports.signed()

    def signed(self) -> "ReportQuerySet":
        """With every signature that they need, whether replaced since or not."""
        return self.filter(state__in=[ReportState.FINAL, ReportState.SUPERSEDED])


class OwnQuerySet(models.QuerySet):
    """Things that belong to one person alone, through their ``owner`` column."""

    def visible_to(self, user: Any) -> "OwnQuerySet":
        return self.filter(owner=user.pk)

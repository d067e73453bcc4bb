"""Reads: what a person sees, and how lists are searched and filtered."""

from typing import Any

from django.db import models
from django.db.models import Q

from accounts.permissions import visible_cases, visible_patients


class PatientQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> "PatientQuerySet":
        return self.filter(visible_patients(user))

    def search(self, text: str) -> "PatientQuerySet":
        """MRN by beginning, names by any part; every word must match somewhere."""
        found = self
        for word in text.split()[:6]:
            found = found.filter(
                Q(mrn__istartswith=word)
                | Q(family_name__icontains=word)
                | Q(given_name__icontains=word)
            )
        return found


class CaseQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> "CaseQuerySet":
        return self.filter(visible_cases(user))

    def search(self, text: str) -> "CaseQuerySet":
        """Case number, MRN, patient's name or clinical question; every word must match."""
        found = self
        for word in text.split()[:6]:
            found = found.filter(
                Q(number__icontains=word)
                | Q(patient__mrn__istartswith=word)
                | Q(patient__family_name__icontains=word)
                | Q(patient__given_name__icontains=word)
                | Q(clinical_question__icontains=word)
            )
        return found


class OfCaseQuerySet(models.QuerySet):
    """Things that belong to a case through their ``case`` column."""

    def visible_to(self, user: Any) -> "OfCaseQuerySet":
        return self.filter(visible_cases(user, path="case__"))


class SmearImageQuerySet(OfCaseQuerySet):
    def present(self) -> "SmearImageQuerySet":
        """Not removed by the clinician."""
        return self.filter(removed_at__isnull=True)

"""Reads: what a person sees, and how lists are searched and filtered."""

from typing import Any

from django.db import models
from django.db.models import Q

from accounts.permissions import visible_cases, visible_patients

WORDS = 6  # of a search, that are looked for; the rest is not


def matching(word: str, path: str = "") -> Q:
    """Patients that a word of a search may mean: each word of the MRN by its beginning, since some
    houses write it in groups, and names by any part. ``path`` leads to the patient, as "patient__".
    """
    return (
        Q(**{f"{path}mrn__istartswith": word})
        | Q(**{f"{path}mrn__icontains": f" {word}"})
        | Q(**{f"{path}family_name__icontains": word})
        | Q(**{f"{path}given_name__icontains": word})
    )


class PatientQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> "PatientQuerySet":
        return self.filter(visible_patients(user))

    def search(self, text: str) -> "PatientQuerySet":
        """Every word must match somewhere."""
        found = self
        for word in text.split()[:WORDS]:
            found = found.filter(matching(word))
        return found


class CaseQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> "CaseQuerySet":
        return self.filter(visible_cases(user))

    def search(self, text: str) -> "CaseQuerySet":
        """Case number, MRN, patient's name or clinical question; every word must match."""
        found = self
        for word in text.split()[:WORDS]:
            found = found.filter(
                matching(word, "patient__")
                | Q(number__icontains=word)
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

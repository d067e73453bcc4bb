"""Names of microscopes and sites: what clinicians wrote, as far as administrators may see it.

Both are free text, and whoever types may type anything, a patient's name too. A name is shown where
several cases bear it; those of fewer are counted together. Spellings that differ in spaces and in
capitals are one name.
"""

from collections import Counter, defaultdict

from django.db.models import Count

from patients.models import Case

FEWEST = 5  # cases that bear a name
SELDOM = "seldom named"


class Names:
    """Of the organisations that are asked about; two queries each, the first time."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], dict[str, str]] = {}

    def device(self, organisation: int, raw: str) -> str:
        return self._name("device", organisation, raw)

    def site(self, organisation: int, raw: str) -> str:
        return self._name("site", organisation, raw)

    def _name(self, field: str, organisation: int, raw: str) -> str:
        words = tidy(raw)
        if not words:
            return ""
        key = (field, organisation)
        if key not in self._known:
            self._known[key] = _named(field, organisation)
        return self._known[key].get(words.casefold(), SELDOM)


def tidy(raw: str) -> str:
    return " ".join(raw.split())


def _named(field: str, organisation: int) -> dict[str, str]:
    """Name without capitals -> its most used spelling, of names that enough cases bear."""
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    rows = (
        Case.objects.filter(organisation=organisation, submitted_at__isnull=False)
        .exclude(**{field: ""})
        .order_by()
        .values_list(field)
        .annotate(cases=Count("pk"))
    )
    for raw, cases in rows:
        words = tidy(raw)
        spellings[words.casefold()][words] += cases
    return {
        name: max(sorted(found), key=found.__getitem__)
        for name, found in spellings.items()
        if found.total() >= FEWEST
    }

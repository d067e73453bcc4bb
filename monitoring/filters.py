"""What of the figures is looked at: a period, and of which origins and model. All in the address."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django import forms
from django.db.models import Q
from django.http import QueryDict
from django.utils import timezone

from classifier.models import ModelVersion
from monitoring.models import Origin
from patients.choices import Stain

PERIODS = [("4", "4 weeks"), ("13", "13 weeks"), ("26", "26 weeks"), ("52", "52 weeks"), ("104", "2 years")]  # fmt: skip
DEFAULT = "13"
UNSTATED = "-"  # in the address: those that name no stain, microscope or site


@dataclass(frozen=True)
class Wanted:
    """A range of days, both included, and conditions on origin and model."""

    first: date
    last: date
    condition: Q

    def before(self) -> "Wanted":
        """As many days again, just before."""
        days = self.last - self.first + timedelta(days=1)
        return Wanted(self.first - days, self.first - timedelta(days=1), self.condition)

    @property
    def where(self) -> Q:
        """For ReadCount and SignedCount."""
        return Q(day__gte=self.first, day__lte=self.last) & self.condition


@dataclass(frozen=True)
class Known:
    """The origins and models that there are counts of."""

    origins: dict[int, Origin]
    versions: dict[int, ModelVersion]

    def choices(self, of: str) -> list[tuple[str, str]]:
        values = {getattr(origin, of) for origin in self.origins.values()}
        return [(value or UNSTATED, value or "not stated") for value in sorted(values)]


def known() -> Known:
    """Two queries."""
    origins = Origin.objects.select_related("organisation")
    versions = ModelVersion.objects.defer("manifest").order_by("-registered_at")
    return Known(
        origins={origin.pk: origin for origin in origins},
        versions={version.pk: version for version in versions},
    )


class FilterForm(forms.Form):
    weeks = forms.ChoiceField(label="Period", choices=PERIODS, required=False)
    organisation = forms.ChoiceField(required=False)
    stain = forms.ChoiceField(required=False)
    device = forms.ChoiceField(label="Microscope", required=False)
    site = forms.ChoiceField(label="Site", required=False)
    model = forms.ChoiceField(required=False)

    def __init__(self, data: Any, *, known: Known) -> None:
        super().__init__({"weeks": DEFAULT, **{name: data[name] for name in data}})
        organisations = {
            str(origin.organisation.public_id): origin.organisation.name
            for origin in known.origins.values()
        }
        stains = dict(Stain.choices)
        self._choose("organisation", sorted(organisations.items(), key=lambda one: one[1]))
        self._choose(
            "stain", [(value, stains.get(value, name)) for value, name in known.choices("stain")]
        )
        self._choose("device", known.choices("device"))
        self._choose("site", known.choices("site"))
        names = [version.model_id for version in known.versions.values()]
        self._choose("model", [(name, name) for name in names])

    def _choose(self, name: str, choices: Iterable[tuple[str, str]]) -> None:
        label = self.fields[name].label
        self.fields[name] = forms.ChoiceField(
            label=label, choices=[("", "All"), *choices], required=False
        )

    def wanted(self, today: date | None = None) -> Wanted:
        """Of a valid form. Whole weeks from a Monday on, the present one included."""
        facts = self.cleaned_data
        last = today or timezone.localdate()
        monday = last - timedelta(days=last.weekday())
        weeks = int(facts["weeks"] or DEFAULT)
        condition = Q()
        if facts["organisation"]:
            condition &= Q(origin__organisation__public_id=facts["organisation"])
        for name in ("stain", "device", "site"):
            if facts[name]:
                value = "" if facts[name] == UNSTATED else facts[name]
                condition &= Q(**{f"origin__{name}": value})
        if facts["model"]:
            condition &= Q(version__model_id=facts["model"])
        return Wanted(monday - timedelta(weeks=weeks - 1), last, condition)

    def address(self) -> str:
        """What was chosen, as the query of an address; empty where nothing was."""
        query = QueryDict(mutable=True)
        for name, value in self.cleaned_data.items():
            if value and (name, value) != ("weeks", DEFAULT):
                query[name] = value
        return query.urlencode()

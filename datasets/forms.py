"""What people send about data sets."""

from typing import Any

from django import forms
from django.utils.text import slugify

from datasets.consents import LONGEST_REASON
from datasets.services import SLUG
from patients.text import storable

_PLAIN = {"autocomplete": "off"}


class Text(forms.CharField):
    """What no database can hold is replaced."""

    def to_python(self, value: Any) -> Any:
        return storable(super().to_python(value) or "")


class AboutForm(forms.Form):
    """Name, terms and origin of a set that is begun."""

    name = Text(max_length=120, widget=forms.TextInput(attrs=_PLAIN))
    slug = Text(
        label="Short name",
        max_length=60,
        required=False,
        help_text="Its folder where it is written out, such as our-smears. Left empty, it is made "
        "of the name.",
        widget=forms.TextInput(attrs=_PLAIN),
    )
    licence = Text(
        max_length=120,
        help_text="Under which it may be used, such as CC BY 4.0, or who may use it for what.",
        widget=forms.TextInput(attrs=_PLAIN),
    )
    source = Text(
        label="Citation or address",
        max_length=500,
        required=False,
        widget=forms.TextInput(attrs=_PLAIN),
    )
    description = Text(max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3}))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        given = data.get("slug", "")
        slug = given.lower() or slugify(data.get("name", ""))[:60].strip("-_")
        if data.get("name") and not SLUG.fullmatch(slug):
            self.add_error(
                "slug", "Give it a short name of small letters, digits, hyphens and underscores."
            )
        data["slug"] = slug
        return data


class SignedForm(AboutForm):
    material = forms.ChoiceField(
        label="Which cells",
        choices=[("real", "Cells of patients"), ("drawn", "Drawn cells of demonstrations")],
        help_text="The two are never in one set.",
    )
    field_order = ["material", "name", "slug", "licence", "source", "description"]


class ConsentForm(forms.Form):
    given = forms.ChoiceField(
        label="Its signed cells may be used for training",
        choices=[("yes", "Yes"), ("no", "No")],
    )
    reason = Text(
        label="Why",
        max_length=LONGEST_REASON,
        help_text="Who decided, and where it is written down. Stands in the history for good.",
        widget=forms.TextInput(attrs=_PLAIN),
    )

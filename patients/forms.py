"""Forms of patients and cases."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone

from patients.models import Case, Comment, Patient
from patients.services.cases import DETAILS
from patients.services.people import FIELDS


class PatientForm(forms.ModelForm):
    class Meta:
        model = Patient
        fields = FIELDS
        widgets = {"birth_date": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}
        labels = {"mrn": "MRN", "birth_date": "Date of birth"}
        help_texts = {"mrn": "Medical record number, as your organisation writes it."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("mrn", "family_name", "given_name"):
            self.fields[name].widget.attrs["autocomplete"] = "off"

    def clean_birth_date(self) -> Any:
        day = self.cleaned_data["birth_date"]
        if day is not None and not 1880 <= day.year <= timezone.localdate().year:
            raise forms.ValidationError("Check the year of birth.")
        if day is not None and day > timezone.localdate():
            raise forms.ValidationError("The date of birth lies in the future.")
        return day


class CaseDetailsForm(forms.ModelForm):
    class Meta:
        model = Case
        fields = DETAILS
        widgets = {
            "clinical_question": forms.Textarea(attrs={"rows": 3}),
            "total_wbc": forms.NumberInput(
                attrs={"step": "0.01", "min": "0", "inputmode": "decimal"}
            ),
            "pixel_size_nm": forms.NumberInput(
                attrs={"step": "0.01", "min": "5", "inputmode": "decimal"}
            ),
        }
        labels = {
            "stain": "Stain",
            "magnification": "Objective",
            "device": "Device",
            "site": "Site",
            "total_wbc": "Total WBC",
            "pixel_size_nm": "Pixel size",
        }
        help_texts = {
            "total_wbc": "×10⁹/L, from the blood count.",
            "pixel_size_nm": "Nanometres per pixel: gives the scale bar.",
            "device": "Microscope or scanner.",
            "site": "Who made the smear: ward, clinic or laboratory.",
            "clinical_question": "What should the specialist answer?",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("stain", "magnification"):
            choices = self.fields[name].choices  # type: ignore[attr-defined]
            self.fields[name].choices = [  # type: ignore[attr-defined]
                (value, label if value else "Not given") for value, label in choices
            ]
        # As people write it: the column's two places would turn 7.2 into 7.20.
        for name in ("total_wbc", "pixel_size_nm"):
            if (number := self.initial.get(name)) is not None:
                self.initial[name] = format(Decimal(number).normalize(), "f")


class CommentForm(forms.ModelForm):
    class Meta:
        model = Comment
        fields = ("body",)
        widgets = {"body": forms.Textarea(attrs={"rows": 2})}
        labels = {"body": "Write to everybody on this case"}


class BoxForm(forms.Form):
    """A rectangle in pixels of the normalised picture."""

    left = forms.IntegerField(min_value=0)
    top = forms.IntegerField(min_value=0)
    width = forms.IntegerField(min_value=1)
    height = forms.IntegerField(min_value=1)

    def box(self) -> tuple[int, int, int, int]:
        """(left, top, right, bottom)."""
        given = self.cleaned_data
        return (
            given["left"],
            given["top"],
            given["left"] + given["width"],
            given["top"] + given["height"],
        )


def first_errors(form: forms.BaseForm) -> dict[str, str]:
    """Field -> its first sentence, for answers to programs."""
    return {name: str(errors[0]) for name, errors in form.errors.items()}


__all__ = ["BoxForm", "CaseDetailsForm", "CommentForm", "PatientForm", "first_errors"]

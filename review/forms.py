"""Forms of readings: whom a case is handed to, and whom one asks."""

from typing import Any

from django import forms

from accounts.models import User
from patients.models import Case
from review.colleagues import colleagues


class ColleagueForm(forms.Form):
    """Choose a colleague who can read the case."""

    colleague = forms.ModelChoiceField(
        queryset=User.objects.none(),
        to_field_name="public_id",
        empty_label="Choose a colleague",
        error_messages={"invalid_choice": "This person cannot read the case. Choose another."},
    )

    def __init__(self, *args: Any, user: User, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["colleague"].queryset = colleagues(user, case)  # type: ignore[attr-defined]


class OpinionForm(ColleagueForm):
    """Ask a colleague something about the case."""

    question = forms.CharField(
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        label="What do you want to know?",
        error_messages={"required": "Say what you want to know."},
    )

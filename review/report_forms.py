"""Forms around a report: its text, who signs it, why it is given back, what is verified."""

from typing import Any

from django import forms

from accounts.models import User
from accounts.proof import has_second_factor
from review.models import ReportDraft, TextBlock


class DraftForm(forms.ModelForm):
    """The text of a report before it is signed; ``amends`` asks for the reason too."""

    class Meta:
        model = ReportDraft
        fields = ["comment", "reason"]
        widgets = {
            "comment": forms.Textarea(attrs={"rows": 7}),
            "reason": forms.Textarea(attrs={"rows": 2}),
        }
        labels = {"reason": "Why the report is amended"}
        help_texts = {"reason": "Stands on the new version. Everybody who had the old one is told."}

    def __init__(self, *args: Any, amends: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["comment"].widget.attrs["autocomplete"] = "off"
        if not amends:
            del self.fields["reason"]


class ProofForm(forms.Form):
    """Password or code, asked for with the signature itself."""

    password = forms.CharField(
        required=False,
        strip=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    code = forms.CharField(
        label="or a code of your second factor",
        required=False,
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].label = "Your password"
        if not has_second_factor(user):
            del self.fields["code"]


class ReturnForm(forms.Form):
    sentence = forms.CharField(
        label="Why it is given back",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Goes into the case's thread.",
    )


class TextBlockForm(forms.ModelForm):
    class Meta:
        model = TextBlock
        fields = ["title", "body"]
        widgets = {"body": forms.Textarea(attrs={"rows": 3})}
        labels = {"title": "Name", "body": "Text"}


class VerifyForm(forms.Form):
    code = forms.CharField(
        required=False,
        max_length=40,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}
        ),
        help_text="Fifteen characters, under the word Code. Hyphens and small letters do not matter.",
    )
    file = forms.FileField(
        label="or its PDF or JSON file",
        required=False,
        widget=forms.FileInput(attrs={"accept": ".pdf,.json,application/pdf,application/json"}),
        help_text="Compared by its hash alone. You may drop it anywhere on this page.",
    )
    # Where the browser can hash the file itself, it sends this instead of the file.
    sha256 = forms.RegexField(r"^[0-9a-f]{64}$", required=False, widget=forms.HiddenInput)

"""What administrators send about alarms and references."""

from django import forms


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label="Why",
        max_length=300,
        help_text="One sentence. It stands in the audit record.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

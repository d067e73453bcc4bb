"""What people send about promotions."""

from django import forms


class AskForm(forms.Form):
    reason = forms.CharField(
        label="Why",
        required=False,
        max_length=300,
        help_text="Stands in the history and in the audit record.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class DecideForm(forms.Form):
    answer = forms.ChoiceField(
        choices=[("agree", "Agree"), ("decline", "Decline"), ("withdraw", "Withdraw")]
    )


class RollbackForm(forms.Form):
    """``active``: the model that the page said to be active."""

    active = forms.CharField(max_length=80)

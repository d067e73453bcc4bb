"""Forms of the people, organisation and settings pages."""

from typing import Any, cast

from allauth.account import forms as allauth_forms
from django import forms

from accounts.models import Organisation, Role, User


class LoginForm(allauth_forms.LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain_labels(self.fields["login"], self.fields["password"])


class ResetPasswordForm(allauth_forms.ResetPasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain_labels(self.fields["email"])


def _plain_labels(*fields: forms.Field) -> None:
    """Our spelling, and no placeholder that repeats the label."""
    for field in fields:
        if isinstance(field, forms.EmailField):
            field.label = "E-mail address"
        field.widget.attrs.pop("placeholder", None)


class PersonForm(forms.Form):
    """Adding or editing a person; ``person`` is the one being edited."""

    full_name = forms.CharField(label="Name", max_length=120)
    email = forms.EmailField(
        label="E-mail address", max_length=254, help_text="They sign in with it."
    )
    role = forms.ChoiceField(choices=Role)
    organisation = forms.ModelChoiceField(
        queryset=Organisation.objects.filter(is_active=True),
        to_field_name="public_id",
        empty_label="Choose the organisation",
    )
    is_active = forms.BooleanField(
        label="May sign in",
        required=False,
        help_text="Without the tick every open session ends at once. Nothing of theirs is deleted.",
    )

    def __init__(self, *args: Any, person: User | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if person is None:
            del self.fields["is_active"]
            return
        field = cast(forms.ModelChoiceField, self.fields["organisation"])
        # A person of an organisation that was switched off keeps it until somebody moves them.
        field.queryset = Organisation.objects.filter(is_active=True) | Organisation.objects.filter(
            pk=person.organisation_id
        )
        self.initial = {
            "full_name": person.full_name,
            "email": person.email,
            "role": person.role,
            "organisation": person.organisation.public_id,
            "is_active": person.is_active,
            **self.initial,
        }
        if person.last_login is not None:
            self.fields["email"].disabled = True
            self.fields["email"].help_text = "It cannot change after the first sign-in."


class OrganisationForm(forms.Form):
    name = forms.CharField(max_length=120)
    is_active = forms.BooleanField(
        label="In use",
        required=False,
        help_text="Without the tick nobody of this organisation can sign in. Its cases stay.",
    )

    def __init__(self, *args: Any, organisation: Organisation | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if organisation is None:
            del self.fields["is_active"]
            return
        self.initial = {
            "name": organisation.name,
            "is_active": organisation.is_active,
            **self.initial,
        }


class GrantForm(forms.Form):
    """Which organisation shall read for this one."""

    reading = forms.ModelChoiceField(
        label="Organisation",
        queryset=Organisation.objects.none(),
        to_field_name="public_id",
        empty_label="Choose the organisation",
    )

    def __init__(self, *args: Any, referring: Organisation, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast(forms.ModelChoiceField, self.fields["reading"])
        field.queryset = (
            Organisation.objects.filter(is_active=True)
            .exclude(pk=referring.pk)
            .exclude(grants_received__referring=referring)
        )


class ProfileForm(forms.Form):
    full_name = forms.CharField(label="Name", max_length=120)
    theme = forms.ChoiceField(
        label="Appearance",
        choices=User.Theme,
        help_text="Dark suits a microscope room.",
    )


class ThemeForm(forms.Form):
    theme = forms.ChoiceField(choices=User.Theme)


class PeopleFilter(forms.Form):
    """What the list of people may be narrowed by; every part may be empty."""

    q = forms.CharField(label="Name or e-mail", max_length=120, required=False)
    organisation = forms.ModelChoiceField(
        queryset=Organisation.objects.order_by("name"),
        to_field_name="public_id",
        required=False,
        empty_label="All",
    )
    role = forms.ChoiceField(choices=[("", "All"), *Role.choices], required=False)

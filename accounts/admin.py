"""Django's admin: a second door to people and organisations, with the same rules and record.

What is saved here goes through ``accounts.services``; patients and cases are not registered at all.
"""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from accounts import services
from accounts.errors import PeopleError
from accounts.models import Organisation, ReadingGrant, User
from accounts.services import refuse_losing_last_administrator


class PersonAdminForm(forms.ModelForm):
    class Meta:
        model = User
        fields = ["email", "full_name", "role", "organisation", "is_active"]

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        if self.instance.pk and not self.errors:
            try:
                refuse_losing_last_administrator(
                    person=self.instance,
                    role=cleaned["role"],
                    organisation=cleaned["organisation"],
                    is_active=cleaned.get("is_active", True),
                )
            except PeopleError as error:
                raise ValidationError(str(error)) from None
        return cleaned


class OrganisationAdminForm(forms.ModelForm):
    class Meta:
        model = Organisation
        fields = ["name", "is_active"]

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        if self.instance.pk and not cleaned.get("is_active"):
            try:
                services.refuse_switching_off_last_administrators(self.instance)
            except PeopleError as error:
                raise ValidationError(str(error)) from None
        return cleaned


class NothingIsDeleted(admin.ModelAdmin):
    """People and organisations are switched off; the record goes on naming them."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(User)
class PersonAdmin(NothingIsDeleted):
    form = PersonAdminForm
    list_display = ["full_name", "email", "role", "organisation", "is_active", "last_login"]
    list_filter = ["role", "is_active", "organisation"]
    search_fields = ["full_name", "email"]
    list_select_related = ["organisation"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("email",) if obj and obj.last_login else ()

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        facts: dict[str, Any] = {
            "email": obj.email,
            "full_name": obj.full_name,
            "role": obj.role,
            "organisation": obj.organisation,
        }
        if change:
            services.person_edit(
                by=request.user,  # type: ignore[arg-type]
                person=obj,
                is_active=obj.is_active,
                **facts,
            )
            return
        made = services.person_add(by=request.user, **facts)  # type: ignore[arg-type]
        obj.pk, obj.public_id, obj.password = made.pk, made.public_id, made.password
        services.invitation_send(
            by=request.user,  # type: ignore[arg-type]
            person=made,
            base_url=request.build_absolute_uri("/"),
        )


@admin.register(Organisation)
class OrganisationAdmin(NothingIsDeleted):
    form = OrganisationAdminForm
    list_display = ["name", "is_active", "created_at"]
    search_fields = ["name"]

    def save_model(self, request: HttpRequest, obj: Organisation, form: Any, change: bool) -> None:
        if change:
            services.organisation_edit(
                by=request.user,  # type: ignore[arg-type]
                organisation=obj,
                name=obj.name,
                is_active=obj.is_active,
            )
            return
        made = services.organisation_add(by=request.user, name=obj.name)  # type: ignore[arg-type]
        obj.pk, obj.public_id = made.pk, made.public_id


@admin.register(ReadingGrant)
class ReadingGrantAdmin(admin.ModelAdmin):
    list_display = ["referring", "reading", "created_at"]
    fields = ["referring", "reading"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Withdrawn on the organisation's page, one at a time."""
        return False

    def save_model(self, request: HttpRequest, obj: ReadingGrant, form: Any, change: bool) -> None:
        made = services.grant_give(
            by=request.user,  # type: ignore[arg-type]
            referring=obj.referring,
            reading=obj.reading,
        )
        obj.pk = made.pk

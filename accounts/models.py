"""Organisations, the people in them, and who reads for whom."""

import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac


class Organisation(models.Model):
    """A clinic that refers cases, a centre that reads them, or both."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=120)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(Lower("name"), name="organisation_name_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class ReadingGrant(models.Model):
    """A referring organisation lets a reading organisation see the cases that it submits."""

    referring = models.ForeignKey(Organisation, models.PROTECT, related_name="grants_given")
    reading = models.ForeignKey(Organisation, models.PROTECT, related_name="grants_received")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["referring", "reading"], name="grant_once"),
            models.CheckConstraint(
                condition=~models.Q(referring=models.F("reading")), name="grant_between_two"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reading} reads for {self.referring}"


class Role(models.TextChoices):
    CLINICIAN = "clinician", "Clinician"
    SPECIALIST = "specialist", "Specialist"
    ADMINISTRATOR = "administrator", "Administrator"


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """An administrator; the organisation is made when there is none (first start)."""
        fields.setdefault("full_name", "Administrator")
        if "organisation" not in fields:
            fields["organisation"], _ = Organisation.objects.get_or_create(name="TeleHeme")
        return self.create_user(email, password, role=Role.ADMINISTRATOR, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in by e-mail address and has exactly one role in one organisation."""

    class Theme(models.TextChoices):
        SYSTEM = "auto", "As the system"
        LIGHT = "light", "Light"
        DARK = "dark", "Dark"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    email = models.EmailField(max_length=254, unique=True)
    full_name = models.CharField(max_length=120)
    role = models.CharField(max_length=16, choices=Role)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="users")
    is_active = models.BooleanField(default=True)
    theme = models.CharField(max_length=8, choices=Theme, default=Theme.SYSTEM)
    created_at = models.DateTimeField(auto_now_add=True)
    # When the last link to choose a first password was handed to the mail server.
    invited_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["full_name"]

    class Meta:
        ordering = ["full_name"]
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_unique"),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="user_role_known"
            ),
        ]
        indexes = [
            # People page: one organisation's people by name.
            models.Index(fields=["organisation", "full_name"], name="user_by_organisation"),
        ]

    def __str__(self) -> str:
        return self.full_name or self.email

    @property
    def is_staff(self) -> bool:
        """Django admin asks for it; the role is the only truth."""
        return self.role == Role.ADMINISTRATOR

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Ends every open session when any of these changes, at the next request."""
        facts = (
            self.password,
            self.role,
            str(self.organisation_id),
            str(self.is_active),
            str(self.organisation.is_active),
        )
        return salted_hmac(
            "accounts.User.session", "\n".join(facts), secret=secret, algorithm="sha256"
        ).hexdigest()

    def get_full_name(self) -> str:
        return self.full_name

    def get_short_name(self) -> str:
        return self.full_name.split(" ")[0]

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        return self.is_active and self.role == Role.ADMINISTRATOR

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_active and self.role == Role.ADMINISTRATOR

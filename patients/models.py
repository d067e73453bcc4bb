"""Patients, their cases, the pictures of their smears and the talk about them."""

import uuid
from datetime import date
from decimal import Decimal

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from patients.choices import CaseStatus, Magnification, Priority, Sex, Stain
from patients.querysets import (
    CaseQuerySet,
    OfCaseQuerySet,
    PatientQuerySet,
    SmearImageQuerySet,
)


class Patient(models.Model):
    """A person under one organisation's care, known there by the medical record number (MRN)."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    organisation = models.ForeignKey("accounts.Organisation", models.PROTECT, related_name="+")
    mrn = models.CharField("MRN", max_length=40)
    family_name = models.CharField(max_length=120)
    given_name = models.CharField(max_length=120, blank=True)
    birth_date = models.DateField(null=True, blank=True)
    sex = models.CharField(max_length=8, choices=Sex, default=Sex.UNKNOWN)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PatientQuerySet.as_manager()

    class Meta:
        ordering = ["family_name", "given_name"]
        constraints = [
            models.UniqueConstraint(fields=["organisation", "mrn"], name="patient_mrn_unique"),
            models.CheckConstraint(condition=~Q(mrn=""), name="patient_has_mrn"),
            models.CheckConstraint(condition=Q(sex__in=Sex.values), name="patient_sex_known"),
        ]
        indexes = [
            # Patient search inside one organisation.
            models.Index(
                fields=["organisation", "family_name", "given_name"], name="patient_by_name"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.family_name}, {self.given_name}".strip(", ")

    def age_on(self, day: date) -> int | None:
        """Whole years on that day; None when the birth date is unknown."""
        if self.birth_date is None:
            return None
        before_birthday = (day.month, day.day) < (self.birth_date.month, self.birth_date.day)
        return day.year - self.birth_date.year - before_birthday


class CaseCounter(models.Model):
    """The last case number given out in a year."""

    year = models.PositiveSmallIntegerField(unique=True)
    last = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.year}: {self.last}"


class Case(models.Model):
    """One question about one patient's smear, with its images."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    number = models.CharField(max_length=16, unique=True)  # TH-2026-00042, read out by phone
    organisation = models.ForeignKey("accounts.Organisation", models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="cases")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reader = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    status = models.CharField(max_length=16, choices=CaseStatus, default=CaseStatus.DRAFT)
    priority = models.CharField(max_length=16, choices=Priority, default=Priority.ROUTINE)
    clinical_question = models.TextField(max_length=2000, blank=True)
    stain = models.CharField(max_length=16, choices=Stain, blank=True)
    magnification = models.PositiveSmallIntegerField(choices=Magnification, null=True, blank=True)
    device = models.CharField("microscope or scanner", max_length=120, blank=True)
    site = models.CharField(
        max_length=120, blank=True, help_text="Ward, clinic or laboratory that made the smear."
    )
    total_wbc = models.DecimalField(
        "total WBC",
        max_digits=6,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal("0")), MaxValueValidator(Decimal("1000"))],
        help_text="10*9/L, from the blood count.",
    )
    pixel_size_nm = models.DecimalField(
        "pixel size",
        max_digits=7,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal("5")), MaxValueValidator(Decimal("5000"))],
        help_text="Nanometres per pixel of the pictures, for the scale bar.",
    )
    # Chosen by the browser per form: the same form sent twice opens one case.
    creation_key = models.CharField(max_length=64, blank=True, editable=False)
    # Grows with every saved edit of the details: a stale form is refused, never merged silently.
    version = models.PositiveIntegerField(default=1)
    # Demo and load-test cases made of drawn cells; every page that shows them says so.
    synthetic = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    submitted_at = models.DateTimeField(null=True, blank=True)

    objects = CaseQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=CaseStatus.values), name="case_status_known"
            ),
            models.CheckConstraint(
                condition=Q(priority__in=Priority.values), name="case_priority_known"
            ),
            # Submitted once, submitted for ever; a withdrawn draft never was.
            models.CheckConstraint(
                condition=Q(status=CaseStatus.DRAFT, submitted_at__isnull=True)
                | Q(status=CaseStatus.WITHDRAWN)
                | Q(
                    status__in=[
                        CaseStatus.CLASSIFYING,
                        CaseStatus.READY,
                        CaseStatus.IN_REVIEW,
                        CaseStatus.SIGNED,
                    ],
                    submitted_at__isnull=False,
                ),
                name="case_submitted_when_past_draft",
            ),
            models.CheckConstraint(
                condition=Q(status=CaseStatus.IN_REVIEW, reader__isnull=False)
                | ~Q(status=CaseStatus.IN_REVIEW) & Q(reader__isnull=True)
                | Q(status=CaseStatus.CLASSIFYING),
                name="case_reader_while_in_review",
            ),
            models.CheckConstraint(
                condition=Q(total_wbc__isnull=True) | Q(total_wbc__gte=0, total_wbc__lte=1000),
                name="case_total_wbc_plausible",
            ),
            models.CheckConstraint(
                condition=Q(pixel_size_nm__isnull=True)
                | Q(pixel_size_nm__gte=5, pixel_size_nm__lte=5000),
                name="case_pixel_size_plausible",
            ),
            models.UniqueConstraint(
                fields=["created_by", "creation_key"],
                condition=~Q(creation_key=""),
                name="case_created_once",
            ),
        ]
        indexes = [
            # Case list of one organisation, newest first, optionally by status.
            models.Index(fields=["organisation", "-created_at"], name="case_list"),
            models.Index(fields=["organisation", "status", "-created_at"], name="case_by_status"),
            # A specialist's worklist: open cases of any organisation, stat before routine before
            # background (the reverse of the alphabet), the longest waiting first.
            models.Index(fields=["status", "-priority", "submitted_at"], name="case_worklist"),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("patients:case", args=[self.public_id])


class SmearImage(models.Model):
    """One uploaded picture, rebuilt: the normalised PNG that people, model and report all use."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    case = models.ForeignKey(Case, models.PROTECT, related_name="images")
    position = models.PositiveIntegerField()  # upload order, from 1
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    # The name as sent: shown to people only, never used for a path.
    original_name = models.CharField(max_length=255, blank=True)
    original_format = models.CharField(max_length=8)
    original_sha256 = models.CharField(max_length=64)
    # Chosen by the browser per file: the same key sent twice is the same upload.
    upload_key = models.CharField(max_length=64)
    picture_key = models.CharField(max_length=160, unique=True)
    thumbnail_key = models.CharField(max_length=160, unique=True)
    sha256 = models.CharField(max_length=64)  # of the normalised PNG
    thumbnail_sha256 = models.CharField(max_length=64, blank=True)
    bytes = models.PositiveIntegerField()
    width = models.PositiveIntegerField()  # pixels
    height = models.PositiveIntegerField()  # pixels
    warnings = models.JSONField(default=list, blank=True)  # codes of patients.images
    created_at = models.DateTimeField(auto_now_add=True)
    removed_at = models.DateTimeField(null=True, blank=True)

    objects = SmearImageQuerySet.as_manager()

    class Meta:
        ordering = ["position"]
        constraints = [
            # Among what is in the case: a blanked picture takes the place of the one it replaces.
            models.UniqueConstraint(
                fields=["case", "position"],
                condition=Q(removed_at__isnull=True),
                name="image_position_unique",
            ),
            models.UniqueConstraint(fields=["case", "upload_key"], name="image_upload_once"),
            # The same picture once per case, unless the earlier one was removed.
            models.UniqueConstraint(
                fields=["case", "sha256"],
                condition=Q(removed_at__isnull=True),
                name="image_once_per_case",
            ),
            models.CheckConstraint(condition=Q(position__gte=1), name="image_position_from_one"),
            models.CheckConstraint(
                condition=Q(width__gte=1, height__gte=1, bytes__gte=1), name="image_has_size"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case} image {self.position}"


class Comment(models.Model):
    """One message in a case's thread; never edited."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    case = models.ForeignKey(Case, models.PROTECT, related_name="comments")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    body = models.TextField(max_length=5000)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OfCaseQuerySet.as_manager()

    class Meta:
        ordering = [F("created_at").asc(), "pk"]
        constraints = [models.CheckConstraint(condition=~Q(body=""), name="comment_says_something")]

    def __str__(self) -> str:
        return f"{self.author} on {self.case}"

"""Data sets for training: labelled pictures, where they come from, and who consented to it."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from datasets.choices import OPEN_STATES, ItemState, Origin, SetState, Split

_NO_PICTURE = {"picture_key": "", "thumbnail_key": "", "sha256": "", "thumb__isnull": True}


class DataSet(models.Model):
    """Labelled pictures under one name. Once READY its content never changes."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # Its folder wherever it is written out, and its name in a training's configuration.
    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    origin = models.CharField(max_length=16, choices=Origin)
    licence = models.CharField(max_length=120)
    source = models.CharField("citation or address", max_length=500, blank=True)
    description = models.TextField(max_length=2000, blank=True)
    state = models.CharField(max_length=16, choices=SetState, default=SetState.WAITING)
    # Drawn cells of demonstrations: never in one set with real ones.
    synthetic = models.BooleanField(default=False)
    # The uploaded zip file in the store while it is worked on: parts of [key, SHA-256], in order.
    archive = models.JSONField(default=list, blank=True)
    archive_sha256 = models.CharField(max_length=64, blank=True)
    # How far the work has come, in pictures.
    planned = models.PositiveIntegerField(default=0)
    filled = models.PositiveIntegerField(default=0)
    compared = models.PositiveIntegerField(default=0)
    # A worker owns the work while this token is its own and the database's clock is before that.
    lease_token = models.UUIDField(null=True, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    # When a worker last took it up, by the database's clock: the beat leaves it alone for a while.
    touched_at = models.DateTimeField(null=True, blank=True)
    # What came of it (datasets.facts): pictures by class and split, sizes, what was left out.
    facts = models.JSONField(default=dict, blank=True)
    # SHA-256 of manifest.csv as ``datasets.contents`` writes it: the identity of the content.
    listing_sha256 = models.CharField(max_length=64, blank=True)
    error = models.CharField(max_length=300, blank=True)
    # Nobody: imported from the shell.
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(origin__in=Origin.values), name="data_set_origin_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=OPEN_STATES, finished_at__isnull=True, listing_sha256="")
                | Q(state=SetState.READY, finished_at__isnull=False) & ~Q(listing_sha256="")
                | Q(state=SetState.FAILED, finished_at__isnull=False, listing_sha256="")
                & ~Q(error="")
                | Q(state=SetState.REMOVED, finished_at__isnull=False),
                name="data_set_state_consistent",
            ),
            models.CheckConstraint(
                condition=Q(lease_token__isnull=True, lease_expires_at__isnull=True)
                | Q(
                    state=SetState.RUNNING,
                    lease_token__isnull=False,
                    lease_expires_at__isnull=False,
                ),
                name="data_set_lease_while_running",
            ),
            models.CheckConstraint(
                condition=Q(filled__lte=F("planned"), compared__lte=F("planned")),
                name="data_set_progress_within_plan",
            ),
        ]
        indexes = [
            # What has still to be worked on: the beat that rings for it.
            models.Index(
                fields=["created_at"],
                condition=Q(state__in=["waiting", "running"]),
                name="data_set_open",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Item(models.Model):
    """One picture of a data set, with the class that it is said to show.

    KEPT: the picture is in the store. LEFT_OUT: ``problem`` says why it is not. While a set of
    signed cells is made, an item knows its cell; once made it knows no cell, case or person.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    data_set = models.ForeignKey(DataSet, models.CASCADE, related_name="items")
    number = models.PositiveIntegerField()  # within the set, from 1
    state = models.CharField(max_length=16, choices=ItemState, default=ItemState.WAITING)
    problem = models.CharField(max_length=200, blank=True)
    kind = models.CharField("class", max_length=60)
    split = models.CharField(max_length=8, choices=Split, blank=True)
    # What shares it belongs on one side: a patient, a slide. Random where it was a patient of ours.
    source_group = models.CharField(max_length=200, blank=True)
    # As the imported archive or folder names it; empty for a signed cell.
    source_name = models.CharField(max_length=300, blank=True)
    attributes = models.JSONField(default=dict, blank=True)
    cell = models.ForeignKey(
        "classifier.Cell", models.PROTECT, null=True, blank=True, related_name="+"
    )
    # Whose signed cell it is; nobody's where it was imported.
    organisation = models.ForeignKey(
        "accounts.Organisation", models.PROTECT, null=True, blank=True, related_name="+"
    )
    month = models.CharField(max_length=7, blank=True)  # YYYY-MM of the signature

    picture_key = models.CharField(max_length=160, blank=True)
    thumbnail_key = models.CharField(max_length=160, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)  # of the PNG
    thumbnail_sha256 = models.CharField(max_length=64, blank=True)
    pixels_sha256 = models.CharField(max_length=64, blank=True)
    bytes = models.PositiveIntegerField(default=0)
    width = models.PositiveIntegerField(default=0)  # pixels
    height = models.PositiveIntegerField(default=0)  # pixels
    # The picture from afar and its perceptual hash (datasets.similar), as a signed 64-bit number.
    thumb = models.BinaryField(null=True, blank=True)
    phash = models.BigIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["data_set", "number"]
        constraints = [
            models.UniqueConstraint(fields=["data_set", "number"], name="item_number_once"),
            models.UniqueConstraint(
                fields=["data_set", "source_name"],
                condition=~Q(source_name=""),
                name="item_source_once",
            ),
            models.UniqueConstraint(
                fields=["data_set", "cell"],
                condition=Q(cell__isnull=False),
                name="item_cell_once",
            ),
            models.CheckConstraint(
                condition=Q(state=ItemState.WAITING, problem="", **_NO_PICTURE)
                | Q(state=ItemState.KEPT, problem="", thumb__isnull=False, phash__isnull=False)
                & ~Q(picture_key="")
                & ~Q(sha256="")
                & ~Q(kind="")
                | Q(state=ItemState.LEFT_OUT, **_NO_PICTURE) & ~Q(problem=""),
                name="item_state_consistent",
            ),
            models.CheckConstraint(
                condition=Q(split="") | Q(split__in=Split.values), name="item_split_known"
            ),
        ]
        indexes = [
            # Browsing a set by class and split, and counting both.
            models.Index(fields=["data_set", "kind", "split"], name="item_by_class"),
            # The orphan sweep: which of these keys a row points to.
            models.Index(fields=["picture_key"], name="item_by_picture"),
            models.Index(fields=["thumbnail_key"], name="item_by_thumbnail"),
        ]

    def __str__(self) -> str:
        return f"{self.data_set} {self.number}: {self.kind}"

    @property
    def path(self) -> str:
        """As manifest.csv names it, below the data folder."""
        return f"{self.data_set.slug}/images/{self.public_id.hex}.png"


class Likeness(models.Model):
    """Two pictures that are the same or nearly so, of one set or of two. ``a`` came first."""

    a = models.ForeignKey(Item, models.CASCADE, related_name="+")
    b = models.ForeignKey(Item, models.CASCADE, related_name="+")
    # 1 where the pixels are the same, else the correlation from afar.
    value = models.FloatField()
    exact = models.BooleanField(default=False)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["a", "b"], name="likeness_once"),
            models.CheckConstraint(condition=Q(a__lt=F("b")), name="likeness_in_order"),
            models.CheckConstraint(
                condition=Q(value__gte=0, value__lte=1), name="likeness_is_a_share"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.a} and {self.b}: {self.value:.3f}"


class Consent(models.Model):
    """What an organisation said about its signed cells in data sets; the newest row counts.

    Rows are added, never changed.
    """

    organisation = models.ForeignKey("accounts.Organisation", models.PROTECT, related_name="+")
    given = models.BooleanField()
    reason = models.CharField(max_length=300)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="consent_has_reason"),
        ]
        indexes = [
            # The newest word of each organisation.
            models.Index(fields=["organisation", "-id"], name="consent_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.organisation}: {'given' if self.given else 'not given'}"


class PatientSide(models.Model):
    """On which side a patient's cells are, in every set of signed cells from the first on."""

    patient = models.OneToOneField("patients.Patient", models.PROTECT, related_name="+")
    split = models.CharField(max_length=8, choices=Split)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(split__in=Split.values), name="patient_side_known"),
        ]

    def __str__(self) -> str:
        return f"{self.patient_id}: {self.split}"

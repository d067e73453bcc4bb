"""Model versions, cells, and the job that reads one cell with one model version."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from classifier.choices import SHADOW_QUEUE, ModelState, PredictionState, PromotionState
from classifier.querysets import CellQuerySet, CountingManager, PredictionQuerySet
from patients.choices import Priority


class ModelVersion(models.Model):
    """A directory of weights that passed its manifest's checks."""

    model_id = models.SlugField(max_length=80, unique=True)
    # SHA-256 of manifest.json, which itself holds the hash of every other file.
    manifest_sha256 = models.CharField(max_length=64)
    precision = models.CharField(max_length=8)
    state = models.CharField(max_length=16, choices=ModelState, default=ModelState.CANDIDATE)
    manifest = models.JSONField()
    registered_at = models.DateTimeField(auto_now_add=True)
    # Nobody: the version that ships, or one registered from the shell.
    registered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    activated_at = models.DateTimeField(null=True, blank=True)
    # When it last began to read along.
    shadow_since = models.DateTimeField(null=True, blank=True)
    # Where an uploaded directory lies in the store, as one zip file, for every machine to fetch.
    # Empty: the files were put into a model folder by hand, or ship with TeleHeme.
    bundle_key = models.CharField(max_length=160, blank=True)
    bundle_sha256 = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["-registered_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=Q(state=ModelState.ACTIVE), name="model_one_active"
            ),
            models.CheckConstraint(
                condition=Q(state__in=ModelState.values), name="model_state_known"
            ),
            models.CheckConstraint(
                condition=Q(bundle_key="", bundle_sha256="")
                | ~Q(bundle_key="") & ~Q(bundle_sha256=""),
                name="model_bundle_has_hash",
            ),
            models.CheckConstraint(
                condition=~Q(state=ModelState.SHADOW) | Q(shadow_since__isnull=False),
                name="model_shadow_has_time",
            ),
        ]

    def __str__(self) -> str:
        return self.model_id


class ModelAlias(models.Model):
    """A name of people's choosing that stands for a version, and may later stand for another."""

    name = models.SlugField(max_length=40, unique=True)
    version = models.ForeignKey(ModelVersion, models.PROTECT, related_name="aliases")
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    set_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return f"{self.name}: {self.version}"


class Promotion(models.Model):
    """One wish to have a version read new pictures: what the gate found, who asked, who agreed.

    Only ever added to: a decided one stays as it was decided.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    version = models.ForeignKey(ModelVersion, models.PROTECT, related_name="promotions")
    # What it would take the place of; nothing, where no version is active.
    before = models.ForeignKey(
        ModelVersion, models.PROTECT, null=True, blank=True, related_name="+"
    )
    state = models.CharField(max_length=16, choices=PromotionState)
    # Going back to a version that was active before: no gate, one person.
    rollback = models.BooleanField(default=False)
    findings = models.JSONField(default=list)  # of classifier.gate, in its order
    reason = models.CharField(max_length=300, blank=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    asked_at = models.DateTimeField(auto_now_add=True)
    # Whoever agreed or declined, where two are needed.
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-asked_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["version"],
                condition=Q(state=PromotionState.WAITING),
                name="promotion_one_waiting",
            ),
            models.CheckConstraint(
                condition=Q(state__in=PromotionState.values), name="promotion_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state=PromotionState.WAITING, decided_at__isnull=True)
                | ~Q(state=PromotionState.WAITING) & Q(decided_at__isnull=False),
                name="promotion_decided_has_time",
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True)
                | Q(asked_by__isnull=True)
                | ~Q(decided_by=F("asked_by"))
                | Q(state=PromotionState.WITHDRAWN),
                name="promotion_two_people",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version}: {self.get_state_display()}"


class Cell(models.Model):
    """One white cell in a picture: a box in pixels of the normalised picture."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    image = models.ForeignKey("patients.SmearImage", models.PROTECT, related_name="cells")
    index = models.PositiveIntegerField(default=1)  # within the picture, from 1
    x = models.PositiveIntegerField(default=0)
    y = models.PositiveIntegerField(default=0)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()

    objects = CellQuerySet.as_manager()

    class Meta:
        ordering = ["image__position", "index"]
        constraints = [
            models.UniqueConstraint(fields=["image", "index"], name="cell_index_unique"),
            models.CheckConstraint(condition=Q(width__gte=1, height__gte=1), name="cell_has_size"),
        ]

    def __str__(self) -> str:
        return f"{self.image} cell {self.index}"


class Prediction(models.Model):
    """One job: this cell of this picture, read by this model version. The row is the truth.

    The broker's message is only a doorbell. A worker owns the row while ``lease_token`` is its own
    and ``lease_expires_at`` (database clock) lies ahead; it writes its result only under that token.

    A version that reads along as a shadow has jobs of its own, each ``beside`` the one that counts.
    ``objects``, and every reverse relation, leave them out; ``jobs`` has them all.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    cell = models.ForeignKey(Cell, models.PROTECT, related_name="predictions")
    model_version = models.ForeignKey(ModelVersion, models.PROTECT, related_name="predictions")
    image_sha256 = models.CharField(max_length=64)  # what was asked to be read
    queue = models.CharField(max_length=16, choices=[*Priority.choices, (SHADOW_QUEUE, "Shadow")])
    # The job that counts, where this is a shadow's. It stays a shadow's when its version is
    # promoted: what was signed rests on the other.
    beside = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )

    state = models.CharField(max_length=16, choices=PredictionState, default=PredictionState.QUEUED)
    attempt = models.PositiveSmallIntegerField(default=0)
    lease_token = models.UUIDField(null=True, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    # The answer. Empty unless DONE.
    label = models.CharField(max_length=16, blank=True)
    confidence = models.FloatField(null=True, blank=True)
    probabilities = models.JSONField(null=True, blank=True)  # five floats, the model's class order
    in_distribution = models.FloatField(null=True, blank=True)  # the model's score
    abstained = models.BooleanField(default=False)
    reasons = models.JSONField(default=list, blank=True)  # codes of classifier.inference
    activation = models.BinaryField(null=True, blank=True)  # 8x8 uint8, row by row
    # x, y, width, height in pixels of the picture: what the model was shown; may reach beyond it.
    shown = models.JSONField(null=True, blank=True)
    attributes = models.JSONField(null=True, blank=True)  # name: [value, probability]
    # Float16s: where the model places the cell; only comparable within one model version.
    embedding = models.BinaryField(null=True, blank=True)
    model_sha256 = models.CharField(max_length=64, blank=True)  # what the worker had loaded
    precision = models.CharField(max_length=8, blank=True)  # what it ran in
    milliseconds = models.FloatField(null=True, blank=True)

    objects = CountingManager()
    jobs = PredictionQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["cell", "model_version"],
                condition=Q(beside__isnull=True),
                name="prediction_once_per_cell_and_model",
            ),
            models.UniqueConstraint(
                fields=["cell", "model_version"],
                condition=Q(beside__isnull=False),
                name="prediction_shadow_once",
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        PredictionState.QUEUED,
                        PredictionState.QUARANTINED,
                        PredictionState.CANCELLED,
                    ],
                    label="",
                    probabilities__isnull=True,
                    lease_token__isnull=True,
                    lease_expires_at__isnull=True,
                )
                | Q(
                    state=PredictionState.RUNNING,
                    label="",
                    probabilities__isnull=True,
                    lease_token__isnull=False,
                    lease_expires_at__isnull=False,
                    attempt__gte=1,
                )
                | Q(
                    state=PredictionState.DONE,
                    probabilities__isnull=False,
                    confidence__isnull=False,
                    finished_at__isnull=False,
                    attempt__gte=1,
                    lease_token__isnull=True,
                    lease_expires_at__isnull=True,
                )
                & ~Q(label="")
                & ~Q(model_sha256=""),
                name="prediction_state_consistent",
            ),
            models.CheckConstraint(
                condition=Q(confidence__isnull=True) | Q(confidence__gte=0, confidence__lte=1.0001),
                name="prediction_confidence_is_probability",
            ),
            models.CheckConstraint(
                condition=Q(beside__isnull=True, queue__in=Priority.values)
                | Q(beside__isnull=False, queue=SHADOW_QUEUE),
                name="prediction_queue_known",
            ),
        ]
        indexes = [
            # The sweep: open work by age, and expired leases. Small, because open work is.
            models.Index(
                fields=["state", "published_at"],
                condition=Q(state__in=["queued", "running"]),
                name="prediction_open",
            ),
            # A shadow's own page: what it read, what it could not.
            models.Index(
                fields=["model_version", "state"],
                condition=Q(beside__isnull=False),
                name="prediction_of_shadow",
            ),
            # Monitoring follows what was read in its order, and counts it by day.
            models.Index(
                fields=["finished_at", "id"],
                condition=Q(state="done"),
                name="prediction_done_by_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cell} by {self.model_version}: {self.get_state_display()}"

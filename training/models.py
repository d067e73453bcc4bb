"""Training runs, and what the model that read at the time said of the same test cells."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from classifier.models import ModelVersion
from datasets.models import DataSet
from training.choices import OPEN_STATES, JobState, Kind


class TrainingJob(models.Model):
    """One run, from data sets and options to a candidate. The row is the truth; a message is only
    a doorbell.

    A worker owns the row while ``lease_token`` is its own and ``lease_expires_at`` (database clock)
    lies ahead. What the run needs to go on lies in a folder of the worker's disk.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=16, choices=Kind)
    data_sets = models.ManyToManyField(DataSet, related_name="training_jobs")
    options = models.JSONField(default=dict)  # fields of ml.config.TrainConfig
    # The version whose network it goes on from; nothing: ImageNet's weights.
    start = models.ForeignKey(ModelVersion, models.PROTECT, null=True, blank=True, related_name="+")
    model_id = models.SlugField(max_length=80, unique=True)  # of the model that it makes
    # SHA-256 over data sets, options and start: the same again would make the same model again.
    fingerprint = models.CharField(max_length=64)

    state = models.CharField(max_length=16, choices=JobState, default=JobState.QUEUED)
    stop_asked = models.BooleanField(default=False)
    attempt = models.PositiveSmallIntegerField(default=0)  # since a person last started it
    lease_token = models.UUIDField(null=True, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)  # the last doorbell

    # What the worker saw last: step, done, total, unit, rate, left, epoch, epochs (ml.progress).
    progress = models.JSONField(default=dict, blank=True)
    history = models.JSONField(default=list, blank=True)  # rows of history.csv
    log = models.TextField(blank=True)  # the last lines
    error = models.CharField(max_length=500, blank=True)
    version = models.ForeignKey(
        ModelVersion, models.PROTECT, null=True, blank=True, related_name="training_jobs"
    )

    # Nobody: started from the shell.
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    asked_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-asked_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="training_kind_known"),
            models.UniqueConstraint(
                fields=["state"],
                condition=Q(state=JobState.RUNNING),
                name="training_one_running",
            ),
            models.CheckConstraint(
                condition=Q(
                    state=JobState.RUNNING,
                    lease_token__isnull=False,
                    lease_expires_at__isnull=False,
                    started_at__isnull=False,
                    attempt__gte=1,
                )
                | ~Q(state=JobState.RUNNING)
                & Q(lease_token__isnull=True, lease_expires_at__isnull=True, stop_asked=False),
                name="training_lease_while_running",
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=OPEN_STATES, version__isnull=True, finished_at__isnull=True, error=""
                )
                | Q(
                    state=JobState.STOPPED,
                    version__isnull=True,
                    finished_at__isnull=False,
                    error="",
                )
                | Q(state=JobState.FAILED, version__isnull=True, finished_at__isnull=False)
                & ~Q(error="")
                | Q(
                    state=JobState.DONE, version__isnull=False, finished_at__isnull=False, error=""
                ),
                name="training_state_consistent",
            ),
        ]
        indexes = [
            # What waits or runs: the beat that rings for it, and the claim.
            models.Index(
                fields=["asked_at"],
                condition=Q(state__in=["queued", "running"]),
                name="training_open",
            ),
            # Whether the same was trained before.
            models.Index(fields=["fingerprint"], name="training_same"),
        ]

    def __str__(self) -> str:
        return self.model_id

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def shown_state(self) -> str:
        return "Stopping" if self.stop_asked else str(self.get_state_display())


class Baseline(models.Model):
    """What a version said of the test cells of a run that made another one: predictions.csv.

    Measured by the run itself, on the same pictures, so that the gate can compare the two.
    """

    job = models.ForeignKey(TrainingJob, models.CASCADE, related_name="baselines")
    version = models.ForeignKey(ModelVersion, models.PROTECT, related_name="+")
    manifest_sha256 = models.CharField(max_length=64)  # of the files that were measured
    answers = models.TextField()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["job", "version"], name="baseline_once"),
        ]

    def __str__(self) -> str:
        return f"{self.version} on the test cells of {self.job}"

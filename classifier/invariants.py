"""What must always hold, whatever was killed, and how often it does not.

The oracle of every fault test, run every night on the real data. The numbers are those of the
reliability design: I1 lost, I2 duplicate, I3 stuck, I4 wrong, I6 audit, I7 orphan. The apps above
hand in their own at start-up (I5 sign, I8 notify).
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from django.db.models import Count, Exists, OuterRef, Q
from django.db.models.functions import Coalesce

from audit.models import AuditEvent
from audit.verify import verify as verify_chain
from classifier.choices import OPEN_STATES, ModelState, PredictionState
from classifier.clock import database_now
from classifier.finishing import SUM_TOLERANCE
from classifier.models import Cell, ModelVersion, Prediction
from patients.choices import CaseStatus
from patients.errors import DomainError
from patients.models import Case, SmearImage
from patients.services.orphans import orphans_found, prefixes
from patients.storage import list_stored, read_verified

STUCK_AFTER = 300  # seconds without an end
NAMED = 10  # violations listed of each kind

Tick = Callable[[], None]
Check = Callable[[bool, Tick], "Finding"]  # told whether to read stored files too

_registered: list[Check] = []


def register(check: Check) -> None:
    """Add an invariant of an app that this one may not import."""
    _registered.append(check)


@dataclass
class Finding:
    """One invariant: how many things were looked at, and which break it."""

    code: str
    title: str
    checked: int = 0
    broken: int = 0
    examples: list[str] = field(default_factory=list)

    def breaks(self, what: str) -> None:
        self.broken += 1
        if len(self.examples) < NAMED:
            self.examples.append(what)


def verify(*, files: bool = True, tick: Tick = lambda: None) -> list[Finding]:
    """Check everything; ``files=False`` leaves out reading every stored picture again."""
    findings = [_duplicates(), _stuck(), _wrong(tick)]
    findings += [check(files, tick) for check in _registered]
    findings.append(_audit())
    if files:
        findings += [_lost(tick), _orphans(tick)]
    return sorted(findings, key=lambda finding: finding.code)


def verify_pictures(*, after: int, limit: int) -> tuple[Finding, int | None]:
    """I1 for the next pictures by primary key, and where to go on (None at the end)."""
    finding = Finding("I1", "Every picture has its row, its file and its hash")
    images = list(SmearImage.objects.filter(pk__gt=after).order_by("pk")[:limit])
    for image in images:
        _check_files(image, finding)
    return finding, images[-1].pk if len(images) == limit else None


def _lost(tick: Tick) -> Finding:
    finding = Finding("I1", "Every picture and every model sent here has its file and its hash")
    for image in SmearImage.objects.order_by("pk").iterator(chunk_size=500):
        _check_files(image, finding)
        tick()
    for version in ModelVersion.objects.exclude(bundle_key=""):
        finding.checked += 1
        try:
            read_verified(version.bundle_key, sha256=version.bundle_sha256)
        except DomainError as error:
            finding.breaks(f"model {version.model_id}: {error.code}")
        tick()
    return finding


def _check_files(image: SmearImage, finding: Finding) -> None:
    finding.checked += 1
    try:
        read_verified(image.picture_key, sha256=image.sha256)
    except DomainError as error:
        finding.breaks(f"picture {image.public_id}: {error.code}")


def _duplicates() -> Finding:
    finding = Finding("I2", "At most one job and one result for each cell and model version")
    finding.checked = Prediction.jobs.count()
    twice = (
        Prediction.jobs.order_by()
        .values("cell__public_id", "model_version__model_id")
        .annotate(
            number=Count("pk", filter=Q(beside__isnull=True)),
            of_shadow=Count("pk", filter=Q(beside__isnull=False)),
        )
        .filter(Q(number__gt=1) | Q(of_shadow__gt=1))
    )
    for row in twice:
        many = max(row["number"], row["of_shadow"])
        finding.breaks(f"cell {row['cell__public_id']}: {many} jobs")
    cells = (
        SmearImage.objects.order_by()
        .annotate(number=Count("cells", filter=Q(cells__index=1)))
        .filter(number__gt=1)
    )
    for image in cells:
        finding.breaks(f"picture {image.public_id}: {image.number} first cells")
    return finding


def _stuck() -> Finding:
    finding = Finding("I3", f"No work without an end for more than {STUCK_AFTER} s")
    limit = database_now(plus_seconds=-STUCK_AFTER)
    still = Prediction.objects.filter(state__in=OPEN_STATES)
    finding.checked = still.count()
    # Waiting in a long queue is no fault: stuck is what nobody has sent or renewed for so long.
    since = Coalesce("lease_expires_at", "published_at", "created_at")
    for row in still.annotate(since=since).filter(since__lt=limit).iterator():
        finding.breaks(f"prediction {row.public_id}: {row.state}, attempt {row.attempt}")
    # A shadow's work may wait for as long as there is other; but not when its shadow has ended.
    shadows = Prediction.jobs.of_shadows().open().annotate(since=since).filter(since__lt=limit)
    for row in shadows.filter(
        ~Q(model_version__state=ModelState.SHADOW) | Q(state=PredictionState.RUNNING)
    ):
        finding.breaks(f"prediction {row.public_id} of a shadow: {row.state}")
    nothing_open = Case.objects.filter(
        ~Exists(
            Cell.objects.filter(image__case=OuterRef("pk"), image__removed_at__isnull=True).filter(
                ~Exists(Prediction.objects.filter(cell=OuterRef("pk")))
                | Exists(Prediction.objects.filter(cell=OuterRef("pk"), state__in=OPEN_STATES))
            )
        ),
        Exists(SmearImage.objects.filter(case=OuterRef("pk"), removed_at__isnull=True)),
        status=CaseStatus.CLASSIFYING,
    )
    for case in nothing_open:
        finding.breaks(f"case {case.public_id}: classifying with nothing open")
    return finding


def _wrong(tick: Tick) -> Finding:
    finding = Finding("I4", "Every result is of its picture and its model, and adds up to one")
    done = Prediction.jobs.filter(state=PredictionState.DONE).select_related(
        "cell__image", "model_version"
    )
    for row in done.iterator(chunk_size=500):
        finding.checked += 1
        for fault in _faults(row):
            finding.breaks(f"prediction {row.public_id}: {fault}")
        tick()
    return finding


def _faults(row: Prediction) -> Iterator[str]:
    if row.image_sha256 != row.cell.image.sha256:
        yield "another picture's hash"
    if row.model_sha256 != row.model_version.manifest_sha256:
        yield "another model's hash"
    classes = row.model_version.manifest["classes"]
    values = row.probabilities
    if not isinstance(values, list) or len(values) != len(classes):
        yield "not one probability a class"
        return
    if not all(isinstance(value, int | float) and math.isfinite(value) for value in values):
        yield "a probability that is no number"
        return
    if abs(sum(values) - 1) > SUM_TOLERANCE:
        yield f"probabilities add up to {sum(values):.6f}"
    if row.label not in classes or values[classes.index(row.label)] < max(values) - SUM_TOLERANCE:
        yield f"the label {row.label!r} is not the most probable class"


def _audit() -> Finding:
    finding = Finding("I6", "The audit chain is whole and tells of each quarantine")
    finding.checked = AuditEvent.objects.count()
    if problem := verify_chain().finding:
        finding.breaks(problem.message)
    told = set(
        AuditEvent.objects.filter(action="prediction.quarantined").values_list(
            "object_id", flat=True
        )
    )
    for public_id in Prediction.objects.filter(state=PredictionState.QUARANTINED).values_list(
        "public_id", flat=True
    ):
        if str(public_id) not in told:
            finding.breaks(f"prediction {public_id}: quarantined without an event")
    return finding


def _orphans(tick: Tick) -> Finding:
    finding = Finding("I7", "No stored file without a row for more than an hour")
    finding.checked = sum(1 for prefix in prefixes() for _ in list_stored(prefix))
    for key in orphans_found():
        finding.breaks(f"file {key}")
        tick()
    return finding

"""What the gallery of a case shows: its cells as tiles, counted, sorted and filtered."""

import string
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

from django.urls import reverse

from classifier.choices import PredictionState
from classifier.counting import exact_interval
from classifier.inference.classes import CLASSES
from classifier.inference.reasons import explain
from classifier.models import Cell, Prediction
from patients.choices import CaseStatus
from patients.models import SmearImage

UNIDENTIFIED = "unidentified"
UNREAD = "unread"
WAITING = "waiting"
PAGE = (
    72  # tiles in the first answer, whole rows of 3, 4, 6, 8 or 9; each further one brings as many
)
GROUPS = (*CLASSES, UNIDENTIFIED, UNREAD, WAITING)
SORTS = ("order", "certainty")
SHORT_REASONS = {
    "low_confidence": "unsure",
    "out_of_distribution": "unusual",
    "blank": "blank",
    "no_cell": "no cell",
    "blurred": "blurred",
}
_BASE64 = (string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/").encode()
_STEPS = bytes(_BASE64[(value >> 3) * 63 // 31] for value in range(256))
_NOBODY = UUID(int=0)
CLEAR = 0.7  # probability from which on an attribute is named


@dataclass
class Tile:
    """One cell, or a picture whose cell has no job yet."""

    image: SmearImage
    prediction: Prediction | None
    cell: Cell | None
    thumbnail: str
    picture: str
    words: dict[str, list[str]] = field(default_factory=dict)  # see Gallery.words
    labelled: bool = True  # False where several cells share a picture and need their own number

    @property
    def key(self) -> str:
        """Unique in the case, and the same from answer to answer."""
        return self.name.replace(".", "-")

    @property
    def name(self) -> str:
        index = f".{self.cell.index}" if self.cell and not self.labelled else ""
        return f"{self.image.position}{index}"

    @property
    def state(self) -> str:
        return self.prediction.state if self.prediction else PredictionState.QUEUED

    @property
    def group(self) -> str:
        """The class it counts for, or why it counts for none."""
        row = self.prediction
        if row is not None and row.state == PredictionState.DONE:
            return UNIDENTIFIED if row.abstained else row.label
        return UNREAD if self.state == PredictionState.QUARANTINED else WAITING

    @property
    def percent(self) -> int:
        """Confidence in whole percent, never rounded up to certainty."""
        confidence = (self.prediction.confidence if self.prediction else None) or 0.0
        return min(99, round(confidence * 100)) if confidence < 0.9995 else 100

    @property
    def why(self) -> list[str]:
        return [explain(code) for code in self.prediction.reasons] if self.prediction else []

    @property
    def short_why(self) -> str:
        codes = self.prediction.reasons if self.prediction else []
        return ", ".join(SHORT_REASONS.get(code, code) for code in codes[:1])

    @property
    def box(self) -> list[int]:
        """x, y, width, height in pixels of the picture: what the model was shown."""
        row = self.prediction
        return (row.shown if row else None) or [0, 0, self.image.width, self.image.height]

    @property
    def activation(self) -> str:
        """The 8x8 map row by row, one base64 character a value: empty without a map.

        32 steps are finer than the eye sees in an overlay, and a third less to send.
        """
        row = self.prediction
        raw = row.activation if row and row.shown else None
        return bytes(raw).translate(_STEPS).decode() if raw else ""

    @property
    def seen(self) -> str:
        """One character an attribute, in the order of `words`: which value the model sees, "-"
        where it is not sure."""
        found = (self.prediction.attributes if self.prediction else None) or {}
        return "".join(
            str(values.index(found[name][0])) if name in found and found[name][1] >= CLEAR else "-"
            for name, values in self.words.items()
        )

    @property
    def facts(self) -> dict[str, Any]:
        """What the zoomed view shows, for its script."""
        facts: dict[str, Any] = {
            "name": self.name,
            "file": self.image.original_name,
            "state": self.state,
            "picture": self.picture,
            "size": [self.image.width, self.image.height],
            "box": self.box,
        }
        row = self.prediction
        if row and row.state == PredictionState.DONE:
            facts |= {
                "label": row.label,
                "abstained": row.abstained,
                "probabilities": [round(p, 3) for p in row.probabilities or ()],
                "reasons": self.why,
                "seen": self.seen,
                "model": row.model_version.model_id,
                "precision": row.precision,
                "milliseconds": row.milliseconds,
            }
        elif row and row.state == PredictionState.QUARANTINED:
            facts["reasons"] = [row.last_error]
        return facts


@dataclass(frozen=True)
class ClassCount:
    group: str
    count: int
    total: int

    @property
    def percent(self) -> int:
        return round(100 * self.count / self.total) if self.total else 0

    @property
    def interval(self) -> str:
        """95 % interval of the percentage (Clopper-Pearson)."""
        low, high = exact_interval(self.count, self.total)
        return f"{round(100 * low)}–{round(100 * high)} %"


@dataclass
class Gallery:
    """All tiles of a case; ``shown`` are those of the chosen group in the chosen order."""

    case: Any
    tiles: list[Tile]
    sort: str = "order"
    group: str = ""
    limit: int = PAGE
    classes: tuple[str, ...] = field(default=CLASSES)

    def __post_init__(self) -> None:
        for tile in self.tiles:
            tile.words = self.words

    @cached_property
    def words(self) -> dict[str, list[str]]:
        """Each attribute's values that occur in the case: said once, and by number in the tiles."""
        found: dict[str, list[str]] = {}
        for tile in self.tiles:
            attributes = (tile.prediction.attributes if tile.prediction else None) or {}
            for name, (value, _) in attributes.items():
                if value not in found.setdefault(name, []):
                    found[name].append(value)
        return found

    @cached_property
    def by_group(self) -> dict[str, int]:
        counts = dict.fromkeys(GROUPS, 0)
        for tile in self.tiles:
            counts[tile.group] += 1
        return counts

    @property
    def total(self) -> int:
        return len(self.tiles)

    @property
    def read(self) -> int:
        return self.total - self.open - self.unread

    @property
    def settled(self) -> int:
        return self.total - self.open

    @property
    def unread(self) -> int:
        return self.by_group[UNREAD]

    @property
    def open(self) -> int:
        return self.by_group[WAITING]

    @property
    def jobless(self) -> int:
        return sum(tile.prediction is None for tile in self.tiles)

    @property
    def counts(self) -> list[ClassCount]:
        return [
            ClassCount(group, self.by_group[group], self.read)
            for group in (*self.classes, UNIDENTIFIED)
        ]

    @property
    def bars(self) -> list[dict[str, Any]]:
        """The read cells as one bar of length 100: group, x and width of each part."""
        bars, x = [], 0.0
        for count in self.counts:
            width = 100 * count.count / count.total if count.total else 0.0
            bars.append({"group": count.group, "x": x, "width": width})
            x += width
        return bars

    @property
    def shown(self) -> list[Tile]:
        """The first ``limit`` of the matching tiles: the page stays light, however large the case."""
        return self.matching[: self.limit]

    @property
    def more(self) -> int:
        return max(0, len(self.matching) - self.limit)

    @property
    def next_limit(self) -> int:
        return self.limit + PAGE

    @cached_property
    def matching(self) -> list[Tile]:
        tiles = [tile for tile in self.tiles if not self.group or tile.group == self.group]
        if self.sort == "certainty":
            tiles.sort(key=_certainty)
        return tiles


def _certainty(tile: Tile) -> tuple[int, float]:
    """Not analysed first, then the least certain, then what is still open."""
    if tile.group == UNREAD:
        return 0, 0.0
    if tile.group == WAITING:
        return 2, 0.0
    return 1, (tile.prediction.confidence if tile.prediction else None) or 0.0


def case_gallery(case: Any, *, sort: str = "order", group: str = "", limit: int = PAGE) -> Gallery:
    """Three queries, however many cells there are.

    A draft has no tiles: reading begins when it is submitted. Where a cell was read by several
    model versions the newest job counts.
    """
    if case.submitted_at is None or case.status == CaseStatus.WITHDRAWN:
        tiles: list[Tile] = []
    else:
        tiles = _tiles(case)
    return Gallery(
        case=case,
        tiles=tiles,
        sort=sort if sort in SORTS else "order",
        group=group if group in GROUPS else "",
        limit=max(PAGE, limit),
    )


def latest_predictions(
    case: Any, *, cells: Collection[UUID] | None = None
) -> dict[int, Prediction]:
    """The newest job of each cell (or of each of ``cells``) that was not cancelled, by the cell's
    primary key."""
    rows = Prediction.objects.of_case(case).exclude(state=PredictionState.CANCELLED)
    if cells is not None:
        rows = rows.filter(cell__public_id__in=cells)
    return {row.cell_id: row for row in rows.select_related("model_version", "cell").order_by("pk")}


def _tiles(case: Any) -> list[Tile]:
    predictions = latest_predictions(case)
    cells: dict[int, list[Cell]] = {}
    for cell in Cell.objects.filter(image__case=case, image__removed_at__isnull=True).order_by(
        "index"
    ):
        cells.setdefault(cell.image_id, []).append(cell)
    # One reverse() each, not 600: the place of the id in the address is all that differs.
    thumbnail = reverse("patients:thumbnail", args=[_NOBODY])
    picture = reverse("patients:picture", args=[_NOBODY])
    tiles: list[Any] = []
    for image in case.images.present().order_by("position"):
        key = str(image.public_id)
        own: list[Cell] | list[None] = cells.get(image.pk) or [None]
        tiles.extend(
            Tile(
                image=image,
                cell=cell,
                prediction=predictions.get(cell.pk) if cell else None,
                thumbnail=thumbnail.replace(str(_NOBODY), key),
                picture=picture.replace(str(_NOBODY), key),
                labelled=len(own) == 1,
            )
            for cell in own
        )
    return tiles

"""What differs between two versions of a report, computed from what each froze."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from patients.choices import Sex
from review import figures
from review.choices import Label

Content = Mapping[str, Any]
_NOTHING = "nothing"
_PATIENT = {
    "family_name": "Family name",
    "given_name": "Given name",
    "mrn": "MRN",
    "birth_date": "Birth date",
    "sex": "Sex",
}
_SPECIMEN = {
    "stain": "Stain",
    "magnification": "Objective",
    "device": "Device",
    "site": "Site",
    "pixel_size": "Pixel size",
}


@dataclass(frozen=True)
class Change:
    """One difference: what it is about, and how it was and is."""

    topic: str  # cells, differential, flags, comment, patient, specimen, model, rules
    what: str
    before: str
    after: str

    @property
    def sentence(self) -> str:
        return f"{self.what}: {self.before} before, {self.after} now"


def changes(before: Content, after: Content) -> list[Change]:
    """Everything that a reader of the later version would see differently; empty when nothing is."""
    return [
        *_fields("patient", _PATIENT, before["patient"], after["patient"]),
        *_fields("case", {"question": "Question"}, before["case"], after["case"]),
        *_fields("specimen", _SPECIMEN, before["specimen"], after["specimen"]),
        *_fields("specimen", {"wbc": "Total WBC"}, _wbc(before), _wbc(after)),
        *_cells(before, after),
        *_rows(before, after),
        *_flags(before, after),
        *_fields("comment", {"comment": "Comment"}, before, after),
        *_fields("model", {"models": "Model"}, _models(before), _models(after)),
        *_fields("rules", {"rules": "Rules"}, _rules(before), _rules(after)),
    ]


def _fields(topic: str, names: Mapping[str, str], before: Content, after: Content) -> Iterator:
    for name, words in names.items():
        was, now = before.get(name) or "", after.get(name) or ""
        if was != now:
            yield Change(topic, words, _value(name, was), _value(name, now))


def _value(name: str, value: Any) -> str:
    if name == "sex" and value:
        return Sex(value).label
    return str(value) or _NOTHING


def _wbc(content: Content) -> dict[str, str]:
    wbc = content["total_wbc"]
    return {"wbc": f"{wbc['value']} ×10⁹/L" if wbc else ""}


def _models(content: Content) -> dict[str, str]:
    return {"models": ", ".join(model["id"] for model in content["models"])}


def _rules(content: Content) -> dict[str, str]:
    return {"rules": content["policies"]["referring"]["identity"]}


def _cells(before: Content, after: Content) -> Iterator[Change]:
    was = {cell["id"]: cell for cell in before["cells"]}
    now = {cell["id"]: cell for cell in after["cells"]}
    renamed: dict[tuple[str, str], list[int]] = defaultdict(list)
    for key, cell in now.items():
        if key in was and was[key]["label"] != cell["label"]:
            renamed[was[key]["label"], cell["label"]].append(cell["number"])
    for (old, new), numbers in sorted(renamed.items()):
        yield Change("cells", _numbered(numbers), name_of(old), name_of(new))
    for keys, here, there in (
        ([key for key in now if key not in was], _NOTHING, "in the report"),
        ([key for key in was if key not in now], "in the report", _NOTHING),
    ):
        if keys:
            numbers = [(now if here == _NOTHING else was)[key]["number"] for key in keys]
            yield Change("cells", _numbered(numbers), here, there)


def _numbered(numbers: list[int]) -> str:
    head = ", ".join(str(number) for number in sorted(numbers)[:12])
    more = f" and {len(numbers) - 12} more" if len(numbers) > 12 else ""
    return f"{'Cell' if len(numbers) == 1 else 'Cells'} {head}{more}"


def _rows(before: Content, after: Content) -> Iterator[Change]:
    was = {row["label"]: row for row in before["differential"]["rows"]}
    for row in after["differential"]["rows"]:
        old, new = _percent(was.get(row["label"])), _percent(row)
        if old != new:
            yield Change("differential", f"{name_of(row['label'])}s", old, new)


def _percent(row: Content | None) -> str:
    if row is None or row["percent"] is None:
        return "not counted"
    interval = figures.percent_interval(float(row["low"]), float(row["high"]))
    return f"{figures.percent(float(row['percent']))} % ({interval})"


def _flags(before: Content, after: Content) -> Iterator[Change]:
    was = {flag["code"]: flag for flag in before["differential"]["flags"]}
    now = {flag["code"]: flag for flag in after["differential"]["flags"]}
    for code in sorted({*was, *now}):
        flags = [side[code]["sentence"] if code in side else "not flagged" for side in (was, now)]
        if flags[0] != flags[1]:
            yield Change("flags", (now.get(code) or was[code])["name"], *flags)


def name_of(label: str) -> str:
    return Label(label).label

"""The form of an organisation's rules: as many fields as there are values, one check for all.

What may be said is decided in ``review.policy_values`` alone; the form carries the text there and
each fault back beside its field.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils.formats import date_format
from django.utils.timezone import localtime

from patients.choices import Priority
from review import figures
from review.choices import LETTERS, LEUKOCYTES, Label
from review.flags import PLURALS
from review.models import ReadingPolicy
from review.policy import FLAGS, TARGETS, AgeGroup, FlagRule, Level, Policy, Range
from review.policy_history import described, quantity_words
from review.policy_values import MOST_GROUPS, PolicyRefused, parse
from review.services.policies import LONGEST_REASON

HOUSE_VALUES = frozenset(described(Policy()))
KINDS = ("percent", "absolute")
_NOT_WHOLE = dict.fromkeys(
    ("required", "invalid", "min_value", "max_value"),
    "This form did not arrive whole. Load the page again.",
)
_RELATIONS = {">": "above", ">=": "from", "<": "below", "<=": "up to"}


class JudgedField(forms.CharField):
    """A text that ``RulesForm.clean`` judges with all the others; marked where it must be given."""

    def validate(self, value: Any) -> None:
        """Nothing here: emptiness has its own sentence there."""


@dataclass(frozen=True)
class RangeLine:
    """One class of a group: its four fields."""

    label: str
    letter: str
    name: str
    since: str
    ends: list[tuple[BoundField, BoundField]]  # percent, absolute

    @property
    def errors(self) -> list[str]:
        return [error for low, high in self.ends for error in (*low.errors, *high.errors)]


@dataclass(frozen=True)
class GroupBlock:
    """One age group as the form shows it."""

    title: str
    name: BoundField
    first: BoundField
    last: BoundField
    remove: BoundField | None  # None: a group that is not there yet
    lines: list[RangeLine]

    @property
    def has_errors(self) -> bool:
        fields = (self.name, self.first, self.last)
        return any(field.errors for field in fields) or any(line.errors for line in self.lines)


@dataclass(frozen=True)
class FlagLine:
    rule: FlagRule
    quantity: str
    relation: str
    unit: str
    since: str
    limit: BoundField
    level: BoundField


class RulesForm(forms.Form):
    """``policy``: the rules that the form opens with; ``since``: which row set what of them."""

    number = forms.IntegerField(
        widget=forms.HiddenInput, min_value=0, max_value=10**6, error_messages=_NOT_WHOLE
    )
    groups = forms.IntegerField(
        widget=forms.HiddenInput, min_value=0, max_value=MOST_GROUPS + 1, error_messages=_NOT_WHOLE
    )
    target_cells = forms.TypedChoiceField(
        label="Leukocytes to count",
        coerce=int,
        choices=[(target, str(target)) for target in TARGETS],
        error_messages={"invalid_choice": "A differential counts to 100 or to 200 cells."},
        help_text="The desk says how many are missing; a smear with fewer can be signed all the same.",
    )
    two_signers = forms.BooleanField(
        label="Two specialists sign every report",
        required=False,
        help_text="A report is final when a second specialist has signed it, too.",
    )
    reason = JudgedField(
        label="Why",
        max_length=LONGEST_REASON,
        help_text="Stands in the history for good, with your name: the source of a range, or who decided.",
    )

    def __init__(
        self, *args: Any, policy: Policy, since: Mapping[str, ReadingPolicy], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.policy = policy
        self.since = since
        self.policy_values: dict[str, Any] = {}
        self.initial = {
            "number": policy.number,
            "target_cells": policy.target_cells,
            "two_signers": policy.two_signers,
            **self.initial,
        }
        self._shares_and_times()
        shown = [*policy.age_groups, None][:MOST_GROUPS]
        self.places = range(self._groups_sent() if self.is_bound else len(shown))
        self.initial["groups"] = len(shown)
        for place in self.places:
            self._group(place, shown[place] if place < len(shown) else None)
        for rule in policy.flags:
            self._flag(rule)

    # What the template shows -----------------------------------------------------------------

    @property
    def group_blocks(self) -> list[GroupBlock]:
        return [self._block(place) for place in self.places]

    @property
    def flag_lines(self) -> Iterator[FlagLine]:
        for rule in FLAGS:
            yield FlagLine(
                rule=rule,
                quantity=quantity_words(rule),
                relation=_RELATIONS[rule.relation],
                unit="cells" if rule.unit == "cells" else figures.UNIT,
                since=self.since_words(f"flags.{rule.code}"),
                limit=self[f"flags-{rule.code}-limit"],
                level=self[f"flags-{rule.code}-level"],
            )

    @property
    def times_and_count(self) -> list[tuple[BoundField, str]]:
        return [
            *(
                (self[f"turnaround-{priority}"], self.since_words(f"turnaround.{priority}"))
                for priority in Priority
            ),
            *self._with_since("escalate_after", "target_cells"),
        ]

    @property
    def how_they_read(self) -> list[tuple[BoundField, str]]:
        return self._with_since("read_before_model", "second_reading", "two_signers")

    def _with_since(self, *names: str) -> list[tuple[BoundField, str]]:
        return [(self[name], self.since_words(name)) for name in names]

    def since_words(self, path: str) -> str:
        """Since when the value at this path is in force; empty where there is none."""
        if path in self.since:
            row = self.since[path]
            day = date_format(localtime(row.created_at), "j M Y")
            return f"since {day}, rules {row.number}"
        return "house default" if path in HOUSE_VALUES else ""

    def _block(self, place: int) -> GroupBlock:
        prefix = f"age_groups-{place}"
        remove = f"{prefix}-remove"
        name = self[f"{prefix}-name"]
        return GroupBlock(
            title=str(name.initial or ""),
            name=name,
            first=self[f"{prefix}-first"],
            last=self[f"{prefix}-last"],
            remove=self[remove] if remove in self.fields else None,
            lines=[
                RangeLine(
                    label=label,
                    letter=LETTERS[label],
                    name=Label(label).label,
                    since=self.since_words(f"age_groups.{name.initial}.{label}"),
                    ends=[
                        (
                            self[f"{prefix}-ranges-{label}-{kind}-low"],
                            self[f"{prefix}-ranges-{label}-{kind}-high"],
                        )
                        for kind in KINDS
                    ],
                )
                for label in LEUKOCYTES
            ],
        )

    # Fields --------------------------------------------------------------------------------------

    def _shares_and_times(self) -> None:
        policy = self.policy
        self._text(
            "read_before_model", "Read before the model", f"{policy.read_before_model:g}",
            "Share of cases whose specialist sees the model's answers only after their own: 0 never, "
            "0.1 one case in ten, 1 always. Drawn, not chosen.", required=True,
        )  # fmt: skip
        self._text(
            "second_reading", "Second reading", f"{policy.second_reading:g}",
            "Share of cases that a second specialist reads blinded, to measure agreement.", required=True,
        )  # fmt: skip
        for priority in Priority:
            self._text(
                f"turnaround-{priority}", f"{priority.label}, minutes",
                str(policy.turnaround[priority]), required=True,
            )  # fmt: skip
        self._text(
            "escalate_after", "Escalate after, minutes", str(policy.escalate_after),
            "A critical result that nobody acknowledged, counted from the alert.", required=True,
        )  # fmt: skip

    def _groups_sent(self) -> int:
        text = str(self.data.get("groups", ""))
        return (
            min(int(text), MOST_GROUPS + 1)
            if text.isascii() and text.isdigit() and len(text) < 4
            else 0
        )

    def _group(self, place: int, group: AgeGroup | None) -> None:
        prefix, whose = f"age_groups-{place}", group.name if group else "new group"
        self._text(
            f"{prefix}-name", "Name", group.name if group else "", required=group is not None
        )
        self._text(
            f"{prefix}-first",
            "From age",
            str(group.first) if group else "",
            required=group is not None,
        )
        last = "" if group is None or group.last is None else str(group.last)
        self._text(f"{prefix}-last", "To age", last, "Whole years, included; empty: and older.")
        if group is not None:
            self.fields[f"{prefix}-remove"] = forms.BooleanField(
                label="Remove this age group", required=False
            )
        for label in LEUKOCYTES:
            usual = group.ranges.get(label, Range()) if group else Range()
            for kind in KINDS:
                ends = getattr(usual, kind) or (None, None)
                unit = "percent" if kind == "percent" else figures.UNIT
                for side, end in zip(("low", "high"), ends, strict=True):
                    self._text(
                        f"{prefix}-ranges-{label}-{kind}-{side}",
                        f"{PLURALS[label].capitalize()}, {'lowest' if side == 'low' else 'highest'} "
                        f"{unit}, {whose}",
                        "" if end is None else figures.plain(end),
                    )

    def _flag(self, rule: FlagRule) -> None:
        name = f"flags-{rule.code}"
        limit = "" if rule.limit is None else figures.plain(rule.limit)
        self._text(f"{name}-limit", f"{rule.name}, limit", limit)
        self.fields[f"{name}-level"] = forms.CharField(
            label=f"{rule.name}, level", required=False, initial=str(rule.level), max_length=20,
            widget=forms.Select(choices=Level.choices),
        )  # fmt: skip

    def _text(
        self, name: str, label: str, initial: str, help_text: str = "", *, required: bool = False
    ) -> None:
        self.fields[name] = field = JudgedField(
            label=label, required=required, initial=initial, help_text=help_text,
            max_length=80 if name.endswith("-name") else 12,
        )  # fmt: skip
        field.widget.attrs["autocomplete"] = "off"
        if not name.endswith("-name"):
            field.widget.attrs["inputmode"] = "decimal"

    # The check -----------------------------------------------------------------------------------

    def clean(self) -> dict[str, Any]:
        sent = self.cleaned_data
        groups, places = self._groups_given(sent)
        values = {
            "target_cells": sent.get("target_cells", self.policy.target_cells),
            "two_signers": sent["two_signers"],
            "read_before_model": sent.get("read_before_model"),
            "second_reading": sent.get("second_reading"),
            "escalate_after": _whole(sent.get("escalate_after")),
            "turnaround": {
                str(priority): _whole(sent.get(f"turnaround-{priority}")) for priority in Priority
            },
            "age_groups": groups,
            "flags": {
                rule.code: {
                    "limit": sent.get(f"flags-{rule.code}-limit") or None,
                    "level": sent.get(f"flags-{rule.code}-level"),
                }
                for rule in FLAGS
            },
        }
        try:
            parse(values)
        except PolicyRefused as refused:
            for path, sentence in refused.problems.items():
                self._say(path, places, sentence)
        if not sent.get("reason") and "reason" not in self.errors:
            self.add_error("reason", f"Say why, in at most {LONGEST_REASON} characters.")
        self.policy_values = values
        return sent

    def _groups_given(self, sent: dict[str, Any]) -> tuple[list[dict[str, Any]], list[int]]:
        """The age groups that stay, and the place in the form of each."""
        groups, places = [], []
        for place in self.places:
            prefix = f"age_groups-{place}"
            own = {name: value for name, value in sent.items() if name.startswith(f"{prefix}-")}
            if own.get(f"{prefix}-remove") or not any(own.values()):
                continue
            ranges: dict[str, dict[str, Any]] = {}
            for label in LEUKOCYTES:
                for kind in KINDS:
                    pair = [
                        own.get(f"{prefix}-ranges-{label}-{kind}-{side}")
                        for side in ("low", "high")
                    ]
                    if any(pair):
                        ranges.setdefault(str(label), {})[kind] = pair
            groups.append(
                {
                    "name": own.get(f"{prefix}-name"),
                    "first": _whole(own.get(f"{prefix}-first")),
                    "last": _whole(own.get(f"{prefix}-last"))
                    if own.get(f"{prefix}-last")
                    else None,
                    "ranges": ranges,
                }
            )
            places.append(place)
        return groups, places

    def _say(self, path: str, places: list[int], sentence: str) -> None:
        parts = path.split(".")
        if parts[0] == "age_groups" and len(parts) > 1:
            parts[1] = str(places[int(parts[1])])
        name = "-".join(parts)
        field = next((one for one in (name, f"{name}-low") if one in self.fields), None)
        if field is None or field not in self.errors:
            self.add_error(field, sentence)


def _whole(text: str | None) -> int | str | None:
    """The whole number, or the text as it is for the check to refuse."""
    return int(text) if text and text.isascii() and text.isdigit() else text

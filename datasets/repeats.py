"""The same picture more than once: in a set, across its sides, and in other sets."""

from dataclasses import dataclass, field

from django.db.models import Case, Count, F, IntegerField, Min, Q, QuerySet, Value, When

from datasets.choices import SetState, Split
from datasets.models import DataSet, Likeness

KINDS = {
    "": "All",
    "conflict": "Different classes",
    "leak": "On different sides",
    "others": "In other sets",
}
REASONS = 12  # for leaving out, that are listed
_CONFLICT = ~Q(a__kind=F("b__kind"))
_LEAK = ~Q(a__split=F("b__split"))


@dataclass
class Repeats:
    same: int = 0
    near: int = 0
    conflicts: int = 0
    leaks: int = 0
    others: dict[str, "Shared"] = field(default_factory=dict)
    """By the other set's short name."""

    @property
    def elsewhere(self) -> list[tuple[str, "Shared"]]:
        """For a template, where a set called "items" would hide the dict's own method."""
        return list(self.others.items())

    @property
    def any(self) -> bool:
        return bool(self.same or self.near or self.others)


@dataclass
class Shared:
    """Pairs of a picture here and one in another set."""

    pairs: int = 0
    exact: int = 0
    hidden: int = 0
    """With the one on train and the other on validation or test: whoever trains on both sets and
    measures on either measures memory."""


def repeats_of(data_set: DataSet) -> Repeats:
    """Three queries, whatever the size of the set."""
    within = Likeness.objects.filter(a__data_set=data_set, b__data_set=data_set).aggregate(
        same=Count("pk", filter=Q(exact=True)),
        near=Count("pk", filter=Q(exact=False)),
        conflicts=Count("pk", filter=_CONFLICT),
        leaks=Count("pk", filter=_LEAK),
    )
    found = Repeats(**within)
    for ours, theirs in (("a", "b"), ("b", "a")):
        rows = _with_others(data_set, ours, theirs).order_by()
        trained = Q(**{f"{ours}__split": Split.TRAIN})
        train_there = Q(**{f"{theirs}__split": Split.TRAIN})
        hidden = trained & ~train_there | ~trained & train_there
        counts = rows.values_list(f"{theirs}__data_set__slug").annotate(
            pairs=Count("pk"),
            same=Count("pk", filter=Q(exact=True)),
            hidden=Count("pk", filter=hidden),
        )
        for slug, *numbers in counts:
            shared = found.others.setdefault(slug, Shared())
            shared.pairs += numbers[0]
            shared.exact += numbers[1]
            shared.hidden += numbers[2]
    return found


def pairs_of(data_set: DataSet, kind: str) -> QuerySet[Likeness]:
    """The pairs of one of KINDS, what matters most first; each with its two items and their sets."""
    within = Q(a__data_set=data_set, b__data_set=data_set)
    others = (Q(a__data_set=data_set) | Q(b__data_set=data_set)) & ~within
    wanted = {
        "conflict": within & _CONFLICT,
        "leak": within & _LEAK,
        "others": others & Q(a__data_set__state=SetState.READY, b__data_set__state=SetState.READY),
    }.get(kind, within)
    weight = Case(
        When(_CONFLICT & _LEAK, then=Value(0)),
        When(_CONFLICT | _LEAK, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return (
        Likeness.objects.filter(wanted)
        .select_related("a__data_set", "b__data_set")
        .defer("a__thumb", "b__thumb")
        .annotate(weight=weight)
        .order_by("weight", "-value", "pk")
    )


def _with_others(data_set: DataSet, ours: str, theirs: str) -> QuerySet[Likeness]:
    return Likeness.objects.filter(
        **{f"{ours}__data_set": data_set, f"{theirs}__data_set__state": SetState.READY}
    ).exclude(**{f"{theirs}__data_set": data_set})


def reasons_of(data_set: DataSet) -> list[tuple[str, int, str]]:
    """Why pictures were left out, how many for each reason, and the name of one that was imported;
    the most frequent first."""
    rows = data_set.items.exclude(problem="").order_by().values("problem")
    found = rows.annotate(count=Count("pk"), name=Min("source_name")).order_by("-count", "problem")
    return [(row["problem"], row["count"], row["name"]) for row in found[:REASONS]]

"""What report.json holds, and the same in words: report.md."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from datasets.layouts.source import SPLITS, Picture
from ml.datasets.findings import Family, Match
from ml.datasets.scan import Look

LISTED = 20  # of anything in report.md; report.json has all of it


def counts(pictures: Sequence[Picture], looks: Sequence[Look]) -> dict[str, Any]:
    kinds = Counter((picture.kind, picture.split) for picture in pictures)
    return {
        "pictures": len(pictures),
        "bytes": sum(look.size for look in looks),
        "classes": {
            kind: {split: kinds[kind, split] for split in SPLITS}
            for kind in sorted({picture.kind for picture in pictures})
        },
        "sizes": dict(Counter(f"{look.width} x {look.height}" for look in looks).most_common()),
        "boxes": dict(Counter(box.kind for picture in pictures for box in picture.boxes)),
    }


def repeats(pictures: Sequence[Picture], found: Sequence[Family]) -> list[dict[str, Any]]:
    return [
        {
            "pictures": [_member(pictures[row]) for row in family.rows],
            "likeness": round(family.likeness, 4),
            "exact": family.exact,
            "conflict": family.conflict,
            "leak": family.leak,
        }
        for family in found
    ]


def elsewhere(pictures: Sequence[Picture], met: Sequence[Match]) -> list[dict[str, Any]]:
    return [
        {
            "picture": _member(pictures[match.row]),
            "set": match.other,
            "there": _member(match.picture),
            "likeness": round(match.likeness, 4),
            "exact": match.exact,
        }
        for match in met
    ]


def _member(picture: Picture) -> dict[str, str]:
    return {"name": picture.name, "class": picture.kind, "split": picture.split}


def in_words(content: dict[str, Any]) -> str:
    """Markdown."""
    about = content["about"]
    lines = [f"# {content['name']}: {about['title']}", ""]
    for title in ("licence", "citation", "page"):
        if about.get(title):
            lines.append(f"* {title.capitalize()}: {about[title]}")
    for file in about["files"]:
        how = "as expected" if file["known"] else "no checksum was known to compare it with"
        lines.append(f"* {file['name']}: SHA-256 {file['sha256']} ({how})")
    shares = ", ".join(format(share, "g") for share in content["shares"])
    drawn = (
        f"drawn here for {content['drawn']:,} pictures, by source group, with seed "
        f"{content['seed']} and train, val, test = {shares}"
    )
    lines += [
        f"* Split: {drawn if content['drawn'] else 'as the source gives it'}",
        f"* manifest.csv: SHA-256 {content['manifest_sha256']}",
        "",
        f"## {content['pictures']:,} pictures, {content['bytes'] / 1e6:,.1f} MB",
        "",
        "| class | train | val | test | all |",
        "|---|---|---|---|---|",
    ]
    for kind, counts in content["classes"].items():
        numbers = " | ".join(f"{counts[split]:,}" for split in SPLITS)
        lines.append(f"| {kind or '(none)'} | {numbers} | {sum(counts.values()):,} |")
    sizes = [f"{size} ({count:,})" for size, count in content["sizes"].items()]
    lines += ["", f"Sizes in pixels: {_some(sizes)}."]
    if content["boxes"]:
        boxes = [f"{_text(kind)} {count:,}" for kind, count in content["boxes"].items()]
        lines.append(f"Boxes: {', '.join(boxes)}.")
    lines += [*_repeats(content["repeated"]), *_elsewhere(content), *_rest(content)]
    return "\n".join(lines) + "\n"


def summary(content: dict[str, Any]) -> str:
    """The findings in a few lines."""
    repeated = content["repeated"]
    lines = [
        f"Repeats: {sum(row['exact'] for row in repeated)} exact and "
        f"{sum(not row['exact'] for row in repeated)} near; with conflicting classes: "
        f"{sum(row['conflict'] for row in repeated)}; across splits: "
        f"{sum(row['leak'] for row in repeated)}.",
    ]
    for name in content["against"]:
        everywhere, hidden = shared(content, name), shared(content, name, "val", "test")
        lines.append(f"Also in {name}: {everywhere}; in its val or test: {hidden}.")
    lines.append(
        f"Source groups across splits: {len(content['torn_groups'])}. Left out: "
        f"{len(content['dropped'])}. Files that cannot be used: {len(content['problems'])}."
    )
    return "\n".join(lines)


def shared(content: dict[str, Any], other: str, *splits: str) -> int:
    """Pictures that are also in these splits (or anywhere) of another set."""
    return len(
        {
            row["picture"]["name"]
            for row in content["elsewhere"]
            if row["set"] == other and (not splits or row["there"]["split"] in splits)
        }
    )


def _repeats(repeated: list[dict[str, Any]]) -> list[str]:
    lines = ["", "## The same picture more than once"]
    if not repeated:
        return [*lines, "None was found."]
    leaks = [row for row in repeated if row["leak"]]
    lines += [
        f"Families of repeats: {len(repeated)}; with the same pixels: "
        f"{sum(row['exact'] for row in repeated)}; with conflicting classes: "
        f"{sum(row['conflict'] for row in repeated)}; across splits, which flatters what is "
        f"measured there: {len(leaks)}.",
        "",
        "| pictures | likeness | |",
        "|---|---|---|",
    ]
    worst = sorted(repeated, key=lambda row: (not row["leak"], not row["conflict"]))
    for row in worst[:LISTED]:
        members = [
            f"{_name(p['name'])} ({', '.join(filter(None, (p['split'], p['class'])))})"
            for p in row["pictures"]
        ]
        marks = [word for word in ("conflict", "leak") if row[word]]
        likeness = "same pixels" if row["exact"] else f"{row['likeness']:.3f}"
        lines.append(f"| {_some(members)} | {likeness} | {', '.join(marks)} |")
    return lines + _more(len(repeated))


def _elsewhere(content: dict[str, Any]) -> list[str]:
    lines = []
    for name in content["against"]:
        rows = [row for row in content["elsewhere"] if row["set"] == name]
        lines += ["", f"## Also in {name}"]
        if not rows:
            lines.append("None.")
            continue
        pairs = {
            (row["picture"]["split"], row["there"]["split"], row["picture"]["name"]) for row in rows
        }
        lines += [f"| here | in {name} | pictures |", "|---|---|---|"]
        for (here, there), count in sorted(Counter(pair[:2] for pair in pairs).items()):
            lines.append(f"| {here} | {there} | {count} |")
        if hidden := shared(content, name, "val", "test"):
            lines += [
                "",
                f"**In its val or test: {hidden}.** Whoever trains on this set and measures there "
                "measures memory; --drop leaves these out.",
            ]
    return lines


def _rest(content: dict[str, Any]) -> list[str]:
    lines = []
    torn = [
        f"{_name(group)} ({', '.join(splits)})" for group, splits in content["torn_groups"].items()
    ]
    if torn:
        lines += ["", "## Source groups in more than one split", f"{_some(torn)}."]
    for title, rows in (
        ("Left out", content["dropped"]),
        ("Files that cannot be used", content["problems"]),
    ):
        if rows:
            lines += ["", f"## {title}: {len(rows)}"]
            lines += [f"* {_name(name)}: {_text(reason)}" for name, reason in rows[:LISTED]]
            lines += _more(len(rows))
    if content["notes"]:
        lines += ["", "## Notes", *(f"* {_text(note)}" for note in content["notes"])]
    return lines


def _some(items: Sequence[str], limit: int = 10) -> str:
    more = f" and {len(items) - limit:,} more" if len(items) > limit else ""
    return ", ".join(items[:limit]) + more


def _more(count: int) -> list[str]:
    return ["", f"{count - LISTED:,} more are in report.json."] if count > LISTED else []


def _name(text: str) -> str:
    """A name from outside in a code span: no table, link or markup of its own."""
    plain = " ".join(text.replace("`", "'").split())
    return "`" + plain.replace("|", "\\|") + "`"


def _text(text: str) -> str:
    """A sentence that may quote what is outside."""
    plain = " ".join(text.split())
    return "".join("\\" + c if c in "\\|`*[]<>" else c for c in plain)

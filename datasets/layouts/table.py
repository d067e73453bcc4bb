"""Any CSV with the columns path and class, and, if they are there, source_group and split.

Paths are relative to the folder of the CSV. Columns of other names become attributes.
"""

import csv
import io
from pathlib import Path, PurePosixPath

from datasets.layouts.names import class_name, harmless, split_name
from datasets.layouts.source import Contents, DatasetError, Picture, inside

COLUMNS = {
    "path": ("path", "image", "file", "filename", "file_name", "img_name", "image_path"),
    "class": ("class", "label", "category", "cell_type"),
    "source_group": ("source_group", "group", "patient", "patient_id", "slide", "slide_id"),
    "split": ("split", "set", "subset"),
    "sha256": ("sha256",),
}


def read(path: Path) -> Contents:
    rows = read_rows(path)
    columns = _columns(path, rows)
    contents, found, torn = Contents(), dict[str, Picture](), set[str]()
    for number, row in enumerate(rows, 2):
        known = {ours: row[theirs].strip() for ours, theirs in columns.items()}
        others = set(row) - set(columns.values())
        rest = {harmless(key): harmless(row[key]) for key in row if key in others}
        try:
            picture = _picture(path.parent, known, rest)
            twin = found.setdefault(picture.name, picture)
            if twin is not picture:
                torn.update([picture.name] if twin.kind != picture.kind else [])
                raise ValueError("the table names it more than once")
        except ValueError as error:
            contents.problems.append((f"row {number}: {known['path'][:200]}", str(error)))
    for name in sorted(torn):
        del found[name]
        contents.problems.append((name, "the table gives it two classes; neither is taken"))
    contents.pictures = list(found.values())
    return contents


def read_rows(path: Path) -> list[dict[str, str]]:
    """Rows by column; commas or semicolons. DatasetError if it is no table in UTF-8."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        delimiter = ";" if ";" in text.partition("\n")[0] else ","
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restval="")
        rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path.name} is no table in UTF-8: {error}.") from error
    return [{key.strip(): value for key, value in row.items() if key} for row in rows]


def _columns(path: Path, rows: list[dict[str, str]]) -> dict[str, str]:
    """Our names of columns to theirs."""
    there = {key.casefold(): key for key in (rows[0] if rows else {})}
    columns = {
        ours: there[word]
        for ours, words in COLUMNS.items()
        for word in reversed(words)  # so that the first of them wins
        if word in there
    }
    missing = {"path", "class"} - set(columns)
    if missing:
        raise DatasetError(
            f"{path.name} has no column {' and no column '.join(sorted(missing))} "
            f"(it has: {', '.join(there.values()) or 'nothing'}). A table needs path and class; "
            "source_group and split are welcome."
        )
    return columns


def _picture(root: Path, row: dict[str, str], attributes: dict[str, str]) -> Picture:
    name = row["path"].replace("\\", "/")
    file = inside(root, name)
    name = str(PurePosixPath(name))
    return Picture(
        file,
        name,
        class_name(row["class"]),
        harmless(row.get("source_group", "")) or str(PurePosixPath(name).with_suffix("")),
        split_name(row.get("split", "")),
        row.get("sha256", ""),
        attributes,
    )

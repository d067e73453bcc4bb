"""A set that is already in our layout (ml.data): manifest.csv, and boxes.csv if there are boxes."""

from collections import defaultdict
from pathlib import Path, PurePosixPath

from datasets.layouts.names import class_name, harmless, split_name
from datasets.layouts.source import Box, Contents, DatasetError, Picture, inside
from datasets.layouts.table import read_rows

OURS = ("path", "class", "source_group", "split", "sha256")


def read(root: Path) -> Contents:
    contents = Contents()
    boxes = _boxes(root / "boxes.csv")
    rows = read_rows(root / "manifest.csv")
    if rows and "path" not in rows[0]:
        raise DatasetError(f"{root.name}/manifest.csv has no column path.")
    for row in rows:
        # The first part is the set's own folder, whatever that is called now.
        name = "/".join(PurePosixPath(row["path"]).parts[1:])
        try:
            picture = Picture(
                inside(root, name),
                name,
                class_name(row.get("class", "")),
                harmless(row.get("source_group", "")) or PurePosixPath(name).stem,
                split_name(row.get("split", "")),
                row.get("sha256", ""),
                {key: harmless(value) for key, value in row.items() if key not in OURS},
                tuple(boxes[row["path"]]),
            )
        except ValueError as error:
            contents.problems.append((row["path"], str(error)))
        else:
            contents.pictures.append(picture)
    return contents


def _boxes(path: Path) -> dict[str, list[Box]]:
    boxes: dict[str, list[Box]] = defaultdict(list)
    for row in read_rows(path) if path.is_file() else []:
        try:
            corners = [int(row[side]) for side in ("xmin", "ymin", "xmax", "ymax")]
            boxes[row["path"]].append(Box(row.get("type") or row["label"], *corners))
        except (KeyError, ValueError) as error:
            raise DatasetError(f"A row of {path.name} is no box: {error}.") from error
    return boxes

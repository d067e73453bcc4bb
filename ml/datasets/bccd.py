"""BCCD: 364 fields of view, 640 x 480, boxes around 4,888 cells (Pascal VOC files).

The boxes say WBC, not which white cell. That is in labels.csv (Image, Category) of the photographs'
first publication, github.com/cosmicad/dataset; put it beside Annotations/ and it is used.
"""

import re
import xml.etree.ElementTree as ET  # nosec B405
from pathlib import Path

from datasets.layouts.names import class_name
from datasets.layouts.source import (
    SPLITS,
    Box,
    Contents,
    DatasetError,
    Picture,
    Remote,
    Source,
    inside,
)
from datasets.layouts.table import read_rows

CORNERS = ("xmin", "ymin", "xmax", "ymax")


def read(root: Path) -> Contents:
    contents = Contents()
    top = next((path.parent for path in sorted(root.rglob("Annotations")) if path.is_dir()), None)
    if top is None:
        raise DatasetError(f"{root.name} holds no folder Annotations: it is not BCCD as published.")
    kinds, splits = _kinds(root), _splits(top)
    if not kinds:
        contents.notes.append(
            "No labels.csv: which white cell each field shows is not known, and none of them can "
            "be used to train or test a classifier. ml/datasets/bccd.py says where it is."
        )
    for path in sorted((top / "Annotations").glob("*.xml")):
        try:
            file = inside(top, f"JPEGImages/{path.stem}.jpg")
            kind = class_name(kinds.get(path.stem, ""))
            boxes = _boxes(path)
        except ValueError as error:
            contents.problems.append((path.name, str(error)))
            continue
        split = splits.get(path.stem, "")
        contents.pictures.append(
            Picture(file, f"images/{file.name}", kind, path.stem, split, boxes=boxes)
        )
    return contents


def _kinds(root: Path) -> dict[str, str]:
    return {
        f"BloodImage_{int(row['Image']):05d}": row["Category"]
        for path in sorted(root.rglob("labels.csv"))
        for row in read_rows(path)
        if row.get("Image", "").strip().isdecimal() and "Category" in row
    }


def _splits(top: Path) -> dict[str, str]:
    lists = {split: top / "ImageSets" / "Main" / f"{split}.txt" for split in SPLITS}
    return {
        stem: split
        for split, path in lists.items()
        if path.is_file()
        for stem in path.read_text(encoding="utf-8", errors="replace").split()
    }


def _boxes(path: Path) -> tuple[Box, ...]:
    data = path.read_bytes()
    if re.search(rb"<!(DOCTYPE|ENTITY)", data):  # entities are how small XML files explode
        raise ValueError("its annotation declares entities, which no annotation needs")
    try:
        found = ET.fromstring(data).iter("object")  # noqa: S314  # nosec B314
        return tuple(
            Box(
                item.findtext("name", "").strip(),
                *(int(item.findtext(f"bndbox/{side}", "")) for side in CORNERS),
            )
            for item in found
        )
    except (ET.ParseError, ValueError) as error:
        raise ValueError(f"its annotation is no Pascal VOC file ({error})") from error


SOURCE = Source(
    name="bccd",
    folder="bccd_fields",
    title="BCCD, fields of view with boxes",
    licence="MIT",
    citation="Shenggan, BCCD Dataset, 2017, github.com/Shenggan/BCCD_Dataset; photographs by "
    "cosmicad and akshaylamba.",
    page="https://github.com/Shenggan/BCCD_Dataset",
    files=(
        Remote(
            "BCCD_Dataset-v1.0.zip",
            "https://github.com/Shenggan/BCCD_Dataset/archive/refs/tags/v1.0.zip",
        ),
    ),
    read=read,
)

"""PBC: 17,092 cells from Hospital Clinic de Barcelona; split and attributes from WBCAtt.

The archive holds a folder per class; WBCAtt's three tables, anywhere beside it, give the official
split of the five classes and eleven attributes of each cell. File names carry no patient.
"""

from collections.abc import Container
from dataclasses import replace
from pathlib import Path, PurePosixPath

from classifier.inference.classes import CLASSES
from datasets.layouts import folder
from datasets.layouts.names import harmless
from datasets.layouts.source import SPLITS, Contents, Remote, Source
from datasets.layouts.table import read_rows

ARCHIVE = Remote(
    "PBC_dataset_normal_DIB.zip",
    "https://data.mendeley.com/public-files/datasets/snkd93bnjr/files/"
    "2fc38728-2ae7-4a62-a857-032af82334c3/file_downloaded",
    listing="https://data.mendeley.com/public-api/datasets/snkd93bnjr/files"
    "?folder_id=root&version=1",
)
CITATION = (
    "A. Acevedo, A. Merino, S. Alferez, A. Molina, L. Boldu, J. Rodellar, A dataset of microscopic "
    "peripheral blood cell images for development of automatic recognition systems, Data in Brief "
    "30 (2020) 105474, doi:10.1016/j.dib.2020.105474; data doi:10.17632/snkd93bnjr.1."
)
PAGE = "https://data.mendeley.com/datasets/snkd93bnjr/1"
TABLE = "pbc_attr_v1_{}.csv"
# A commit, so that it cannot change behind our back.
WBCATT = (
    "https://raw.githubusercontent.com/apple2373/wbcatt/"
    "3121eea24a0977184bbedcb61b90f7a528f7b4e9/submission/"
)


def read(root: Path) -> Contents:
    contents = cells(root, CLASSES)
    rows = {
        row["img_name"]: (split, row)
        for split in SPLITS
        for path in sorted(root.rglob(TABLE.format(split)))
        for row in read_rows(path)
    }
    if not rows:
        contents.notes.append(
            f"WBCAtt's tables ({TABLE.format('train')}, ...) are not beside the pictures: no "
            "attributes, and the split is drawn here."
        )
    for place, picture in enumerate(contents.pictures):
        split, row = rows.get(picture.file.name, ("", {}))
        attributes = {
            key: harmless(value)
            for key, value in row.items()
            if key not in ("img_name", "label", "path")
        }
        contents.pictures[place] = replace(picture, split=split, attributes=attributes)
    return contents


def cells(root: Path, kinds: Container[str]) -> Contents:
    """The pictures of some of the archive's eight classes; the set's names are class/file."""
    top = next((path.parent for path in sorted(root.rglob("neutrophil")) if path.is_dir()), root)
    contents = folder.read(top)
    contents.pictures = [
        replace(picture, group=PurePosixPath(picture.name).stem)
        for picture in contents.pictures
        if picture.kind in kinds
    ]
    return contents


SOURCE = Source(
    name="pbc",
    folder="pbc",
    title="PBC, single cells of five classes, with WBCAtt's split and attributes",
    licence="CC BY 4.0 (PBC); MIT (WBCAtt)",
    citation=CITATION
    + " S. Tsutsui, W. Pang, B. Wen, WBCAtt: A White Blood Cell Dataset Annotated with Detailed "
    "Morphological Attributes, NeurIPS 2023, arXiv:2306.13531.",
    page=PAGE,
    files=(
        ARCHIVE,
        *(Remote(TABLE.format(split), WBCATT + TABLE.format(split)) for split in SPLITS),
    ),
    read=read,
)

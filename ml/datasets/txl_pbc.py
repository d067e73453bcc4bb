"""TXL-PBC: pictures of four older sets with boxes drawn anew (YOLO files); no classes of cells.

Among them are pictures of PBC: `--against pbc` says which, and which side of PBC's split they are.
"""

from pathlib import Path

from datasets.layouts.names import is_split, split_name
from datasets.layouts.source import Box, Contents, DatasetError, Picture, Remote, Source, walk
from ml.datasets.scan import dimensions

KINDS = ("WBC", "RBC", "Platelet")  # data.yaml: names
COMMIT = "bcafb7af67467b02b3bac19a95d0e43ebcc5b983"


def read(root: Path) -> Contents:
    contents = Contents()
    top = next((path.parent for path in sorted(root.rglob("labels")) if path.is_dir()), None)
    if top is None:
        raise DatasetError(f"{root.name} holds no folder labels: it is not TXL-PBC as published.")
    for name in walk(top / "images", contents):
        file = top / "images" / name
        side = name.partition("/")[0]
        try:
            boxes = _boxes((top / "labels" / name).with_suffix(".txt"), file)
        except (OSError, ValueError, IndexError) as error:
            contents.problems.append((name, f"its boxes cannot be read ({error})"))
            continue
        split = split_name(side) if is_split(side) else ""
        contents.pictures.append(
            Picture(file, f"images/{name}", group=file.stem, split=split, boxes=boxes)
        )
    return contents


def _boxes(labels: Path, picture: Path) -> tuple[Box, ...]:
    """Lines of "kind x y width height", centre and size in shares of the picture's."""
    width, height = dimensions(picture)
    boxes = []
    for line in labels.read_text(encoding="utf-8").splitlines():
        kind, x, y, w, h = line.split()
        across, down = float(x) * width, float(y) * height
        half, tall = float(w) * width / 2, float(h) * height / 2
        corners = (across - half, down - tall, across + half, down + tall)
        boxes.append(Box(KINDS[int(kind)], *(round(corner) for corner in corners)))
    return tuple(boxes)


SOURCE = Source(
    name="txl_pbc",
    folder="txl_pbc",
    title="TXL-PBC, pictures of several laboratories with boxes and no classes",
    licence="MIT",
    citation="L. Gan, X. Li, TXL-PBC: a freely accessible labeled peripheral blood cell dataset, "
    "arXiv:2407.13214.",
    page="https://github.com/lugan113/TXL-PBC_Dataset",
    files=(
        Remote(
            f"TXL-PBC_Dataset-{COMMIT[:7]}.zip",
            f"https://github.com/lugan113/TXL-PBC_Dataset/archive/{COMMIT}.zip",
        ),
    ),
    read=read,
)

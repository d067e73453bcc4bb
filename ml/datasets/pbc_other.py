"""PBC's three other classes: cells that are none of ours, to measure what a model refuses."""

from pathlib import Path

from datasets.layouts.source import Contents, Source
from ml.datasets import pbc

KINDS = ("erythroblast", "ig", "platelet")


def read(root: Path) -> Contents:
    return pbc.cells(root, KINDS)


SOURCE = Source(
    name="pbc_other",
    folder="pbc_other",
    title="PBC, erythroblasts, immature granulocytes (ig) and platelets",
    licence="CC BY 4.0",
    citation=pbc.CITATION,
    page=pbc.PAGE,
    files=(pbc.ARCHIVE,),
    read=read,
    shares=(0, 0.4, 0.6),  # nothing trains on them
)

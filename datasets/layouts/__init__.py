"""How a set of pictures may lie on a disk, whoever wants to take it in. No Django here.

source   what every reader gives back
folder   any folder per class
table    any CSV with paths and classes
prepared a set in our own layout (ml.data)
names    classes and splits as people write them
"""

from pathlib import Path

from datasets.layouts import folder, prepared, table
from datasets.layouts.source import Contents, DatasetError

__all__ = ["Contents", "DatasetError", "folder", "prepared", "read", "table"]


def read(path: Path) -> Contents:
    """What `path` holds, a folder or a table; DatasetError if nothing can be made of it."""
    if not path.exists():
        raise DatasetError(f"There is no {path}.")
    if path.is_file():
        return table.read(path)
    return (prepared if (path / "manifest.csv").is_file() else folder).read(path)

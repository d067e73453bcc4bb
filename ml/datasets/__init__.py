"""From somebody's folder of pictures to a set in TeleHeme's layout, with proof of what is in it.

    source      what a set is: pictures, classes, groups, splits, and where it comes from
    pbc, pbc_other, bccd, txl_pbc   the known sets, one file each
    folder, table, prepared         any folder per class, any CSV, a set in our own layout
    fetch       downloads and unpacking
    scan        reads every picture once and remembers it
    similar     exact and near duplicates
    splits      train, val and test by source group
    prepare     all of it in order; report writes down what was found

`manage.py prepare_dataset` is the way in; ml.data describes the layout that comes out.
"""

from pathlib import Path

from ml.datasets import bccd, folder, pbc, pbc_other, prepared, table, txl_pbc
from ml.datasets.source import Contents, DatasetError, Source

KNOWN: dict[str, Source] = {
    source.name: source for source in (pbc.SOURCE, pbc_other.SOURCE, bccd.SOURCE, txl_pbc.SOURCE)
}


def read(path: Path, source: Source | None = None) -> Contents:
    """What `path` holds, a folder or a table; DatasetError if nothing can be made of it."""
    if not path.exists():
        raise DatasetError(f"There is no {path}.")
    if path.is_file():
        return table.read(path)
    if (path / "manifest.csv").is_file():
        return prepared.read(path)
    return (source.read if source else folder.read)(path)

"""From somebody's folder of pictures to a set in TeleHeme's layout, with proof of what is in it.

    datasets.layouts   any folder per class, any CSV, a set in our own layout
    pbc, pbc_other, bccd, txl_pbc   the known sets, one file each
    fetch       downloads and unpacking
    scan        reads every picture once and remembers it
    similar     exact and near duplicates (with datasets.similar)
    datasets.splits    train, val and test by source group
    prepare     all of it in order; report writes down what was found

`manage.py prepare_dataset` is the way in; ml.data describes the layout that comes out.
"""

from pathlib import Path

from datasets import layouts
from datasets.layouts.source import Contents, Source
from ml.datasets import bccd, pbc, pbc_other, txl_pbc

KNOWN: dict[str, Source] = {
    source.name: source for source in (pbc.SOURCE, pbc_other.SOURCE, bccd.SOURCE, txl_pbc.SOURCE)
}


def read(path: Path, source: Source | None = None) -> Contents:
    """What `path` holds, a folder or a table; DatasetError if nothing can be made of it."""
    if source and path.is_dir() and not (path / "manifest.csv").is_file():
        return source.read(path)
    return layouts.read(path)

"""Any folder per class.

neutrophil/a.jpg              class neutrophil
neutrophil/patient7/b.jpg     the same, of source group patient7
train/neutrophil/a.jpg        with the split, if all folders at the top are named so
"""

from pathlib import Path, PurePosixPath

from datasets.layouts.names import class_name, is_known, is_split, split_name
from datasets.layouts.source import Contents, Picture, walk


def read(root: Path) -> Contents:
    root = top(root)
    contents = Contents()
    names = list(walk(root, contents))
    tops = {PurePosixPath(name).parts[0] for name in names if "/" in name}
    with_splits = bool(tops) and all(is_split(top) for top in tops)
    for name in names:
        parts = PurePosixPath(name).parts
        split = split_name(parts[0]) if with_splits and len(parts) > 1 else ""
        where = parts[1:] if split else parts
        try:
            if len(where) < 2:
                raise ValueError("it lies in no class folder")
            kind = class_name(where[0])
        except ValueError as error:
            contents.problems.append((name, str(error)))
            continue
        group = "/".join(where[1:-1]) or str(PurePosixPath(name).with_suffix(""))
        contents.pictures.append(Picture(root / name, name, kind, group, split))
    contents.notes += _empty(root, tops if with_splits else {""})
    return contents


def top(root: Path) -> Path:
    """Archives like to wrap all they hold in one folder; the class folders are what is wanted."""
    found = root
    while True:
        entries = [entry for entry in found.iterdir() if not entry.name.startswith((".", "__"))]
        if any(is_split(entry.name) or is_known(entry.name) for entry in entries):
            return found
        if len(entries) != 1 or entries[0].is_symlink() or not entries[0].is_dir():
            return root
        found = entries[0]


def _empty(root: Path, tops: set[str]) -> list[str]:
    folders = [f for top in sorted(tops) for f in sorted((root / top).iterdir()) if f.is_dir()]
    return [
        f"Class folder {folder.relative_to(root).as_posix()} is empty."
        for folder in folders
        if not folder.is_symlink() and not any(path.is_file() for path in folder.rglob("*"))
    ]

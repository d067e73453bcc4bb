"""What an imported set is made of: a folder per class, a table, or a set in our own layout."""

from pathlib import Path

from classifier.inference.manifest import file_sha256
from datasets.archives import MOST_FILES
from datasets.choices import ItemState
from datasets.errors import SetRefused
from datasets.layouts import Contents, DatasetError, folder, prepared, table
from datasets.layouts.source import Picture
from datasets.models import DataSet, Item

LONGEST = 300  # characters of a name
MOST_COLUMNS = 40  # of a table, kept as attributes
LONGEST_VALUE = 100
ONE_CELL = "It is said to show several cells; only pictures of one are taken."
UNSAID = "Nobody says what it shows."
ANOTHER = "Its SHA-256 is not the one that its table states."


def plan_imported(data_set: DataSet, root: Path) -> tuple[list[Item], str, list[str]]:
    """The items of a set, not saved; the folder below ``root`` that their names are relative to;
    notes. SetRefused where nothing can be made of what is there."""
    try:
        base, contents = _read(root)
    except DatasetError as error:
        raise SetRefused(str(error).replace(f"{root}/", "")) from error
    found: dict[str, Item] = {}
    for picture in contents.pictures:
        kind = picture.kind[:60]
        problem = _problem(picture)
        found[picture.name[:LONGEST]] = Item(
            data_set=data_set,
            kind=kind,
            split=picture.split,
            source_group=picture.group[:200],
            source_name=picture.name[:LONGEST],
            attributes={
                key[:LONGEST_VALUE]: value[:LONGEST_VALUE]
                for key, value in list(picture.attributes.items())[:MOST_COLUMNS]
            },
            state=ItemState.LEFT_OUT if problem else ItemState.WAITING,
            problem=problem,
        )
    for name, reason in contents.problems:
        found.setdefault(
            name[:LONGEST],
            Item(
                data_set=data_set,
                source_name=name[:LONGEST],
                state=ItemState.LEFT_OUT,
                problem=f"{reason[:1].upper()}{reason[1:]}."[:200],
            ),
        )
    items = list(found.values())
    if not any(item.state == ItemState.WAITING for item in items):
        first = next((f" {item.source_name}: {item.problem}" for item in items), "")
        raise SetRefused(f"There is no picture with a class in it.{first}")
    if len(items) > MOST_FILES:
        raise SetRefused(f"A data set has no more than {MOST_FILES:,} files.")
    for number, item in enumerate(items, 1):
        item.number = number
    return items, base.relative_to(root).as_posix(), contents.notes


def _read(root: Path) -> tuple[Path, Contents]:
    """What lies there, and the folder that names are relative to."""
    if root.is_file():
        return root.parent, table.read(root)
    tables = sorted(path for path in root.rglob("*.csv") if path.is_file())
    manifests = [path for path in tables if path.name == "manifest.csv"]
    if len(manifests) == 1:
        return manifests[0].parent, prepared.read(manifests[0].parent)
    notes = []
    if len(tables) == 1:
        try:
            return tables[0].parent, table.read(tables[0])
        except DatasetError as error:  # somebody's notes, say
            notes = [f"The table was passed over. {error}"]
    if len(tables) > 1:
        raise SetRefused(
            f"There are {len(tables)} tables in it. One with the columns path and class is taken, or "
            "a folder per class and no table."
        )
    contents = folder.read(root)
    contents.notes += notes
    return folder.top(root), contents


def _problem(picture: Picture) -> str:
    """Why it is not taken; empty where it is, as far as can be said without opening it."""
    if "," in picture.kind:
        return ONE_CELL
    if not picture.kind:
        return UNSAID
    if picture.sha256 and file_sha256(picture.file) != picture.sha256.lower():
        return ANOTHER
    return ""

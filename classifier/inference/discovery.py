"""Finding model directories: the shipped ones, and those of the folders a caller names."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from classifier.inference.errors import ModelError
from classifier.inference.manifest import FILE_NAME

SHIPPED = Path(__file__).resolve().parent.parent / "shipped"
DEFAULT_MODEL = "wbc-inceptionv3-2026.11.4"


def model_directories(folders: Iterable[Path | str] = (SHIPPED,)) -> Iterator[Path]:
    """Each directory with a manifest directly below the folders, by name; not yet verified."""
    for folder in folders:
        yield from sorted(path.parent for path in Path(folder).glob(f"*/{FILE_NAME}"))


def find_model(model_id: str = DEFAULT_MODEL, folders: Iterable[Path | str] = (SHIPPED,)) -> Path:
    """The directory called `model_id` in the first folder that has it; ModelError if none has."""
    known = list(model_directories(folders))
    for directory in known:
        if directory.name == model_id:
            return directory
    names = ", ".join(directory.name for directory in known) or "none"
    raise ModelError(f"There is no model {model_id!r}; found: {names}.")

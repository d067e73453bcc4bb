"""A data set beside the running product, with a pair of pictures that are the same."""

import tempfile
from pathlib import Path

from django.core.management import call_command

from tests.datasets.sets import folder_of


def imported(slug: str) -> None:
    names = {f"{kind}/{n}.png": n for n, kind in enumerate(("monocyte", "blast", "neutrophil"))}
    with tempfile.TemporaryDirectory() as folder:
        root = folder_of(Path(folder), {**names, "blast/again.png": 0})
        call_command("import_dataset", root, slug=slug, licence="CC0")

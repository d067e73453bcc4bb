"""The hostile files of the image corpus, rows 1 to 78, made in memory and the same every time.

`FILES` lists them with the answer each must get. A row that stands for several pictures appears
once for each, with a letter.
"""

from tests.images.corpus import foreign, jpegs, pixels, pngs, privacy, tiffs
from tests.images.corpus.model import File

FILES: tuple[File, ...] = tuple(
    sorted(
        [
            file
            for module in (foreign, jpegs, pixels, pngs, privacy, tiffs)
            for file in module.files()
        ],
        key=lambda file: (file.row, file.name),
    )
)

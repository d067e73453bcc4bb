"""The QR code of a report as one SVG path: no picture to fetch, no markup to trust."""

from dataclasses import dataclass
from functools import lru_cache

import qrcode
from qrcode.constants import ERROR_CORRECT_M


@dataclass(frozen=True)
class QrPath:
    size: int  # modules a side, the quiet zone of four included
    path: str  # SVG path data; one module is 1 x 1


@lru_cache(maxsize=256)
def qr_path(text: str) -> QrPath:
    """The code of a text, error correction M: 15 % of a stained print may be unreadable."""
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=4)
    code.add_data(text)
    code.make(fit=True)
    matrix = code.get_matrix()
    runs = (
        f"M{start} {y}h{length}v1h-{length}z"
        for y, row in enumerate(matrix)
        for start, length in _runs(row)
    )
    return QrPath(len(matrix), "".join(runs))


def _runs(row: list[bool]) -> list[tuple[int, int]]:
    """(start, length) of each run of dark modules."""
    runs, start = [], None
    for x, dark in enumerate([*row, False]):
        if dark and start is None:
            start = x
        elif not dark and start is not None:
            runs.append((start, x - start))
            start = None
    return runs

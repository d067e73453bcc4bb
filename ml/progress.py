"""How far a run has come: bars for a terminal, and a small file for whoever watches from outside.

Every long step of ``ml`` shows its bar with this ``tqdm``. After ``tell_into`` each bar is also
written down, at most twice a second, as progress.json: step, done, total, unit, rate (of units a
second), left (seconds), and what the step adds (epoch, epochs).
"""

import json
import time
from pathlib import Path
from typing import Any

import tqdm as bars

FILE_NAME = "progress.json"
EVERY = 0.5  # seconds
_told: list[Path] = []  # at most one: where to write


def tell_into(folder: Path) -> None:
    """From now on this process writes ``folder``/progress.json."""
    _told[:] = [folder / FILE_NAME]


def tell(step: str, done: int = 0, total: int = 0, **facts: Any) -> None:
    """Write down a step; a reader finds the last whole one."""
    for path in _told:
        part = path.with_suffix(".part")
        part.write_text(json.dumps({"step": step, "done": done, "total": total, **facts}))
        part.replace(path)


class tqdm(bars.tqdm):  # noqa: N801  named as what it stands for
    """A bar that is also written down."""

    facts: dict[str, Any]
    _told_at = 0.0

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.facts = {}
        self.write_down()

    def update(self, n: float | None = 1) -> bool | None:
        shown = super().update(n)
        if time.monotonic() - self._told_at > EVERY or self.n == self.total:
            self.write_down()
        return shown

    def write_down(self) -> None:
        self._told_at = time.monotonic()
        if not _told or not self.total:
            return
        facts = self.format_dict
        done = self.n - self.initial
        rate = facts["rate"] or (done / facts["elapsed"] if facts["elapsed"] else 0.0)
        tell(
            self.desc.rstrip(": ") if self.desc else "",
            int(self.n),
            int(self.total),
            unit=self.unit,
            rate=round(rate, 3) if done else None,
            left=round((self.total - self.n) / rate, 1) if done and rate else None,
            **self.facts,
        )

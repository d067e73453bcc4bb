"""Housekeeping that beat starts."""

from patients.services.orphans import orphans_sweep
from telemed.tasks import upkeep


@upkeep(name="patients.tasks.sweep_orphan_pictures")
def sweep_orphan_pictures() -> None:
    """Remove files without a row older than an hour. Safe to run twice and at the same time."""
    orphans_sweep()

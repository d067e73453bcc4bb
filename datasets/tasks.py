"""Celery's entry: ids in; one slice, done."""

from datasets import ringing
from datasets.making import make_slice, unfinished
from telemed.tasks import upkeep


@upkeep(name="datasets.tasks.make")
def make(*, data_set_id: int) -> None:
    """One slice of a data set, and the next message while there is more."""
    if make_slice(data_set_id=data_set_id):
        ringing.ring(data_set_id)


@upkeep(name="datasets.tasks.resume")
def resume() -> None:
    """Go on with what a worker, a broker or a crash left behind."""
    for data_set_id in unfinished():
        ringing.ring(data_set_id)

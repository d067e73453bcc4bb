"""Telling a worker that there is a data set to go on with."""

from classifier.dispatch import send_upkeep


def ring(data_set_id: int) -> bool:
    """False where the broker does not take it: then the next beat does."""
    from datasets.tasks import make

    return send_upkeep(make, data_set_id=data_set_id)

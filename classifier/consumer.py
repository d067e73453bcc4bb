"""How a worker's main process listens to its broker."""

from typing import Any

from celery.worker.consumer import Consumer

from classifier.dispatch import mend_keys


class MendingConsumer(Consumer):
    """Sets wrong keys aside before each connect, so at the start and after every error."""

    def connect(self) -> Any:
        mend_keys()
        return super().connect()

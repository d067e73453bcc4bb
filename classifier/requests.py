"""What the worker's main process does when a pool child dies or overruns: frees its rows at once.

Without this they would wait for the end of their lease. The main process knows for certain that
the child is gone, which a second worker can only infer from the clock.
"""

import logging
from typing import Any
from uuid import UUID

from billiard.einfo import ExceptionWithTraceback  # type: ignore[attr-defined]
from billiard.exceptions import WorkerLostError
from celery.worker.request import Request
from django.db import connections
from django.db.models import Q

from classifier.attempts import TOO_SLOW, WORKER_LOST
from classifier.choices import PredictionState
from classifier.models import ModelVersion, Prediction
from classifier.shadow_jobs import rest
from classifier.sweep import rescue

log = logging.getLogger(__name__)


class ReadingRequest(Request):
    """Celery's view of one delivered message; its id is the lease token of the rows it took."""

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False):
        error = exc_info.exception
        if isinstance(error, ExceptionWithTraceback):
            error = error.exc
        if isinstance(error, WorkerLostError | SystemExit):
            self._free(WORKER_LOST)
        return super().on_failure(exc_info, send_failed_event, return_ok)

    def on_timeout(self, soft: bool, timeout: float) -> None:
        if not soft:
            self._free(TOO_SLOW)
        super().on_timeout(soft, timeout)

    def _free(self, error: str) -> None:
        try:
            mine = Q(state=PredictionState.RUNNING, lease_token=UUID(self.id))
            rows = Prediction.jobs.filter(mine).values_list("pk", "cell__image__case_id")
            found = list(rows)
            if found:
                self._let_shadows_rest(mine, error)
                rescue(found, only=mine, error=error)
        except Exception:  # the lease runs out instead
            log.exception("rows of a lost child wait for the end of their lease")
        finally:
            # A child forked later must not inherit an open connection.
            connections.close_all()

    def _let_shadows_rest(self, mine: Q, error: str) -> None:
        versions = Prediction.jobs.of_shadows().filter(mine).values("model_version")
        for version in ModelVersion.objects.filter(pk__in=versions):
            rest(version, why=error)

"""What an operator must hear of before it costs somebody something."""

import logging
from collections.abc import Sequence
from typing import Any

from celery.signals import worker_ready
from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import Error, connection

from classifier.clock import seconds_ahead, wrong_clock

log = logging.getLogger(__name__)


@register(Tags.database)
def clock(app_configs: Any, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Queue servers redeliver by the workers' own clocks, so they must agree with the database's."""
    if not databases:
        return []
    wrong = wrong_clock("this machine", seconds_ahead())
    return [Warning(wrong, id="telemed.W001")] if wrong else []


@worker_ready.connect(dispatch_uid="telemed.clock")
def _worker_looks_at_its_clock(**_: Any) -> None:
    try:
        for problem in clock(None, databases=["default"]):
            log.critical(problem.msg)
    except Error:  # the heartbeat compares again
        log.warning("the clock was not compared: the database does not answer", exc_info=True)
    finally:
        connection.close()  # a child forked later must not inherit it

"""The queue's application. The database owns the work; a message is only a doorbell."""

import os
from datetime import timedelta
from typing import Any

from celery import Celery
from celery.schedules import crontab
from celery.signals import task_postrun, task_prerun

from telemed.environment import number

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "telemed.settings")

# A task that outlives the visibility timeout is delivered twice, so the order is a law:
# soft limit < hard limit < visibility timeout (tests/queue/test_queue_settings.py). Seconds.
HARD_LIMIT = number("TELEHEME_TASK_SECONDS", default=60)
SOFT_LIMIT = HARD_LIMIT * 0.9
VISIBILITY_TIMEOUT = 3 * HARD_LIMIT
# Of a shadow's few cells: long enough to load its model, and no longer than a case may wait for it.
SHADOW_HARD_LIMIT = min(HARD_LIMIT, 20)
SHADOW_SOFT_LIMIT = SHADOW_HARD_LIMIT * 0.75
SWEEP_SECONDS = number("TELEHEME_SWEEP_SECONDS", default=15)

# Strict order: as long as a stat message waits, no routine one is taken; a shadow's come last.
CLASSIFY_QUEUES = ("stat", "routine", "background", "shadow")
BELL_SECONDS = 24 * 3600
UPKEEP = {"queue": "stat"}

app = Celery("telemed")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    accept_content=["json"],
    task_serializer="json",
    result_backend=None,
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_acks_on_failure_or_timeout=True,
    task_time_limit=HARD_LIMIT,
    task_soft_time_limit=SOFT_LIMIT,
    task_default_queue="routine",
    task_create_missing_queues=True,
    worker_prefetch_multiplier=1,
    worker_send_task_events=False,
    worker_hijack_root_logger=False,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    # A pool child loads the model before it says that it is up.
    worker_proc_alive_timeout=60,
    broker_connection_retry_on_startup=True,
    # A worker waits for its broker for as long as it takes.
    broker_connection_max_retries=None,
    broker_connection_timeout=2,
    # A key of the wrong type, a full or a read-only server: the worker does not end, it mends what
    # it can and connects again.
    broker_channel_error_retry=True,
    worker_consumer="classifier.consumer:MendingConsumer",
    broker_transport_options={
        "visibility_timeout": VISIBILITY_TIMEOUT,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_timeout": 2,
        "socket_connect_timeout": 2,
        "queue_order_strategy": "priority",
    },
    task_publish_retry_policy={"max_retries": 1, "interval_start": 0, "interval_step": 0.2},
    timezone="UTC",
    beat_max_loop_interval=5,
    # A bell that nobody answered is dropped after a day, not sooner: expiry is counted on the clocks
    # of two machines, and one that is hours off must not leave the work without its upkeep.
    beat_schedule={
        "sweep": {
            "task": "classifier.tasks.sweep",
            "schedule": timedelta(seconds=SWEEP_SECONDS),
            "options": {**UPKEEP, "expires": BELL_SECONDS},
        },
        "anchor-audit": {
            "task": "audit.tasks.anchor_audit",
            "schedule": timedelta(minutes=5),
            "options": {**UPKEEP, "expires": BELL_SECONDS},
        },
        "sweep-orphan-pictures": {
            "task": "patients.tasks.sweep_orphan_pictures",
            "schedule": crontab(minute=40),
            "options": {"queue": "background", "expires": BELL_SECONDS},
        },
        "escalate-critical": {
            "task": "review.tasks.escalate_critical",
            "schedule": timedelta(minutes=1),
            "options": {**UPKEEP, "expires": BELL_SECONDS},
        },
        "mail-notices": {
            "task": "review.tasks.mail_notices",
            "schedule": timedelta(minutes=1),
            "options": {**UPKEEP, "expires": BELL_SECONDS},
        },
        "tend-training": {
            "task": "training.tasks.tend",
            "schedule": timedelta(seconds=30),
            "options": {**UPKEEP, "expires": BELL_SECONDS},
        },
        "resume-data-sets": {
            "task": "datasets.tasks.resume",
            "schedule": timedelta(minutes=1),
            "options": {**UPKEEP, "expires": BELL_SECONDS},
        },
        "verify-invariants": {
            "task": "classifier.tasks.verify_invariants",
            "schedule": crontab(hour=3, minute=10),
            "options": {"queue": "background", "expires": BELL_SECONDS},
        },
        "watch-monitoring": {
            "task": "monitoring.tasks.watch",
            "schedule": timedelta(minutes=5),
            "options": {"queue": "background", "expires": BELL_SECONDS},
        },
        "recount-monitoring": {
            "task": "monitoring.tasks.recount",
            "schedule": crontab(hour=2, minute=10),
            "options": {"queue": "background", "expires": BELL_SECONDS},
        },
        # After the others, so that what it finds is the newest that the operations page knows.
        "verify-reports": {
            "task": "review.tasks.verify_reports",
            "schedule": crontab(hour=4, minute=10),
            "options": {"queue": "background", "expires": BELL_SECONDS},
        },
    },
)
app.autodiscover_tasks()


@task_prerun.connect(dispatch_uid="telemed.old_connections")
@task_postrun.connect(dispatch_uid="telemed.old_connections")
def _close_old_connections(sender: Any, **_: Any) -> None:
    """Around each task what Django does around each request: a connection that is too old or was
    broken goes, one that was idle is tried before it is used, any other stays."""
    from django.db import close_old_connections

    if not sender.request.is_eager:
        close_old_connections()

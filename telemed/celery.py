"""The queue's application. The database owns the work; a message is only a doorbell."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "telemed.settings")

# A task that outlives the visibility timeout is delivered twice, so the order is a law:
# soft limit < hard limit < visibility timeout (tests/test_queue_settings.py).
SOFT_LIMIT, HARD_LIMIT, VISIBILITY_TIMEOUT = 54, 60, 180
CLASSIFY_QUEUES = ("stat", "routine", "background")

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
    broker_connection_retry_on_startup=True,
    broker_connection_timeout=2,
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
)
app.autodiscover_tasks()

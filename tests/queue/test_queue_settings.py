"""Orders between numbers that, once broken, run work twice or lose it."""

import sys

import pytest
from django.conf import settings

from classifier.tasks import classify_batch, sweep
from telemed import celery
from telemed.celery import app


def test_soft_limit_before_hard_limit_before_visibility_timeout():
    conf = app.conf
    visible = conf.broker_transport_options["visibility_timeout"]
    assert conf.task_soft_time_limit < conf.task_time_limit < visible
    # Redelivery is looked for often, and only after the row's lease has long run out.
    assert visible > settings.LEASE_SECONDS
    assert conf.broker_transport_options["unacked_restore_interval"] <= 5


@pytest.mark.parametrize("seconds", ["1", "7", "600"])
def test_the_order_holds_for_whatever_limit_is_set(monkeypatch, seconds):
    import importlib.util

    monkeypatch.setenv("TELEHEME_TASK_SECONDS", seconds)
    spec = importlib.util.find_spec("telemed.celery")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setattr("celery.Celery.autodiscover_tasks", lambda *_: None)
    try:
        spec.loader.exec_module(module)
    finally:
        app.set_default()
        app.set_current()
    assert 0 < module.SOFT_LIMIT < module.HARD_LIMIT < module.VISIBILITY_TIMEOUT


def test_a_task_that_dies_with_its_worker_is_delivered_again():
    assert classify_batch.acks_late
    assert classify_batch.reject_on_worker_lost
    assert app.conf.worker_prefetch_multiplier == 1


def test_an_upkeep_task_that_kills_its_worker_is_not():
    assert not sweep.acks_late
    assert not sweep.reject_on_worker_lost


def test_messages_are_json_and_no_result_is_kept():
    assert app.conf.accept_content == ["json"]
    assert app.conf.task_serializer == "json"
    assert app.conf.result_backend is None
    assert classify_batch.ignore_result


def test_the_broker_is_given_up_after_seconds():
    options = app.conf.broker_transport_options
    assert options["socket_timeout"] <= 2
    assert options["socket_connect_timeout"] <= 2


def test_stat_is_served_strictly_first():
    assert app.conf.broker_transport_options["queue_order_strategy"] == "priority"
    assert celery.CLASSIFY_QUEUES == ("stat", "routine", "background", "shadow")


def test_beat_rings_only_for_tasks_that_exist_on_queues_that_are_served():
    app.loader.import_default_modules()
    app.finalize()
    entries = app.conf.beat_schedule.values()
    assert {entry["task"] for entry in entries} <= set(app.tasks)
    assert {entry["options"]["queue"] for entry in entries} <= set(celery.CLASSIFY_QUEUES)
    assert all(entry["options"]["expires"] for entry in entries)


def test_the_worker_keeps_its_database_connection_as_long_as_django_would(monkeypatch):
    from celery.fixups.django import DjangoWorkerFixup
    from celery.signals import task_postrun, task_prerun

    assert DjangoWorkerFixup(app).db_reuse_max == sys.maxsize  # never closed for being a task's
    looked = []
    monkeypatch.setattr("django.db.close_old_connections", lambda: looked.append(1))
    for around in (task_prerun, task_postrun):
        around.send(sender=classify_batch, task_id="1", task=classify_batch)
    assert looked == [1, 1]

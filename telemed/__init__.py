"""The project: settings, addresses, the queue's application and the commands that run the whole."""

from telemed.celery import app as celery_app

__all__ = ["celery_app"]

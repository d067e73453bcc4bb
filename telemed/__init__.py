"""The project: settings, addresses, the queue's application and the commands that run the whole."""

import os

# Before NumPy is loaded: its products here are small, and many threads and processes make them side
# by side. Helpers that spin beside each of them would take the processors from the engine.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from telemed.celery import app as celery_app

__all__ = ["VERSION", "celery_app"]

VERSION = "0.1.0"  # that of pyproject.toml, which is not there where the package is installed

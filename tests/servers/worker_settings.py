"""The product's settings with the tests' own engine in place of OpenVINO, unless a test wants it."""

import os

from telemed.settings import *  # noqa: F403
from telemed.settings import DATA_DIR

CLASSIFIER_RUNTIME = os.environ.get("TEST_RUNTIME", "tests.servers.engine.load_model")
MODEL_DIRS = [DATA_DIR / "models"]
CELERY_IMPORTS = ("tests.servers.hooks",)

"""The product's settings with the tests' own engine in place of OpenVINO."""

from telemed.settings import *  # noqa: F403
from telemed.settings import DATA_DIR

CLASSIFIER_RUNTIME = "tests.servers.engine.load_model"
MODEL_DIRS = [DATA_DIR / "models"]
CELERY_IMPORTS = ("tests.servers.hooks",)

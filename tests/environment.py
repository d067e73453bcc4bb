"""Loaded before Django (``-p tests.environment``): a data directory of this run's own."""

import atexit
import os
import shutil
import tempfile

_directory = tempfile.mkdtemp(prefix="teleheme-test-")
os.environ["TELEHEME_DATA_DIR"] = _directory
os.mkdir(os.path.join(_directory, "static"))  # noqa: PTH102, PTH118 - WhiteNoise warns without it
os.environ.pop("TELEHEME_MODE", None)
atexit.register(shutil.rmtree, _directory, ignore_errors=True)

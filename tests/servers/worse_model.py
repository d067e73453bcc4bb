"""A candidate beside the running product that the gate refuses: the shipped model, said to be worse."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
from django.conf import settings

from classifier.inference import find_model, locked
from classifier.promotion import promotion_try
from classifier.registry import model_register
from ml.export import rewrite_manifest
from tests.servers.signed_case import people


def refused(model_id: str) -> None:
    directory = Path(settings.DATA_DIR) / "models" / model_id
    shutil.copytree(find_model(), directory)
    path = directory / locked.FILE_NAME
    sets = locked.read_locked(path)
    for name, said in sets.items():
        probabilities = said.probabilities.copy()
        probabilities[::25] = np.roll(probabilities[::25], 1, axis=1)
        sets[name] = replace(said, probabilities=probabilities)
    locked.write_locked(path, sets)
    rewrite_manifest(directory, id=model_id)
    promotion_try(actor=people().administrator, version=model_register(directory=directory))

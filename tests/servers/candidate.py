"""A candidate beside the running product, and which model read what."""

import shutil
from pathlib import Path

from django.conf import settings

from classifier.choices import PredictionState
from classifier.inference.discovery import find_model
from classifier.models import Prediction
from classifier.registry import model_register
from ml.export import rewrite_manifest


def registered(model_id: str) -> None:
    """The shipped model once more under another name: as good, and another version."""
    directory = Path(settings.MODEL_DIRS[-1]) / model_id
    shutil.copytree(find_model(), directory)
    rewrite_manifest(directory, id=model_id)
    model_register(directory=directory)


def readers(case_id: str) -> None:
    """Prints the models whose results the case holds, and the manifests that the workers named."""
    rows = Prediction.objects.filter(
        cell__image__case__public_id=case_id, state=PredictionState.DONE
    ).select_related("model_version")
    for row in rows:
        assert row.model_sha256 == row.model_version.manifest_sha256
    print(" ".join(sorted({row.model_version.model_id for row in rows})))

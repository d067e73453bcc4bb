"""No hostile model file runs code, leaves a trace, or is refused without a reason."""

import contextlib
import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from audit.models import AuditEvent
from classifier.inference import ModelError
from classifier.models import ModelVersion
from classifier.registry import model_upload
from patients import storage
from tests.security.models.corpus import FILES, Hostile
from tests.security.models.parts import good, packed

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[3]
MEASURE = """
import contextlib, pathlib, resource, tempfile
from classifier.bundles.archive import unpack
from classifier.bundles.confined import require_fit
from classifier.inference import ModelError
from tests.security.models.corpus import FILES
for file in FILES:
    with tempfile.TemporaryDirectory() as name, contextlib.suppress(ModelError):
        folder = pathlib.Path(name)
        (folder / "upload.zip").write_bytes(file.make(folder / "canary"))
        unpack(folder / "upload.zip", folder / "model")
        require_fit(folder / "model")
status = pathlib.Path("/proc/self/status").read_text()
print(status.split("VmHWM:")[1].split()[0], resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.fixture
def shelves(settings, tmp_path: Path) -> Path:
    """The folder of models and the store, both empty."""
    settings.MODEL_DIRS = [tmp_path / "models"]
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path / "media"},
        },
    }
    return tmp_path


def upload(folder: Path, data: bytes):
    archive = folder / "upload.zip"
    archive.write_bytes(data)
    return model_upload(archive=archive)


def left(folder: Path) -> list[str]:
    """What lies in the folder of models and in the store."""
    found = [path for path in (folder / "models").rglob("*") if path.is_file()]
    return [str(path) for path in found] + list(storage.list_keys("models"))


def test_no_row_is_missing():
    assert {file.row for file in FILES} == set(range(1, 25))


def test_the_model_that_the_others_are_made_from_is_taken(shelves):
    taken = upload(shelves, packed(good()))
    assert taken.new
    assert taken.version.state == "candidate"
    assert len(list(storage.list_keys("models"))) == 1


@pytest.mark.parametrize("file", FILES, ids=str)
def test_each_is_refused_with_its_sentence_and_leaves_nothing(shelves, file: Hostile):
    canary = shelves / "canary"
    with pytest.raises(ModelError, match=file.sentence) as refused:
        upload(shelves, file.make(canary))
    said = str(refused.value)
    assert said.endswith(".")
    assert "\n" not in said
    assert str(shelves) not in said, "a path of this machine"
    assert not canary.exists()
    assert not left(shelves)
    assert not ModelVersion.objects.exists()
    assert AuditEvent.objects.filter(action="model.refused").count() == 1


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_file_cut_short_is_refused(shelves, share):
    data = packed(good())
    with pytest.raises(ModelError, match="cut short"):
        upload(shelves, data[: int(share * len(data))])
    assert not left(shelves)


def test_a_changed_byte_anywhere_is_refused_or_changes_nothing(shelves):
    """Of every part of the zip file a byte; where it is taken, it is the same model."""
    data = packed(good(), method=zipfile.ZIP_STORED)
    for place in range(0, len(data), len(data) // 40):
        changed = bytearray(data)
        changed[place] ^= 0x5A
        with contextlib.suppress(ModelError):
            upload(shelves, bytes(changed))
    hashes = set(ModelVersion.objects.values_list("manifest_sha256", flat=True))
    assert hashes <= {hashlib.sha256(good()["manifest.json"]).hexdigest()}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_nothing_takes_much_memory():
    """Neither who unpacks them nor the child that asks them (KiB). In a process of its own, and of
    that the peak since it was born: getrusage counts what its parent held at that moment."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE], cwd=ROOT, capture_output=True, text=True, check=True,
        timeout=300,
    )  # fmt: skip
    unpacking, asking = map(int, done.stdout.split())
    assert unpacking < 1024**2
    assert asking < 1024**2

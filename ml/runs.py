"""One run, one folder: config.json split.csv history.csv head.npz indist.npz calibration.json model/
after fine-tuning backbone.weights.h5 attributes.npz, and after evaluation metrics.json report.md
figures/."""

import json
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.inference.manifest import FILE_NAME, Thresholds, file_sha256, load_manifest
from ml.config import TrainConfig
from ml.data import Sample, fingerprint, write_split
from ml.head import HEAD, Head, read_history
from ml.weights import Weights

if TYPE_CHECKING:
    import keras

BACKBONE, ATTRIBUTE_HEADS = "backbone.weights.h5", "attributes.npz"

LIBRARIES = ("keras", "tensorflow", "openvino", "numpy", "opencv-python-headless", "scikit-learn")
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Calibration:
    temperature: float
    thresholds: Thresholds
    softening: float = 0.0


def code_version() -> str:
    """The commit, with a plus sign if files under it differ; 'unknown' outside of a checkout."""
    try:
        commit = _git("rev-parse", "HEAD")
        return commit + ("+" if _git("status", "--porcelain", "--", "ml", "classifier") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*words: str) -> str:
    done = subprocess.run(  # noqa: S603
        ["git", *words],  # noqa: S607
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def surroundings() -> dict[str, Any]:
    """What besides the options a result may depend on."""
    return {
        "code_version": code_version(),
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
        "processor": platform.machine(),
    }


def describe_run(
    run: Path,
    config: TrainConfig,
    weights: Weights | None,
    sets: dict[str, Sequence[Sample]],
    **facts: Any,
) -> None:
    """Write config.json and split.csv: the options and all that the run rests on."""
    write_split(run / "split.csv", [sample for samples in sets.values() for sample in samples])
    config.save(
        run / "config.json",
        data={name: fingerprint(samples) for name, samples in sets.items()},
        counts={name: len(samples) for name, samples in sets.items()},
        weights={
            "sha256": weights.sha256 if weights else "",
            "origin": weights.origin if weights else "random, for tests only",
        },
        **facts,
        **surroundings(),
    )


def change_options(run: Path, config: TrainConfig) -> None:
    """Other options in config.json; what else it says stays."""
    facts = json.loads((run / "config.json").read_text())
    config.save(run / "config.json", **{k: v for k, v in facts.items() if k != "options"})


def origin(source: Path) -> dict[str, Any]:
    """What identifies the run or model that a run starts from, and how many views it had seen."""
    facts = json.loads((source / "config.json").read_text())
    options = facts["options"]
    tuned = sum(row["phase"] != HEAD for row in read_history(source / "history.csv"))
    views = facts.get("views_seen", tuned * options.get("views_per_epoch", 0))
    if (source / FILE_NAME).is_file():
        manifest = load_manifest(source)
        return {"model": manifest.id, "sha256": manifest.sha256, "views": views}
    return {"run": source.name, "sha256": backbone_sha256(source), "views": views}


def save_backbone(run: Path, base: "keras.Model") -> None:
    base.save_weights(run / BACKBONE)


def load_backbone(run: Path, base: "keras.Model") -> None:
    """The fine-tuned network of a run; one whose network was never fine-tuned stays as it is."""
    if (run / BACKBONE).is_file():
        base.load_weights(run / BACKBONE)


def backbone_sha256(run: Path) -> str:
    """Of the fine-tuned network, "" where there is none."""
    path = run / BACKBONE
    return file_sha256(path) if path.is_file() else ""


def save_head(run: Path, head: Head) -> None:
    np.savez(run / "head.npz", kernel=head.kernel, bias=head.bias)


def load_head(run: Path) -> Head:
    with np.load(run / "head.npz", allow_pickle=False) as stored:
        return Head(stored["kernel"], stored["bias"], read_history(run / "history.csv"))


def save_attributes(run: Path, heads: tuple[np.ndarray, np.ndarray] | None) -> None:
    """None (no attribute was known) leaves no file."""
    path = run / ATTRIBUTE_HEADS
    path.unlink(missing_ok=True)
    if heads is not None:
        np.savez(path, kernel=heads[0], bias=heads[1])


def load_attributes(run: Path) -> tuple[np.ndarray, np.ndarray] | None:
    """Kernel (F, WIDTH) and bias (WIDTH,) of the attribute heads, if the run has trained them."""
    path = run / ATTRIBUTE_HEADS
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as stored:
        return stored["kernel"], stored["bias"]


def save_calibration(run: Path, calibration: Calibration) -> None:
    write_json(run / "calibration.json", asdict(calibration))


def load_calibration(run: Path) -> Calibration:
    content = json.loads((run / "calibration.json").read_text())
    return Calibration(**{**content, "thresholds": Thresholds(**content["thresholds"])})


def write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")

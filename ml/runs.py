"""One run, one folder: config.json split.csv history.csv head.npz indist.npz calibration.json model/
and, after evaluation, metrics.json report.md figures/."""

import json
import platform
import subprocess
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from classifier.inference.manifest import Thresholds
from ml.head import Head, read_history

LIBRARIES = ("keras", "tensorflow", "openvino", "numpy", "opencv-python-headless", "scikit-learn")
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Calibration:
    temperature: float
    thresholds: Thresholds


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


def save_head(run: Path, head: Head) -> None:
    np.savez(run / "head.npz", kernel=head.kernel, bias=head.bias)


def load_head(run: Path) -> Head:
    with np.load(run / "head.npz", allow_pickle=False) as stored:
        return Head(stored["kernel"], stored["bias"], read_history(run / "history.csv"))


def save_calibration(run: Path, calibration: Calibration) -> None:
    write_json(run / "calibration.json", asdict(calibration))


def load_calibration(run: Path) -> Calibration:
    content = json.loads((run / "calibration.json").read_text())
    return Calibration(content["temperature"], Thresholds(**content["thresholds"]))


def write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")

"""One network from several fine-tuned ones: the mean of their weights (model soups, Wortsman et al.
2022, arXiv:2203.05482), which is as fast as one of them and often better in other laboratories.

It works for networks that went apart from one start, as runs that were fine-tuned from one another.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ml.config import ConfigError, load_config
from ml.head import Head, read_history
from ml.network import backbone, half
from ml.restore import is_model, restore_run
from ml.runs import load_backbone, load_head, save_backbone, save_head
from ml.weights import Weights

SHAPE = ("input_size", "preprocessing", "levels")


def average(
    sources: Sequence[Path], shares: Sequence[float], run: Path, weights: Weights | None
) -> None:
    """Write network, head, options and history of the mean of `sources` (runs or model
    directories) into `run`, to be calibrated; what else is known is that of the last source.

    ConfigError if they do not see alike (input size, preprocessing, levels).
    """
    run.mkdir(parents=True, exist_ok=True)
    folders = []
    for number, source in enumerate(sources):
        restored = run / f"source-{number}"
        folders.append(restore_run(source, restored, weights) if is_model(source) else source)
    configs = [load_config(folder / "config.json") for folder in folders]
    if len({tuple(getattr(config, name) for name in SHAPE) for config in configs}) > 1:
        raise ConfigError(f"Only networks of the same {', '.join(SHAPE)} can be averaged.")
    base = backbone(configs[-1], weights)
    total = [np.zeros(np.shape(value), np.float64) for value in base.get_weights()]
    kernel, bias = np.zeros(1), np.zeros(1)
    for folder, share in zip(folders, np.asarray(shares) / sum(shares), strict=True):
        load_backbone(folder, base)
        for sum_, value in zip(total, base.get_weights(), strict=True):
            sum_ += share * value
        head = load_head(folder)
        kernel, bias = kernel + share * head.kernel, bias + share * head.bias
    base.set_weights([value.astype(np.float32) for value in total])
    for name in ("history.csv", "split.csv", "pseudo.npz"):
        if (folders[-1] / name).is_file():
            shutil.copyfile(folders[-1] / name, run / name)
    facts = json.loads((folders[-1] / "config.json").read_text())
    facts["averaged"] = [
        {"from": source.name, "share": float(share)}
        for source, share in zip(sources, np.asarray(shares) / sum(shares), strict=True)
    ]
    (run / "config.json").write_text(json.dumps(facts, indent=2) + "\n")
    save_backbone(run, base)
    save_head(
        run,
        Head(
            half(kernel.astype(np.float32)),
            half(bias.astype(np.float32)),
            read_history(run / "history.csv"),
        ),
    )
    for number in range(len(sources)):
        shutil.rmtree(run / f"source-{number}", ignore_errors=True)

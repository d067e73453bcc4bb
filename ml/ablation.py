"""What each step of the recipe brings: the runs of ml/recipes/ablations.toml, measured alike."""

import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from classifier.inference.model import load_model
from ml.config import ConfigError, TrainConfig, load_config
from ml.data import labels, read_set, read_unlabelled
from ml.runs import write_json
from ml.weights import Weights

RECIPES = Path(__file__).parent / "recipes"
STEPS = RECIPES / "ablations.toml"


@dataclass(frozen=True)
class Step:
    folder: str
    what: str
    source: str = ""
    """Folder of the step that this one is fine-tuned from; "" trains a head."""
    unlabelled: str = ""
    options: dict[str, Any] | None = None


@dataclass(frozen=True)
class Row:
    what: str
    input_size: int
    precision: str
    test: float
    """Accuracy on pbc/test, all cells counted."""
    bccd: float
    """On the fields of BCCD with one white cell."""
    bccd_abstained: float
    images_per_second: float
    """Engine alone."""


def read_steps(path: Path = STEPS) -> list[Step]:
    """ConfigError, in one sentence, if the file is not what it should be."""
    try:
        steps = []
        for entry in tomllib.loads(path.read_text())["step"]:
            recipe = entry.get("recipe")
            options = tomllib.loads((RECIPES / recipe).read_text()) if recipe else {}
            steps.append(
                Step(
                    entry["folder"],
                    entry["what"],
                    entry.get("from", ""),
                    entry.get("unlabelled", ""),
                    {**options, **entry.get("options", {})},
                )
            )
        return steps
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{path} does not hold the steps of an ablation: {error}.") from error


def make(
    step: Step, runs: Path, data: Path, weights: Weights | None, extra: dict[str, Any]
) -> Path:
    """The step's model directory; what is trained already is not trained again.

    `extra` are options for every step, such as a limit for trials."""
    from ml.export import export
    from ml.fine_tune import fine_tune
    from ml.train import train

    run = runs / step.folder
    if (run / "model" / "manifest.json").is_file():
        return run / "model"
    options = {**(step.options or {}), **extra}
    if "levels" in options:
        options["levels"] = tuple(options["levels"])
    cache = runs / ".features"
    if not (run / "calibration.json").is_file():
        if step.source:
            source = runs / step.source
            config = replace(load_config(source / "config.json"), **options)
            others = read_unlabelled(data, step.unlabelled) if step.unlabelled else []
            fine_tune(config, data, weights, source, run, cache=cache, unlabelled=others)
        else:
            train(replace(TrainConfig(), **options), data, weights, run, cache=cache)
    return export(run, run / "model", weights, model_id=f"ablation-{step.folder}")


def measure(step: Step, directory: Path, data: Path, *, limit: int = 0) -> Row:
    """Accuracy on the two test sets, through the path that serves, and speed."""
    from ml import benchmark
    from ml.evaluate import results

    model = load_model(directory)
    found = {}
    for name in ("pbc", "bccd_fields"):
        samples = read_set(data, name, *(["test"] if name == "pbc" else []), limit=limit)
        answers = results(
            model, (sample.rgb for sample in samples), len(samples), f"{step.folder} {name}"
        )
        said = [model.manifest.classes.index(answer.label) for answer in answers]
        right = float((labels(samples) == said).mean())
        found[name] = right, sum(answer.abstained for answer in answers) / len(answers)
    pictures = benchmark.stored_pictures(data, 64)
    (rate,) = benchmark.best_rates(benchmark.engine(model, pictures), rounds=3)
    return Row(
        step.what,
        model.manifest.input_size,
        model.precision,
        found["pbc"][0],
        *found["bccd_fields"],
        rate,
    )


def table(rows: Sequence[Row]) -> str:
    """Markdown."""
    lines = [
        "| step | input | computed in | pbc/test | BCCD | abstained there | images/s |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.what} | {row.input_size} | {row.precision} | {row.test:.4f} | {row.bccd:.4f} "
        f"| {row.bccd_abstained:.0%} | {row.images_per_second:.0f} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def write(runs: Path, rows: Sequence[Row]) -> None:
    write_json(runs / "ablation.json", [asdict(row) for row in rows])
    (runs / "ablation.md").write_text(table(rows))

"""What the model pages show: registered versions, and directories that nobody registered yet."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from django.conf import settings

from classifier.inference import ModelError, model_directories, read_manifest
from classifier.inference.manifest import FILE_NAME
from classifier.model_files import TEXT_LIMIT, ModelFile, listed, open_vouched, read_vouched
from classifier.models import ModelVersion
from classifier.registry import model_directory
from classifier.stated import figure_of

CARD = "MODEL_CARD.md"
CARD_LIMIT = 200_000  # bytes
TEST_SETS = ("pbc/test", "test")  # whose accuracy the lists show, the first that is there; then any
FIGURE_LIMIT = 5 * 1024 * 1024  # bytes


@dataclass(frozen=True)
class ModelFacts:
    """One model as people see it; ``version`` is None while it is not registered."""

    model_id: str
    manifest: dict[str, Any]
    manifest_sha256: str
    version: ModelVersion | None
    directory: Path | None

    @property
    def accuracy(self) -> dict[str, Any] | None:
        return measured(_mapping(self.manifest.get("metrics")))

    @property
    def metrics(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Every plain figure of the manifest's metrics: (data set, its (name, value) pairs)."""
        metrics = _mapping(self.manifest.get("metrics"))
        groups = {name: value for name, value in metrics.items() if isinstance(value, dict)}
        loose = {name: value for name, value in metrics.items() if name not in groups}
        return [
            (name.replace("_", " "), list(_flat(group)))
            for name, group in ({"": loose} | groups).items()
            if group
        ]

    @property
    def figures(self) -> list[str]:
        """Names of the PNG figures that the manifest vouches for."""
        paths = (PurePosixPath(name) for name in self.manifest.get("files") or {})
        return sorted(
            path.name
            for path in paths
            if len(path.parts) == 2 and path.parts[0] == "figures" and path.suffix == ".png"
        )

    @property
    def files(self) -> list[ModelFile]:
        return listed(self.directory, self.manifest.get("files") or {}, self.manifest_sha256)

    def card(self) -> str:
        """The model card's text; empty where there is none or it is not the one vouched for."""
        return (self.read(CARD, limit=CARD_LIMIT) or b"").decode("utf-8", "replace")

    def figure(self, name: str) -> bytes | None:
        return self.read(f"figures/{name}", limit=FIGURE_LIMIT) if name in self.figures else None

    def read(self, name: str, *, limit: int = TEXT_LIMIT) -> bytes | None:
        """A file of the directory whose SHA-256 is the manifest's; None otherwise."""
        return read_vouched(self.directory, name, self._sha256(name), limit=limit)

    def open(self, name: str) -> BinaryIO | None:
        """The same, however long, as an open file."""
        return open_vouched(self.directory, name, self._sha256(name))

    def _sha256(self, name: str) -> str | None:
        if name == FILE_NAME:
            return self.manifest_sha256
        return (self.manifest.get("files") or {}).get(name)


def measured(metrics: dict[str, Any]) -> dict[str, Any] | None:
    """The accuracy on the test cells: ``value`` 0 to 1; ``cells``, ``interval`` where stated."""
    tests = [*TEST_SETS, *(name for name in metrics if name.endswith("/test"))]
    test = next((metrics[name] for name in tests if name in metrics), metrics)
    found = figure_of(test, "accuracy") if isinstance(test, dict) else None
    if found is None:
        return None
    return {"value": found.value, "cells": test.get("cells"), "interval": found.interval}


def all_models() -> list[ModelFacts]:
    """Registered versions, newest first, then what lies in the model folders unregistered."""
    found = _directories()
    versions = list(ModelVersion.objects.prefetch_related("aliases"))
    models = [
        ModelFacts(
            model_id=version.model_id,
            manifest=version.manifest,
            manifest_sha256=version.manifest_sha256,
            version=version,
            directory=found.get(version.manifest_sha256, (None, None))[0],
        )
        for version in versions
    ]
    known = {version.manifest_sha256 for version in versions}
    for sha256, (directory, manifest) in found.items():
        if sha256 not in known and manifest is not None:
            models.append(ModelFacts(manifest["id"], manifest, sha256, None, directory))
    return models


def one_model(model_id: str) -> ModelFacts | None:
    return next((facts for facts in all_models() if facts.model_id == model_id), None)


def with_files(facts: ModelFacts) -> ModelFacts:
    """The same, its files fetched from the store where they are not on this machine yet."""
    if facts.directory is not None or facts.version is None or not facts.version.bundle_key:
        return facts
    try:
        return replace(facts, directory=model_directory(facts.version))
    except ModelError:
        return facts


def choices(models: list[ModelFacts]) -> list[tuple[str, str]]:
    """(id, state in words) of each."""
    return [
        (one.model_id, one.version.get_state_display().lower() if one.version else "not registered")
        for one in models
    ]


def first_two(models: list[ModelFacts]) -> tuple[str, str]:
    """Ids of what is compared first: the active one, or the first, with the first other."""
    active = next((one for one in models if one.version and one.version.state == "active"), None)
    first = active or (models[0] if models else None)
    if first is None:
        return "", ""
    other = next((one for one in models if one.model_id != first.model_id), first)
    return first.model_id, other.model_id


def _directories() -> dict[str, tuple[Path | None, dict[str, Any] | None]]:
    """Manifest SHA-256 -> (directory, manifest) of every readable directory."""
    found: dict[str, tuple[Path | None, dict[str, Any] | None]] = {}
    for directory in model_directories(settings.MODEL_DIRS):
        try:
            manifest = read_manifest(directory)
        except ModelError:
            continue  # a directory being written, or foreign; registering it says what is wrong
        found[manifest.sha256] = (
            directory,
            {
                "id": manifest.id,
                "classes": list(manifest.classes),
                "input_size": manifest.input_size,
                "preprocessing": manifest.preprocessing,
                "precision": manifest.precision,
                "temperature": manifest.temperature,
                "softening": manifest.softening,
                "thresholds": vars(manifest.thresholds),
                "files": dict(manifest.files),
                "metrics": _mapping(manifest.metrics),
                "data": _mapping(manifest.data),
                "code_version": manifest.code_version,
                "created": manifest.created,
            },
        )
    return found


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _flat(metrics: dict[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for name, value in metrics.items():
        words = f"{before} {name}".strip().replace("_", " ")
        if isinstance(value, dict):
            yield from _flat(value, words)
        elif isinstance(value, bool | str | int):
            yield words, str(value)
        elif isinstance(value, float):
            yield words, f"{value:.4f}"
        elif isinstance(value, list) and len(value) == 2:  # an interval
            yield words, " to ".join(f"{end:.4f}" for end in value)

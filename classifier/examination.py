"""Holding a candidate up to the gate: gathers what ``classifier.gate`` judges. Takes some ten seconds.

What was found of the same two models a few minutes ago is not worked out again: whoever looks at the
findings and then says "activate" gets what was looked at.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.cache import cache

from classifier import measured, shadow_figures
from classifier.bundles.confined import Limits
from classifier.gate import (
    FILES,
    GOLDEN,
    LOCKED,
    MEASURED,
    SHADOW,
    SPEED,
    Figure,
    Finding,
    Policy,
    judge,
    judge_speed,
    line,
    not_tried,
)
from classifier.inference import locked
from classifier.inference.errors import ModelError
from classifier.inference.locked import Locked, read_locked
from classifier.inference.manifest import Manifest, load_manifest
from classifier.inference.speed import rates
from classifier.models import ModelVersion
from classifier.registry import model_directory, require_fit

KEPT_SECONDS = 15 * 60
# A page waits for this; the shipped model takes four seconds over it.
GOLDEN_LIMITS = Limits(cpu=25, wall=25)


def policy() -> Policy:
    """With the margins and the locked sets of this installation."""
    rules: dict[str, Any] = {**settings.GATE_MARGINS, **settings.GATE_SETS}
    return Policy(**rules)


def examine(version: ModelVersion, active: ModelVersion | None) -> list[Finding]:
    """Every finding about this version, in the order in which people read them; kept a while."""
    found = [*_examined(version, active), *_as_shadow(version)]
    cache.set(_key(version, active), [finding.as_json() for finding in found], KEPT_SECONDS)
    return found


def recent(version: ModelVersion, active: ModelVersion | None) -> list[Finding] | None:
    """What ``examine`` found of these two under the same rules in the last quarter of an hour."""
    kept = cache.get(_key(version, active))
    return None if kept is None else [unpacked(finding) for finding in kept]


def unpacked(kept: dict) -> Finding:
    """A finding again, of what a Promotion keeps."""
    return Finding(
        code=kept["code"],
        passed=kept["passed"],
        sentence=kept["sentence"],
        figures=tuple(Figure(**figure) for figure in kept["figures"]),
    )


def fit(version: ModelVersion) -> list[Finding]:
    """Files and golden set alone: all that is asked of a version that was active before."""
    return _fit(version)[1]


def require_files(version: ModelVersion) -> Manifest:
    """ModelError, in one sentence, unless every file is the one that was registered."""
    return load_manifest(model_directory(version))


def _examined(version: ModelVersion, active: ModelVersion | None) -> Iterator[Finding]:
    rules = policy()
    manifest, found = _fit(version)
    yield from found
    if manifest is None:
        rest = (LOCKED, *MEASURED, SPEED)
        yield from not_tried(rest, "Not tried: the files are not as they were registered.")
        return
    other, why = _active(active)
    try:
        said = _said(version, manifest)
    except ModelError as error:
        yield Finding(LOCKED, False, str(error))
        yield from not_tried(MEASURED, "Not tried: there is nothing to judge by.")
    else:
        yield from judge(said, other and other[1], rules, why_alone=why)
    if found[1].passed is not True:
        yield from not_tried([SPEED], "Not tried: it does not give the answers that it states.")
        return
    yield _speed(manifest, other and other[0], rules)


def _fit(version: ModelVersion) -> tuple[Manifest | None, list[Finding]]:
    """The manifest of verified files, None where they are not; what was found of files and golden
    set."""
    try:
        manifest = require_files(version)
    except ModelError as error:
        rest = not_tried([GOLDEN], "Not tried: the files are not as they were registered.")
        return None, [Finding(FILES, False, str(error)), *rest]
    files = Finding(
        FILES, True, f"All {len(manifest.files)} files are the ones that the manifest names."
    )
    return manifest, [files, _golden(manifest)]


def _golden(manifest: Manifest) -> Finding:
    try:
        off = require_fit(manifest.directory, limits=GOLDEN_LIMITS)
    except ModelError as error:
        return Finding(GOLDEN, False, str(error))
    return Finding(
        GOLDEN,
        True,
        "It gives the answers that it states to twenty drawn cells, to within "
        f"{off:.6f}; 0.001 is allowed.",
    )


def _said(version: ModelVersion, manifest: Manifest) -> dict[str, Locked]:
    """What it states of the locked sets, and what it was measured to say of further ones.
    ModelError where the directory does not state what its model says of any."""
    if locked.FILE_NAME not in manifest.files:
        raise ModelError(
            f"Model {manifest.id!r} does not state what it says of the locked sets: "
            f"{locked.FILE_NAME} is missing."
        )
    return measured.also_said(version) | read_locked(manifest.path(locked.FILE_NAME))


def _active(
    active: ModelVersion | None,
) -> tuple[tuple[Manifest, dict[str, Locked]] | None, str]:
    """The active model and what it said; or None, and why there is nothing to compare with."""
    if active is None:
        return None, "No model is active, so that it is held against fixed bounds."
    try:
        manifest = require_files(active)
        return (manifest, _said(active, manifest)), ""
    except ModelError as error:
        return None, f"{error} So the candidate is held against fixed bounds."


def _speed(manifest: Manifest, other: Manifest | None, rules: Policy) -> Finding:
    directories = [manifest.directory, *([other.directory] if other else [])]
    try:
        mine, *theirs = rates(directories)
    except ModelError as error:
        return Finding(SPEED, False, str(error))
    return judge_speed(mine, theirs[0] if theirs else None, rules)


def _as_shadow(version: ModelVersion) -> Iterator[Finding]:
    """What it read along says, for people to judge: readers had seen the active model's answers."""
    if not shadow_figures.has_read(version):
        return
    found = shadow_figures.reading(version)
    if found.beside is None or found.agreement is None:
        yield Finding(SHADOW, None, "It has read no cell along yet.")
        return
    same = found.agreement.same
    said = [
        f"Beside {found.beside} it read {same.total:,} new cells along and said the same of "
        f"{same.value or 0:.4f}."
    ]
    figures: list[Figure] = []
    signed = found.signed
    if signed is None or not signed.known:
        said.append("None of them is signed as one of the classes yet.")
    else:
        said.append(
            f"Of {signed.known:,} cells of {signed.cases:,} signed cases it named "
            f"{signed.shadow.value or 0:.4f} as they were signed, {found.beside} "
            f"{signed.active.value or 0:.4f}."
        )
        if signed.compared and signed.compared.accuracy:
            figures.append(line("Accuracy, as signed", signed.compared.accuracy))
    said.append("No condition is made of this.")
    yield Finding(SHADOW, None, " ".join(said), tuple(figures))


def _key(version: ModelVersion, active: ModelVersion | None) -> str:
    facts = [
        version.manifest_sha256,
        active.manifest_sha256 if active else "",
        asdict(policy()),
    ]
    return "gate:" + hashlib.sha256(json.dumps(facts).encode()).hexdigest()

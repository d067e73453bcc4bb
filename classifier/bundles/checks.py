"""What a model directory from outside must be, beyond a manifest whose hashes are right."""

import json
import re
from typing import Any

from classifier.bundles.graph import require_graph
from classifier.bundles.names import LARGEST, MOST_FILES, limit_of
from classifier.bundles.statistics import require_statistics
from classifier.inference import golden
from classifier.inference.errors import ModelError
from classifier.inference.manifest import FILE_NAME, Manifest

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_RESERVED = frozenset({"compare", "rollback", "upload"})  # addresses of pages, see classifier.urls
_TEXT_LIMIT = 200  # characters
_PNG = b"\x89PNG\r\n\x1a\n"


def require_names(manifest: Manifest) -> None:
    """ModelError unless the id and every file's name are such as a model's are. Reads no file."""
    if not _ID.fullmatch(manifest.id) or manifest.id.lower() in _RESERVED:
        raise ModelError(
            f"A model cannot have the id {manifest.id[:80]!r}: 1 to 80 letters, digits, '-', '.' "
            "and '_', the first a letter or digit."
        )
    if len(manifest.files) > MOST_FILES:
        raise ModelError(f"Model {manifest.id!r}: more than {MOST_FILES} files.")
    for name in manifest.files:
        if name == FILE_NAME or limit_of(name) is None:
            raise ModelError(
                f"Model {manifest.id!r}: a model may not have a file {name[:80]!r}. Taken are the "
                "graph, its statistics, tables (.json, .csv), MODEL_CARD.md and figures/*.png."
            )
    if golden.FILE_NAME not in manifest.files:
        raise ModelError(f"Model {manifest.id!r} states no answers to the golden set.")


def require_sound(manifest: Manifest) -> None:
    """ModelError, in one sentence, unless names, sizes, texts, statistics and graph are in order.

    To be called in a confined child (classifier.bundles.confined) on a verified directory.
    """
    require_names(manifest)
    _check_sizes(manifest)
    _check_texts(manifest)
    for name in manifest.files:
        if name.endswith(".json"):
            _plain_json(manifest, name)
        elif name.endswith(".png"):
            with manifest.path(name).open("rb") as stream:
                if stream.read(len(_PNG)) != _PNG:
                    raise ModelError(f"Model {manifest.id!r}: {name} is not a PNG picture.")
    require_statistics(manifest)
    require_graph(manifest)


def _check_sizes(manifest: Manifest) -> None:
    total = 0
    for name in manifest.files:
        size = manifest.path(name).stat().st_size
        total += size
        if size > (limit_of(name) or 0):
            raise ModelError(f"Model {manifest.id!r}: the file {name} is too large.")
    if total > LARGEST:
        raise ModelError(f"Model {manifest.id!r}: its files are too large together.")


def _check_texts(manifest: Manifest) -> None:
    content = _plain_json(manifest, FILE_NAME)
    for name in ("metrics", "data", "weights"):
        if not isinstance(content.get(name, {}), dict):
            raise ModelError(f"Model {manifest.id!r}: {name} in the manifest must be a table.")
    for name in ("created", "code_version"):
        value = content.get(name, "")
        if not isinstance(value, str) or len(value) > _TEXT_LIMIT:
            raise ModelError(f"Model {manifest.id!r}: {name} in the manifest must be a short text.")


def _plain_json(manifest: Manifest, name: str) -> Any:
    """A table that every JSON reader and the database take: finite, valid text, not too deep."""
    try:
        content = json.loads(manifest.path(name).read_bytes(), parse_constant=_not_finite)
        text = json.dumps(content, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (ValueError, RecursionError) as error:
        raise ModelError(f"Model {manifest.id!r}: {name} is not plain JSON.") from error
    if "\\u0000" in text or not isinstance(content, dict):
        raise ModelError(f"Model {manifest.id!r}: {name} is not plain JSON.")
    return content


def _not_finite(name: str) -> None:
    raise ValueError(name)

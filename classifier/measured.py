"""What versions are known to say of locked sets besides what their own directories state.

An app above measures versions on further sets (a training run measures the model that reads at the
time on its own test cells) and registers here how to look that up; the gate asks.
"""

from collections.abc import Callable, Mapping

from classifier.inference.locked import Locked
from classifier.models import ModelVersion

Provider = Callable[[ModelVersion], Mapping[str, Locked]]
_providers: list[Provider] = []


def register(provider: Provider) -> None:
    _providers.append(provider)


def also_said(version: ModelVersion) -> dict[str, Locked]:
    """By the name of the set."""
    found: dict[str, Locked] = {}
    for provider in _providers:
        found |= provider(version)
    return found

"""A command-line option for every field of the configuration, and a file of them."""

import tomllib
from argparse import BooleanOptionalAction
from dataclasses import fields
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from ml.config import TrainConfig


def add_options(parser: CommandParser) -> None:
    """One option a field, unset unless given, and --config FILE with several."""
    group = parser.add_argument_group("options of the run, saved in config.json")
    group.add_argument(
        "--config", type=Path, metavar="FILE.toml", help="options by name; those typed come first"
    )
    for option in fields(TrainConfig):
        name = "--" + option.name.replace("_", "-")
        shown = {"help": f"default: {option.default}", "default": None}
        if isinstance(option.default, tuple):
            group.add_argument(name, nargs="+", metavar="NAME", **shown)
        elif isinstance(option.default, bool):
            group.add_argument(name, action=BooleanOptionalAction, **shown)
        else:
            group.add_argument(name, type=type(option.default), **shown)


def chosen_options(options: dict[str, Any]) -> dict[str, Any]:
    """Those of the file and of the command line, as TrainConfig takes them."""
    known = {option.name: option.default for option in fields(TrainConfig)}
    chosen = _read(options["config"]) if options.get("config") else {}
    if unknown := sorted(set(chosen) - set(known)):
        raise CommandError(f"{options['config']} names options that there are not: {unknown}.")
    chosen |= {name: options[name] for name in known if options.get(name) is not None}
    for name, value in chosen.items():
        kind = type(known[name])
        chosen[name] = tuple(value) if kind is tuple else kind(value)
    return chosen


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} is not TOML: {error}.") from error

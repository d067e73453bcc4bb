"""manage.py benchmark_model"""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from classifier.inference.discovery import DEFAULT_MODEL, find_model
from classifier.inference.errors import ModelError
from classifier.inference.manifest import FILE_NAME, read_manifest
from ml.data import VARIABLE, DataError, data_folder

if TYPE_CHECKING:
    from ml.benchmark import Speed


class Command(BaseCommand):
    help = (
        "Measure how fast model directories are on this machine: pictures a second of the engine "
        "alone (crops in memory) and of the whole way from stored PNG to result, milliseconds of "
        "one picture alone (median and 95th percentile), seconds until ready and resident memory "
        "of a fresh process, size of the files. Several models take turns, and each figure is the "
        "best of its rounds, so that other work on the machine counts as little as it can. With "
        "--run-dir the models of a run are measured, and each gets benchmark.json and a card that "
        "says so. Pictures come from pbc/val, or are drawn where there is no data folder."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "models", nargs="*", metavar="MODEL",
            help=f"directory, or name of a shipped model (default: {DEFAULT_MODEL})",
        )  # fmt: skip
        parser.add_argument(
            "--run-dir", type=Path, metavar="FOLDER", help="its model and model-* directories"
        )
        parser.add_argument(
            "--precision", nargs="+", choices=("f32", "bf16"), metavar="f32|bf16",
            help="compute float models in these instead of their own, one row each",
        )  # fmt: skip
        parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
        parser.add_argument("--pictures", type=int, default=160, help="default: %(default)s")
        parser.add_argument("--threads", type=int, help="default: all this process may use")
        parser.add_argument("--data", metavar="FOLDER", help=f"default: ${VARIABLE}")
        parser.add_argument("--json", action="store_true", help="JSON instead of the table")

    def handle(self, *_args: Any, **options: Any) -> None:
        from ml.benchmark import compare, machine, stored_pictures

        run, rounds = options["run_dir"], options["rounds"]
        threads = options["threads"] or len(os.sched_getaffinity(0))
        if min(rounds, threads, options["pictures"]) < 1:
            raise CommandError("--rounds, --pictures and --threads must be 1 or more.")
        if run and options["precision"]:
            raise CommandError("--run-dir measures each model in its own precision.")
        try:
            own = self._of_run(run) if run else []
            chosen = [self._find(name) for name in options["models"]] + own or [find_model()]
            targets = [
                (path, precision)
                for path in chosen
                for precision in self._precisions(path, options["precision"])
            ]
            given = options["data"] or os.environ.get(VARIABLE)
            pictures = stored_pictures(data_folder(given) if given else None, options["pictures"])
            found = compare(targets, pictures, rounds=rounds, threads=threads)
        except (DataError, ModelError) as error:
            raise CommandError(str(error)) from error
        taken = {"pictures": len(pictures), "rounds": rounds, "threads": threads}
        if options["json"]:
            rows = [asdict(speed) for speed in found]
            whole = {"machine": machine(), **taken, "models": rows}
            self.stdout.write(json.dumps(whole, indent=2, ensure_ascii=False))
        else:
            self.stdout.write(table(found, machine(), taken))
        for (path, _), speed in zip(targets, found, strict=True):
            if path in own:
                self._keep(path, {"machine": machine(), **taken, **asdict(speed)})
        if not options["json"]:
            self.stdout.write(
                f"Next: read the cards in {run}." if run else "Next: --run-dir RUN puts the figures "
                "of a run's models into their cards; --json prints them for a program."
            )  # fmt: skip

    def _find(self, name: str) -> Path:
        return Path(name) if (Path(name) / FILE_NAME).is_file() else find_model(name)

    def _of_run(self, run: Path) -> list[Path]:
        paths = sorted(path.parent for path in run.glob(f"model*/{FILE_NAME}"))
        if not paths:
            raise CommandError(f"{run} holds no exported model; run export_model first.")
        return paths

    def _precisions(self, path: Path, wanted: list[str] | None) -> list[str | None]:
        """An int8 graph has none but its own."""
        if not wanted or read_manifest(path).precision == "int8":
            return [None]
        return [*wanted]

    def _keep(self, directory: Path, row: dict[str, Any]) -> None:
        from ml.export import rewrite_manifest
        from ml.report import METRICS, refresh_card
        from ml.runs import write_json

        write_json(directory / "benchmark.json", row)
        if (directory / METRICS).is_file():
            refresh_card(directory)
        else:
            rewrite_manifest(directory)


def table(found: "list[Speed]", machine: dict[str, Any], taken: dict[str, Any]) -> str:
    """What was measured, on what, for the terminal."""
    able = ", ".join(machine["instructions"]) or "no wide arithmetic"
    wide = max(len(speed.model) for speed in found) + 2
    lines = [
        f"{machine['processor']}: {able}; OpenVINO says {', '.join(machine['capabilities'])}",
        f"{taken['threads']} threads, {taken['pictures']} pictures, the best of "
        f"{taken['rounds']} rounds each",
        "",
        f"{'':<{wide}}{'':<15}{'engine':>10}{'pipeline':>10}{'one alone, ms':>16}{'ready':>8}"
        f"{'memory':>9}{'size':>8}",
        f"{'model':<{wide}}{'precision':<15}{'pict./s':>10}{'pict./s':>10}{'p50':>8}{'p95':>8}"
        f"{'s':>8}{'MB':>9}{'MB':>8}",
    ]
    for each in found:
        same = each.precision == each.computed
        precision = each.precision if same else f"{each.precision} as {each.computed}"
        lines.append(
            f"{each.model:<{wide}}{precision:<15}{each.engine:>10.1f}{each.pipeline:>10.1f}"
            f"{each.latency_p50_ms:>8.1f}{each.latency_p95_ms:>8.1f}{each.ready_s:>8.2f}"
            f"{each.resident_mb:>9.0f}{each.size_mb:>8.1f}"
        )
    return "\n".join(lines)

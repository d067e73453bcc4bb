import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from classifier.invariants import verify


class Command(BaseCommand):
    help = "Check what must always hold: nothing lost, doubled, stuck, wrong or orphaned."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--no-files", action="store_true", help="do not read every stored picture again"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with tqdm(unit=" checks", disable=not sys.stderr.isatty(), leave=False) as bar:
            findings = verify(files=not options["no_files"], tick=bar.update)  # type: ignore[arg-type]
        for finding in findings:
            verdict = "ok" if not finding.broken else f"{finding.broken} BROKEN"
            self.stdout.write(
                f"{finding.code}  {verdict:<10} {finding.checked:>8} checked  {finding.title}"
            )
            for example in finding.examples:
                self.stdout.write(f"      {example}")
            if finding.broken > len(finding.examples):
                self.stdout.write(f"      and {finding.broken - len(finding.examples)} more")
        broken = sum(finding.broken for finding in findings)
        if broken:
            raise CommandError(f"{broken} violations. Nothing was changed.", returncode=1)
        self.stdout.write("All hold.")

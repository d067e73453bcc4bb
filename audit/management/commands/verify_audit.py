"""``manage.py verify_audit``: recompute the audit chain and compare it with its anchors."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from audit.anchors import Anchor, AnchorDamaged, default_path, read_anchors
from audit.models import AuditEvent
from audit.verify import verify


class Command(BaseCommand):
    help = (
        "Recomputes the audit chain in order and compares it with the signed anchors. "
        "Exit status 1 and the first broken sequence where something was edited, removed, "
        "inserted, reordered, cut or rewritten."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--anchor",
            type=Path,
            metavar="FILE",
            help="Signed heads (default: audit-anchors.jsonl in the data directory, if there).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        anchors, source = self.anchors(options["anchor"])
        total = AuditEvent.objects.count()
        with tqdm(total=total, unit=" events", disable=not sys.stderr.isatty()) as bar:
            result = verify(anchors=anchors, advance=bar.update)
        if result.finding:
            found = result.finding
            raise CommandError(
                f"The audit record is broken at event {found.sequence} ({found.kind}): "
                f"{found.message} Keep the database as it is and compare it with a backup."
            )
        self.stdout.write(f"The chain of {result.events} events is whole.")
        if source:
            self.stdout.write(f"It agrees with {result.anchors} anchors of {source}.")
        else:
            self.stdout.write(
                "No anchors were compared: a cut tail or a chain hashed anew would not show. "
                "Name their file with --anchor."
            )

    def anchors(self, path: Path | None) -> tuple[list[Anchor], Path | None]:
        if path is None:
            path = default_path()
            if not path.exists():
                return [], None
        try:
            return list(read_anchors(path)), path
        except OSError as error:
            raise CommandError(f"The anchors cannot be read: {error}.") from error
        except AnchorDamaged as error:
            raise CommandError(f"The anchors do not count as evidence: {error}") from error

"""Count everything anew: after a restore, or to see at once what beat would bring in minutes."""

from argparse import ArgumentParser
from datetime import date, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from monitoring.counting import day_count, first_day
from monitoring.overrides import overrides_check
from monitoring.streams import follow


class Command(BaseCommand):
    help = "Follow what was read, count every day anew, and bring the alarms in line."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--since", type=date.fromisoformat, help="first day to count, as 2026-11-01"
        )

    def handle(self, *args: Any, since: date | None, **options: Any) -> None:
        while follow():
            self.stdout.write("Streams are followed; more waits.")
        first = since or first_day()
        today = timezone.localdate()
        if first is None:
            self.stdout.write("Nothing was read or signed yet. There is nothing to count.")
            return
        if first > today:
            raise CommandError(f"{first} lies ahead; give a day up to {today}.")
        days = [first + timedelta(days=n) for n in range((today - first).days + 1)]
        bar = tqdm(days, desc="days", disable=not self.stderr.isatty())
        read = sum(day_count(day=day) for day in bar)
        overrides_check()
        self.stdout.write(f"{len(days)} days with {read} cells are counted. See /monitoring/.")

import json
import re
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from review.models import Report
from review.reports.canonical import canonical, digest
from review.reports.checks import differences
from review.reports.codes import shown_code
from review.reports.comparing import content_differences
from review.reports.fhir import bundle_of
from review.reports.reading import content_of
from review.reports.verifying import find, find_by_file, hash_of

_CODE = re.compile(rb"(?:[A-Z0-9]{5}-){2}[A-Z0-9]{5}")


class Command(BaseCommand):
    help = (
        "Check signed reports, by their PDF, JSON or FHIR file or by their code: hashes, signatures, "
        "every picture's file and every verdict against what was frozen. Exit status 1 and a "
        "sentence for each difference."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("reports", nargs="+", metavar="FILE|CODE")

    def handle(self, *args: Any, **options: Any) -> None:
        broken = sum(self._check(given) for given in options["reports"])
        if broken:
            raise CommandError(
                f"{broken} difference{'s' if broken > 1 else ''}. Nothing was changed.",
                returncode=1,
            )

    def _check(self, given: str) -> int:
        path = Path(given)
        if path.is_file():
            report, found = _by_file(path.read_bytes())
        else:
            report = find(given)
            found = [] if report else ["There is no such file, and no signed report of this code."]
        if report is not None:
            found += differences(report)
            found += self._next(report)
        name = f"{given}: " if report is None else f"{given}: report {shown_code(report.code)}, "
        if report is not None:
            name += f"{report.case.number}, version {report.version}: "
        self.stdout.write(f"{name}{'ok' if not found else 'NOT AS SIGNED'}")
        for sentence in found:
            self.stdout.write(f"  {sentence}")
        return len(found)

    def _next(self, report: Report) -> list[str]:
        """A report rests on the version that it replaced: what changed in that is found too."""
        if report.amends is None:
            return []
        return [f"Version {report.amends.version}: {one}" for one in differences(report.amends)]


def _by_file(data: bytes) -> tuple[Report | None, list[str]]:
    """The report that a file is of, and how the file differs from it."""
    report = find_by_file(hash_of([data]))
    if report is not None:
        return report, []
    try:
        said = json.loads(data)
    except ValueError:
        return _by_print(data)
    if not isinstance(said, dict):
        return None, ["This is not the file of a report."]
    if said.get("resourceType") == "Bundle":
        return _by_bundle(said)
    return _by_content(said)


def _by_print(data: bytes) -> tuple[Report | None, list[str]]:
    """A PDF whose hash nobody knows still says in its metadata whose it was."""
    for code in dict.fromkeys(_CODE.findall(data)):
        report = find(code.decode())
        if report is not None:
            return report, ["The file is not the PDF that was made of this report: it was changed."]
    return None, ["No report here has this file: it was changed, or it was not made here."]


def _by_content(said: dict[str, Any]) -> tuple[Report | None, list[str]]:
    try:
        text = canonical(said)
    except (TypeError, ValueError):
        text = ""
    report = find_by_file(digest(text))
    if report is not None:
        return report, []  # the same content, written with other spaces or in another order
    try:
        report = find(str(said["report"]["code"]))
    except (KeyError, TypeError):
        return None, ["This is not the content of a report."]
    if report is None:
        return None, ["There is no signed report of the code that this file names."]
    return report, content_differences(content_of(report), said)


def _by_bundle(said: dict[str, Any]) -> tuple[Report | None, list[str]]:
    identifier = said.get("identifier")
    code = identifier.get("value", "") if isinstance(identifier, dict) else ""
    report = find(str(code))
    if report is None:
        return None, ["There is no signed report of the code that this bundle names."]
    return report, content_differences(json.loads(json.dumps(bundle_of(report))), said)

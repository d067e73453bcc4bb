from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from classifier import examination
from classifier.choices import PromotionState
from classifier.gate import Finding, refused
from classifier.management.naming import registered_version
from classifier.promotion import promotion_ask
from classifier.queueing import active_version
from patients.errors import DomainError

MARKS = {True: "passed", False: "REFUSED", None: "not tried"}


class Command(BaseCommand):
    help = (
        "Hold a registered model up to the gate, against the active one, and have it read new "
        "pictures if nothing speaks against it (where two people are asked for, a second "
        "administrator must agree on its page). Exit status 1 when the gate refuses."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("model", metavar="ID", help="of a registered model, or an alias")
        parser.add_argument("--dry-run", action="store_true", help="ask the gate, change nothing")
        parser.add_argument("--reason", default="", help="kept with the promotion")

    def handle(self, *args: Any, **options: Any) -> None:
        version = registered_version(options["model"])
        before = active_version()
        self.stderr.write(f"Asking the gate about {version}, against {before or 'no other'} ...")
        findings = examination.examine(version, before)
        for finding in findings:
            self.show(finding)
        against = refused(findings)
        if options["dry_run"]:
            if against:
                raise CommandError(f"{version} would be refused. Nothing was changed.")
            self.stdout.write(f"Nothing speaks against {version}. Nothing was changed.")
            return
        try:
            # Asked for in any case: what the gate refuses is kept with its reasons.
            promotion = promotion_ask(actor=None, version=version, reason=options["reason"][:300])
        except DomainError as error:
            raise CommandError(str(error)) from error
        if promotion.state == PromotionState.REFUSED:
            raise CommandError(f"{version} was refused. {before or 'No model'} stays active.")
        if promotion.state == PromotionState.WAITING:
            self.stdout.write(f"{version} waits for an administrator to agree on its page.")
        else:
            self.stdout.write(f"{version} reads new pictures from now on.")

    def show(self, finding: Finding) -> None:
        self.stdout.write(f"{MARKS[finding.passed]:<9}  {finding.title}: {finding.sentence}")

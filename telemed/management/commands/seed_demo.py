"""``manage.py seed_demo``: people, patients and cases to look at, made of drawn cells."""

import time
from typing import Any

import cv2
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from accounts.models import Organisation, ReadingGrant, User
from patients.choices import CaseStatus
from patients.models import Case, Patient
from patients.services.cases import case_create
from patients.services.images import image_receive
from patients.services.thread import comment_add
from patients.services.workflow import case_submit, case_withdraw
from review.current import cell_states
from review.models import Reading
from review.services.readings import case_take
from review.services.signing import report_sign
from review.services.verdicts import Change, act_classify
from telemed import demo
from telemed.demo_cases import CASES, SPECIMEN, DemoCase

CLINIC, CENTRE = "Northfield Clinic (demo)", "Harbour Reading Centre (demo)"


class Command(BaseCommand):
    help = (
        "Makes the demonstration: a clinic, a reading centre, one person per role and a dozen cases "
        "of drawn (synthetic) cells. Safe to repeat: what is there already stays as it is."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument(
            "--wait",
            type=float,
            default=120,
            metavar="SECONDS",
            help="how long to wait for the worker before the specialist takes their cases (120)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError(
                "The demonstration's password is public: it is not made in production. Nothing was changed."
            )
        people = self.people()
        made = self.cases(people)
        self.thread_and_review(people, made, wait=options["wait"])
        self.stdout.write(
            f"{len(made)} cases made, {len(CASES) - len(made)} were there. Sign in as one of: "
            + ", ".join(person.email for person in demo.PEOPLE)
        )

    def people(self) -> dict[str, User]:
        clinic, _ = Organisation.objects.get_or_create(name=CLINIC)
        centre, _ = Organisation.objects.get_or_create(name=CENTRE)
        ReadingGrant.objects.get_or_create(referring=clinic, reading=centre)
        found = {}
        for person in demo.PEOPLE:
            user = User.objects.filter(email=person.email).first()
            if user is None:
                user = User.objects.create_user(
                    person.email,
                    demo.PASSWORD,
                    full_name=person.name,
                    role=person.role,
                    organisation=clinic if person.role == "clinician" else centre,
                )
            found[person.role] = user
        return found

    def cases(self, people: dict[str, User]) -> list[tuple[Case, DemoCase]]:
        there = set(
            Patient.objects.filter(organisation=people["clinician"].organisation).values_list(
                "mrn", flat=True
            )
        )
        missing = [(number, case) for number, case in enumerate(CASES, 1) if case.mrn not in there]
        cells = sum(sum(case.cells) for _, case in missing)
        made = []
        self.seeds = {recipe.mrn: seed for seed, recipe in missing}
        with tqdm(total=cells, unit="cell", desc="drawing", disable=None) as progress:
            for seed, recipe in missing:
                made.append((self.case(people, recipe, seed, progress), recipe))
        return made

    def case(self, people: dict[str, User], recipe: DemoCase, seed: int, progress: Any) -> Case:
        from ml.phantoms import draw_cell

        clinician = people["clinician"]
        case = case_create(
            actor=clinician,
            new_patient={
                "mrn": recipe.mrn,
                "family_name": recipe.family_name,
                "given_name": recipe.given_name,
                "birth_date": recipe.birth_date,
                "sex": recipe.sex,
            },
            synthetic=True,
            clinical_question=recipe.question,
            priority=recipe.priority,
            site=recipe.site,
            total_wbc=recipe.total_wbc,
            **SPECIMEN,
        )
        for place, (label, cell_seed) in enumerate(recipe.draws(seed), 1):
            picture = draw_cell(label, cell_seed).image
            _, png = cv2.imencode(".png", picture[..., ::-1])
            image_receive(
                actor=clinician,
                case=case,
                name=f"phantom-{place:02}.png",
                data=png.tobytes(),
                upload_key=f"demo-{recipe.mrn}-{place}",
                order=place,
            )
            progress.update()
        if recipe.status == CaseStatus.WITHDRAWN:
            return case_withdraw(actor=clinician, case=case)
        if recipe.status != CaseStatus.DRAFT:
            return case_submit(actor=clinician, case=case)
        return case

    def thread_and_review(
        self, people: dict[str, User], made: list[tuple[Case, DemoCase]], *, wait: float
    ) -> None:
        deadline = time.monotonic() + wait
        for case, recipe in made:
            if recipe.status in (CaseStatus.IN_REVIEW, CaseStatus.SIGNED):
                if self.is_read(case, deadline):
                    reading = case_take(actor=people["specialist"], case=case)
                    if recipe.status == CaseStatus.SIGNED:
                        self.sign(people["specialist"], reading, recipe)
                else:
                    self.stderr.write(
                        f"{case.number} is not read yet (is a worker running?); it stays "
                        f"{case.get_status_display().lower()}."
                    )
            for role, body in recipe.thread:
                comment_add(actor=people[role], case=case, body=body)

    def is_read(self, case: Case, deadline: float) -> bool:
        while time.monotonic() < deadline:
            case.refresh_from_db()
            if case.status == CaseStatus.READY:
                return True
            time.sleep(0.3)
        return False

    def sign(self, specialist: User, reading: Reading, recipe: DemoCase) -> None:
        """Call every cell what it was drawn as, and sign."""
        drawn = [label for label, _ in recipe.draws(self.seeds[recipe.mrn])]
        act_classify(
            actor=specialist,
            reading=reading,
            key="demonstration",
            changes=[
                Change(state.cell.public_id, state.label, drawn[state.cell.image.position - 1])
                for state in cell_states(reading)
            ],
        )
        report_sign(
            actor=specialist, reading=reading, comment=recipe.comment, method="demonstration"
        )

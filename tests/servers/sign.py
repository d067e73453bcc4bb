"""One sign-off in a process of its own, which dies by SIGKILL at the place that it is told.

``python -m tests.servers.sign CASE PLACE``, with the laboratory's environment.
"""

import sys

from tests.servers.upload import die

PLACES = (
    "before the report",
    "between report and signature",
    "between signature and case",
    "before everybody is told",
    "between the last word and commit",
)


def set_trap(place: str) -> None:
    from review import hooks
    from review.services import signing

    if place == PLACES[0]:
        signing.freeze = die
    elif place == PLACES[1]:
        signing._put_name = die
    elif place == PLACES[2]:
        signing.case_move = die
    elif place == PLACES[3]:
        hooks.report_final = die
    elif place == PLACES[4]:
        told = hooks.report_final

        def told_and_dead(**facts: object) -> None:
            told(**facts)
            die()

        hooks.report_final = told_and_dead


def main(case_key: int, place: str) -> None:
    import django

    django.setup()
    from patients.models import Case
    from review.current import primary_reading
    from review.services.signing import report_sign

    set_trap(place)
    case = Case.objects.get(pk=case_key)
    report_sign(
        actor=case.reader, reading=primary_reading(case), comment="Seen.", method="password"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])

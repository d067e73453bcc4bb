"""One upload in a process of its own, which dies by SIGKILL at the place that it is told.

``python -m tests.servers.upload CASE SEED PLACE``, with the laboratory's environment.
"""

import os
import signal
import sys
from typing import Any

PLACES = (
    "while the picture is written",
    "between picture and thumbnail",
    "before the row",
    "between row and commit",
)


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def set_trap(place: str) -> None:
    from patients import storage
    from patients.services import images

    if place == PLACES[0]:
        storage.Path.rename = die  # the unfinished file has its bytes, and not yet its name
    elif place == PLACES[1]:
        write, calls = storage.write_once, iter((True, False))
        storage.write_once = lambda *a, **k: write(*a, **k) if next(calls) else die()
    elif place == PLACES[2]:
        images._enter = die
    elif place == PLACES[3]:
        images.hand_to_readers = die  # the last step of the transaction


def main(case_key: int, seed: int, place: str) -> None:
    import django

    django.setup()
    from patients.models import Case
    from patients.services import image_receive
    from tests.servers.engine import picture

    set_trap(place)
    case = Case.objects.get(pk=case_key)
    image_receive(
        actor=case.created_by,
        case=case,
        name="film.png",
        data=picture(seed),
        upload_key="one-upload",
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])

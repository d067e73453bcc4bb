"""Pictures coming into a case, and being taken out of it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from accounts.models import User
from audit.models import Outcome
from audit.services import record
from patients import ports
from patients.choices import CaseStatus
from patients.errors import KeyReused, MoveRefused, QuotaReached
from patients.images import ImageRefused, Rebuilt, rebuild
from patients.models import Case, SmearImage
from patients.services.files import Files, keep
from patients.services.workflow import case_move, locked_case
from patients.text import file_name

IMAGES_PER_CASE = 500
LAST_PLACE = 100_000  # the highest place that a browser may ask for
REMOVABLE = (CaseStatus.DRAFT, CaseStatus.CLASSIFYING, CaseStatus.READY)


@dataclass(frozen=True)
class Received:
    """``new`` is False when the picture was in the case already: by the same key or by its looks."""

    image: SmearImage
    new: bool


def image_receive(
    *,
    actor: User,
    case: Case,
    name: str,
    data: bytes,
    upload_key: str,
    order: int | None = None,
) -> Received:
    """Check, rebuild and keep one picture.

    ``upload_key`` is the browser's own for this file: the same key with the same bytes is answered
    again, however often and in parallel. ``order`` is the place that the person gave the file
    (from 1); it is kept when it is free. A picture that is in the case already is not an error.

    Raises ImageRefused (audited, nothing is kept), KeyReused, QuotaReached, MoveRefused, and, both
    worth a retry, DecoderUnavailable and StorageUnavailable.
    """
    original = hashlib.sha256(data).hexdigest()
    if earlier := _already(case, upload_key, original):
        return Received(earlier, new=False)
    _require_room(case)
    rebuilt = checked(actor=actor, case=case, data=data, name=name)
    if earlier := _already(case, upload_key, original, rebuilt.sha256):
        return Received(earlier, new=False)
    with keep(rebuilt) as files:
        try:
            return _enter(actor, case, name, upload_key, order, rebuilt, files)
        except IntegrityError:
            # The database's own word on "once per case", should a lock ever not hold.
            earlier = _already(case, upload_key, original, rebuilt.sha256)
            if earlier is None:
                raise
            return Received(earlier, new=False)


def checked(*, actor: User, case: Case, data: bytes, name: str) -> Rebuilt:
    """The picture rebuilt; a refusal is audited by its code and the hash of what came."""
    try:
        return rebuild(data, filename=name)
    except ImageRefused as refusal:
        record(
            action="image.refused",
            actor=actor,
            outcome=Outcome.FAILED,
            obj=case,
            case_id=case.public_id,
            code=refusal.code,
            sha256=hashlib.sha256(data).hexdigest(),
            bytes=len(data),
        )
        raise


@transaction.atomic
def _enter(
    actor: User,
    case: Case,
    name: str,
    upload_key: str,
    order: int | None,
    rebuilt: Rebuilt,
    files: Files,
) -> Received:
    held = locked_case(case)
    if earlier := _already(held, upload_key, rebuilt.original_sha256, rebuilt.sha256):
        return Received(earlier, new=False)
    _require_room(held)
    image = SmearImage.objects.create(
        case=held,
        uploaded_by=actor,
        position=_place(held, order),
        original_name=file_name(name),
        original_format=rebuilt.original_format,
        original_sha256=rebuilt.original_sha256,
        upload_key=upload_key,
        **files.columns(rebuilt),
    )
    files.kept = True
    record(
        action="image.received",
        actor=actor,
        obj=image,
        case_id=held.public_id,
        position=image.position,
        sha256=image.sha256,
        original_sha256=image.original_sha256,
        warnings=list(rebuilt.warnings),
    )
    hand_to_readers(held, [image])
    return Received(image, new=True)


@transaction.atomic
def image_remove(*, actor: User, image: SmearImage) -> SmearImage:
    """Take a picture out of its case. Its row and file stay for the record, and are never served.

    Raises MoveRefused while a specialist reads, and for the last picture of a submitted case.
    """
    held = locked_case(image.case)
    locked = SmearImage.objects.select_for_update().get(pk=image.pk)
    if locked.removed_at is not None:
        return locked
    require_removable(held)
    if held.status != CaseStatus.DRAFT and held.images.present().count() == 1:
        raise MoveRefused(
            "This is the only picture of a submitted case. Add another first, or withdraw the case.",
            code="last_image",
        )
    take_out(actor=actor, case=held, image=locked)
    return locked


def require_removable(case: Case) -> None:
    """Raise MoveRefused unless pictures of this (locked) case may be taken out."""
    if case.status not in REMOVABLE or case.reader_id is not None:
        raise MoveRefused(
            f"This case is {case.get_status_display().lower()}; its pictures stay as they are."
            if case.status in (CaseStatus.WITHDRAWN, CaseStatus.SIGNED)
            else "A specialist is reading this case. Ask them to release it, then change its pictures."
        )


def take_out(*, actor: User, case: Case, image: SmearImage, replaced: bool = False) -> None:
    """Mark a picture of a locked case as removed; the record knows, and the readers stop on it."""
    image.removed_at = timezone.now()
    image.save(update_fields=["removed_at"])
    if not replaced:
        record(
            action="image.removed",
            actor=actor,
            obj=image,
            case_id=case.public_id,
            position=image.position,
        )
        stop_readers(case, image)


def stop_readers(case: Case, image: SmearImage) -> None:
    """Nothing open on a removed picture goes on."""
    if case.status != CaseStatus.DRAFT:
        for reading in ports.readings():
            reading.image_removed(image=image)


def hand_to_readers(case: Case, images: Sequence[SmearImage]) -> None:
    """New pictures of a submitted case are read at once; one of a draft waits for the submission."""
    case = locked_case(case)  # as it is now: a picture just removed may have moved it on
    if case.status == CaseStatus.DRAFT:
        return
    if case.status != CaseStatus.CLASSIFYING:
        case = case_move(case=case, to=CaseStatus.CLASSIFYING)
    for reading in ports.readings():
        reading.images_received(case=case, images=images)


def _already(
    case: Case, upload_key: str, original_sha256: str, sha256: str = ""
) -> SmearImage | None:
    """The picture that this upload already is: by its key, else by the same bytes or the same look.

    Raises KeyReused when the key came with other bytes before.
    """
    by_key = SmearImage.objects.filter(case=case, upload_key=upload_key).first()
    if by_key is not None:
        if by_key.original_sha256 != original_sha256:
            raise KeyReused(
                "This upload's key was used for another file before. Choose the file again."
            )
        return by_key
    present = SmearImage.objects.filter(case=case).present()
    return (
        present.filter(original_sha256=original_sha256).first()
        or (sha256 and present.filter(sha256=sha256).first())
        or None
    )


def _require_room(case: Case) -> None:
    if case.status == CaseStatus.WITHDRAWN:
        raise MoveRefused("This case was withdrawn; it takes no more pictures.")
    if case.status == CaseStatus.SIGNED:
        raise MoveRefused("This case is signed; it takes no more pictures. Open a new case.")
    if SmearImage.objects.filter(case=case).present().count() >= IMAGES_PER_CASE:
        raise QuotaReached(
            f"A case holds at most {IMAGES_PER_CASE} pictures. Remove some, or open another case."
        )


def _place(case: Case, order: int | None) -> int:
    """The place asked for if it is free, else the one behind the last."""
    taken = SmearImage.objects.filter(case=case)
    if order is not None and 1 <= order <= LAST_PLACE and not taken.filter(position=order).exists():
        return order
    return (taken.aggregate(last=Max("position"))["last"] or 0) + 1

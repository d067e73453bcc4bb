"""Painting over an area of a picture, for example a patient's name that the camera burned in."""

import uuid

from django.db import transaction

from accounts.models import User
from audit.services import record
from patients import storage
from patients.errors import MoveRefused
from patients.images import blank_area
from patients.models import SmearImage
from patients.services.files import keep
from patients.services.images import hand_to_readers, require_removable, stop_readers, take_out
from patients.services.workflow import locked_case

Box = tuple[int, int, int, int]


def image_blank(*, actor: User, image: SmearImage, box: Box) -> SmearImage:
    """Replace a picture by one with the box (left, top, right, bottom, pixels) painted white.

    The new picture takes the old one's place in the case; the old one is removed in the same
    transaction. Raises ImageRefused("box"), MoveRefused, PictureDamaged, PictureMissing,
    StorageUnavailable, DecoderUnavailable.
    """
    require_removable(image.case)
    png = storage.read_verified(image.picture_key, sha256=image.sha256)
    rebuilt = blank_area(png, box)
    if rebuilt.sha256 == image.sha256:
        return image  # the area was white already
    with keep(rebuilt) as files, transaction.atomic():
        held = locked_case(image.case)
        require_removable(held)
        old = SmearImage.objects.select_for_update().get(pk=image.pk)
        if old.removed_at is not None:
            raise MoveRefused("This picture was removed from the case meanwhile.")
        same = held.images.present().filter(sha256=rebuilt.sha256).first()
        if same is not None:
            take_out(actor=actor, case=held, image=old)
            return same
        new = SmearImage(
            case=held,
            uploaded_by=actor,
            position=old.position,
            original_name=old.original_name,
            original_format=old.original_format,
            original_sha256=old.original_sha256,
            upload_key=f"blanked-{uuid.uuid4().hex}",
            **files.columns(rebuilt),
        )
        take_out(actor=actor, case=held, image=old, replaced=True)
        new.save(force_insert=True)
        files.kept = True
        record(
            action="image.blanked",
            actor=actor,
            obj=new,
            case_id=held.public_id,
            position=new.position,
            replaces=str(old.public_id),
            box=list(box),
            sha256=new.sha256,
        )
        hand_to_readers(held, [new])
        stop_readers(held, old)
    return new

"""Pictures coming in, being recognised, removed and blanked."""

import pytest
from django.db import IntegrityError, transaction

from audit.models import AuditEvent
from patients import storage
from patients.choices import CaseStatus
from patients.errors import KeyReused, MoveRefused, QuotaReached
from patients.images import ImageRefused
from patients.models import SmearImage
from patients.services import case_withdraw, image_blank, image_receive, image_remove, images
from tests.patients import pictures

pytestmark = pytest.mark.django_db


def give(people, case, data=None, key="key-a", name="a.png", **more):
    return image_receive(
        actor=people.clinician,
        case=case,
        name=name,
        data=pictures.png() if data is None else data,
        upload_key=key,
        **more,
    )


def stored_files() -> set[str]:
    return {key for prefix in ("pictures", "thumbnails") for key in storage.list_keys(prefix)}


def test_a_picture_is_kept_with_its_file_its_thumbnail_and_its_record(people, draft):
    received = give(people, draft, name="first.png")
    image = received.image
    assert received.new
    png = storage.read_verified(image.picture_key, sha256=image.sha256)
    storage.read_verified(image.thumbnail_key, sha256=image.thumbnail_sha256)
    assert (len(png), image.position, image.original_name) == (image.bytes, 1, "first.png")
    assert (image.width, image.height, image.original_format) == (96, 96, "PNG")
    assert AuditEvent.objects.get(action="image.received").data["sha256"] == image.sha256


def test_the_same_key_and_bytes_are_answered_again(people, draft):
    first, again = give(people, draft), give(people, draft)
    assert (again.image.pk, again.new) == (first.image.pk, False)
    assert SmearImage.objects.count() == 1
    assert AuditEvent.objects.filter(action="image.received").count() == 1


def test_the_same_key_with_other_bytes_is_refused(people, draft):
    give(people, draft)
    with pytest.raises(KeyReused):
        give(people, draft, data=pictures.png(2))
    assert SmearImage.objects.count() == 1


def test_the_same_picture_is_recognised_by_its_bytes_and_by_its_looks(people, draft):
    first = give(people, draft).image
    before = stored_files()
    assert give(people, draft, key="key-b").image == first
    assert give(people, draft, key="key-c", data=pictures.png() + b"tail").image == first
    assert stored_files() == before


def test_the_same_picture_may_be_in_another_case_and_back_after_removal(people, draft):
    from tests import factories

    first = give(people, draft).image
    assert give(people, factories.make_case(people.clinician)).new
    image_remove(actor=people.clinician, image=first)
    assert give(people, draft, key="key-b").new


@pytest.mark.parametrize(("data", "code"), [(b"", "empty"), (b"hello", "type")])
def test_a_refused_file_leaves_a_record_and_nothing_else(people, draft, data, code):
    before = stored_files()
    with pytest.raises(ImageRefused) as refusal:
        give(people, draft, data=data)
    assert refusal.value.code == code
    event = AuditEvent.objects.get(action="image.refused")
    assert (event.data["code"], event.outcome) == (code, "failed")
    assert (SmearImage.objects.count(), stored_files()) == (0, before)


def test_the_order_chosen_is_kept_whatever_comes_first(people, draft):
    for order in (3, 1, 2):
        give(people, draft, key=f"key-{order}", data=pictures.png(order), order=order)
    found = SmearImage.objects.order_by("position").values_list("upload_key", flat=True)
    assert list(found) == ["key-1", "key-2", "key-3"]


@pytest.mark.parametrize("order", [1, 0, -5, 10**9, None])
def test_a_place_that_is_taken_or_senseless_becomes_the_next_free(people, draft, order):
    give(people, draft, key="key-1", order=1)
    second = give(people, draft, key="key-2", data=pictures.png(2), order=order)
    assert second.image.position == 2


def test_a_case_has_room_for_so_many_pictures(people, draft, monkeypatch):
    monkeypatch.setattr(images, "IMAGES_PER_CASE", 1)
    give(people, draft)
    with pytest.raises(QuotaReached):
        give(people, draft, key="key-b", data=pictures.png(2))
    assert not give(people, draft).new  # a retry of what is in is still answered


def test_a_withdrawn_case_takes_nothing(people, draft):
    case_withdraw(actor=people.clinician, case=draft)
    with pytest.raises(MoveRefused):
        give(people, draft)


@pytest.mark.parametrize("status", [CaseStatus.CLASSIFYING, CaseStatus.READY])
def test_a_picture_added_after_submission_is_read_at_once(people, submitted, reading, status):
    type(submitted).objects.filter(pk=submitted.pk).update(status=status)
    image = give(people, submitted, key="late", data=pictures.png(2)).image
    submitted.refresh_from_db()
    assert submitted.status == CaseStatus.CLASSIFYING
    assert reading.told == [("received", [image.pk])]


def test_a_removed_picture_stays_for_the_record_and_the_readers_stop(
    people, submitted, receive, reading
):
    image = receive(submitted, 2)
    reading.told.clear()
    for _ in range(2):
        image_remove(actor=people.clinician, image=image)
    image.refresh_from_db()
    assert image.removed_at is not None
    assert image.picture_key in stored_files()
    assert reading.told == [("removed", image.pk)]
    assert AuditEvent.objects.filter(action="image.removed").count() == 1


def test_the_only_picture_of_a_submitted_case_is_not_removed(people, submitted):
    with pytest.raises(MoveRefused) as refusal:
        image_remove(actor=people.clinician, image=submitted.images.get())
    assert refusal.value.code == "last_image"


def test_pictures_are_not_taken_from_under_a_specialist(people, submitted, receive):
    image = receive(submitted, 2)
    type(submitted).objects.filter(pk=submitted.pk).update(
        status=CaseStatus.IN_REVIEW, reader=people.specialist
    )
    image = SmearImage.objects.get(pk=image.pk)
    with pytest.raises(MoveRefused):
        image_remove(actor=people.clinician, image=image)
    with pytest.raises(MoveRefused):
        image_blank(actor=people.clinician, image=image, box=(0, 0, 10, 10))


def test_a_blanked_picture_takes_the_place_of_the_old_one(people, submitted, receive, reading):
    old = receive(submitted, 2)
    reading.told.clear()
    new = image_blank(actor=people.clinician, image=old, box=(0, 0, 40, 20))
    old.refresh_from_db()
    assert (new.position, new.original_name) == (old.position, old.original_name)
    assert new.sha256 != old.sha256
    assert old.removed_at is not None
    assert reading.told == [("received", [new.pk]), ("removed", old.pk)]
    event = AuditEvent.objects.get(action="image.blanked")
    assert event.data["replaces"] == str(old.public_id)


def test_a_blanked_area_is_white_and_the_original_does_not_come_back(people, draft):
    import io

    from PIL import Image

    image = give(people, draft).image
    new = image_blank(actor=people.clinician, image=image, box=(0, 0, 40, 20))
    png = storage.read_verified(new.picture_key, sha256=new.sha256)
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.crop((0, 0, 40, 20)).getextrema() == ((255, 255),) * 3
        assert picture.getpixel((41, 21)) != (255, 255, 255)
    assert give(people, draft, key="key-b").image == new  # the same file again: it is this one


def test_blanking_outside_the_picture_changes_nothing(people, draft):
    image = give(people, draft).image
    with pytest.raises(ImageRefused):
        image_blank(actor=people.clinician, image=image, box=(200, 200, 300, 300))
    assert list(draft.images.present()) == [image]


@pytest.mark.parametrize("same", ["upload_key", "sha256", "position"])
def test_the_database_itself_keeps_pictures_apart(people, draft, receive, same):
    one, other = receive(draft, 1), receive(draft, 2)
    with pytest.raises(IntegrityError), transaction.atomic():
        SmearImage.objects.filter(pk=other.pk).update(**{same: getattr(one, same)})

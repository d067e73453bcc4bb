"""Which files of the store a row points to, for the sweep of orphans."""

from collections.abc import Sequence

from datasets.choices import OPEN_STATES
from datasets.models import DataSet, Item


def known_pictures(keys: Sequence[str]) -> set[str]:
    return set(Item.objects.filter(picture_key__in=keys).values_list("picture_key", flat=True))


def known_thumbnails(keys: Sequence[str]) -> set[str]:
    return set(Item.objects.filter(thumbnail_key__in=keys).values_list("thumbnail_key", flat=True))


def known_uploads(keys: Sequence[str]) -> set[str]:
    """Parts of archives that are still worked on; those sets are few."""
    archives = DataSet.objects.filter(state__in=OPEN_STATES).values_list("archive", flat=True)
    return {key for archive in archives for key, _ in archive} & set(keys)

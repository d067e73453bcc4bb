"""Starting data sets: from a zip file, from a folder of this machine, from signed cells."""

import re
from pathlib import Path
from typing import Any

from django.db import IntegrityError, transaction

import audit.services as audit
from classifier.bundles.zips import ZipRefused
from datasets import archives, ringing
from datasets.choices import OPEN_STATES, Origin, SetState
from datasets.errors import SetRefused
from datasets.models import DataSet
from datasets.signed import available, nothing_signed

SLUG = re.compile(r"[a-z0-9]+(?:[_-][a-z0-9]+)*")


def data_set_import(*, actor: Any, archive: Path, **about: Any) -> DataSet:
    """Take a zip file of pictures; a worker does the rest. ``about``: slug, name, licence, source,
    description. SetRefused, StorageUnavailable."""
    _require_free(about["slug"])
    try:
        archives.look_through(archive)
    except ZipRefused as error:
        raise SetRefused(str(error)) from error
    parts = archives.keep(archive)
    try:
        return _start(actor=actor, origin=Origin.IMPORTED, archive=parts, **about)
    except SetRefused:
        archives.discard(parts)
        raise


def data_set_from_signed(*, actor: Any, synthetic: bool, **about: Any) -> DataSet:
    """Make a set of the signed cells of consenting organisations; a worker does it. SetRefused."""
    if not available()[synthetic]:
        raise nothing_signed(synthetic)
    return _start(actor=actor, origin=Origin.SIGNED, synthetic=synthetic, **about)


def data_set_from_folder(*, actor: Any = None, **about: Any) -> DataSet:
    """The set that a folder of this machine is imported into: a new one, or the unfinished one of
    that name, to go on with. SetRefused."""
    found = DataSet.objects.filter(
        slug=about["slug"], origin=Origin.IMPORTED, state__in=OPEN_STATES, archive=[]
    ).first()
    return found or _start(actor=actor, origin=Origin.IMPORTED, **about)


def _start(*, actor: Any, origin: str, **about: Any) -> DataSet:
    _require_free(about["slug"])
    try:
        with transaction.atomic():
            DataSet.objects.filter(slug=about["slug"], state=SetState.FAILED).delete()
            data_set = DataSet.objects.create(origin=origin, created_by=actor, **about)
            audit.record(action="data_set.started", actor=actor, obj=data_set, origin=origin)
            if origin == Origin.SIGNED or data_set.archive:
                transaction.on_commit(lambda: ringing.ring(data_set.pk), robust=True)
    except IntegrityError as error:
        raise _taken(about["slug"]) from error
    return data_set


def _require_free(slug: str) -> None:
    if not SLUG.fullmatch(slug):
        raise SetRefused(
            "The short name is small letters, digits, hyphens and underscores, such as our-smears."
        )
    if DataSet.objects.filter(slug=slug).exclude(state=SetState.FAILED).exists():
        raise _taken(slug)


def _taken(slug: str) -> SetRefused:
    return SetRefused(f"There is a data set {slug} already; choose another short name.")

"""Pictures of a data set: by class and side, those that repeat each other, and each by itself."""

import logging
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.permissions import Action
from accounts.views import page_for
from audit.models import Outcome
from audit.services import record
from datasets.choices import ItemState, SetState, Split
from datasets.models import DataSet, Item
from datasets.repeats import KINDS, pairs_of
from patients.errors import DomainError
from patients.serving import stored_picture

log = logging.getLogger(__name__)

PER_PAGE = 60
PAIRS = 24


@require_safe
@page_for(Action.MANAGE_DATA_SETS)
def pictures(request: HttpRequest, slug: str) -> HttpResponse:
    """Thumbnails, narrowed by class and side. Whatever is wrong in the address is ignored."""
    found = _ready(slug)
    kept = Item.objects.filter(data_set=found, state=ItemState.KEPT).defer("thumb")
    kinds = list(kept.order_by("kind").values_list("kind").annotate(Count("pk")))
    kind, split = request.GET.get("class", ""), request.GET.get("split", "")
    kind = kind if kind in dict(kinds) else ""
    split = split if split in Split.values else ""
    shown = kept.filter(**({"kind": kind} if kind else {}), **({"split": split} if split else {}))
    page = Paginator(shown.order_by("number"), PER_PAGE).get_page(request.GET.get("page"))
    record(action="data_set.browsed", actor=request.user, obj=found, count=len(page))
    context = {
        "data_set": found,
        "page_obj": page,
        "kinds": kinds,
        "kind": kind,
        "split": split,
        "splits": Split.choices,
    }
    return render(request, "datasets/pictures.html", context)


@require_safe
@page_for(Action.MANAGE_DATA_SETS)
def repeats(request: HttpRequest, slug: str) -> HttpResponse:
    """Pairs of pictures that are the same or nearly so."""
    found = _ready(slug)
    kind = request.GET.get("kind", "")
    kind = kind if kind in KINDS else ""
    page = Paginator(pairs_of(found, kind), PAIRS).get_page(request.GET.get("page"))
    context = {"data_set": found, "page_obj": page, "kind": kind, "kinds": list(KINDS.items())}
    return render(request, "datasets/repeats.html", context)


@require_safe
@page_for(Action.MANAGE_DATA_SETS)
def thumbnail(request: HttpRequest, item_id: UUID) -> HttpResponse:
    item = _item(item_id)
    return _served(request, item, item.thumbnail_key, item.thumbnail_sha256, "image/jpeg", "jpg")


@require_safe
@page_for(Action.MANAGE_DATA_SETS)
def picture(request: HttpRequest, item_id: UUID) -> HttpResponse:
    item = _item(item_id)
    return _served(request, item, item.picture_key, item.sha256, "image/png", "png")


def _ready(slug: str) -> DataSet:
    return get_object_or_404(DataSet, slug=slug, state=SetState.READY)


def _item(public_id: UUID) -> Item:
    kept = Item.objects.filter(state=ItemState.KEPT, data_set__state=SetState.READY)
    return get_object_or_404(kept.select_related("data_set").defer("thumb"), public_id=public_id)


def _served(
    request: HttpRequest, item: Item, key: str, sha256: str, kind: str, ending: str
) -> HttpResponse:
    def unusable(error: DomainError) -> str:
        log.error("picture %s of a data set: %s", item.public_id, error.code)
        record(
            action="data_set.picture_unusable",
            actor=request.user,
            outcome=Outcome.FAILED,
            obj=item.data_set,
            code=error.code,
        )
        return str(item.public_id)

    name = f"{item.data_set.slug}-{item.number}.{ending}"
    return stored_picture(key, sha256, kind=kind, name=name, unusable=unusable)

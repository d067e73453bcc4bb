"""Where a reader's eye is worth most: cells that readers differ on, cells worth reading next.

Specialists see the cells, each with its case. Administrators see no case: of disagreements they see
counts, of cells worth reading pictures of consenting organisations.
"""

from uuid import UUID

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.models import Role
from accounts.permissions import Action
from accounts.views import page_for
from audit.services import record
from classifier.models import Cell
from datasets import usefulness
from datasets.consents import consents_now
from datasets.disagreements import counted
from datasets.disagreements import disagreements as all_disagreements
from datasets.pictures import LeftOut, from_cell
from patients.storage import StorageUnavailable

PER_PAGE = 50


@require_safe
@page_for(Action.LABELLING)
def disagreements(request: HttpRequest) -> HttpResponse:
    found = all_disagreements(request.user)
    record(action="disagreements.viewed", actor=request.user, count=len(found))
    context = {
        "counts": counted(found),
        "total": len(found),
        "counts_only": request.user.role == Role.ADMINISTRATOR,
    }
    if not context["counts_only"]:
        context["page_obj"] = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "datasets/disagreements.html", context)


@require_safe
@page_for(Action.LABELLING)
def worth_reading(request: HttpRequest) -> HttpResponse:
    ranking = usefulness.most_useful(request.user)
    record(action="worth_reading.viewed", actor=request.user, count=len(ranking.chosen))
    context = {
        "ranking": ranking,
        "anonymous": request.user.role == Role.ADMINISTRATOR,
        "consenting": len(consents_now()),
    }
    return render(request, "datasets/worth_reading.html", context)


@require_safe
@page_for(Action.MANAGE_DATA_SETS)
def cell_picture(request: HttpRequest, cell_id: UUID) -> HttpResponse:
    """A small picture of an unread cell of an organisation that consents."""
    cells = Cell.objects.filter(
        image__removed_at__isnull=True,
        image__case__status__in=usefulness.UNREAD,
        image__case__organisation__in=consents_now(),
    )
    cell = get_object_or_404(cells.select_related("image"), public_id=cell_id)
    try:
        data = from_cell(cell).thumbnail
    except LeftOut as error:
        raise Http404 from error
    except StorageUnavailable as error:
        return HttpResponse(str(error), content_type="text/plain; charset=utf-8", status=503)
    response = HttpResponse(data, content_type="image/jpeg")
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response

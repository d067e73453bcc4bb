"""Data sets, for administrators: the list, one set, its making, its export, its end."""

import logging
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

import audit.services as audit
from accounts.permissions import Action
from accounts.views import page_for
from datasets.choices import OPEN_STATES, Origin, SetState, Split
from datasets.contents import withdrawn
from datasets.errors import SetRefused
from datasets.exporting import zip_chunks
from datasets.finishing import data_set_remove
from datasets.forms import SignedForm
from datasets.models import DataSet
from datasets.repeats import reasons_of, repeats_of
from datasets.services import data_set_from_signed
from datasets.signed import available

log = logging.getLogger(__name__)

PER_PAGE = 25
POLL_SECONDS = 2


@require_safe
@page_for(Action.MANAGE_DATA_SETS)
def data_sets(request: HttpRequest) -> HttpResponse:
    page = Paginator(DataSet.objects.all(), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "datasets/sets.html", {"page_obj": page})


@require_safe
@page_for(Action.MANAGE_DATA_SETS)
def data_set(request: HttpRequest, slug: str) -> HttpResponse:
    """What is in a set, where it comes from, and what to know before training on it."""
    found = get_object_or_404(DataSet.objects.select_related("created_by"), slug=slug)
    ready = found.state == SetState.READY
    context = {
        **_progress(found),
        "withdrawn": withdrawn(found) if ready else {},
        "classes": _classes(found),
        "repeats": repeats_of(found) if ready else None,
        "reasons": reasons_of(found) if ready else [],
    }
    return render(request, "datasets/set.html", context)


@require_safe
@page_for(Action.MANAGE_DATA_SETS)
def progress(request: HttpRequest, slug: str) -> HttpResponse:
    """How far the making has come; when it ends, the page is loaded anew."""
    found = get_object_or_404(DataSet, slug=slug)
    response = render(request, "datasets/_progress.html", _progress(found))
    if found.state not in OPEN_STATES:
        response.headers["HX-Refresh"] = "true"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@page_for(Action.MANAGE_DATA_SETS)
def from_signed(request: HttpRequest) -> HttpResponse:
    """Begin a set of signed cells of the organisations that consent."""
    form = SignedForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        about = dict(form.cleaned_data)
        synthetic = about.pop("material") == "drawn"
        try:
            made = data_set_from_signed(actor=request.user, synthetic=synthetic, **about)
        except SetRefused as error:
            form.add_error(None, str(error))
        else:
            return redirect("datasets:set", made.slug)
    context = {"form": form, "available": available()}
    return render(request, "datasets/from_signed.html", context, status=422 if form.errors else 200)


@require_safe
@page_for(Action.MANAGE_DATA_SETS)
def export(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The set as one zip file: pictures, manifest.csv, licence. Recorded."""
    found = get_object_or_404(DataSet, slug=slug)
    try:
        chunks = zip_chunks(found)
    except SetRefused as error:
        messages.error(request, str(error))
        return redirect("datasets:set", slug)
    audit.record(
        action="data_set.exported",
        actor=request.user,
        obj=found,
        pictures=found.facts["pictures"],
        listing_sha256=found.listing_sha256,
    )
    response = StreamingHttpResponse(chunks, content_type="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="{found.slug}.zip"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


@require_POST
@page_for(Action.MANAGE_DATA_SETS)
def remove(request: HttpRequest, slug: str) -> HttpResponse:
    found = get_object_or_404(DataSet, slug=slug)
    try:
        data_set_remove(actor=request.user, data_set=found)
    except SetRefused as error:
        messages.error(request, str(error))
    else:
        stopped = found.state in OPEN_STATES
        messages.success(
            request,
            "It was stopped, and what was taken in is deleted."
            if stopped
            else "Its pictures were removed. What is known of the set stays.",
        )
    return redirect("datasets:set", slug)


def _progress(found: DataSet) -> dict[str, Any]:
    compared = min(found.compared, found.planned)
    stage = (
        "Looking through what is there"
        if not found.planned
        else "Taking pictures in"
        if found.filled < found.planned
        else "Looking for pictures that are the same"
    )
    return {
        "data_set": found,
        "open": found.state in OPEN_STATES,
        "stage": stage,
        "done": found.filled if found.filled < found.planned else compared,
        "seconds": POLL_SECONDS,
        "from_shell": found.origin == Origin.IMPORTED and not found.archive,
    }


def _classes(found: DataSet) -> list[dict[str, Any]]:
    """One row a class: its counts by side, in all, and as a share of the largest."""
    rows = [
        {
            "kind": kind,
            "counts": [(split, counts.get(split, 0)) for split in Split.values],
            "all": sum(counts.values()),
        }
        for kind, counts in (found.facts.get("classes") or {}).items()
    ]
    most = max((row["all"] for row in rows), default=1) or 1
    return [
        {**row, "width": round(100 * row["all"] / most, 1)}
        for row in sorted(rows, key=lambda row: (-row["all"], row["kind"]))
    ]

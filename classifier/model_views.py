"""Which models there are and how good they were measured to be: for everybody who reads results."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.permissions import Action, require
from classifier import stated
from classifier.card import render_card
from classifier.drawn import learning_charts
from classifier.inference import ModelError
from classifier.model_figures import (
    MOST_ANSWERS,
    SetView,
    all_sources,
    first_set,
    locked_sets,
    set_view,
)
from classifier.model_pages import ModelFacts, all_models, choices, first_two, one_model, with_files

PER_PAGE = 20
BARE = "default-src 'none'; sandbox"  # a model's own file is shown or saved, and nothing else


@require_safe
@login_required
def models(request: HttpRequest) -> HttpResponse:
    require(request.user, Action.VIEW_MODELS)
    found = all_models()
    first, second = first_two(found)
    context = {"models": found, "choices": choices(found), "first": first, "second": second}
    return render(request, "classifier/models.html", context)


@require_safe
@login_required
def model(request: HttpRequest, model_id: str) -> HttpResponse:
    require(request.user, Action.VIEW_MODELS)
    found = all_models()
    facts = next((one for one in found if one.model_id == model_id), None)
    if facts is None:
        raise Http404
    facts = with_files(facts)
    context = {
        "model": facts,
        "card": render_card(facts.card()),
        "choices": choices(found),
        **_against(facts, found),
        **_measured(request, facts),
    }
    return render(request, "classifier/model.html", context)


@require_safe
@login_required
def figure(request: HttpRequest, model_id: str, name: str) -> HttpResponse:
    """A figure of a model directory: PNG, named in its manifest, and with the hash named there."""
    require(request.user, Action.VIEW_MODELS)
    data = _find(model_id).figure(name)
    if data is None:
        raise Http404
    response = HttpResponse(data, content_type="image/png")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = BARE
    return response


@require_safe
@login_required
def model_file(request: HttpRequest, model_id: str, name: str) -> HttpResponseBase:
    """Any file that the manifest names, or itself, to be saved; with the hash named there."""
    require(request.user, Action.VIEW_MODELS)
    facts = _find(model_id)
    stream = facts.open(name)
    if stream is None:
        raise Http404
    response = FileResponse(
        stream,
        as_attachment=True,
        filename=f"{facts.model_id}-{name.replace('/', '-')}",
        content_type="application/octet-stream",
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = BARE
    return response


def _measured(request: HttpRequest, facts: ModelFacts) -> dict[str, Any]:
    """Everything of the page that comes from metrics.json, predictions.csv and history.csv."""
    metrics = stated.parsed(facts.read("metrics.json"))
    history = stated.epochs(facts.read("history.csv"))
    try:
        sets, problem = locked_sets(facts), ""
    except ModelError as error:
        sets, problem = {}, str(error)
    sources = all_sources(stated.sources(metrics), sets)
    context = {
        "sources": sources,
        "problem": problem,
        "abstention": stated.abstention(metrics),
        "speed": stated.speed(stated.parsed(facts.read("benchmark.json"))),
        "history": history,
        "learning": learning_charts(history),
    }
    names = [source.name for source in sources]
    wanted = request.GET.get("set", "")
    chosen = wanted if wanted in names else first_set(names)
    if chosen is None:
        return context
    view = set_view(facts, sources[names.index(chosen)], sets)
    return context | {"view": view} | _answers(request, view)


def _answers(request: HttpRequest, view: SetView) -> dict[str, Any]:
    """A page of what was said of single cells: wrong ones, right ones, or those of one field."""
    truth, said = request.GET.get("truth", ""), request.GET.get("said", "")
    filtered = bool(truth and said)
    right = truth == said if filtered else request.GET.get("show") == "right"
    shown = [
        one
        for one in (view.doubts if right else view.mistakes)
        if ((one.kind, one.said) == (truth, said) if filtered else not one.harmless)
    ]
    page = Paginator(shown, PER_PAGE).get_page(request.GET.get("page"))
    return {
        "answers": page,
        "right": right,
        "most_answers": MOST_ANSWERS,
        "truth": truth,
        "said": said,
        "filtered": filtered,
    }


def _against(facts: ModelFacts, found: list[ModelFacts]) -> dict[str, str]:
    """A model is compared with the active one; the active one with the newest other."""
    first, second = first_two(found)
    return {"first": first, "second": second if first == facts.model_id else facts.model_id}


def _find(model_id: str) -> ModelFacts:
    facts = one_model(model_id)
    if facts is None:
        raise Http404
    return with_files(facts)

"""Which models there are and how good they were measured to be: for everybody who reads results."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.permissions import Action, require
from classifier.card import render_card
from classifier.model_pages import ModelFacts, all_models, one_model


@require_safe
@login_required
def models(request: HttpRequest) -> HttpResponse:
    require(request.user, Action.VIEW_MODELS)
    return render(request, "classifier/models.html", {"models": all_models()})


@require_safe
@login_required
def model(request: HttpRequest, model_id: str) -> HttpResponse:
    require(request.user, Action.VIEW_MODELS)
    facts = _find(model_id)
    context = {"model": facts, "card": render_card(facts.card())}
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
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def _find(model_id: str) -> ModelFacts:
    facts = one_model(model_id)
    if facts is None:
        raise Http404
    return facts

"""Letting a model read along, and watching what comes of it: for administrators."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import Action, require
from classifier import shadow_figures
from classifier.models import ModelVersion
from classifier.shadow import shadow_end, shadow_start
from classifier.shadow_pages import panel
from patients.telling import told


@require_safe
@login_required
def shadow(request: HttpRequest, model_id: str) -> HttpResponse:
    """The live panel. 204 where nothing changed since the asker's stamp."""
    version = _version(request, model_id)
    if request.headers.get("HX-Request") != "true":
        return redirect("classifier:model", model_id)
    since = request.GET.get("since", "")
    if since and since == shadow_figures.stamp(version):
        return HttpResponse(status=204)
    return render(request, "classifier/_shadow_panel.html", panel(request, version))


@require_POST
@login_required
def start(request: HttpRequest, model_id: str) -> HttpResponse:
    """Let a candidate read every new cell along."""
    version = _version(request, model_id)
    told(
        request,
        lambda: shadow_start(version=version, actor=request.user),
        f"{version} reads along from now on. Nobody who treats patients sees what it says.",
    )
    return redirect("classifier:model", model_id)


@require_POST
@login_required
def end(request: HttpRequest, model_id: str) -> HttpResponse:
    """It reads along no more, and is a candidate again."""
    version = _version(request, model_id)
    told(
        request,
        lambda: shadow_end(version=version, actor=request.user),
        f"{version} reads along no more. What it has read stays on this page.",
    )
    return redirect("classifier:model", model_id)


def _version(request: HttpRequest, model_id: str) -> ModelVersion:
    require(request.user, Action.MANAGE_MODELS)
    return get_object_or_404(ModelVersion, model_id=model_id)

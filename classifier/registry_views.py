"""Adding models, naming them, setting them aside: pages for administrators."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST

from accounts.permissions import Action, require
from classifier.inference.errors import ModelError
from classifier.model_pages import one_model
from classifier.model_receiving import expect_model, receive_model
from classifier.models import ModelVersion
from classifier.registry import (
    model_alias_remove,
    model_alias_set,
    model_retire,
    model_take_in,
)
from patients.errors import DomainError
from patients.telling import told


# Checking the CSRF token reads the body, and how much of it is read depends on who sends it. So
# that is looked at first; the token is checked by the inner view.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def upload(request: HttpRequest) -> HttpResponse:
    """Send a model directory as one zip file; it becomes a candidate."""
    require(request.user, Action.MANAGE_MODELS)
    if request.method == "POST":
        try:
            expect_model(request)
        except ModelError as error:
            return _form(request, str(error))
    return _upload(request)


@csrf_protect
def _upload(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _form(request)
    try:
        taken = receive_model(request, actor=request.user)
    except (ModelError, DomainError) as error:
        return _form(request, str(error))
    if taken.new:
        messages.success(
            request,
            f"{taken.version.model_id} passed every check and is a candidate. It reads no new "
            "pictures until it is promoted.",
        )
    else:
        messages.info(request, "These very files were registered before; nothing was changed.")
    return redirect("classifier:model", taken.version.model_id)


def _form(request: HttpRequest, refused: str = "") -> HttpResponse:
    context = {"refused": refused, "limit": settings.MODEL_UPLOAD_LIMIT // 1024**2}
    return render(request, "classifier/model_upload.html", context, status=422 if refused else 200)


@require_POST
@login_required
def register(request: HttpRequest, model_id: str) -> HttpResponse:
    """Check and register a directory that lies in a model folder of this machine."""
    require(request.user, Action.MANAGE_MODELS)
    facts = one_model(model_id)
    if facts is None or facts.version is not None or facts.directory is None:
        raise Http404
    directory = facts.directory
    return _act(
        request,
        model_id,
        lambda: model_take_in(directory=directory, actor=request.user),
        "It passed every check and is a candidate.",
    )


@require_POST
@login_required
def retire(request: HttpRequest, model_id: str) -> HttpResponse:
    """Set a candidate aside."""
    version = _version(request, model_id)
    return _act(
        request,
        model_id,
        lambda: model_retire(version=version, actor=request.user),
        "It is retired. Its page, its files and what it read stay.",
    )


@require_POST
@login_required
def alias_set(request: HttpRequest, model_id: str) -> HttpResponse:
    """Have a name stand for this version."""
    version, name = _version(request, model_id), request.POST.get("name", "")
    return _act(
        request,
        model_id,
        lambda: model_alias_set(version=version, name=name, actor=request.user),
        "The alias was set.",
    )


@require_POST
@login_required
def alias_remove(request: HttpRequest, model_id: str) -> HttpResponse:
    """Have a name of this version stand for nothing."""
    version = _version(request, model_id)
    alias = version.aliases.filter(name=request.POST.get("name", "")).first()
    return _act(
        request,
        model_id,
        lambda: alias and model_alias_remove(name=alias.name, actor=request.user),
        "The alias was removed.",
    )


def _version(request: HttpRequest, model_id: str) -> ModelVersion:
    require(request.user, Action.MANAGE_MODELS)
    return get_object_or_404(ModelVersion, model_id=model_id)


def _act(
    request: HttpRequest, model_id: str, service: Callable[[], Any], done: str
) -> HttpResponse:
    """Call a service; back on the model's page, what became of it."""
    told(request, service, done, (ModelError, DomainError))
    return redirect("classifier:model", model_id)

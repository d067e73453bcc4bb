"""Pages of promotion, for administrators: the gate, asking, agreeing, going back."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Action, require
from classifier import examination
from classifier.choices import ModelState, PromotionState
from classifier.gate import refused
from classifier.models import ModelVersion, Promotion
from classifier.promotion import (
    promotion_agree,
    promotion_ask,
    promotion_decline,
    promotion_rollback,
    promotion_try,
    promotion_withdraw,
)
from classifier.promotion_forms import AskForm, DecideForm, RollbackForm
from classifier.queueing import active_version
from patients.errors import DomainError

ANSWERS = {
    "agree": promotion_agree,
    "decline": promotion_decline,
    "withdraw": promotion_withdraw,
}


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def promote(request: HttpRequest, model_id: str) -> HttpResponse:
    """What the gate found of a model, and the button that has it read new pictures."""
    require(request.user, Action.MANAGE_MODELS)
    version = _version(model_id)
    waiting = version.promotions.filter(state=PromotionState.WAITING).first()
    if request.method != "POST" and waiting is not None:
        return redirect("classifier:promotion", waiting.public_id)
    form = AskForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = promotion_ask(
                actor=request.user, version=version, reason=form.cleaned_data["reason"]
            )
        except DomainError as error:
            messages.error(request, str(error))
            return redirect("classifier:promote", model_id)
        _tell(request, made)
        return redirect("classifier:promotion", made.public_id)
    active = active_version()
    findings = examination.recent(version, active) if active != version else None
    context = {
        "version": version,
        "active": active,
        "is_active": version.state == ModelState.ACTIVE,
        "findings": findings,
        "refused": refused(findings or []),
        "form": form,
        "two_people": settings.TWO_PERSON_PROMOTION,
    }
    status = 422 if form.errors else 200
    return render(request, "classifier/promote.html", context, status=status)


@require_POST
@login_required
def try_gate(request: HttpRequest, model_id: str) -> HttpResponse:
    """Runs for some ten seconds; changes nothing."""
    require(request.user, Action.MANAGE_MODELS)
    version = _version(model_id)
    try:
        promotion_try(actor=request.user, version=version)
    except DomainError as error:
        messages.error(request, str(error))
    return redirect("classifier:promote", model_id)


@require_safe
@login_required
def promotion(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One promotion as it was asked for and decided, with what the gate found."""
    require(request.user, Action.MANAGE_MODELS)
    found = _promotion(public_id)
    context = {
        "promotion": found,
        "findings": [examination.unpacked(each) for each in found.findings],
        "waits": found.state == PromotionState.WAITING,
        "own": found.asked_by_id == request.user.pk,
        "changed": active_version() != found.before,
    }
    return render(request, "classifier/promotion.html", context)


@require_POST
@login_required
def decide(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The second administrator agrees or declines, or whoever asked withdraws."""
    require(request.user, Action.MANAGE_MODELS)
    found = _promotion(public_id)
    form = DecideForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Agree, decline or withdraw. Nothing was changed.")
    else:
        try:
            _tell(
                request, ANSWERS[form.cleaned_data["answer"]](actor=request.user, promotion=found)
            )
        except DomainError as error:
            messages.error(request, str(error))
    return redirect("classifier:promotion", public_id)


@require_POST
@login_required
def rollback(request: HttpRequest) -> HttpResponse:
    """Back to the version that was active before the one that the page showed to be active."""
    require(request.user, Action.MANAGE_MODELS)
    form = RollbackForm(request.POST)
    seen = (
        ModelVersion.objects.filter(model_id=form.cleaned_data["active"]).first()
        if form.is_valid()
        else None
    )
    if seen is None:
        messages.error(request, "That model is not registered. Nothing was changed.")
        return redirect("classifier:models")
    try:
        made = promotion_rollback(actor=request.user, active=seen)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect("classifier:models")
    _tell(request, made)
    if made.state == PromotionState.REFUSED:
        return redirect("classifier:promotion", made.public_id)
    return redirect("classifier:models")


def _tell(request: HttpRequest, made: Promotion) -> None:
    name, before = made.version.model_id, made.before.model_id if made.before else ""
    queued = f" What was queued for {before} is still read by it." if before else ""
    said: dict[Any, str] = {
        PromotionState.DONE: f"{name} reads new pictures from now on.{queued}",
        PromotionState.WAITING: f"{name} waits for a second administrator. Nothing changed yet.",
        PromotionState.DECLINED: f"You declined {name}. Nothing was changed.",
        PromotionState.WITHDRAWN: f"You withdrew {name}. Nothing was changed.",
    }
    if made.state in said:
        messages.success(request, said[made.state])
    else:
        stays = f"{before} stays active." if before else "No model is active."
        messages.error(request, f"{name} was refused. {stays}")


def _version(model_id: str) -> ModelVersion:
    return get_object_or_404(ModelVersion, model_id=model_id)


def _promotion(public_id: UUID) -> Promotion:
    related = Promotion.objects.select_related("version", "before", "asked_by", "decided_by")
    return get_object_or_404(related, public_id=public_id)

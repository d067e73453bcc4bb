"""Pages of training, for administrators: what was trained, one run as it goes, a new one."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Action, require
from classifier.models import ModelVersion
from patients.errors import DomainError
from patients.telling import told
from training import pages, worker
from training.forms import StartForm
from training.models import TrainingJob
from training.services import training_resume, training_start, training_stop

PER_PAGE = 25


@require_safe
@login_required
def runs(request: HttpRequest) -> HttpResponse:
    require(request.user, Action.MANAGE_MODELS)
    found = TrainingJob.objects.select_related("version", "asked_by").defer("log", "history")
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "training/runs.html", {"page": page, **_worker()})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def new(request: HttpRequest) -> HttpResponse:
    """Choose data sets and options, and queue a run."""
    require(request.user, Action.MANAGE_MODELS)
    form = StartForm(request.POST) if request.method == "POST" else StartForm(initial=_proposed())
    if request.method == "POST" and form.is_valid():
        try:
            job = training_start(
                actor=request.user,
                kind=form.cleaned_data["kind"],
                data_sets=list(form.cleaned_data["data_sets"]),
                options=form.options(),
                start=form.cleaned_data["start"],
                model_id=form.cleaned_data["model_id"],
            )
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return redirect("training:run", job.public_id)
    context = {
        "form": form,
        "choices": pages.choices(),
        "picked": set(form.data.getlist("data_sets")) if form.is_bound else set(),  # type: ignore[attr-defined]
        **_worker(),
    }
    return render(request, "training/new.html", context, status=422 if form.errors else 200)


@require_safe
@login_required
def run(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One run; ``part`` of the page is asked for again and again while it goes."""
    require(request.user, Action.MANAGE_MODELS)
    job = _job(public_id)
    context: dict[str, Any] = {"job": job, "going": pages.going(job), **_worker()}
    context |= {"learning": pages.curves(job), "history": pages.epochs(job)}
    if request.headers.get("HX-Request"):
        return render(request, "training/_going.html", context)
    context |= {"options": pages.options(job), "data_sets": job.data_sets.order_by("slug")}
    return render(request, "training/run.html", context)


@require_POST
@login_required
def stop(request: HttpRequest, public_id: UUID) -> HttpResponse:
    done = "It stops; what it has learnt until its last whole epoch is kept."
    return _then(request, public_id, training_stop, done)


@require_POST
@login_required
def resume(request: HttpRequest, public_id: UUID) -> HttpResponse:
    return _then(request, public_id, training_resume, "It goes on with its last whole epoch.")


def _then(
    request: HttpRequest, public_id: UUID, service: Callable[..., Any], done: str
) -> HttpResponse:
    require(request.user, Action.MANAGE_MODELS)
    job = _job(public_id)
    told(request, lambda: service(actor=request.user, job=job), done)
    return redirect("training:run", public_id)


def _job(public_id: UUID) -> TrainingJob:
    related = TrainingJob.objects.select_related("version", "asked_by", "start")
    return get_object_or_404(related, public_id=public_id)


def _worker() -> dict[str, Any]:
    return {
        "worker_there": worker.is_there(),
        "worker_heard": worker.heard(),
        "install": worker.INSTALL,
        "start_worker": worker.START,
        "installed": worker.installed(),
    }


def _proposed() -> dict[str, str]:
    """A name that is free: of today, and the first number that is."""
    day = timezone.localdate().strftime("%Y-%m-%d")
    taken = set(ModelVersion.objects.values_list("model_id", flat=True))
    taken |= set(TrainingJob.objects.values_list("model_id", flat=True))
    number = next(n for n in range(1, len(taken) + 2) if f"own-{day}-{n}" not in taken)
    return {"model_id": f"own-{day}-{number}"}

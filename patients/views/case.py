"""One case: its page, its details as they are typed, its moves and its thread."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Max
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Action, allowed, get_visible_or_404, require
from audit.services import record
from audit.timeline import events_of
from patients import ports, services
from patients.choices import CaseStatus
from patients.errors import DomainError, StaleEdit
from patients.forms import CaseDetailsForm, CommentForm, first_errors
from patients.models import Case, SmearImage
from patients.services.images import IMAGES_PER_CASE, REMOVABLE
from patients.uploads import LARGEST_UPLOAD
from patients.views import Context, wants_json, wants_partial


def find_case(request: HttpRequest, case_id: UUID) -> Case:
    """The case if this person may open it; 404 otherwise, exactly like one that is not there."""
    related = Case.objects.select_related("patient", "organisation", "reader", "created_by")
    return get_visible_or_404(request, related, public_id=case_id)


def _context(request: HttpRequest, case: Case) -> Context:
    user = request.user
    over = case.status in (CaseStatus.WITHDRAWN, CaseStatus.SIGNED)
    images = list(SmearImage.objects.filter(case=case).present())
    last = SmearImage.objects.filter(case=case).aggregate(last=Max("position"))["last"] or 0
    removable = case.status in REMOVABLE and case.reader_id is None
    return {
        "case": case,
        "patient_age": case.patient.age_on(timezone.localdate()),
        "images": images,
        "next_order": last + 1,
        "largest_upload": LARGEST_UPLOAD,
        "images_per_case": IMAGES_PER_CASE,
        "is_draft": case.status == CaseStatus.DRAFT,
        "can_edit": allowed(user, Action.EDIT_CASE, case) and not over,
        "can_add": allowed(user, Action.ADD_IMAGES, case) and not over,
        "can_remove": allowed(user, Action.REMOVE_IMAGE, case) and removable,
        "can_submit": allowed(user, Action.SUBMIT_CASE, case) and case.status == CaseStatus.DRAFT,
        "can_withdraw": allowed(user, Action.WITHDRAW_CASE, case) and removable,
        "can_claim": allowed(user, Action.CLAIM_CASE, case) and case.status == CaseStatus.READY,
        "can_release": allowed(user, Action.RELEASE_CASE, case),
        "can_review": allowed(user, Action.REVIEW),
        "can_comment": allowed(user, Action.COMMENT, case),
        "can_open_patient": allowed(user, Action.EDIT_PATIENT, case.patient),
    }


@login_required
@require_safe
def case_page(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Everything about one case."""
    case = find_case(request, case_id)
    record(action="case.viewed", actor=request.user, obj=case, case_id=case.public_id)
    context = _context(request, case)
    context["last_look"] = ports.case_opened(case=case, user=request.user)
    context["form"] = CaseDetailsForm(instance=case)
    context["comments"] = case.comments.select_related("author__organisation")
    context["comment_form"] = CommentForm()
    return render(request, "patients/case.html", context)


@login_required
@require_safe
def case_header(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Status and what may be done now, for the page to refresh when the reading is over."""
    case = find_case(request, case_id)
    return render(request, "patients/_header.html", _context(request, case))


@login_required
@require_safe
def case_pictures(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """The pictures of a case, for the page to refresh itself while files come in."""
    case = find_case(request, case_id)
    return render(request, "patients/_pictures.html", _context(request, case))


@login_required
@require_safe
def case_timeline(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """What happened to the case, from the audit record."""
    case = find_case(request, case_id)
    context = {"case": case, "events": events_of(case.public_id)}
    return render(request, "patients/_timeline.html", context)


@login_required
@require_POST
def case_details(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Save the details: JSON for the page that saves itself, a redirect without JavaScript."""
    case = find_case(request, case_id)
    require(request.user, Action.EDIT_CASE, case)
    form = CaseDetailsForm(request.POST, instance=Case.objects.get(pk=case.pk))
    if not form.is_valid():
        return _details_refused(request, case, 422, "invalid", "Not saved.", first_errors(form))
    try:
        saved = services.case_edit(
            actor=request.user,
            case=case,
            version=_whole_number(request.POST.get("version", "")),
            **form.cleaned_data,
        )
    except DomainError as error:
        return _details_refused(request, case, 409, error.code, str(error), {})
    if not wants_json(request):
        messages.success(request, "The details were saved.")
        return redirect(saved)
    at = timezone.localtime().strftime("%H:%M")
    return JsonResponse({"version": saved.version, "saved_at": at, "values": _values(saved)})


def _details_refused(
    request: HttpRequest,
    case: Case,
    status: int,
    code: str,
    message: str,
    errors: dict[str, str],
) -> HttpResponse:
    if not wants_json(request):
        sentences = " ".join([message, *errors.values()])
        messages.error(request, sentences)
        return redirect(case)
    answer: dict[str, Any] = {"code": code, "message": message, "errors": errors}
    if code == StaleEdit.code:
        current = Case.objects.get(pk=case.pk)
        answer |= {"version": current.version, "values": _values(current)}
    return JsonResponse(answer, status=status)


def _values(case: Case) -> dict[str, str]:
    """The details as the form's fields hold them."""
    form = CaseDetailsForm(instance=case)
    values = {name: form[name].value() for name in form.fields}
    return {name: "" if value is None else str(value) for name, value in values.items()}


def _whole_number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _step(request: HttpRequest, case_id: UUID, action: Action, service: Any, done: str) -> Any:
    """A move of the case by a button: done and said, or refused and said."""
    case = find_case(request, case_id)
    require(request.user, action, case)
    try:
        moved = service(actor=request.user, case=case)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect(case)
    messages.success(request, done.format(number=moved.number))
    return redirect(moved)


@login_required
@require_POST
def case_submit(request: HttpRequest, case_id: UUID) -> HttpResponse:
    done = "{number} was submitted. Its cells are being classified."
    return _step(request, case_id, Action.SUBMIT_CASE, services.case_submit, done)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def case_withdraw(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Asks once, then withdraws."""
    if request.method == "POST":
        done = "{number} was withdrawn. Nobody will read it."
        return _step(request, case_id, Action.WITHDRAW_CASE, services.case_withdraw, done)
    case = find_case(request, case_id)
    require(request.user, Action.WITHDRAW_CASE, case)
    record(action="case.viewed", actor=request.user, obj=case, case_id=case.public_id)
    return render(request, "patients/case_withdraw.html", {"case": case})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def case_thread(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """The thread, and writing into it. What was refused stays in the box."""
    case = find_case(request, case_id)
    form, status = CommentForm(), 200
    if request.method == "POST":
        require(request.user, Action.COMMENT, case)
        form = CommentForm(request.POST)
        if form.is_valid():
            services.comment_add(actor=request.user, case=case, body=form.cleaned_data["body"])
            ports.case_opened(case=case, user=request.user)
            if not wants_partial(request):
                return redirect(f"{case.get_absolute_url()}#thread")
            form = CommentForm()
        else:
            status = 422
    context = {
        "case": case,
        "comments": case.comments.select_related("author__organisation"),
        "comment_form": form,
        "can_comment": allowed(request.user, Action.COMMENT, case),
    }
    return render(request, "patients/_thread.html", context, status=status)

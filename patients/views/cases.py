"""The case list, and opening a case."""

import uuid

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.functional import cached_property
from django.views.decorators.http import require_http_methods, require_safe

from accounts.permissions import Action, require
from audit.services import record
from patients.choices import Priority
from patients.errors import DomainError
from patients.forms import PatientForm
from patients.lists import PAGE_SIZE, SORTS, CaseList, image_counts
from patients.models import Patient
from patients.services import case_create
from patients.text import storable
from patients.views import Context, wants_partial


class _CountedPaginator(Paginator):
    """A page count that the status tabs have counted already."""

    known_count = 0

    @cached_property
    def count(self) -> int:
        return self.known_count


@login_required
@require_safe
def cases(request: HttpRequest) -> HttpResponse:
    """The cases that this person may open: searched, filtered, sorted, 25 a page."""
    require(request.user, Action.LIST_CASES)
    listed = CaseList.from_query(request.user, request.GET)
    paginator = _CountedPaginator(listed.cases(), PAGE_SIZE)
    paginator.known_count = listed.count_statuses()
    page = paginator.get_page(request.GET.get("page"))
    shown = list(page.object_list)
    counts = image_counts(shown)
    for case in shown:
        case.image_count = counts.get(case.pk, 0)
    record(
        action="case.listed",
        actor=request.user,
        cases=len(shown),
        page=page.number,
        status=listed.status,
        searched=bool(listed.text),
    )
    context = {
        "list": listed,
        "page_obj": page,
        "cases": shown,
        "sorts": [(value, label) for value, (label, _) in SORTS.items()],
        "priorities": Priority.choices,
        "organisations": listed.organisations(),
    }
    template = "patients/_cases.html" if wants_partial(request) else "patients/cases.html"
    return render(request, template, context)


def _found_patients(request: HttpRequest, text: str) -> list[Patient]:
    """Up to ten patients; who searched is recorded, what for is not."""
    text = storable(text[:200]).strip()
    if not text:
        return []
    found = list(Patient.objects.visible_to(request.user).search(text)[:10])
    record(action="patient.searched", actor=request.user, found=len(found))
    return found


@login_required
@require_safe
def patient_search(request: HttpRequest) -> HttpResponse:
    """Patients as one types, as buttons that open a case."""
    require(request.user, Action.CREATE_CASE)
    text = request.GET.get("q", "")
    context = {"q": text.strip(), "found": _found_patients(request, text)}
    return render(request, "patients/_found_patients.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def case_new(request: HttpRequest) -> HttpResponse:
    """Choose a patient, or make one in place; then the draft opens."""
    require(request.user, Action.CREATE_CASE)
    form = PatientForm()
    context: Context = {"key": str(uuid.uuid4()), "q": "", "found": []}
    status = 200
    if request.method == "POST":
        key = request.POST.get("key", "")[:64]
        context["key"] = storable(key) or context["key"]
        try:
            if request.POST.get("patient"):
                patient = get_object_or_404(
                    Patient.objects.visible_to(request.user),
                    public_id=_uuid_or_nobody(request.POST["patient"]),
                )
                case = case_create(actor=request.user, patient=patient, key=context["key"])
                return redirect(case)
            form = PatientForm(request.POST)
            form.instance.organisation = request.user.organisation
            if form.is_valid():
                case = case_create(
                    actor=request.user, new_patient=form.cleaned_data, key=context["key"]
                )
                return redirect(case)
            status = 422
        except DomainError as error:
            form.add_error("mrn" if error.code == "mrn_taken" else None, str(error))
            status = 409
    else:
        context["q"] = request.GET.get("q", "")
        context["found"] = _found_patients(request, context["q"])
    context["form"] = form
    context["making"] = form.is_bound
    return render(request, "patients/case_new.html", context, status=status)


def _uuid_or_nobody(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.UUID(int=0)

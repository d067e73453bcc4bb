"""A patient's facts and cases."""

import uuid
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.permissions import Action, get_visible_or_404, require
from audit.services import record
from patients.errors import DomainError
from patients.forms import PatientForm
from patients.lists import image_counts
from patients.models import Case, Patient
from patients.services import patient_edit
from patients.text import storable
from patients.views import wants_partial

PAGE_SIZE = 50
CASES_SHOWN = 100  # of one patient, newest first


@login_required
@require_safe
def patients(request: HttpRequest) -> HttpResponse:
    """The organisation's patients by name, searched by MRN or name."""
    require(request.user, Action.CREATE_PATIENT)
    text = storable(request.GET.get("q", "")[:200]).strip()
    found = Patient.objects.visible_to(request.user).search(text)
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    shown = list(page.object_list)
    page.object_list = shown
    counts = dict(
        Case.objects.visible_to(request.user)
        .filter(patient__in=shown)
        .order_by()
        .values_list("patient")
        .annotate(Count("pk"))
    )
    for patient in shown:
        patient.case_count = counts.get(patient.pk, 0)
    record(
        action="patient.listed",
        actor=request.user,
        patients=len(shown),
        page=page.number,
        searched=bool(text),
    )
    template = "patients/_patients.html" if wants_partial(request) else "patients/patients.html"
    return render(request, template, {"page_obj": page, "q": text})


def _find(request: HttpRequest, patient_id: UUID) -> Patient:
    return get_visible_or_404(request, Patient, public_id=patient_id)


@login_required
@require_safe
def patient_page(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    patient = _find(request, patient_id)
    record(action="patient.viewed", actor=request.user, obj=patient)
    cases = list(
        patient.cases.visible_to(request.user)
        .select_related("reader", "organisation", "patient")
        .order_by("-created_at")[:CASES_SHOWN]
    )
    counts = image_counts(cases)
    for case in cases:
        case.image_count = counts.get(case.pk, 0)
    context = {
        "patient": patient,
        "age": patient.age_on(timezone.localdate()),
        "cases": cases,
        "key": str(uuid.uuid4()),
    }
    return render(request, "patients/patient.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def patient_edit_page(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    patient = _find(request, patient_id)
    require(request.user, Action.EDIT_PATIENT, patient)
    form, status = PatientForm(instance=patient), 200
    if request.method == "POST":
        form = PatientForm(request.POST, instance=_find(request, patient_id))
        if form.is_valid():
            try:
                patient_edit(actor=request.user, patient=patient, **form.cleaned_data)
            except DomainError as error:
                form.add_error("mrn", str(error))
            else:
                messages.success(request, "The patient's details were saved.")
                return redirect(reverse("patients:patient", args=[patient.public_id]))
        status = 422
    else:
        record(action="patient.viewed", actor=request.user, obj=patient)
    return render(
        request, "patients/patient_edit.html", {"patient": patient, "form": form}, status=status
    )

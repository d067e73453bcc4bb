"""The audit record for administrators: who did what, when, from where. Never whom it was about."""

from datetime import date, datetime, time, timedelta

from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.permissions import Action
from accounts.views import page_for
from audit.models import AuditEvent, Outcome
from audit.sentences import SENTENCES, describe

PER_PAGE = 100


class EventFilter(forms.Form):
    """What the record may be narrowed by; ``before`` is the sequence from which to go on."""

    who = forms.CharField(label="Person", max_length=120, required=False)
    action = forms.ChoiceField(
        label="What",
        required=False,
        choices=[("", "Everything"), *sorted(SENTENCES.items(), key=lambda pair: pair[1].lower())],
    )
    outcome = forms.ChoiceField(required=False, choices=[("", "Any"), *Outcome.choices])
    since = forms.DateField(
        label="From", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        label="To", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    before = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)


@require_safe
@page_for(Action.VIEW_AUDIT)
def events(request: HttpRequest) -> HttpResponse:
    """Newest first. Pages go on from a sequence number, so that page 10,000 costs as page 1."""
    form = EventFilter(request.GET)
    found = AuditEvent.objects.order_by("-sequence").select_related("actor")
    if form.is_valid():
        found = _narrowed(found, form.cleaned_data)
        if form.cleaned_data["before"]:
            found = found.filter(sequence__lt=form.cleaned_data["before"])
    rows = list(found[: PER_PAGE + 1])
    more = len(rows) > PER_PAGE
    rows = rows[:PER_PAGE]
    query = request.GET.copy()
    query.pop("before", None)
    context = {
        "form": form,
        "rows": [(event, describe(event)) for event in rows],
        "newest": query.urlencode(),
        "is_first_page": "before" not in request.GET,
        "narrowed": any(query.get(name) for name in ("who", "action", "outcome", "since", "until")),
    }
    if more:
        query["before"] = str(rows[-1].sequence)
        context["older"] = query.urlencode()
    return render(request, "accounts/audit.html", context)


def _narrowed(found: "QuerySet[AuditEvent]", wanted: dict) -> "QuerySet[AuditEvent]":
    if wanted["action"]:
        found = found.filter(action=wanted["action"])
    if wanted["outcome"]:
        found = found.filter(outcome=wanted["outcome"])
    if wanted["who"]:
        people = User.objects.all()
        for word in wanted["who"].split()[:6]:
            people = people.filter(Q(full_name__icontains=word) | Q(email__icontains=word))
        found = found.filter(actor__in=list(people.values_list("pk", flat=True)[:200]))
    # Days become sequence numbers, so that the one index of the list serves every filter.
    if wanted["since"]:
        found = found.filter(sequence__gte=_first_sequence_from(_start_of(wanted["since"])))
    if wanted["until"]:
        day_after = _start_of(wanted["until"]) + timedelta(days=1)
        found = found.filter(sequence__lt=_first_sequence_from(day_after))
    return found


def _start_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _first_sequence_from(moment: datetime) -> int:
    first = AuditEvent.objects.filter(at__gte=moment).order_by("at").values_list("sequence").first()
    if first:
        return first[0]
    last = AuditEvent.objects.order_by("-sequence").values_list("sequence").first()
    return last[0] + 1 if last else 1

"""The administrators' page on queues, workers and what was set aside."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.permissions import Action, require
from classifier.choices import SHADOW_QUEUE, PredictionState
from classifier.operations import facts
from patients.choices import Priority


@require_safe
@login_required
def operations(request: HttpRequest) -> HttpResponse:
    require(request.user, Action.VIEW_OPERATIONS)
    found = facts()
    queues = [
        {
            "label": priority.label,
            "rows": found.waiting[priority],
            "messages": None if found.messages is None else found.messages[priority],
        }
        for priority in Priority
    ]
    if found.shadows or found.shadow_waiting:
        messages = None if found.messages is None else found.messages[SHADOW_QUEUE]
        queues.append({"label": "Shadow", "rows": found.shadow_waiting, "messages": messages})
    states = [{"label": state.label, "rows": found.counts[state]} for state in PredictionState]
    context = {"facts": found, "queues": queues, "states": states}
    return render(request, "classifier/operations.html", context)

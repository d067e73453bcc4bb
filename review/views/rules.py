"""The rules of an organisation: what is in force, since when and why, and changing it."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts.models import Organisation
from accounts.permissions import Action
from accounts.views import page_for
from patients.errors import StaleEdit
from review.policy import HOUSE, Policy, policy_of
from review.policy_form import RulesForm
from review.policy_history import Entry, differences, history, since
from review.policy_values import PolicyRefused
from review.services.policies import policy_set

PER_PAGE = 20


@require_http_methods(["GET", "HEAD", "POST"])
@page_for(Action.MANAGE_POLICY)
def rules(request: HttpRequest, public_id: UUID) -> HttpResponse:
    organisation = get_object_or_404(Organisation, public_id=public_id)
    policy = policy_of(organisation)
    entries = history(organisation)
    form = RulesForm(request.POST or None, policy=policy, since=since(entries))
    status, error, meanwhile = 200, "", []
    if request.method == "POST" and not form.is_valid():
        status = 422
    elif request.method == "POST":
        try:
            row = policy_set(
                actor=request.user,
                organisation=organisation,
                values=form.policy_values,
                reason=form.cleaned_data["reason"],
                expected=form.cleaned_data["number"],
            )
        except StaleEdit as stale:
            status, error = 409, str(stale)
            entries, policy = history(organisation), policy_of(organisation)
            meanwhile = _since(entries, form.cleaned_data["number"])
            again = request.POST.copy()
            again["number"] = str(policy.number)
            form = RulesForm(again, policy=policy, since=since(entries))
        except PolicyRefused as refused:
            status, error = 422, str(refused)
        else:
            if row is None or row.number == policy.number:
                messages.info(request, "These rules are in force already; nothing was changed.")
            else:
                messages.success(
                    request,
                    f"Saved. Rules {row.number} of {organisation} are in force from now on.",
                )
            return redirect("review:rules", organisation.public_id)
    context = {
        "organisation": organisation,
        "policy": policy,
        "house": HOUSE,
        "form": form,
        "error": error,
        "meanwhile": meanwhile,
        "page_obj": Paginator(entries, PER_PAGE).get_page(request.GET.get("page")),
    }
    return render(request, "review/rules.html", context, status=status)


def _since(entries: list[Entry], number: int) -> list[str]:
    """What changed after the rules of this number."""
    earlier = next((entry.policy for entry in entries if entry.row.number == number), Policy())
    return differences(earlier, entries[0].policy) if entries else []

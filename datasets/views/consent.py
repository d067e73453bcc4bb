"""Whether an organisation lets its signed cells be used for training, for administrators."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts.models import Organisation
from accounts.permissions import Action
from accounts.views import page_for
from datasets.consents import consent_history, consent_set, consents
from datasets.errors import SetRefused
from datasets.forms import ConsentForm


@require_http_methods(["GET", "HEAD", "POST"])
@page_for(Action.MANAGE_DATA_SETS)
def consent(request: HttpRequest, public_id: UUID) -> HttpResponse:
    organisation = get_object_or_404(Organisation, public_id=public_id)
    stands = consents(organisation)
    form = ConsentForm(
        request.POST if request.method == "POST" else None,
        initial={"given": "no" if stands else "yes"},
    )
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data["given"] == "yes"
        try:
            consent_set(
                actor=request.user,
                organisation=organisation,
                given=given,
                reason=form.cleaned_data["reason"],
            )
        except SetRefused as error:
            form.add_error(None, str(error))
        else:
            messages.success(
                request,
                "Its signed cells are in data sets that are made from now on."
                if given
                else "Its cells are in no data set that is made from now on, and older sets with "
                "them are not used any more.",
            )
            return redirect("datasets:consent", organisation.public_id)
    context = {
        "organisation": organisation,
        "form": form,
        "stands": stands,
        "history": consent_history(organisation),
    }
    return render(request, "datasets/consent.html", context, status=422 if form.errors else 200)

"""What fitting the active model to one organisation's cells would bring: for administrators."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

import audit.services as audit
from accounts.models import Organisation
from accounts.permissions import Action, require
from adaptation.site import site_of, sites
from adaptation.trial import FEWEST_CASES, FEWEST_CELLS, FOLDS, tried, why_not
from classifier.model_comparison import rows
from classifier.queueing import active_version

ENOUGH_CASES = 20


@require_safe
@login_required
def overview(request: HttpRequest) -> HttpResponse:
    """The organisations with signed cases."""
    require(request.user, Action.MANAGE_MODELS)
    context = {
        "sites": sites(),
        "active": active_version(),
        "cells": FEWEST_CELLS,
        "cases": FEWEST_CASES,
    }
    return render(request, "adaptation/overview.html", context)


@require_safe
@login_required
def trial(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One organisation: the model as it is, recalibrated, and with an adapted head."""
    require(request.user, Action.MANAGE_MODELS)
    organisation = get_object_or_404(Organisation, public_id=public_id)
    version = active_version()
    context: dict[str, Any] = {"organisation": organisation, "active": version}
    if version is not None:
        site = site_of(organisation, version)
        problem = why_not(site.cells)
        context |= {
            "site": site,
            "problem": problem,
            "few_cases": site.cells.case_count < ENOUGH_CASES,
            "folds": min(FOLDS, site.cells.case_count),
        }
        if not problem:
            limit = version.manifest.get("thresholds", {}).get("confidence", 0.0)
            context["tried"] = [
                {"of": each, "rows": rows(each.compared)}
                for each in tried(site.cells, confidence=float(limit))
            ]
            audit.record(
                action="adaptation.tried",
                actor=request.user,
                obj=organisation,
                model=version.model_id,
                count=len(site.cells.truth),
            )
    return render(request, "adaptation/trial.html", context)

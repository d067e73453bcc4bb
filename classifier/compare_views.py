"""Two models side by side on the same locked cells: for everybody who reads results."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.permissions import Action, require
from classifier import model_comparison
from classifier.inference import ModelError
from classifier.model_figures import first_set
from classifier.model_pages import ModelFacts, all_models, choices, first_two, with_files

PER_PAGE = 25


@require_safe
@login_required
def compare(request: HttpRequest) -> HttpResponse:
    require(request.user, Action.VIEW_MODELS)
    found = all_models()
    first, second = request.GET.get("a", ""), request.GET.get("b", "")
    context: dict[str, Any] = {"choices": choices(found)}
    if not (first or second):
        first, second = first_two(found)
        context |= {"first": first, "second": second}
        return render(request, "classifier/model_compare.html", context)
    context |= {"first": first, "second": second}
    try:
        a, b = map(with_files, model_comparison.pair(found, first, second))
    except ModelError as error:
        context["problem"] = str(error)
        return render(request, "classifier/model_compare.html", context, status=400)
    context |= {"a": a, "b": b, "facts": model_comparison.facts_beside(a, b)}
    try:
        context |= _figures(request, a, b)
    except ModelError as error:
        context["problem"] = str(error)
    return render(request, "classifier/model_compare.html", context)


def _figures(request: HttpRequest, a: ModelFacts, b: ModelFacts) -> dict[str, Any]:
    both, one = model_comparison.same_sets(a, b)
    wanted = request.GET.get("set", "")
    name = wanted if wanted in both else first_set(both)
    if name is None:
        raise ModelError("The two were measured on no set that is the same.")
    context: dict[str, Any] = {"sets": both, "only_one": one, "set": name}
    try:
        compared = model_comparison.compare(a, b, name)
    except ModelError as error:
        return context | {"problem": f"{name}: {error}"}
    moves = model_comparison.moves(compared)
    wanted = request.GET.get("move", "")
    move = wanted if wanted in {each for each, *_ in moves} else ""
    changed = model_comparison.chosen(compared, move)
    return context | {
        "compared": compared,
        "rows": model_comparison.rows(compared),
        "moves": moves,
        "move": move,
        "changed": Paginator(changed, PER_PAGE).get_page(request.GET.get("page")),
    }

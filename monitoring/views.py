"""Monitoring, for administrators: figures by week and origin, alarms, streams. No patient in them."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import OuterRef, Subquery
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Action, require
from monitoring import charts
from monitoring.alarms import alarm_acknowledge, alarm_close
from monitoring.choices import LIVE_STATES, AlarmState
from monitoring.counting import counted_until
from monitoring.drift import REFERENCE, WINDOW
from monitoring.export import FILES
from monitoring.figures import Figures, figures
from monitoring.filters import FilterForm, known
from monitoring.forms import ReasonForm
from monitoring.models import Alarm, Drift, Stream
from monitoring.streams import FEWEST, reference_renew
from patients.telling import told

MOST_STREAMS = 50
POINTS = 200  # of a stream's curve
PER_PAGE = 20


@require_safe
@login_required
def monitoring(request: HttpRequest) -> HttpResponse:
    require(request.user, Action.VIEW_MONITORING)
    there = known()
    form = FilterForm(request.GET, known=there)
    context: dict[str, Any] = {"form": form, "counted_until": counted_until()}
    if not form.is_valid():
        return render(request, "monitoring/monitoring.html", context, status=400)
    found = figures(form.wanted(), there)
    context |= {
        "figures": found,
        "charts": _charts(found),
        "alarms": _alarms().filter(state__in=LIVE_STATES),
        "streams": _streams(),
        "address": form.address(),
        "reference": REFERENCE,
        "window": WINDOW,
    }
    return render(request, "monitoring/monitoring.html", context)


def _charts(found: Figures) -> list[charts.Chart]:
    drawn = [
        charts.overrides_chart(found.weeks),
        charts.abstention_chart(found.weeks),
        charts.confidence_chart(found.sums, found.before),
        charts.score_chart(found.sums, found.before),
    ]
    return [chart for chart in drawn if chart is not None]


@require_safe
@login_required
def download(request: HttpRequest, name: str) -> HttpResponseBase:
    """The counts of the same choice as CSV."""
    require(request.user, Action.VIEW_MONITORING)
    if name not in FILES:
        raise Http404
    there = known()
    form = FilterForm(request.GET, known=there)
    if not form.is_valid():
        return render(request, "monitoring/monitoring.html", {"form": form}, status=400)
    lines = FILES[name](form.wanted(), there)
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="teleheme-{name}.csv"'
    return response


@require_safe
@login_required
def alarms(request: HttpRequest) -> HttpResponse:
    """All of them, the newest first."""
    require(request.user, Action.VIEW_MONITORING)
    page = Paginator(_alarms(), PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page}
    return render(request, "monitoring/alarms.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def alarm(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """What it says and how it came to it; POST closes it with a reason."""
    require(request.user, Action.VIEW_MONITORING)
    found = get_object_or_404(_alarms(), public_id=public_id)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        told(
            request,
            lambda: alarm_close(actor=request.user, alarm=found, reason=reason),
            "The alarm is closed.",
        )
        return redirect("monitoring:alarm", public_id)
    points = _points(found.stream) if found.stream else []
    context = {
        "alarm": found,
        "form": form,
        "live": found.state in LIVE_STATES,
        "open": found.state == AlarmState.OPEN,
        "chart": charts.drift_chart(points),
    }
    return render(request, "monitoring/alarm.html", context, status=422 if form.errors else 200)


@require_POST
@login_required
def acknowledge(request: HttpRequest, public_id: UUID) -> HttpResponse:
    require(request.user, Action.VIEW_MONITORING)
    found = get_object_or_404(_alarms(), public_id=public_id)
    told(
        request,
        lambda: alarm_acknowledge(actor=request.user, alarm=found),
        "The alarm is yours to look after.",
    )
    return redirect("monitoring:alarm", public_id)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def stream(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """How one stream drifts; POST takes its newest cells as the reference."""
    require(request.user, Action.VIEW_MONITORING)
    found = get_object_or_404(_all_streams(), public_id=public_id)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        told(
            request,
            lambda: reference_renew(actor=request.user, stream=found, reason=reason),
            "Later cells are held against the newest ones from now on.",
        )
        return redirect("monitoring:stream", public_id)
    points = _points(found)
    context = {
        "stream": found,
        "form": form,
        "points": points[::-1][:PER_PAGE],
        "chart": charts.drift_chart(points),
        "alarms": _alarms().filter(stream=found)[:PER_PAGE],
        "reference": REFERENCE,
        "fewest": FEWEST,
        "window": WINDOW,
    }
    return render(request, "monitoring/stream.html", context, status=422 if form.errors else 200)


def _alarms() -> Any:
    return Alarm.objects.select_related(
        "organisation", "version", "stream__organisation", "acknowledged_by", "closed_by"
    ).defer("stream__reference", "stream__window", "version__manifest")


def _all_streams() -> Any:
    return Stream.objects.select_related("organisation", "version", "reference_set_by").defer(
        "reference", "window", "version__manifest"
    )


def _streams() -> list[tuple[Stream, Drift | None]]:
    """Those that cells came into last, each with its newest measurement; two queries."""
    newest = Drift.objects.filter(stream=OuterRef("pk")).order_by("-at", "-pk").values("pk")[:1]
    found = list(
        _all_streams().annotate(newest=Subquery(newest)).order_by("-newest_at")[:MOST_STREAMS]
    )
    points = Drift.objects.in_bulk([one.newest for one in found if one.newest])
    return [(one, points.get(one.newest)) for one in sorted(found, key=str)]


def _points(stream: Stream) -> list[Any]:
    """Its newest measurements against the present reference, the oldest first."""
    rows = stream.points.order_by("-at", "-pk")
    if stream.reference_set_by_id and stream.reference_at:
        rows = rows.filter(at__gte=stream.reference_at)
    return list(rows[:POINTS])[::-1]

"""The notice centre, the bell in the bar, and how one wants to hear of things."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Action, get_visible_or_404
from accounts.views import page_for
from patients.models import Case
from patients.views import Context, wants_partial
from review.choices import NoticeKind
from review.models import Notice
from review.notices import centre
from review.notices.kinds import KINDS, Wanted, kinds_of
from review.notices.telling import preferences_of, preferences_set

PER_PAGE = 50


def _listed(request: HttpRequest, *, unread: bool) -> Context:
    mine = Notice.objects.visible_to(request.user).on_screen().select_related("case")
    page = Paginator(mine.unread() if unread else mine, PER_PAGE).get_page(request.GET.get("page"))
    return {
        "page_obj": page,
        "days": centre.by_day(page.object_list),
        "unread_only": unread,
        "unread": centre.unread_count(request.user),
        "most": centre.MOST_COUNTED,
    }


@require_safe
@page_for(Action.FOLLOW_CASES)
def notices(request: HttpRequest) -> HttpResponse:
    """What this person was told, newest first."""
    context = _listed(request, unread=request.GET.get("show") == "unread")
    template = "review/_notices.html" if wants_partial(request) else "review/notices.html"
    return render(request, template, context)


@require_safe
@page_for(Action.FOLLOW_CASES)
def bell(request: HttpRequest) -> HttpResponse:
    """The bell with its count, for every page to renew now and then."""
    context = {"unread": centre.unread_count(request.user), "most": centre.MOST_COUNTED}
    return render(request, "review/_bell.html", context)


@require_safe
@page_for(Action.FOLLOW_CASES)
def notice(request: HttpRequest, notice_id: UUID) -> HttpResponse:
    """Open what a notice is about; it is read then."""
    found = get_visible_or_404(request, Notice, public_id=notice_id)
    centre.notice_read(actor=request.user, notice=found)
    if not Case.objects.visible_to(request.user).filter(pk=found.case_id).exists():
        messages.info(request, "You can no longer open the case that this notice is about.")
        return redirect("review:notices")
    return redirect(centre.target(found, request.user))


@require_POST
@page_for(Action.FOLLOW_CASES)
def notice_read(request: HttpRequest, notice_id: UUID) -> HttpResponse:
    found = get_visible_or_404(request, Notice, public_id=notice_id)
    centre.notice_read(actor=request.user, notice=found)
    return _again(request)


@require_POST
@page_for(Action.FOLLOW_CASES)
def notices_read(request: HttpRequest) -> HttpResponse:
    centre.notices_read(actor=request.user)
    return _again(request)


def _again(request: HttpRequest) -> HttpResponse:
    """The list as it was being looked at."""
    unread = request.POST.get("show") == "unread"
    if wants_partial(request):
        response = render(request, "review/_notices.html", _listed(request, unread=unread))
        response["HX-Trigger"] = "teleheme:bell"
        return response
    return redirect(reverse("review:notices") + ("?show=unread" if unread else ""))


@require_http_methods(["GET", "HEAD", "POST"])
@page_for(Action.FOLLOW_CASES)
def preferences(request: HttpRequest) -> HttpResponse:
    """What to be told of, on screen and by e-mail."""
    kinds = kinds_of(request.user.role)
    if request.method == "POST":
        preferences_set(
            user=request.user,
            wanted={
                kind: Wanted(
                    on_screen=f"screen-{kind}" in request.POST,
                    by_mail=f"mail-{kind}" in request.POST,
                )
                for kind in kinds
            },
        )
        messages.success(request, "Saved.")
        return redirect("review:notice-preferences")
    now = preferences_of(request.user)
    rows = [
        {"kind": kind.value, "label": _label(kind), "about": KINDS[kind], "wanted": now[kind]}
        for kind in kinds
    ]
    return render(request, "review/notice_preferences.html", {"rows": rows})


def _label(kind: NoticeKind) -> str:
    return str(kind.label)

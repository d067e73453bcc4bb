"""A specialist's own text blocks, beside the comment that they go into."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.permissions import Action, get_visible_or_404, require
from patients.errors import DomainError
from patients.views import wants_partial
from review.models import TextBlock
from review.report_forms import TextBlockForm
from review.services.text_blocks import text_block_delete, text_block_save


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def text_blocks(request: HttpRequest) -> HttpResponse:
    """One's own blocks; POST makes one."""
    require(request.user, Action.REVIEW)
    if request.method != "POST":
        return _list(request)
    return _save(request, None)


@login_required
@require_POST
def text_block(request: HttpRequest, block_id: UUID) -> HttpResponse:
    """Change one's own block."""
    block = get_visible_or_404(request, TextBlock, public_id=block_id)
    require(request.user, Action.REVIEW)
    return _save(request, block)


@login_required
@require_POST
def delete(request: HttpRequest, block_id: UUID) -> HttpResponse:
    block = get_visible_or_404(request, TextBlock, public_id=block_id)
    require(request.user, Action.REVIEW)
    text_block_delete(actor=request.user, block=block)
    return _list(request) if wants_partial(request) else redirect("review:text-blocks")


def _save(request: HttpRequest, block: TextBlock | None) -> HttpResponse:
    prefix = str(block.public_id) if block else "new"
    form = TextBlockForm(request.POST, prefix=prefix)
    form.instance.owner = request.user
    status = 422
    if form.is_valid():
        try:
            text_block_save(actor=request.user, block=block, **form.cleaned_data)
        except DomainError as error:
            form.add_error("title" if error.code == "title_taken" else None, str(error))
            status = 409
        else:
            return _list(request) if wants_partial(request) else redirect("review:text-blocks")
    return _list(request, form, block, status)


def _list(
    request: HttpRequest,
    form: TextBlockForm | None = None,
    block: TextBlock | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "blocks": TextBlock.objects.visible_to(request.user),
        "block_form": form if form and block is None else TextBlockForm(prefix="new"),
        "edit_form": form if block else None,
        "edited": block,
    }
    page = "review/_text_blocks.html" if wants_partial(request) else "review/text_blocks.html"
    return render(request, page, context, status=status)

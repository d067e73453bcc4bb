"""A specialist's own sentences."""

from django.db import IntegrityError, transaction

from accounts.models import User
from audit.services import record
from patients.errors import DomainError
from patients.text import storable
from review.models import TextBlock

MOST = 100  # of one person


class TitleTaken(DomainError):
    code = "title_taken"


def text_block_save(*, actor: User, block: TextBlock | None, title: str, body: str) -> TextBlock:
    """Make a block, or change one's own. Raises TitleTaken, and DomainError past MOST of them."""
    block = block or TextBlock(owner=actor)
    if block.pk is None and TextBlock.objects.filter(owner=actor).count() >= MOST:
        raise DomainError(f"You have {MOST} text blocks. Delete one first.", code="quota")
    block.title, block.body = storable(title.strip()), storable(body)
    try:
        with transaction.atomic():
            block.save()
            record(action="text_block.changed", actor=actor, obj=block, kept=True)
    except IntegrityError as error:
        raise TitleTaken("You have a text block of this name already.") from error
    return block


@transaction.atomic
def text_block_delete(*, actor: User, block: TextBlock) -> None:
    record(action="text_block.changed", actor=actor, obj=block, kept=False)
    block.delete()

"""Beat: every five minutes the signed head of the audit chain leaves the database."""

from audit.anchors import write_anchor
from telemed.tasks import upkeep


@upkeep(name="audit.tasks.anchor_audit")
def anchor_audit() -> None:
    """Safe to run twice and at the same time: an anchor is a fact, twice written or not."""
    write_anchor()

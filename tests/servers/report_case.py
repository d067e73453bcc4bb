"""A case that could be signed now, made beside the running product."""

from django.urls import reverse

from tests.review.signed import ready_to_sign
from tests.servers.signed_case import people, read_case


def ready(mrn: str) -> None:
    """Prints the address of its sign page."""
    case = read_case(mrn, cells=6)
    ready_to_sign(people(), case)
    print(reverse("review:sign", args=[case.public_id]))

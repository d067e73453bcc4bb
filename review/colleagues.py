"""Who else can read a case."""

from django.db.models import Q, QuerySet

from accounts.models import Role, User
from patients.models import Case


def colleagues(user: User, case: Case) -> QuerySet[User]:
    """The other specialists who see a case: of its own organisation, and of those that read for it."""
    return (
        User.objects.filter(
            Q(organisation=case.organisation_id)
            | Q(organisation__grants_received__referring=case.organisation_id),
            role=Role.SPECIALIST,
            is_active=True,
            organisation__is_active=True,
        )
        .exclude(pk=user.pk)
        .distinct()
        .order_by("full_name", "pk")
    )

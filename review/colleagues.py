"""Who else can read a case."""

from django.db.models import QuerySet

from accounts.models import Role, User
from accounts.permissions import who_opens
from patients.models import Case


def colleagues(user: User, case: Case) -> QuerySet[User]:
    """The other specialists who see a case."""
    others = User.objects.filter(who_opens(case), role=Role.SPECIALIST).exclude(pk=user.pk)
    return others.order_by("full_name", "pk")

"""Whether an organisation lets its signed cells be used for training."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Max

import audit.services as audit
from accounts.models import Organisation, User
from datasets.errors import SetRefused
from datasets.models import Consent

LONGEST_REASON = 300


@transaction.atomic
def consent_set(*, actor: User, organisation: Organisation, given: bool, reason: str) -> Consent:
    """Write down what the organisation said. SetRefused without a reason, or where it stands so."""
    reason = reason.strip()[:LONGEST_REASON]
    if not reason:
        raise SetRefused("Say why: who decided, and where that is written down.")
    Organisation.objects.select_for_update().get(pk=organisation.pk)
    if consents(organisation) == given:
        stands = "has consented already" if given else "does not consent as it is"
        raise SetRefused(f"{organisation} {stands}. Nothing was changed.")
    row = Consent.objects.create(organisation=organisation, given=given, reason=reason, by=actor)
    audit.record(
        action="consent.given" if given else "consent.taken_back",
        actor=actor,
        obj=organisation,
        reason=reason,
    )
    return row


def consents(organisation: Organisation) -> bool:
    """The newest word of one organisation, active or not."""
    newest = Consent.objects.filter(organisation=organisation).order_by("-pk").first()
    return newest is not None and newest.given


def consents_now(organisations: Iterable[int] | None = None) -> set[int]:
    """Primary keys of the active organisations (or of those among these) that consent now."""
    rows = Consent.objects.filter(organisation__is_active=True)
    if organisations is not None:
        rows = rows.filter(organisation__in=list(organisations))
    newest = rows.order_by().values("organisation").annotate(newest=Max("pk")).values("newest")
    return set(
        Consent.objects.filter(pk__in=newest, given=True).values_list("organisation_id", flat=True)
    )


def consent_history(organisation: Organisation) -> list[Consent]:
    """Newest first."""
    return list(Consent.objects.filter(organisation=organisation).select_related("by"))

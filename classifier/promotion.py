"""Which model reads new pictures: asking the gate, agreeing by two, going back.

The gate runs before the transaction, because it takes seconds; inside it is looked at again whether
the model that it compared with is still the active one. Every step is in the audit record.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

import audit.services as audit
from audit.models import Outcome
from classifier import examination
from classifier.choices import ModelState, PromotionState
from classifier.gate import Finding, refused
from classifier.inference.errors import ModelError
from classifier.models import ModelVersion, Promotion
from classifier.queueing import active_version
from classifier.registry import model_activate
from patients.errors import DomainError

CHANGED = (
    "Another model became active since the gate compared this one with {before}. Nothing was "
    "changed; try the gate again."
)


class PromotionRefused(DomainError):
    """Not now, or not by this person. Nothing was changed."""

    code = "promotion_refused"


def promotion_try(*, actor: Any, version: ModelVersion) -> list[Finding]:
    """Run the gate and change nothing; what it refuses is kept, so that nobody need ask again."""
    _require_other(version)
    before = active_version()
    findings = examination.examine(version, before)
    if refused(findings):
        _refuse(actor=actor, version=version, before=before, findings=findings)
    return findings


def promotion_ask(*, actor: Any, version: ModelVersion, reason: str = "") -> Promotion:
    """Have this version read new pictures: REFUSED by the gate, WAITING for a second administrator
    where two are asked for, or DONE.

    PromotionRefused where it is active or waits already, or where another model became active
    meanwhile.
    """
    _require_other(version)
    before = active_version()
    findings = examination.recent(version, before) or examination.examine(version, before)
    if refused(findings):
        return _refuse(
            actor=actor, version=version, before=before, findings=findings, reason=reason
        )
    _require_files(version)  # the findings may be minutes old
    two = settings.TWO_PERSON_PROMOTION
    with transaction.atomic():
        _require_still(version=version, before=before)
        promotion = _keep(
            PromotionState.WAITING if two else PromotionState.DONE,
            actor=actor,
            version=version,
            before=before,
            findings=findings,
            reason=reason,
        )
        if not two:
            model_activate(version=version, actor=actor)
    return promotion


def promotion_agree(*, actor: Any, promotion: Promotion) -> Promotion:
    """The second administrator's yes: from now on new pictures are read with it."""
    _require_files(promotion.version)
    with transaction.atomic():
        waiting = _waiting(promotion)
        if waiting.asked_by_id == actor.pk:
            raise PromotionRefused(
                "You asked for this yourself; another administrator must agree.", code="same_person"
            )
        _require_still(version=waiting.version, before=waiting.before, but=waiting)
        model_activate(version=waiting.version, actor=actor)
        return _decide(waiting, PromotionState.DONE, actor)


@transaction.atomic
def promotion_decline(*, actor: Any, promotion: Promotion) -> Promotion:
    waiting = _waiting(promotion)
    if waiting.asked_by_id == actor.pk:
        raise PromotionRefused("You asked for this yourself; withdraw it.", code="same_person")
    return _decide(waiting, PromotionState.DECLINED, actor)


@transaction.atomic
def promotion_withdraw(*, actor: Any, promotion: Promotion) -> Promotion:
    waiting = _waiting(promotion)
    if waiting.asked_by_id != actor.pk:
        raise PromotionRefused("Somebody else asked for this; decline it.", code="other_person")
    return _decide(waiting, PromotionState.WITHDRAWN, actor)


def promotion_rollback(*, actor: Any, active: ModelVersion) -> Promotion:
    """Back to the version that was active before ``active``, which the person saw to be active.

    One person, no comparison; but its files must be whole and the golden set reproduce, or it is
    REFUSED. What is being read is finished with the version that it was queued for.
    """
    if active_version() != active:
        raise PromotionRefused(
            f"{active} is not active any more. Nothing was changed; look again.", code="changed"
        )
    version = previous_version(active)
    if version is None:
        raise PromotionRefused("There is no earlier version to go back to.", code="no_earlier")
    findings = examination.fit(version)
    facts = {"actor": actor, "version": version, "before": active, "findings": findings}
    if refused(findings):
        return _refuse(**facts, rollback=True)
    with transaction.atomic():
        _require_still(version=version, before=active, waiting=False)
        promotion = _keep(PromotionState.DONE, **facts, rollback=True)
        model_activate(version=version, actor=actor)
    return promotion


def previous_version(active: ModelVersion) -> ModelVersion | None:
    """The version that was active last before this one and was not itself gone back from."""
    earlier = ModelVersion.objects.filter(
        state=ModelState.RETIRED, activated_at__isnull=False
    ).order_by("-activated_at")
    left = dict(
        Promotion.objects.filter(rollback=True, state=PromotionState.DONE, before__in=earlier)
        .order_by("decided_at")
        .values_list("before_id", "decided_at")
    )
    return next(
        (
            version
            for version in earlier
            if version.pk != active.pk and not _left_since(version, left.get(version.pk))
        ),
        None,
    )


def _left_since(version: ModelVersion, gone_back: datetime | None) -> bool:
    return bool(gone_back and version.activated_at and gone_back >= version.activated_at)


def waiting_promotions() -> list[Promotion]:
    return list(
        Promotion.objects.filter(state=PromotionState.WAITING).select_related(
            "version", "before", "asked_by"
        )
    )


def _require_other(version: ModelVersion) -> None:
    """Before the gate runs: it would be for nothing."""
    state = ModelVersion.objects.values_list("state", flat=True).get(pk=version.pk)
    if state == ModelState.ACTIVE:
        raise PromotionRefused(f"{version} reads new pictures already.", code="active")
    if version.promotions.filter(state=PromotionState.WAITING).exists():
        raise PromotionRefused(
            f"{version} waits for a second administrator already.", code="waiting"
        )


def _require_still(
    *,
    version: ModelVersion,
    before: ModelVersion | None,
    but: Promotion | None = None,
    waiting: bool = True,
) -> None:
    """Inside the transaction: what the gate saw is still so. Locks every version."""
    rows = {row.pk: row for row in ModelVersion.objects.select_for_update().order_by("pk")}
    active = next((row for row in rows.values() if row.state == ModelState.ACTIVE), None)
    if active != before or version.pk not in rows:
        raise PromotionRefused(CHANGED.format(before=before or "none"), code="changed")
    if rows[version.pk].manifest_sha256 != version.manifest_sha256:
        raise PromotionRefused(
            f"{version} was registered anew with other files. Nothing was changed; try the gate "
            "again.",
            code="changed",
        )
    others = version.promotions.filter(state=PromotionState.WAITING)
    if but is not None:
        others = others.exclude(pk=but.pk)
    if waiting and others.exists():
        raise PromotionRefused(
            f"{version} waits for a second administrator already.", code="waiting"
        )


def _require_files(version: ModelVersion) -> None:
    try:
        examination.require_files(version)
    except ModelError as error:
        raise PromotionRefused(f"{error} Nothing was changed.", code="files") from error


def _waiting(promotion: Promotion) -> Promotion:
    row = (
        Promotion.objects.select_for_update(of=("self",))
        .select_related("version", "before")
        .get(pk=promotion.pk)
    )
    if row.state != PromotionState.WAITING:
        raise PromotionRefused(
            f"This was decided meanwhile: {row.get_state_display().lower()}.", code="decided"
        )
    return row


def _decide(promotion: Promotion, state: PromotionState, actor: Any) -> Promotion:
    promotion.state = state
    promotion.decided_by = actor
    promotion.decided_at = timezone.now()
    promotion.save(update_fields=["state", "decided_by", "decided_at"])
    _record(promotion, actor)
    return promotion


@transaction.atomic
def _refuse(**facts: Any) -> Promotion:
    return _keep(PromotionState.REFUSED, **facts)


def _keep(
    state: PromotionState,
    *,
    actor: Any,
    version: ModelVersion,
    before: ModelVersion | None,
    findings: Sequence[Finding],
    reason: str = "",
    rollback: bool = False,
) -> Promotion:
    promotion = Promotion.objects.create(
        version=version,
        before=before,
        state=state,
        rollback=rollback,
        findings=[finding.as_json() for finding in findings],
        reason=reason,
        asked_by=actor,
        decided_at=None if state == PromotionState.WAITING else timezone.now(),
    )
    _record(promotion, actor)
    return promotion


def _record(promotion: Promotion, actor: Any) -> None:
    name = "asked" if promotion.state == PromotionState.WAITING else promotion.state
    if promotion.rollback and promotion.state == PromotionState.DONE:
        name = "rolled_back"
    refusal = promotion.state == PromotionState.REFUSED
    audit.record(
        action=f"promotion.{name}",
        actor=actor,
        obj=promotion,
        outcome=Outcome.FAILED if refusal else Outcome.DONE,
        model=promotion.version.model_id,
        manifest_sha256=promotion.version.manifest_sha256,
        before=promotion.before.model_id if promotion.before else "",
        refused_by=[each["code"] for each in promotion.findings if each["passed"] is False],
        reason=promotion.reason,
    )

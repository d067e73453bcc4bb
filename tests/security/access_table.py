"""Who may reach which address: the one table. An address without a row here fails the tests.

**Adding a row.** Key is the route as Django spells it (``tests/security/test_access.py`` prints the
missing ones ready to paste). Value is ``Row(GET=policy, POST=policy)``; ``make`` gives the
route's arguments from the ``World`` of the test (objects of tenant A, the clinic that the
specialist's centre reads for; the outsiders belong to tenant B), ``data`` what is posted. Objects
made by ``make`` are hidden from outsiders and the test compares the answer with that for an
object that does not exist: same status, same body, same headers.

**A policy** is seven letters, one per column::

    A  anonymous               L  sent to sign-in              I  let in (2xx, 3xx, or a refusal
    C  clinician, own org.     F  403, audited                    of what was sent: 400, 409, 415, 422)
    O  clinician, other org.   N  404, exactly like a missing  M  405, this method is not offered
    S  specialist with grant   R  asked for the password again V  503 or 200
    T  specialist without
    U  administrator           a dot stands for "the same as the column before"
    D  disabled meanwhile
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

COLUMNS = (
    "anonymous",
    "clinician",
    "outsider",
    "specialist",
    "stranger",
    "administrator",
    "disabled",
)

PUBLIC = "IIIIIII"
UNAVAILABLE = "VVVVVVV"
NOBODY = "NNNNNNN"
NO = "MMMMMMM"
NO_BEHIND_SIGN_IN = "LMMMMML"
SIGNED_IN = "LIIIIIL"
AGAIN = "LRRRRRL"  # the password once more, then the page
ADMIN = "LFFFFIL"
DJANGO_ADMIN = "LLLLLIL"  # its own sign-in answers 403 to the rest
CLINICAL = "LIIIIFL"  # clinicians and specialists, not administrators
CLINICIAN = "LIIFFFL"
CASE = "LININNL"  # of the own organisation, or readable by grant
CASE_OWN = "LINFNNL"
CASE_READER = "LFNINNL"
CASE_HOLDER = "LFNFNNL"
SPECIALIST = "LFFIIFL"
PATIENT = "LINNNNL"
# Programs get statuses, not redirects.
API_CLINICAL = "FIIIIFF"
API_CASE = "FININNF"
API_CASE_OWN = "FINFNNF"
API_CASE_READER = "FFNINNF"
API_ALL = "FIIIIIF"
API_NO = "FMMMMMF"


@dataclass(frozen=True)
class Row:
    """The policies of one address, and how to make its arguments and what to post."""

    GET: str = NO
    POST: str = NO
    make: Callable[[Any], dict[str, Any]] = field(default=lambda world: {})
    data: Callable[[Any], dict[str, Any]] = field(default=lambda world: {})

    def __post_init__(self) -> None:
        for policy in (self.GET, self.POST):
            assert len(policy) == len(COLUMNS), policy
            assert set(policy) <= set("LIFNRMV"), policy


def _person(world):
    return {"public_id": world.person.public_id}


def _organisation(world):
    return {"public_id": world.people.clinic.public_id}


def _grant(world):
    return {**_organisation(world), "reading_id": world.people.centre.public_id}


def _case(world):
    return {"case_id": world.case.public_id}


def _image(world):
    return {"image_id": world.image.public_id}


def _patient(world):
    return {"patient_id": world.case.patient.public_id}


def _case_public(world):
    return {"public_id": world.case.public_id}


def _prediction(world):
    return {"public_id": world.prediction.public_id}


def _model(world):
    return {"model_id": world.model.model_id}


def _promotion(world):
    """One that waits for a second administrator."""
    from classifier.models import Promotion

    promotion, _ = Promotion.objects.get_or_create(version=world.model, state="waiting")
    return {"public_id": promotion.public_id}


def _training(world):
    from training.models import TrainingJob

    job, _ = TrainingJob.objects.get_or_create(
        model_id="in-training", defaults={"kind": "transfer", "fingerprint": "0" * 64}
    )
    return {"public_id": job.public_id}


def _stream(world):
    from monitoring.models import Stream

    stream, _ = Stream.objects.get_or_create(
        organisation=world.people.clinic, version=world.model, stain="mgg"
    )
    return {"public_id": stream.public_id}


def _alarm(world):
    """One of the stream's that is open."""
    from django.utils import timezone

    from monitoring.models import Alarm, Stream

    stream = Stream.objects.get(**_stream(world))
    now = timezone.now()
    alarm, _ = Alarm.objects.get_or_create(
        kind="confidence", organisation=stream.organisation, version=world.model, stream=stream,
        defaults={"opened_at": now, "over_at": now, "cells": 200, "value": 0.3, "limit": 0.25,
                  "latest": 0.3},
    )  # fmt: skip
    return {"public_id": alarm.public_id}


def _cell(world):
    return {"public_id": world.prediction.cell.public_id}


def _second(world):
    from review.models import Reading

    reading, _ = Reading.objects.get_or_create(case=world.case, kind="second", blind=True)
    return {"public_id": reading.public_id}


def _reading(world):
    from review.models import Reading

    reading, _ = Reading.objects.get_or_create(case=world.case, kind="primary")
    return {"public_id": reading.public_id}


def _notice(world):
    """A notice of the clinician's."""
    from review.models import Notice

    notice, _ = Notice.objects.get_or_create(
        recipient=world.people.clinician, kind="comment", key="comment:access", case=world.case
    )
    return {"notice_id": notice.public_id}


def _report(world):
    """A signed report of the case, with what its page needs."""
    from django.utils import timezone

    from review.models import Reading, Report, Signature
    from review.reports.canonical import digest
    from review.reports.content import basis_of, freeze

    if report := Report.objects.filter(case=world.case).first():
        return {"report_id": report.public_id}
    reading, _ = Reading.objects.get_or_create(case=world.case, kind="primary")
    signer, at = world.people.specialist, timezone.now()
    facts = {"signer": signer, "at": at, "code": "ACCESSTEST", "version": 1, "comment": "Seen."}
    content = freeze(basis_of(reading, reader=signer), **facts)
    report = Report.objects.create(
        case=world.case, version=1, state="final", content=content, sha256=digest(content),
        code="ACCESSTEST", created_by=signer, final_at=at,
    )  # fmt: skip
    Signature.objects.create(
        report=report, signer=signer, signer_name=str(signer), sha256=report.sha256, at=at,
        signer_organisation=str(signer.organisation), method="password",
    )  # fmt: skip
    return {"report_id": report.public_id}


def _cell_of_report(world):
    return {**_report(world), "number": 1}


def _text_block(world):
    """One of the specialist's own."""
    from review.models import TextBlock

    block, _ = TextBlock.objects.get_or_create(
        owner=world.people.specialist, title="Own", defaults={"body": "Words."}
    )
    return {"block_id": block.public_id}


def _data_set(world):
    """A finished set of one picture."""
    from django.utils import timezone

    from datasets.models import DataSet

    found, _ = DataSet.objects.get_or_create(
        slug="access-test",
        defaults={
            "name": "Access",
            "origin": "imported",
            "licence": "None",
            "state": "ready",
            "planned": 1,
            "facts": {"pictures": 1, "classes": {"monocyte": {"train": 1}}},
            "listing_sha256": "0" * 64,
            "finished_at": timezone.now(),
        },
    )
    return {"slug": found.slug}


def _item(world):
    """The picture of that set."""
    from datasets.models import DataSet, Item

    found, _ = Item.objects.get_or_create(
        data_set=DataSet.objects.get(**_data_set(world)),
        number=1,
        defaults={
            "state": "kept",
            "kind": "monocyte",
            "split": "train",
            "picture_key": world.image.picture_key,
            "thumbnail_key": world.image.thumbnail_key,
            "sha256": world.image.sha256,
            "thumbnail_sha256": world.image.thumbnail_sha256,
            "thumb": bytes(32 * 32 * 3),
            "phash": 0,
        },
    )
    return {"item_id": found.public_id}


def _consenting_cell(world):
    """A cell that nobody has signed, of an organisation that consents."""
    from datasets.models import Consent

    Consent.objects.get_or_create(
        organisation=world.people.clinic,
        given=True,
        defaults={"reason": "Written down.", "by": world.people.administrator},
    )
    return {"cell_id": world.prediction.cell.public_id}


TABLE: dict[str, Row] = {
    # The front door and health.
    "": Row(GET="LIIIIIL"),
    "health/live": Row(GET=PUBLIC),
    "health/ready": Row(GET=UNAVAILABLE),  # no worker runs beside these tests
    # Sign-in (allauth). Signed-in people are sent on from the pages meant for others.
    "account/login/": Row(GET=PUBLIC, POST=PUBLIC),
    "account/logout/": Row(GET=PUBLIC, POST=PUBLIC),
    "account/inactive/": Row(GET=PUBLIC),
    "account/reauthenticate/": Row(GET=SIGNED_IN, POST=SIGNED_IN),
    "account/password/change/": Row(GET=SIGNED_IN, POST=SIGNED_IN),
    "account/password/reset/": Row(GET=PUBLIC, POST=PUBLIC),
    "account/password/reset/done/": Row(GET=PUBLIC),
    "account/^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": Row(
        GET=PUBLIC, POST=PUBLIC, make=lambda world: {"uidb36": "1", "key": "used-up"}
    ),
    "account/password/reset/key/done/": Row(GET=PUBLIC),
    "account/signup/": Row(GET=NOBODY, POST=NOBODY),
    "account/2fa/": Row(GET=SIGNED_IN, POST=NO_BEHIND_SIGN_IN),
    "account/2fa/authenticate/": Row(GET="LIIIIIL", POST="LIIIIIL"),
    "account/2fa/reauthenticate/": Row(GET=AGAIN, POST=AGAIN),
    "account/2fa/totp/activate/": Row(GET=AGAIN, POST=AGAIN),
    "account/2fa/totp/deactivate/": Row(GET="LNNNNNL", POST="LNNNNNL"),
    "account/2fa/recovery-codes/": Row(GET="LNNNNNL", POST=NO_BEHIND_SIGN_IN),
    "account/2fa/recovery-codes/generate/": Row(GET=AGAIN, POST=AGAIN),
    "account/2fa/recovery-codes/download/": Row(GET="LNNNNNL", POST="LNNNNNL"),
    # One's own account.
    "account/": Row(GET=SIGNED_IN, POST=SIGNED_IN),
    "account/theme": Row(POST=SIGNED_IN, data=lambda world: {"theme": "dark"}),
    "account/sessions/end": Row(POST=SIGNED_IN),
    "account/sessions/<int:pk>/end": Row(
        POST="LINNNNL", make=lambda world: {"pk": world.session_of_clinician}
    ),
    # People, organisations, the record: administrators.
    "people/": Row(GET=ADMIN),
    "people/add": Row(GET=ADMIN, POST=ADMIN),
    "people/<uuid:public_id>/": Row(GET=ADMIN, POST=ADMIN, make=_person),
    "people/<uuid:public_id>/invite": Row(POST=ADMIN, make=_person),
    "people/<uuid:public_id>/second-factor/reset": Row(POST=ADMIN, make=_person),
    "organisations/": Row(GET=ADMIN),
    "organisations/add": Row(GET=ADMIN, POST=ADMIN),
    "organisations/<uuid:public_id>/": Row(GET=ADMIN, POST=ADMIN, make=_organisation),
    "organisations/<uuid:public_id>/readers": Row(POST=ADMIN, make=_organisation),
    "organisations/<uuid:public_id>/readers/<uuid:reading_id>/withdraw": Row(
        POST=ADMIN, make=_grant
    ),
    "organisations/<uuid:public_id>/rules": Row(GET=ADMIN, POST=ADMIN, make=_organisation),
    "audit/": Row(GET=ADMIN),
    # Patients and cases.
    "cases/": Row(GET=CLINICAL, POST="LMMMMML"),
    "cases/new": Row(GET=CLINICIAN, POST=CLINICIAN),
    "cases/<uuid:case_id>/": Row(GET=CASE, POST="LMMMMML", make=_case),
    "cases/<uuid:case_id>/pictures": Row(GET=CASE, POST="LMMMMML", make=_case),
    "cases/<uuid:case_id>/timeline": Row(GET=CASE, POST="LMMMMML", make=_case),
    "cases/<uuid:case_id>/thread": Row(
        GET=CASE, POST=CASE, make=_case, data=lambda world: {"body": "Seen."}
    ),
    "cases/<uuid:case_id>/details": Row(GET="LMMMMML", POST=CASE_OWN, make=_case),
    "cases/<uuid:case_id>/submit": Row(GET="LMMMMML", POST=CASE_OWN, make=_case),
    "cases/<uuid:case_id>/withdraw": Row(GET=CASE_OWN, POST=CASE_OWN, make=_case),
    "cases/<uuid:case_id>/take": Row(GET="LMMMMML", POST=CASE_READER, make=_case),
    # Only the reader who holds the case passes it on; in this world nobody holds it.
    "cases/<uuid:case_id>/release": Row(GET="LMMMMML", POST=CASE_HOLDER, make=_case),
    "cases/<uuid:case_id>/hand-over": Row(GET=CASE_HOLDER, POST=CASE_HOLDER, make=_case),
    "cases/<uuid:case_id>/opinion": Row(GET=CASE_HOLDER, POST=CASE_HOLDER, make=_case),
    "worklist/": Row(GET=SPECIALIST, POST="LMMMMML"),
    "worklist/take": Row(GET="LMMMMML", POST=SPECIALIST),
    "api/v1/cells/<uuid:public_id>/like": Row(GET=API_CASE_READER, POST=API_NO, make=_cell),
    "api/v1/cells/<uuid:public_id>/reference": Row(GET=API_NO, POST=API_NO, make=_cell),
    "agreement/": Row(GET=SPECIALIST, POST="LMMMMML"),
    "readings/<uuid:public_id>/give": Row(GET="LMMMMML", POST=CASE_HOLDER, make=_second),
    "readings/<uuid:public_id>/take": Row(GET="LMMMMML", POST=CASE_READER, make=_second),
    # Nothing to compare with before the second reading is finished, and its reader sees it alone.
    "readings/<uuid:public_id>/compare": Row(GET="LFNNNNL", POST="LMMMMML", make=_second),
    "readings/<uuid:public_id>/decide": Row(GET="LMMMMML", POST="LFNNNNL", make=_second),
    "cases/<uuid:case_id>/header": Row(GET=CASE, POST="LMMMMML", make=_case),
    "patients/": Row(GET=CLINICIAN, POST="LMMMMML"),
    "patients/search": Row(GET=CLINICIAN, POST="LMMMMML"),
    "patients/<uuid:patient_id>/": Row(GET=PATIENT, POST="LMMMMML", make=_patient),
    "patients/<uuid:patient_id>/edit": Row(GET=PATIENT, POST=PATIENT, make=_patient),
    "images/<uuid:image_id>/picture": Row(GET=CASE, POST="LMMMMML", make=_image),
    "images/<uuid:image_id>/thumbnail": Row(GET=CASE, POST="LMMMMML", make=_image),
    "images/<uuid:image_id>/remove": Row(GET="LMMMMML", POST=CASE_OWN, make=_image),
    "images/<uuid:image_id>/blank": Row(GET=CASE_OWN, POST=CASE_OWN, make=_image),
    "api/v1/cases": Row(GET=API_CLINICAL, POST=API_NO),
    "api/v1/cases/<uuid:case_id>": Row(GET=API_CASE, POST=API_NO, make=_case),
    "api/v1/cases/<uuid:case_id>/images": Row(GET=API_CASE, POST=API_CASE_OWN, make=_case),
    # Results.
    "cases/<uuid:public_id>/cells": Row(GET=CASE, make=_case_public),
    "cells/<uuid:public_id>/retry": Row(POST=CASE, make=_prediction),
    "quick-look/": Row(GET=SIGNED_IN),
    "models/": Row(GET=SIGNED_IN),
    "models/compare": Row(GET=SIGNED_IN),
    "training/": Row(GET=ADMIN),
    "training/new": Row(GET=ADMIN, POST=ADMIN),
    "training/<uuid:public_id>/": Row(GET=ADMIN, make=_training),
    "training/<uuid:public_id>/stop": Row(POST=ADMIN, make=_training),
    "training/<uuid:public_id>/resume": Row(POST=ADMIN, make=_training),
    "models/upload": Row(GET=ADMIN, POST=ADMIN),
    # The model of this world has no directory: there is nothing to register.
    "models/<str:model_id>/register": Row(POST="LFFFFNL", make=_model),
    "models/<str:model_id>/retire": Row(POST=ADMIN, make=_model),
    "models/<str:model_id>/alias": Row(POST=ADMIN, make=_model),
    "models/<str:model_id>/alias/remove": Row(POST=ADMIN, make=_model),
    "models/<str:model_id>/": Row(GET=SIGNED_IN, make=_model),
    "models/<str:model_id>/figures/<str:name>": Row(
        GET="LNNNNNL", make=lambda world: {**_model(world), "name": "absent.png"}
    ),
    "models/<str:model_id>/files/<path:name>": Row(
        GET="LNNNNNL", make=lambda world: {**_model(world), "name": "absent.json"}
    ),
    "models/<str:model_id>/shadow": Row(GET=ADMIN, make=_model),
    "models/<str:model_id>/shadow/start": Row(POST=ADMIN, make=_model),
    "models/<str:model_id>/shadow/end": Row(POST=ADMIN, make=_model),
    "models/rollback": Row(POST=ADMIN),
    "models/<str:model_id>/promote": Row(GET=ADMIN, POST=ADMIN, make=_model),
    "models/<str:model_id>/promote/try": Row(POST=ADMIN, make=_model),
    "promotions/<uuid:public_id>/": Row(GET=ADMIN, make=_promotion),
    "promotions/<uuid:public_id>/decide": Row(POST=ADMIN, make=_promotion),
    "operations/": Row(GET=ADMIN),
    # Data sets, and what readers disagree on.
    "datasets/": Row(GET=ADMIN),
    "datasets/import": Row(GET=ADMIN, POST=ADMIN),
    "datasets/signed": Row(GET=ADMIN, POST=ADMIN),
    "datasets/<slug:slug>/": Row(GET=ADMIN, make=_data_set),
    "datasets/<slug:slug>/progress": Row(GET=ADMIN, make=_data_set),
    "datasets/<slug:slug>/export": Row(GET=ADMIN, make=_data_set),
    "datasets/<slug:slug>/remove": Row(POST=ADMIN, make=_data_set),
    "datasets/<slug:slug>/pictures": Row(GET=ADMIN, make=_data_set),
    "datasets/<slug:slug>/repeats": Row(GET=ADMIN, make=_data_set),
    "datasets/pictures/<uuid:item_id>/small": Row(GET=ADMIN, make=_item),
    "datasets/pictures/<uuid:item_id>/whole": Row(GET=ADMIN, make=_item),
    "organisations/<uuid:public_id>/consent": Row(GET=ADMIN, POST=ADMIN, make=_organisation),
    "labelling/disagreements": Row(GET="LFFIIIL"),
    "labelling/next": Row(GET="LFFIIIL"),
    "labelling/next/<uuid:cell_id>": Row(GET=ADMIN, make=_consenting_cell),
    "adaptation/": Row(GET=ADMIN),
    "adaptation/<uuid:public_id>/": Row(GET=ADMIN, make=_organisation),
    # Monitoring: administrators, and no patient in it.
    "monitoring/": Row(GET=ADMIN),
    "monitoring/<slug:name>.csv": Row(GET=ADMIN, make=lambda world: {"name": "signed"}),
    "monitoring/alarms/": Row(GET=ADMIN),
    "monitoring/alarms/<uuid:public_id>/": Row(GET=ADMIN, POST=ADMIN, make=_alarm),
    "monitoring/alarms/<uuid:public_id>/acknowledge": Row(POST=ADMIN, make=_alarm),
    "monitoring/streams/<uuid:public_id>/": Row(GET=ADMIN, POST=ADMIN, make=_stream),
    # Notices, critical results, feedback.
    "notices/": Row(GET=CLINICAL),
    "notices/bell": Row(GET=CLINICAL),
    "notices/read": Row(POST=CLINICAL),
    "notices/preferences": Row(GET=CLINICAL, POST=CLINICAL),
    "notices/<uuid:notice_id>/": Row(GET="LINNNFL", make=_notice),
    "notices/<uuid:notice_id>/read": Row(POST="LINNNFL", make=_notice),
    "critical/": Row(GET=CLINICAL),
    "cases/<uuid:case_id>/critical/acknowledge": Row(GET="LMMMMML", POST=CASE_OWN, make=_case),
    "reports/<uuid:report_id>/answer": Row(
        GET="LMMMMML", POST=CASE_OWN, make=_report, data=lambda world: {"answered": "yes"}
    ),
    "feedback/": Row(GET="LFFIIFL"),
    # Signing and reports. Nobody holds the case in this world; its report is signed by one.
    "cases/<uuid:case_id>/sign": Row(GET=CASE_HOLDER, POST=CASE_HOLDER, make=_case),
    "cases/<uuid:case_id>/report-draft": Row(GET="LMMMMML", POST=CASE_HOLDER, make=_case),
    "cases/<uuid:case_id>/amend": Row(GET="LMMMMML", POST=CASE_READER, make=_case),
    "cases/<uuid:case_id>/amend/stop": Row(GET="LMMMMML", POST=CASE_READER, make=_case),
    "reports/<uuid:report_id>/": Row(GET=CASE, POST="LMMMMML", make=_report),
    "reports/<uuid:report_id>/cosign": Row(GET="LMMMMML", POST=CASE_READER, make=_report),
    "reports/<uuid:report_id>/return": Row(GET="LMMMMML", POST=CASE_READER, make=_report),
    "reports/<uuid:report_id>/pdf": Row(GET=CASE, POST="LMMMMML", make=_report),
    "reports/<uuid:report_id>/json": Row(GET=CASE, POST="LMMMMML", make=_report),
    "reports/<uuid:report_id>/fhir": Row(GET=CASE, POST="LMMMMML", make=_report),
    "reports/<uuid:report_id>/cells/<int:number>": Row(
        GET=CASE, POST="LMMMMML", make=_cell_of_report
    ),
    "text-blocks/": Row(GET=SPECIALIST, POST=SPECIALIST),
    "text-blocks/<uuid:block_id>": Row(GET="LMMMMML", POST="LNNINNL", make=_text_block),
    "text-blocks/<uuid:block_id>/delete": Row(GET="LMMMMML", POST="LNNINNL", make=_text_block),
    # Whoever holds the paper has no account; nothing about the patient is told.
    "verify/": Row(GET=PUBLIC, POST=PUBLIC),
    "api/v1/cases/<uuid:public_id>/cells": Row(GET=API_CASE, POST=API_NO, make=_case_public),
    "api/v1/models": Row(GET=API_ALL, POST="FFFFFIF"),
    "api/v1/quick-look": Row(GET=API_NO, POST=API_ALL),
    # The desk. In this world nobody holds the case, so that a verdict is refused (409).
    "cases/<uuid:case_id>/review": Row(GET=CASE_READER, POST="LMMMMML", make=_case),
    "readings/<uuid:public_id>/differential": Row(GET=CASE_READER, POST="LMMMMML", make=_reading),
    "api/v1/desk": Row(GET=API_NO, POST=API_NO),
    "api/v1/readings/<uuid:public_id>/acts": Row(
        GET=API_CASE_READER, POST=API_CASE_READER, make=_reading
    ),
    "api/v1/readings/<uuid:public_id>/seen": Row(GET=API_NO, POST=API_CASE_READER, make=_reading),
    "api/v1/readings/<uuid:public_id>/commit": Row(GET=API_NO, POST=API_CASE_READER, make=_reading),
    "api/v1/readings/<uuid:public_id>/evidence": Row(
        GET=API_CASE_READER, POST=API_NO, make=_reading
    ),
}

# Django's admin makes its routes from the models registered there (a test names them); every one
# has the same policy: administrators in, everybody else to its sign-in, which answers 403.
DJANGO_ADMIN_PREFIX = "admin/"
DJANGO_ADMIN_MODELS = {
    "accounts.User",
    "accounts.Organisation",
    "accounts.ReadingGrant",
    "audit.AuditEvent",
}
# Not a URL pattern: answered by WhiteNoise before Django, the same public files for everybody.
OUTSIDE_THE_RESOLVER = ("static/",)

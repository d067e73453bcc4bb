"""Whether a stored report is still what was signed: everything recomputed, nothing believed."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from audit.models import AuditEvent
from classifier.models import Prediction
from patients import storage
from patients.errors import DomainError
from patients.models import SmearImage
from review.choices import ReportState
from review.current import primary_reading
from review.models import Report, Signature, Verdict
from review.reports.canonical import canonical, digest
from review.reports.content import FORMAT, counts_agree

Tick = Callable[[], None]


def differences(report: Report, *, files: bool = True, tick: Tick = lambda: None) -> list[str]:
    """A sentence for everything that is not as it was signed; empty when all is.

    ``files=False`` leaves out reading pictures and PDF again.
    """
    found = [*_content(report), *_signatures(report)]
    try:
        content = json.loads(report.content)
        found += _inside(report, content)
        found += _verdicts(report, content)
        found += _answers(content)
        if files:
            found += _pictures(content, tick)
            found += _pdf(report)
    except (ValueError, KeyError, TypeError, AttributeError):
        found.append("The stored content cannot be read as a report.")
    return found


def _content(report: Report) -> Iterator[str]:
    if digest(report.content) != report.sha256:
        yield "The stored content does not have the stored hash: it was changed."
    told = set(
        AuditEvent.objects.filter(
            action="report.signed", object_id=str(report.public_id)
        ).values_list("data__sha256", flat=True)
    )
    if told != {report.sha256}:
        yield "The audit record tells of a signature under another hash."


def _signatures(report: Report) -> Iterator[str]:
    rows: list[Signature] = list(report.signatures.select_related("signer"))
    for row in rows:
        if row.sha256 != report.sha256:
            yield f"The signature of {row.signer_name} stands under another hash."
    signed = report.state in (ReportState.FINAL, ReportState.SUPERSEDED)
    if [row.place for row in rows] not in ([[1], [1, 2]] if signed else [[1]]):
        yield f"The report has {len(rows)} signatures, which are not those that its state needs."
    if report.amends and report.amends.state != ReportState.SUPERSEDED and signed:
        yield f"It replaces version {report.amends.version}, which is not marked as replaced."


def _inside(report: Report, content: dict[str, Any]) -> Iterator[str]:
    """What the content says of itself, against the columns beside it."""
    if canonical(content) != report.content or content["format"] != FORMAT:
        yield "The content is not in the canonical form of its format."
    said = content["report"]
    amends = report.amends.sha256 if report.amends else ""
    stands = (report.code, report.version, amends, report.reason)
    if (said["code"], said["version"], said["amends"], said["reason"]) != stands:
        yield "Code, version, reason or the version that it replaces are not those in its content."
    if report.amends and digest(report.amends.content) != amends:
        yield f"Version {report.amends.version}, which it replaces, was changed."
    if str(report.case.public_id) != content["case"]["id"]:
        yield "It stands with another case than it was signed for."
    if not counts_agree(content):
        yield "Its differential does not count its cells."
    two = content["policies"]["reading"]["values"]["two_signers"]
    signed = report.state in (ReportState.FINAL, ReportState.SUPERSEDED)
    if signed and report.signatures.count() != (2 if two else 1):
        yield f"The rules it was signed under want {'two signatures' if two else 'one signature'}."


def _verdicts(report: Report, content: dict[str, Any]) -> Iterator[str]:
    """The reading as it stood at the first signature, against the frozen labels."""
    reading = primary_reading(report.case)
    if reading is None:
        yield "The reading that it rests on is gone."
        return
    rows = Verdict.objects.filter(act__reading=reading, act__at__lte=content["signed_first"]["at"])
    acts = content["reading"]["acts"]
    rows = rows.filter(act__number__lte=acts).order_by("act__number", "pk")
    labels = dict(rows.values_list("cell__public_id", "label"))
    said = {str(cell): label for cell, label in labels.items()}
    for cell in content["cells"]:
        spoken = said.get(cell["id"])
        if cell["basis"] == "verdict" and spoken != cell["label"]:
            yield (
                f"Cell {cell['number']} is {cell['label']} in the report, and "
                f"{spoken or 'nothing'} in the verdicts that were given until then."
            )
        if cell["basis"] == "suggestion" and spoken is not None:
            yield f"Cell {cell['number']} has a verdict, {spoken}, that the report does not know."
    if reading.acts.filter(number__lte=acts).count() != acts:
        yield "Acts of the reading are missing."


def _answers(content: dict[str, Any]) -> Iterator[str]:
    """What the model said of each cell, against the results as they are stored."""
    rows = Prediction.objects.filter(
        cell__public_id__in=[cell["id"] for cell in content["cells"]]
    ).values_list(
        "cell__public_id", "model_version__model_id", "label", "abstained", "model_sha256"
    )
    stored = {(str(cell), model): rest for cell, model, *rest in rows}
    for cell in content["cells"]:
        said = cell["model"]
        if said is not None:
            frozen = [said["label"], said["abstained"], said["sha256"]]
            if stored.get((cell["id"], said["id"])) != frozen:
                yield f"The model's result for cell {cell['number']} is not the one that was signed."


def _pictures(content: dict[str, Any], tick: Tick) -> Iterator[str]:
    rows = SmearImage.objects.in_bulk(
        [image["id"] for image in content["images"]], field_name="public_id"
    )
    stored = {str(public_id): row for public_id, row in rows.items()}
    for image in content["images"]:
        tick()
        row = stored.get(image["id"])
        if row is None:
            yield f"Picture {image['position']} is gone."
            continue
        if row.sha256 != image["sha256"]:
            yield f"Picture {image['position']} has another hash in the database than was signed."
        try:
            storage.read_verified(row.picture_key, sha256=image["sha256"])
        except DomainError as error:
            yield f"Picture {image['position']}: {_trouble(error)}"


def _pdf(report: Report) -> Iterator[str]:
    if not report.pdf_key:
        return
    told = AuditEvent.objects.filter(action="report.rendered", object_id=str(report.public_id))
    if list(told.values_list("data__sha256", flat=True)) != [report.pdf_sha256]:
        yield "The audit record tells of another PDF."
    try:
        storage.read_verified(report.pdf_key, sha256=report.pdf_sha256)
    except DomainError as error:
        yield f"The PDF: {_trouble(error)}"


def _trouble(error: DomainError) -> str:
    return {
        storage.PictureDamaged.code: "the stored file was changed.",
        storage.PictureMissing.code: "the stored file is gone.",
    }.get(error.code, "the store could not be reached; try again.")

"""A report as a FHIR R4 bundle (collection): DiagnosticReport and everything that it points to.

The same report gives the same bundle. Identities follow from the case's, so that a receiver that
keeps version 1 replaces it by version 2 (``meta.versionId``).
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

from django.conf import settings
from django.urls import reverse

from review.models import Report
from review.reports import fhir_codes as codes
from review.reports import fhir_values as values
from review.reports.changes import name_of
from review.reports.codes import shown_code
from review.reports.fhir_values import Resource
from review.reports.reading import content_of


def bundle_of(report: Report) -> Resource:
    """The bundle of a signed report; ``final``, or ``amended`` for every version after the first."""
    return _Writer(report).bundle()


class _Writer:
    def __init__(self, report: Report) -> None:
        self.report = report
        self.content = content_of(report)
        self.case = UUID(self.content["case"]["id"])
        self.status = "amended" if report.amends_id else "final"
        self.issued = report.final_at.isoformat() if report.final_at else None
        self.entries: list[Resource] = []

    def bundle(self) -> Resource:
        patient = self._patient()
        referring = self._organisation(self.content["organisation"]["name"], "referring")
        signatures = list(self.report.signatures.select_related("signer"))
        reading = self._organisation(signatures[0].signer_organisation, "reading")
        signers = [
            self._practitioner(str(row.signer.public_id), row.signer_name) for row in signatures
        ]
        specimen = self._specimen(patient)
        order = self._order(patient, referring)
        devices = {model["id"]: self._device(model) for model in self.content["models"]}
        media = {image["position"]: self._media(image, patient) for image in self.content["images"]}
        cells = [
            self._cell(cell, patient, media, devices, signers) for cell in self.content["cells"]
        ]
        shared = {"subject": patient, "specimen": specimen, "performer": signers}
        rows = [
            row for line in self.content["differential"]["rows"] for row in self._row(line, shared)
        ]
        rows += self._nrbc(shared)
        panel = self._observation("panel", codes.PANEL, shared, hasMember=rows, derivedFrom=cells)
        results = [panel, *self._total_wbc(shared)]
        self._report(patient, order, specimen, [*signers, reading], signers, results, media)
        self.entries.reverse()  # the report first
        return {
            "resourceType": "Bundle",
            "type": "collection",
            "identifier": values.identifier("report", shown_code(self.report.code)),
            "timestamp": self.issued,
            "entry": self.entries,
        }

    def _add(self, kind: str, key: str, **fields: Any) -> dict[str, str]:
        """Add a resource, less what is empty; the reference to it."""
        identity = self._identity(kind, key)
        body = {name: value for name, value in fields.items() if value not in (None, "", [], {})}
        resource = {"resourceType": kind, "id": identity, **body}
        self.entries.append({"fullUrl": f"urn:uuid:{identity}", "resource": resource})
        return {"reference": f"urn:uuid:{identity}"}

    def _identity(self, kind: str, key: str) -> str:
        return str(uuid5(self.case, f"{kind}:{key}"))

    def _report(
        self, patient: Resource, order: Resource, specimen: Resource, performers: list[Resource],
        signers: list[Resource], results: list[Resource], media: Mapping[int, Resource],
    ) -> None:  # fmt: skip
        content, amends = self.content, self.report.amends
        replaced = amends and {
            "url": codes.REPLACES,
            "valueReference": {
                "type": "DiagnosticReport",
                "identifier": values.identifier("report", shown_code(amends.code)),
            },
        }
        pdf = reverse("review:report-pdf", args=[self.report.public_id])
        self._add(
            "DiagnosticReport",
            "report",
            meta={"versionId": str(self.report.version)},
            extension=[replaced] if replaced else [],
            identifier=[
                values.identifier("report", shown_code(self.report.code)),
                values.hashed(self.report.sha256),
            ],
            basedOn=[order],
            status=self.status,
            category=[values.coded(codes.SERVICE, "HM", "Hematology")],
            code=values.loinc(codes.PANEL),
            subject=patient,
            effectiveDateTime=content["case"]["submitted_at"],
            issued=self.issued,
            performer=performers,
            resultsInterpreter=signers,
            specimen=[specimen],
            result=results,
            media=[{"link": link} for link in media.values()],
            conclusion="\n".join(
                filter(
                    None,
                    [
                        content["comment"],
                        *(flag["sentence"] for flag in content["differential"]["flags"]),
                        content["report"]["reason"] and f"Amended: {content['report']['reason']}",
                    ],
                )
            ),
            presentedForm=[
                {
                    "contentType": "application/pdf",
                    "url": f"{settings.BASE_URL.rstrip('/')}{pdf}",
                    "title": f"{content['case']['number']}, version {self.report.version}",
                }
            ],
        )

    def _patient(self) -> Resource:
        patient, house = self.content["patient"], self.content["organisation"]
        given = [patient["given_name"]] if patient["given_name"] else []
        name = {"family": patient["family_name"], **({"given": given} if given else {})}
        return self._add(
            "Patient",
            patient["id"],
            identifier=[
                {
                    "type": {"text": "MRN"},
                    "system": f"urn:uuid:{house['id']}",
                    "value": patient["mrn"],
                    "assigner": {"display": house["name"]},
                }
            ],
            name=[name],
            gender=patient["sex"],
            birthDate=patient["birth_date"],
        )

    def _organisation(self, name: str, key: str) -> Resource:
        return self._add("Organization", key, name=name)

    def _practitioner(self, key: str, name: str) -> Resource:
        return self._add("Practitioner", key, name=[{"text": name}])

    def _device(self, model: Mapping[str, Any]) -> Resource:
        return self._add(
            "Device",
            model["id"],
            identifier=[values.hashed(model["sha256"])],
            deviceName=[{"name": model["id"], "type": "model-name"}],
            version=[{"value": f"{model['id']}, arithmetic {model['precision']}"}],
            type={"text": "Image classifier (decision support, not a medical device)"},
            note=[{"text": limit} for limit in model["limits"]],
        )

    def _order(self, patient: Resource, referring: Resource) -> Resource:
        case = self.content["case"]
        return self._add(
            "ServiceRequest",
            "order",
            identifier=[values.identifier("case", case["number"])],
            status="completed",
            intent="order",
            priority=codes.PRIORITY[case["priority"]],
            code=values.loinc(codes.PANEL),
            subject=patient,
            authoredOn=case["submitted_at"],
            requester=referring,
            reasonCode=[{"text": case["question"]}] if case["question"] else [],
        )

    def _specimen(self, patient: Resource) -> Resource:
        specimen = self.content["specimen"]
        notes = [
            f"{words}: {specimen[name]}"
            for name, words in (
                ("stain", "Stain"),
                ("magnification", "Objective"),
                ("device", "Device"),
                ("site", "Site"),
            )
            if specimen[name]
        ]
        return self._add(
            "Specimen",
            "specimen",
            type={"text": "Stained peripheral blood film"},
            subject=patient,
            receivedTime=self.content["case"]["submitted_at"],
            note=[{"text": note} for note in notes],
        )

    def _media(self, image: Mapping[str, Any], patient: Resource) -> Resource:
        return self._add(
            "Media",
            image["id"],
            identifier=[values.hashed(image["sha256"])],
            status="completed",
            subject=patient,
            height=image["height"],
            width=image["width"],
            content={"contentType": "image/png", "title": f"Picture {image['position']}"},
        )

    def _cell(
        self, cell: Mapping[str, Any], patient: Resource, media: Mapping[int, Resource],
        devices: Mapping[str, Resource], signers: list[Resource],
    ) -> Resource:  # fmt: skip
        model, by = cell["model"], cell["by"]
        parts = [
            values.part(
                "Place in the picture: x, y, width, height (pixels)", values.box(cell["box"])
            )
        ]
        if model is not None:
            said = "abstained" if model["abstained"] else name_of(model["label"])
            parts += [
                values.part("Suggested by the model", {"valueCodeableConcept": {"text": said}}),
                values.part(
                    "The model's confidence",
                    {"valueQuantity": values.quantity(model["confidence"], "1")},
                ),
            ]
        words = "The reader's own word" if cell["basis"] == "verdict" else "Suggestion kept"
        parts.append(values.part("Basis", {"valueString": words}))
        return self._add(
            "Observation",
            f"cell:{cell['id']}",
            status=self.status,
            category=[values.coded(codes.CATEGORY, "laboratory", "Laboratory")],
            code={"text": f"Class of cell {cell['number']}"},
            subject=patient,
            effectiveDateTime=cell["at"],
            performer=[self._reader(by)] if by else signers,
            device=devices.get(model["id"]) if model else None,
            derivedFrom=[media[cell["image"]]],
            valueCodeableConcept={"text": name_of(cell["label"])},
            component=parts,
        )

    def _reader(self, by: Mapping[str, str]) -> Resource:
        reference = f"urn:uuid:{self._identity('Practitioner', by['id'])}"
        if all(entry["fullUrl"] != reference for entry in self.entries):
            return self._practitioner(by["id"], by["name"])
        return {"reference": reference}

    def _row(self, row: Mapping[str, Any], shared: Resource) -> list[Resource]:
        if row["percent"] is None or not (row["count"] or row["label"] in codes.PERCENT):
            return []
        flags = {flag["code"]: flag["interpretation"] for flag in self._flags()}
        flag = flags.get(row["flag"] or "")
        with_wbc = row["absolute"] is not None
        name = name_of(row["label"])
        found = [
            self._observation(
                f"percent:{row['label']}",
                codes.PERCENT.get(row["label"]) or f"{name}, % of leukocytes",
                shared,
                valueQuantity=values.quantity(row["percent"], "%"),
                interpretation=values.interpretation(
                    values.against(row["percent"], row["range_percent"])
                    or (None if with_wbc and row["range_percent"] else flag)
                ),
                referenceRange=values.usual(row["range_percent"], "%"),
                component=[
                    values.part("Cells of this class", {"valueInteger": row["count"]}),
                    values.interval(row["low"], row["high"], "%"),
                ],
            )
        ]
        if with_wbc:
            found.append(
                self._observation(
                    f"absolute:{row['label']}",
                    codes.ABSOLUTE.get(row["label"]) or f"{name}, 10*9/L",
                    shared,
                    valueQuantity=values.quantity(row["absolute"], "10*9/L"),
                    interpretation=values.interpretation(
                        flag or values.against(row["absolute"], row["range_absolute"])
                    ),
                    referenceRange=values.usual(row["range_absolute"], "10*9/L"),
                    component=[
                        values.interval(row["absolute_low"], row["absolute_high"], "10*9/L")
                    ],
                )
            )
        return found

    def _flags(self) -> list[dict[str, Any]]:
        return self.content["differential"]["flags"]

    def _nrbc(self, shared: Resource) -> list[Resource]:
        nrbc = self.content["differential"]["nrbc"]
        if not nrbc or not nrbc["count"]:
            return []
        return [
            self._observation(
                "nrbc",
                "Erythroblasts (NRBC) per 100 leukocytes",
                shared,
                valueQuantity={
                    "value": values.number(nrbc["per_100"]),
                    "unit": "per 100 leukocytes",
                },
                component=[values.part("Erythroblasts", {"valueInteger": nrbc["count"]})],
            )
        ]

    def _total_wbc(self, shared: Resource) -> list[Resource]:
        wbc = self.content["total_wbc"]
        if not wbc:
            return []
        # The clinician's figure: nobody here performed it.
        given = {name: value for name, value in shared.items() if name == "subject"}
        value = values.quantity(wbc["value"], "10*9/L")
        return [self._observation("wbc", codes.TOTAL_WBC, given, valueQuantity=value)]

    def _observation(
        self, key: str, code: tuple[str, str] | str, shared: Resource, **fields: Any
    ) -> Resource:
        return self._add(
            "Observation",
            key,
            status=self.status,
            category=[values.coded(codes.CATEGORY, "laboratory", "Laboratory")],
            code={"text": code} if isinstance(code, str) else values.loinc(code),
            effectiveDateTime=self.content["case"]["submitted_at"],
            issued=self.issued,
            **shared,
            **fields,
        )

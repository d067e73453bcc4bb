"""Cases for programs: the same list and the same facts as the pages."""

from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Action, get_visible_or_404, require
from audit.services import record
from patients.api.answers import ApiView
from patients.lists import CaseList, image_counts
from patients.models import Case

PAGE_SIZE = 50


def case_facts(case: Case, images: int) -> dict[str, Any]:
    """What a program learns of a case."""
    patient = case.patient
    return {
        "id": str(case.public_id),
        "number": case.number,
        "status": case.status,
        "priority": case.priority,
        "organisation": case.organisation.name,
        "patient": {
            "id": str(patient.public_id),
            "mrn": patient.mrn,
            "family_name": patient.family_name,
            "given_name": patient.given_name,
            "birth_date": patient.birth_date,
            "sex": patient.sex,
        },
        "clinical_question": case.clinical_question,
        "stain": case.stain,
        "magnification": case.magnification,
        "device": case.device,
        "site": case.site,
        "total_wbc": case.total_wbc,  # 10*9/L
        "pixel_size_nm": case.pixel_size_nm,  # nanometres per pixel
        "synthetic": case.synthetic,
        "created_at": case.created_at,
        "submitted_at": case.submitted_at,
        "images": images,
        "version": case.version,
    }


class CaseListApi(ApiView):
    """``GET /api/v1/cases``: the filters of the page (q, status, priority, mine, organisation, sort),
    50 a page (``page``)."""

    def get(self, request: Request) -> Response:
        require(request.user, Action.LIST_CASES)
        listed = CaseList.from_query(request.user, request.query_params)
        page = Paginator(listed.cases(), PAGE_SIZE).get_page(request.query_params.get("page"))
        cases = list(page.object_list)
        counts = image_counts(cases)
        record(
            action="case.listed",
            actor=request.user,
            cases=len(cases),
            page=page.number,
            status=listed.status,
            searched=bool(listed.text),
        )
        following = page.next_page_number() if page.has_next() else None
        return Response(
            {
                "count": page.paginator.count,
                "page": page.number,
                "next_page": following,
                "results": [case_facts(case, counts.get(case.pk, 0)) for case in cases],
            }
        )


class CaseApi(ApiView):
    """``GET /api/v1/cases/<id>``."""

    def get(self, request: Request, case_id: UUID) -> Response:
        related = Case.objects.select_related("patient", "organisation")
        case = get_visible_or_404(request, related, public_id=case_id)
        record(action="case.viewed", actor=request.user, obj=case, case_id=case.public_id)
        facts = case_facts(case, image_counts([case]).get(case.pk, 0))
        facts["images_url"] = reverse("patients:api-images", args=[case.public_id])
        return Response(facts)

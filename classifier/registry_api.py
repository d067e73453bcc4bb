"""The registry of models, for programs."""

from typing import Any

from rest_framework.exceptions import NotAuthenticated
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Action, require
from classifier.inference.errors import ModelError
from classifier.model_receiving import expect_model, receive_model
from classifier.models import ModelVersion
from patients.api.answers import ApiView, Refusal


class Models(ApiView):
    """``/api/v1/models``: GET lists the registered versions; POST takes one in.

    POST: multipart/form-data with ``file``, a zip file of one model directory. 201 registered as a
    candidate, 200 the same files were registered before; else ``{"code", "message"}``.
    """

    parser_classes = [MultiPartParser]

    def perform_authentication(self, request: Request) -> None:
        """Who and how large, before the body is read: checking the CSRF token reads the form."""
        if not request._request.user.is_authenticated:
            raise NotAuthenticated
        if request.method == "POST":
            try:
                expect_model(request._request)
            except ModelError as error:
                raise Refusal(413, "too_large", f"{error} Nothing was kept.") from error
        super().perform_authentication(request)

    def get(self, request: Request) -> Response:
        require(request.user, Action.VIEW_MODELS)
        versions = ModelVersion.objects.prefetch_related("aliases")
        return Response({"models": [facts(version) for version in versions]})

    def post(self, request: Request) -> Response:
        _ = request.data  # a body that is no form is refused here
        try:
            taken = receive_model(request._request, actor=request.user)
        except ModelError as error:
            raise Refusal(422, "model_refused", f"{error} Nothing was kept.") from error
        return Response(facts(taken.version) | {"new": taken.new}, status=201 if taken.new else 200)


def facts(version: ModelVersion) -> dict[str, Any]:
    """What a program learns of a version."""
    return {
        "id": version.model_id,
        "state": version.state,
        "precision": version.precision,
        "manifest_sha256": version.manifest_sha256,
        "bundle_sha256": version.bundle_sha256 or None,
        "aliases": [alias.name for alias in version.aliases.all()],
        "registered_at": version.registered_at,
        "activated_at": version.activated_at,
    }

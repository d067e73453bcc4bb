from django.urls import path

from review import api
from review.notices import urls as notices
from review.views import desk, rules

app_name = "review"
urlpatterns = [
    *notices.urlpatterns,
    path("cases/<uuid:case_id>/review", desk.desk, name="desk"),
    path("api/v1/desk", api.Desk.as_view(), name="api-desk"),
    path("api/v1/readings/<uuid:public_id>/acts", api.ReadingActs.as_view(), name="api-acts"),
    path("api/v1/readings/<uuid:public_id>/seen", api.ReadingSeen.as_view(), name="api-seen"),
    path("api/v1/readings/<uuid:public_id>/commit", api.ReadingCommit.as_view(), name="api-commit"),
    path(
        "api/v1/readings/<uuid:public_id>/evidence",
        api.ReadingEvidence.as_view(),
        name="api-evidence",
    ),
    path("organisations/<uuid:public_id>/rules", rules.rules, name="rules"),
]

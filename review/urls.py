from django.urls import path

from review import api
from review import report_urls as reports
from review.notices import urls as notices
from review.views import cells, desk, readings, rules, worklist

app_name = "review"
urlpatterns = [
    *notices.urlpatterns,
    *reports.urlpatterns,
    path("worklist/", worklist.worklist, name="worklist"),
    path("worklist/take", worklist.take_next, name="take-next"),
    path("cases/<uuid:case_id>/take", worklist.take, name="take"),
    path("cases/<uuid:case_id>/release", worklist.release, name="release"),
    path("cases/<uuid:case_id>/hand-over", readings.hand_over, name="hand-over"),
    path("cases/<uuid:case_id>/opinion", readings.opinion, name="opinion"),
    path("readings/<uuid:public_id>/give", readings.give, name="give"),
    path("readings/<uuid:public_id>/take", readings.take_second, name="take-second"),
    path("readings/<uuid:public_id>/compare", readings.compare, name="compare"),
    path("readings/<uuid:public_id>/decide", readings.decide, name="decide"),
    path("api/v1/cells/<uuid:public_id>/like", cells.CellLike.as_view(), name="api-like"),
    path(
        "api/v1/cells/<uuid:public_id>/reference",
        cells.CellReference.as_view(),
        name="api-reference",
    ),
    path("agreement/", readings.agreement, name="agreement"),
    path("cases/<uuid:case_id>/review", desk.desk, name="desk"),
    path("readings/<uuid:public_id>/differential", desk.differential, name="reading-differential"),
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

"""Addresses of notices, critical results and feedback; part of ``review.urls``."""

from django.urls import path

from review.views import answers, critical, notices

urlpatterns = [
    path("notices/", notices.notices, name="notices"),
    path("notices/bell", notices.bell, name="bell"),
    path("notices/read", notices.notices_read, name="notices-read"),
    path("notices/preferences", notices.preferences, name="notice-preferences"),
    path("notices/<uuid:notice_id>/", notices.notice, name="notice"),
    path("notices/<uuid:notice_id>/read", notices.notice_read, name="notice-read"),
    path("critical/", critical.critical, name="critical"),
    path(
        "cases/<uuid:case_id>/critical/acknowledge",
        critical.acknowledge,
        name="critical-acknowledge",
    ),
    path("reports/<uuid:report_id>/answer", answers.answer, name="report-answer"),
    path("feedback/", answers.answers, name="answers"),
]

from django.urls import path

from accounts.views import organisations, people, record, settings

app_name = "accounts"
urlpatterns = [
    path("people/", people.people, name="people"),
    path("people/add", people.person_add, name="person-add"),
    path("people/<uuid:public_id>/", people.person, name="person"),
    path("people/<uuid:public_id>/invite", people.person_invite, name="person-invite"),
    path(
        "people/<uuid:public_id>/second-factor/reset",
        people.person_second_factor_reset,
        name="person-second-factor-reset",
    ),
    path("organisations/", organisations.organisations, name="organisations"),
    path("organisations/add", organisations.organisation_add, name="organisation-add"),
    path("organisations/<uuid:public_id>/", organisations.organisation, name="organisation"),
    path("organisations/<uuid:public_id>/readers", organisations.grant_give, name="grant-give"),
    path(
        "organisations/<uuid:public_id>/readers/<uuid:reading_id>/withdraw",
        organisations.grant_withdraw,
        name="grant-withdraw",
    ),
    path("account/", settings.settings, name="settings"),
    path("account/theme", settings.theme, name="theme"),
    path("account/sessions/end", settings.sessions_end, name="sessions-end"),
    path("account/sessions/<int:pk>/end", settings.session_end, name="session-end"),
    path("audit/", record.events, name="audit"),
]

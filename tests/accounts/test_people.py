"""Administrators manage people and organisations."""

import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth import get_user_model
from django.core import mail
from django.urls import reverse

from accounts import services
from accounts.errors import LastAdministrator
from accounts.models import Organisation, ReadingGrant, Role, User
from audit.models import AuditEvent
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client, people, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    client.force_login(people.administrator)
    return client


def form_of(person, **changes):
    fields = {
        "full_name": person.full_name,
        "email": person.email,
        "role": person.role,
        "organisation": person.organisation.public_id,
        "is_active": "on" if person.is_active else "",
    }
    return {name: value for name, value in (fields | changes).items() if value != ""}


def page_of(person):
    return reverse("accounts:person", args=[person.public_id])


def link_in(message):
    return re.search(r"https?://testserver(\S+)", message.body).group(1)


def test_a_new_person_gets_one_link_and_signs_in_with_the_password_they_choose(
    admin, people, client
):
    response = admin.post(
        reverse("accounts:person-add"),
        {
            "full_name": "Ada Novak",
            "email": "Ada.Novak@Example.org",
            "role": "specialist",
            "organisation": people.centre.public_id,
        },
        follow=True,
    )
    person = User.objects.get(email="ada.novak@example.org")
    assert "An invitation was sent to ada.novak@example.org." in response.content.decode()
    assert person.invited_at is not None
    assert not person.has_usable_password()
    (message,) = mail.outbox
    assert message.to == ["ada.novak@example.org"]
    link = link_in(message)
    client.logout()
    page = client.get(link, follow=True)
    chosen = {"password1": "a-long-quiet-river", "password2": "a-long-quiet-river"}
    client.post(page.request["PATH_INFO"], chosen)
    client.post(
        reverse("account_login"),
        {"login": "ada.novak@example.org", "password": "a-long-quiet-river"},
    )
    assert client.get(reverse("accounts:settings")).status_code == 200


def test_the_link_of_an_invitation_works_once(admin, people, client):
    person = services.person_add(
        by=people.administrator,
        email="once@example.org",
        full_name="Once",
        role=Role.CLINICIAN,
        organisation=people.clinic,
    )
    admin.post(reverse("accounts:person-invite", args=[person.public_id]))
    link = link_in(mail.outbox[-1])
    client.logout()
    page = client.get(link, follow=True)
    chosen = {"password1": "a-long-quiet-river", "password2": "a-long-quiet-river"}
    client.post(page.request["PATH_INFO"], chosen)
    again = client.get(link, follow=True)
    assert "does not work any more" in again.content.decode()


def test_a_mail_server_that_fails_loses_nothing_and_is_said(admin, people, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9  # nothing listens there
    response = admin.post(
        reverse("accounts:person-add"),
        {
            "full_name": "Ada",
            "email": "ada@example.org",
            "role": "clinician",
            "organisation": people.clinic.public_id,
        },
        follow=True,
    )
    assert "did not take the invitation" in response.content.decode()
    assert User.objects.get(email="ada@example.org").invited_at is None
    assert AuditEvent.objects.get(action="person.invited").outcome == "failed"


def test_an_address_that_is_taken_is_said_beside_the_field(admin, people):
    response = admin.post(
        reverse("accounts:person-add"),
        {
            "full_name": "Twin",
            "email": people.clinician.email.upper(),
            "role": "clinician",
            "organisation": people.clinic.public_id,
        },
    )
    assert response.status_code == 200
    assert "already here" in str(response.context["form"].errors["email"])


@pytest.mark.parametrize(
    "change", [{"role": "specialist"}, {"is_active": ""}, {"organisation": "centre"}]
)
def test_a_change_of_access_ends_open_sessions_at_the_next_request(admin, people, client, change):
    theirs = type(client)()
    theirs.force_login(people.clinician)
    assert theirs.get(reverse("accounts:settings")).status_code == 200
    if "organisation" in change:
        change = {"organisation": people.centre.public_id}
    admin.post(page_of(people.clinician), form_of(people.clinician, **change))
    response = theirs.get(reverse("accounts:settings"))
    assert response.status_code == 302
    assert response.headers["Location"].startswith(reverse("account_login"))


def test_a_session_that_was_ended_stays_ended_when_access_comes_back(admin, people, client):
    theirs = type(client)()
    theirs.post(
        reverse("account_login"),
        {"login": people.clinician.email, "password": factories.PASSWORD},
    )
    assert theirs.get(reverse("accounts:settings")).status_code == 200
    person = User.objects.get(pk=people.clinician.pk)
    admin.post(page_of(person), form_of(person, is_active=""))
    assert not UserSession.objects.filter(user=person).exists()
    admin.post(page_of(person), form_of(person, is_active="on"))
    assert theirs.get(reverse("accounts:settings")).status_code == 302


def test_renaming_somebody_does_not_sign_them_out(admin, people, client):
    theirs = type(client)()
    theirs.force_login(people.clinician)
    admin.post(page_of(people.clinician), form_of(people.clinician, full_name="New Name"))
    assert theirs.get(reverse("accounts:settings")).status_code == 200
    assert "New Name" in theirs.get(reverse("accounts:settings")).content.decode()


def test_an_organisation_that_is_switched_off_keeps_its_people_out(admin, people, client):
    theirs = type(client)()
    theirs.force_login(people.clinician)
    url = reverse("accounts:organisation", args=[people.clinic.public_id])
    admin.post(url, {"name": people.clinic.name})
    assert theirs.get(reverse("accounts:settings")).status_code == 302
    response = theirs.post(
        reverse("account_login"),
        {"login": people.clinician.email, "password": factories.PASSWORD},
    )
    assert response.headers["Location"] == reverse("account_inactive")
    assert theirs.get(reverse("accounts:settings")).status_code == 302


@pytest.mark.parametrize("change", [{"role": "clinician"}, {"is_active": ""}])
def test_the_last_active_administrator_stays(admin, people, change):
    person = people.administrator
    response = admin.post(page_of(person), form_of(person, **change))
    assert "without an active administrator" in response.content.decode()
    person.refresh_from_db()
    assert (person.role, person.is_active) == (Role.ADMINISTRATOR, True)


def test_the_organisation_of_the_last_administrators_stays_in_use(admin, people):
    url = reverse("accounts:organisation", args=[people.centre.public_id])
    response = admin.post(url, {"name": people.centre.name})
    assert "without an active administrator" in response.content.decode()
    people.centre.refresh_from_db()
    assert people.centre.is_active


def test_an_administrator_who_cannot_sign_in_does_not_count(people):
    factories.make_user(Role.ADMINISTRATOR, people.clinic)
    Organisation.objects.filter(pk=people.clinic.pk).update(is_active=False)
    with pytest.raises(LastAdministrator):
        services.person_edit(
            by=people.administrator,
            person=people.administrator,
            email="x@example.org",
            full_name="X",
            role=Role.CLINICIAN,
            organisation=people.centre,
            is_active=True,
        )


def test_with_a_second_administrator_the_first_can_go(admin, people):
    factories.make_user(Role.ADMINISTRATOR, people.clinic)
    admin.post(page_of(people.administrator), form_of(people.administrator, role="clinician"))
    people.administrator.refresh_from_db()
    assert people.administrator.role == Role.CLINICIAN


def test_the_address_can_be_mended_only_before_the_first_sign_in(admin, people):
    person = people.clinician
    admin.post(page_of(person), form_of(person, email="mended@example.org"))
    person.refresh_from_db()
    assert person.email == "mended@example.org"
    type(admin)().post(
        reverse("account_login"), {"login": person.email, "password": factories.PASSWORD}
    )
    person.refresh_from_db()
    assert person.last_login is not None
    admin.post(page_of(person), form_of(person, email="thief@example.org"))
    person.refresh_from_db()
    assert person.email == "mended@example.org"


def test_a_lost_second_factor_is_taken_away_and_recorded(admin, people):
    for kind in ("totp", "recovery_codes"):
        Authenticator.objects.create(user=people.clinician, type=kind, data={})
    url = reverse("accounts:person-second-factor-reset", args=[people.clinician.public_id])
    assert "The second factor is off" in admin.post(url, follow=True).content.decode()
    assert not Authenticator.objects.filter(user=people.clinician).exists()
    assert AuditEvent.objects.filter(action="second_factor.reset").count() == 1
    assert "no second factor" in admin.post(url, follow=True).content.decode()


def test_reading_is_granted_and_withdrawn(admin, people):
    url = reverse("accounts:grant-give", args=[people.clinic.public_id])
    admin.post(url, {"reading": people.elsewhere.public_id})
    assert ReadingGrant.objects.filter(referring=people.clinic, reading=people.elsewhere).exists()
    url = reverse(
        "accounts:grant-withdraw", args=[people.clinic.public_id, people.elsewhere.public_id]
    )
    admin.post(url)
    assert not ReadingGrant.objects.filter(reading=people.elsewhere).exists()
    actions = AuditEvent.objects.values_list("action", flat=True)
    assert {"grant.given", "grant.withdrawn"} <= set(actions)


@pytest.mark.parametrize("reading", ["", "not-an-id", "itself"])
def test_a_grant_to_nobody_or_to_itself_changes_nothing(admin, people, reading):
    if reading == "itself":
        reading = str(people.clinic.public_id)
    before = ReadingGrant.objects.count()
    url = reverse("accounts:grant-give", args=[people.clinic.public_id])
    response = admin.post(url, {"reading": reading}, follow=True)
    assert "Nothing was changed" in response.content.decode()
    assert ReadingGrant.objects.count() == before


def test_people_are_found_by_words_organisation_and_role(admin, people):
    people.clinician.full_name = "Margarete Vogelsang"
    people.clinician.save(update_fields=["full_name"])
    url = reverse("accounts:people")

    def names(**query):
        return {person.pk for person in admin.get(url, query).context["page_obj"]}

    assert names(q="vogel marg") == {people.clinician.pk}
    assert names(q=people.specialist.email) == {people.specialist.pk}
    assert names(organisation=people.clinic.public_id, role="clinician") == {
        people.clinician.pk,
        people.colleague.pk,
    }
    assert names(q="nobody has this name") == set()


def test_the_list_of_people_has_pages_and_few_queries(admin, people, django_assert_max_num_queries):
    User.objects.bulk_create(
        User(
            email=f"p{n}@example.org",
            full_name=f"P {n}",
            role="clinician",
            organisation=people.clinic,
            password="!",
        )
        for n in range(120)
    )
    url = reverse("accounts:people")
    with django_assert_max_num_queries(7):  # one of them for the navigation: alarms that are open
        first = admin.get(url)
    assert len(first.context["page_obj"]) == 50
    assert len(admin.get(url, {"page": 3}).context["page_obj"]) == User.objects.count() - 100


def test_every_change_is_recorded_with_who_and_what(admin, people):
    admin.post(page_of(people.clinician), form_of(people.clinician, role="specialist"))
    event = AuditEvent.objects.get(action="person.edited")
    assert event.actor_id == people.administrator.pk
    assert event.object_id == str(people.clinician.public_id)
    assert event.data["before"]["role"] == "clinician"
    assert event.data["after"]["role"] == "specialist"


def test_djangos_admin_saves_through_the_same_rules(admin, people):
    url = reverse("admin:accounts_user_change", args=[people.administrator.pk])
    response = admin.post(
        url,
        {
            "email": people.administrator.email,
            "full_name": "Kim",
            "role": "clinician",
            "organisation": people.centre.pk,
            "is_active": "on",
        },
    )
    assert "without an active administrator" in response.content.decode()
    url = reverse("admin:accounts_user_add")
    new = {
        "email": "new@example.org",
        "full_name": "New",
        "role": "clinician",
        "organisation": people.clinic.pk,
        "is_active": "on",
    }
    assert admin.post(url, new).status_code == 302
    assert get_user_model().objects.filter(email="new@example.org").count() == 1
    assert AuditEvent.objects.filter(action="person.added").count() == 1
    assert mail.outbox[-1].to == ["new@example.org"]


def test_there_is_no_way_to_delete_a_person_in_djangos_admin(admin, people):
    url = reverse("admin:accounts_user_delete", args=[people.clinician.pk])
    assert admin.post(url, {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=people.clinician.pk).exists()

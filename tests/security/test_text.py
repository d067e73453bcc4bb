"""Hostile names of people and organisations: kept as they are, shown escaped, never a 500."""

import pytest
from django.core import mail
from django.urls import reverse
from django.utils.html import escape

from accounts.models import Organisation, User
from tests.security.hostile_text import HOSTILE_TEXT, REFUSED_TEXT

pytestmark = pytest.mark.django_db
HOSTILE = [pytest.param(text, id=name) for name, text in HOSTILE_TEXT.items()]
REFUSED = [pytest.param(text, id=name) for name, text in REFUSED_TEXT.items()]


@pytest.fixture
def admin(client, people, quick_passwords, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    client.force_login(people.administrator)
    return client


def add_person(client, people, name, email="hostile@example.org"):
    return client.post(
        reverse("accounts:person-add"),
        {
            "full_name": name,
            "email": email,
            "role": "clinician",
            "organisation": people.clinic.public_id,
        },
        follow=True,
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_a_person_may_have_any_name(admin, people, text):
    add_person(admin, people, text)
    person = User.objects.get(email="hostile@example.org")
    assert person.full_name == text.strip()
    for url in (
        reverse("accounts:people"),
        reverse("accounts:person", args=[person.public_id]),
        reverse("admin:accounts_user_changelist"),
    ):
        page = admin.get(url, {"q": "hostile@"})
        assert page.status_code == 200
        assert escape(person.full_name).replace("\r\n", "\n") in page.content.decode().replace(
            "\r\n", "\n"
        )
        assert "<script>document.title" not in page.content.decode()
        assert "<img src=x" not in page.content.decode()
    (message,) = mail.outbox
    assert person.full_name.split("\n")[0].strip() in message.body
    assert message.subject == "Your TeleHeme account"
    assert "Set-Cookie" not in str(message.message().items())


@pytest.mark.parametrize("text", HOSTILE)
def test_their_own_pages_and_the_record_show_it_escaped(admin, people, client, text):
    User.objects.filter(pk=people.administrator.pk).update(full_name=text)
    for name in ("accounts:settings", "accounts:audit", "mfa_index"):
        page = admin.get(reverse(name))
        assert page.status_code == 200
        assert "<script>document.title" not in page.content.decode()
        assert "<img src=x" not in page.content.decode()


@pytest.mark.parametrize("text", HOSTILE)
def test_an_organisation_may_have_any_name(admin, people, text):
    admin.post(reverse("accounts:organisation-add"), {"name": text})
    organisation = Organisation.objects.get(name=text.strip())
    for url in (
        reverse("accounts:organisations"),
        reverse("accounts:organisation", args=[organisation.public_id]),
        reverse("accounts:people"),
        reverse("accounts:person-add"),
    ):
        page = admin.get(url)
        assert page.status_code == 200
        assert "<script>document.title" not in page.content.decode()


@pytest.mark.parametrize("text", REFUSED)
def test_what_no_name_can_be_is_refused_beside_the_field(admin, people, text):
    before = (User.objects.count(), Organisation.objects.count())
    response = add_person(admin, people, text)
    assert response.status_code == 200
    assert response.context["form"].errors["full_name"]
    response = admin.post(reverse("accounts:organisation-add"), {"name": text})
    assert response.status_code == 200
    assert response.context["form"].errors["name"]
    assert (User.objects.count(), Organisation.objects.count()) == before


@pytest.mark.parametrize("text", [*HOSTILE, *REFUSED])
def test_any_text_may_be_searched_for(admin, text):
    if len(text) > 5000:
        text = text[:5000]  # an address longer than that is refused by the server in front
    for name, field in (
        ("accounts:people", "q"),
        ("accounts:organisations", "q"),
        ("accounts:audit", "who"),
        ("accounts:people", "organisation"),
        ("accounts:audit", "action"),
        ("accounts:audit", "before"),
    ):
        page = admin.get(reverse(name), {field: text})
        assert page.status_code == 200
        assert "<script>document.title" not in page.content.decode()


@pytest.mark.parametrize("text", [*HOSTILE, *REFUSED])
def test_any_text_may_be_typed_at_sign_in(client, db, text):
    for data in (
        {"login": text, "password": text},
        {"login": "x@example.org", "password": text},
    ):
        response = client.post("/account/login/", data)
        assert response.status_code in (200, 400, 429)


def test_a_strange_user_agent_is_shown_as_unknown(client, people):
    agent = "<script>alert(1)</script>\u202e" * 50
    client.post(
        "/account/login/",
        {"login": people.clinician.email, "password": "correct-horse-battery"},
        headers={"user-agent": agent},
    )
    page = client.get(reverse("accounts:settings"))
    assert page.status_code == 200
    assert "<script>alert" not in page.content.decode()
    assert "Unknown browser" in page.content.decode()

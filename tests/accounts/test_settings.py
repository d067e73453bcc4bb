"""One's own account: name, appearance, sessions, second factor."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth
from django.core import mail
from django.urls import reverse

from accounts import crypto
from accounts.sessions import describe
from audit.models import AuditEvent
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db


def sign_in(client, person, **headers):
    return client.post(
        reverse("account_login"), {"login": person.email, "password": PASSWORD}, headers=headers
    )


@pytest.fixture
def mine(client, people, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    sign_in(client, people.clinician)
    return client


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """The authenticator's half minutes, standing still until a test moves them."""
    counter = [58_000_000]
    monkeypatch.setattr(auth, "yield_hotp_counters_from_time", lambda: iter(counter))
    return counter


def code_for(secret, counter=58_000_000):
    return auth.format_hotp_value(auth.hotp_value(secret, counter))


def switch_on(client):
    """Set up the authenticator (the password is asked for once more); the secret."""
    assert "/reauthenticate/" in client.get(reverse("mfa_activate_totp")).headers["Location"]
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    page = client.get(reverse("mfa_activate_totp"))
    secret = page.context["form"].secret
    client.post(reverse("mfa_activate_totp"), {"code": code_for(secret)})
    return secret


def test_name_and_appearance_are_saved(mine, people):
    mine.post(reverse("accounts:settings"), {"full_name": "Anna Berger", "theme": "dark"})
    people.clinician.refresh_from_db()
    assert (people.clinician.full_name, people.clinician.theme) == ("Anna Berger", "dark")
    assert 'data-theme="dark"' in mine.get(reverse("accounts:settings")).content.decode()


def test_the_switch_in_the_head_saves_the_appearance(mine, people):
    assert mine.post(reverse("accounts:theme"), {"theme": "light"}).status_code == 204
    people.clinician.refresh_from_db()
    assert people.clinician.theme == "light"
    assert mine.post(reverse("accounts:theme"), {"theme": "pink"}).status_code == 400


def test_nobody_changes_their_own_role_or_organisation(mine, people):
    mine.post(
        reverse("accounts:settings"),
        {
            "full_name": "X",
            "theme": "auto",
            "role": "administrator",
            "organisation": people.centre.pk,
            "is_superuser": "1",
            "email": "x@example.org",
        },
    )
    before = (people.clinician.role, people.clinician.organisation_id, people.clinician.email)
    people.clinician.refresh_from_db()
    person = people.clinician
    assert (person.role, person.organisation_id, person.email) == before
    assert not person.is_superuser


def test_other_sessions_are_listed_and_ended(mine, people, client):
    other = type(client)()
    sign_in(other, people.clinician, **{"user-agent": "Mozilla (Windows) Firefox/140.0"})
    page = mine.get(reverse("accounts:settings"))
    rows = page.context["sessions"]
    assert [row["current"] for row in rows] == [True, False]
    assert rows[1]["device"] == "Firefox on Windows"
    mine.post(reverse("accounts:session-end", args=[rows[1]["pk"]]))
    assert other.get(reverse("accounts:settings")).status_code == 302
    assert mine.get(reverse("accounts:settings")).status_code == 200


def test_everywhere_else_is_signed_out_at_once(mine, people, client):
    others = [type(client)() for _ in range(3)]
    for other in others:
        sign_in(other, people.clinician)
    mine.post(reverse("accounts:sessions-end"))
    assert [other.get(reverse("accounts:settings")).status_code for other in others] == [302] * 3
    assert mine.get(reverse("accounts:settings")).status_code == 200


def test_browsers_are_named_by_their_headers():
    chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/150.0 Safari/537.36"
    assert describe(chrome) == "Chrome on Linux"
    assert describe("") == "Unknown browser"


@pytest.mark.django_db(transaction=True)  # allauth records and mails after the commit
def test_the_second_factor_is_asked_for_and_its_secret_is_not_readable_in_the_database(
    mine, people, client, clock
):
    secret = switch_on(mine)
    clock[0] += 1
    stored = Authenticator.objects.get(user=people.clinician, type="totp").data["secret"]
    assert secret not in stored
    assert crypto.decrypt(stored) == secret
    fresh = type(client)()
    response = sign_in(fresh, people.clinician)
    assert response.headers["Location"] == reverse("mfa_authenticate")
    assert fresh.get(reverse("accounts:settings")).status_code == 302
    fresh.post(reverse("mfa_authenticate"), {"code": "000000"})
    assert fresh.get(reverse("accounts:settings")).status_code == 302
    fresh.post(reverse("mfa_authenticate"), {"code": code_for(secret, clock[0])})
    assert fresh.get(reverse("accounts:settings")).status_code == 200
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"second_factor.on", "recovery_codes.made", "second_factor.failed"} <= actions
    assert any("second factor" in message.subject for message in mail.outbox)


def test_a_recovery_code_signs_in_once(mine, people, client):
    switch_on(mine)
    codes = mine.get(reverse("mfa_view_recovery_codes")).context["unused_codes"]
    assert len(codes) == 10
    for expected in (200, 302):
        fresh = type(client)()
        sign_in(fresh, people.clinician)
        fresh.post(reverse("mfa_authenticate"), {"code": codes[0]})
        assert fresh.get(reverse("accounts:settings")).status_code == expected
    seed = Authenticator.objects.get(user=people.clinician, type="recovery_codes").data
    assert codes[1] not in str(seed)


def test_codes_are_downloaded_as_text(mine):
    switch_on(mine)
    response = mine.get(reverse("mfa_download_recovery_codes"))
    assert response.headers["Content-Type"].startswith("text/plain")
    assert len(response.content.decode().split()) == 10


def test_a_secret_outlives_a_change_of_the_key(settings):
    token = crypto.encrypt("JBSWY3DPEHPK3PXP")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another " * 10
    assert crypto.decrypt(token) == "JBSWY3DPEHPK3PXP"
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(ValueError, match="another SECRET_KEY"):
        crypto.decrypt(token)


def test_changing_the_password_signs_out_everywhere_and_says_so_by_mail(mine, people, client):
    other = type(client)()
    sign_in(other, people.clinician)
    new = "a-long-quiet-river"
    mine.post(
        reverse("account_change_password"),
        {"oldpassword": PASSWORD, "password1": new, "password2": new},
    )
    for browser in (mine, other):
        assert browser.get(reverse("accounts:settings")).status_code == 302
    assert mail.outbox[-1].subject == "Your TeleHeme password was changed"
    assert AuditEvent.objects.filter(action="password.changed").count() == 1

"""The front door: locked after too many attempts, silent about who is there."""

import re
import statistics
import time

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.models import User
from audit.middleware import client_address
from audit.models import AuditEvent
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
LOGIN, RESET = "/account/login/", "/account/password/reset/"


@pytest.fixture(autouse=True)
def _letters(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    cache.clear()


def attempt(email, password="wrong-wrong-wrong", client=None, **extra):
    return (client or Client()).post(LOGIN, {"login": email, "password": password}, **extra)


def text(response):
    body = response.content.decode()
    return re.sub(r'(csrf-token" content="|csrfmiddlewaretoken" value=")[^"]*', r"\1", body)


def signed_in(client):
    return client.get(reverse("accounts:settings")).status_code == 200


def test_the_right_password_signs_in_and_the_session_gets_a_new_id(people):
    client = Client()
    client.get(LOGIN)
    session = client.session
    session["planted"] = "by somebody else"
    session.save()
    planted = session.session_key
    client.cookies["sessionid"] = planted
    assert attempt(people.clinician.email, PASSWORD, client).status_code == 302
    assert signed_in(client)
    assert client.cookies["sessionid"].value != planted
    old = Client()
    old.cookies["sessionid"] = planted
    assert not signed_in(old)


def test_the_address_is_not_case_sensitive(people):
    client = Client()
    attempt(people.clinician.email.upper(), PASSWORD, client)
    assert signed_in(client)


def test_after_five_failures_an_account_is_locked_even_for_the_right_password(people):
    for _ in range(5):
        assert "do not belong together" in text(attempt(people.clinician.email))
    client = Client()
    assert "Too many attempts" in text(attempt(people.clinician.email, PASSWORD, client))
    assert not signed_in(client)
    assert AuditEvent.objects.filter(action="sign_in.blocked").count() == 1
    assert AuditEvent.objects.filter(action="sign_in.failed").count() == 5


def test_a_lock_on_one_account_does_not_touch_another(people):
    for _ in range(6):
        attempt(people.clinician.email)
    client = Client()
    attempt(people.specialist.email, PASSWORD, client)
    assert signed_in(client)


def test_an_unknown_address_is_locked_like_a_known_one(people):
    answers = {}
    for email in (people.clinician.email, "nobody@example.org"):
        cache.clear()
        answers[email] = [text(attempt(email)).replace(email, "*") for _ in range(6)]
    assert answers[people.clinician.email] == answers["nobody@example.org"]


def test_one_address_trying_many_accounts_is_stopped(people, settings):
    settings.TRUSTED_PROXIES = 0
    codes = [attempt(f"nobody{n}@example.org").content.decode() for n in range(12)]
    assert "Too many attempts" in codes[-1]
    elsewhere = Client(REMOTE_ADDR="192.0.2.99")
    attempt(people.clinician.email, PASSWORD, elsewhere)
    assert signed_in(elsewhere)


def test_sending_very_many_forms_is_answered_429_with_what_to_do(people):
    answers = [attempt("nobody@example.org") for _ in range(31)]
    assert answers[-1].status_code == 429
    assert "Wait a minute" in text(answers[-1])


@pytest.mark.parametrize(
    ("hops", "forwarded", "expected"),
    [
        (0, "203.0.113.9", "127.0.0.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (2, "198.51.100.1, 203.0.113.9", "198.51.100.1"),
        (1, "", "127.0.0.1"),
    ],
)
def test_only_our_own_proxies_say_who_the_client_is(rf, settings, hops, forwarded, expected):
    settings.TRUSTED_PROXIES = hops
    request = rf.get("/", HTTP_X_FORWARDED_FOR=forwarded)
    assert client_address(request) == expected


def test_a_made_up_forwarded_header_does_not_escape_the_limit(people, settings):
    settings.TRUSTED_PROXIES = 0
    answers = [
        attempt(f"nobody{n}@example.org", HTTP_X_FORWARDED_FOR=f"203.0.113.{n}") for n in range(12)
    ]
    assert "Too many attempts" in text(answers[-1])


def test_behind_a_proxy_each_client_has_its_own_limit(people, settings):
    settings.TRUSTED_PROXIES = 1
    for number in range(12):
        last = attempt(f"nobody{number}@example.org", HTTP_X_FORWARDED_FOR="203.0.113.1")
    assert "Too many attempts" in text(last)
    other = Client(HTTP_X_FORWARDED_FOR="203.0.113.2")
    attempt(people.clinician.email, PASSWORD, other)
    assert signed_in(other)


def test_a_client_without_a_readable_address_can_still_sign_in(people, settings):
    settings.TRUSTED_PROXIES = 1
    client = Client(HTTP_X_FORWARDED_FOR="not-an-address", REMOTE_ADDR="")
    assert attempt(people.clinician.email, PASSWORD, client).status_code == 302
    assert signed_in(client)


def test_the_time_to_refuse_does_not_tell_who_is_there(people, settings):
    settings.ACCOUNT_RATE_LIMITS = {}
    known, unknown = [], []
    client = Client()
    for _ in range(12):
        for email, times in ((people.clinician.email, known), ("nobody@example.org", unknown)):
            cache.clear()
            start = time.process_time()
            attempt(email, client=client)
            times.append(time.process_time() - start)
    ratio = statistics.median(known) / statistics.median(unknown)
    assert 0.6 < ratio < 1.7, "one password check in both cases"


def test_asking_for_a_reset_looks_the_same_for_everybody(people):
    answers = [
        Client().post(RESET, {"email": email}, follow=True)
        for email in (people.clinician.email, "nobody@example.org")
    ]
    assert text(answers[0]) == text(answers[1])
    assert answers[0].redirect_chain == answers[1].redirect_chain
    assert [message.to for message in mail.outbox] == [
        [people.clinician.email],
        ["nobody@example.org"],
    ]
    assert "password/reset/key" not in mail.outbox[1].body


def reset_link(email):
    Client().post(RESET, {"email": email})
    return re.search(r"http://testserver(\S+)", mail.outbox[-1].body).group(1)


def choose(link, password):
    client = Client()
    page = client.get(link, follow=True)
    return client.post(
        page.request["PATH_INFO"], {"password1": password, "password2": password}, follow=True
    )


def test_a_reset_link_works_once_and_ends_open_sessions(people):
    open_session = Client()
    attempt(people.clinician.email, PASSWORD, open_session)
    link = reset_link(people.clinician.email)
    assert "Your password is saved" in text(choose(link, "a-long-quiet-river"))
    assert not signed_in(open_session)
    assert "does not work any more" in text(Client().get(link, follow=True))
    choose(link, "another-long-river")
    client = Client()
    attempt(people.clinician.email, "a-long-quiet-river", client)
    assert signed_in(client)
    assert AuditEvent.objects.filter(action="password.reset").count() == 1


def test_a_second_link_replaces_nothing_until_one_is_used(people):
    first, second = reset_link(people.clinician.email), reset_link(people.clinician.email)
    choose(second, "a-long-quiet-river")
    assert "does not work any more" in text(Client().get(first, follow=True))


def test_a_made_up_link_says_what_to_do(people):
    response = Client().get("/account/password/reset/key/1-abc-def/")
    assert "does not work any more" in text(response)
    assert response.status_code == 200


def test_a_disabled_person_gets_no_link(people):
    User.objects.filter(pk=people.clinician.pk).update(is_active=False)
    Client().post(RESET, {"email": people.clinician.email})
    assert all("password/reset/key" not in message.body for message in mail.outbox)


def test_reset_requests_are_limited_per_address(people):
    codes = [Client().post(RESET, {"email": people.clinician.email}).status_code for _ in range(7)]
    assert codes[-1] == 429 or len(mail.outbox) <= 5


@pytest.mark.parametrize(
    "where", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example"]
)
def test_after_sign_in_nobody_is_sent_to_another_site(people, where):
    client = Client()
    response = client.post(
        LOGIN, {"login": people.clinician.email, "password": PASSWORD, "next": where}
    )
    assert response.status_code == 302
    assert "evil" not in response.headers["Location"]
    assert "javascript" not in response.headers["Location"]


def test_a_host_that_is_not_ours_is_refused_and_gets_into_no_mail(people):
    response = Client().post(
        RESET, {"email": people.clinician.email}, headers={"host": "evil.example"}
    )
    assert response.status_code == 400
    assert mail.outbox == []


@pytest.mark.parametrize("password", ["short", "password1234", "123456789012"])
def test_a_weak_password_is_refused_with_the_reason(people, password):
    link = reset_link(people.clinician.email)
    response = choose(link, password)
    assert "field-errors" in text(response)
    client = Client()
    attempt(people.clinician.email, PASSWORD, client)
    assert signed_in(client)


def test_what_was_typed_at_sign_in_is_not_in_the_record(people):
    attempt("my-secret-password-in-the-wrong-field@example.org")
    event = AuditEvent.objects.get(action="sign_in.failed")
    assert "secret" not in str(event.__dict__)
    assert event.data["known_address"] is False


def test_sign_in_and_out_are_recorded_with_the_address(people):
    client = Client(REMOTE_ADDR="192.0.2.44")
    attempt(people.clinician.email, PASSWORD, client)
    client.post("/account/logout/")
    events = AuditEvent.objects.filter(actor=people.clinician).order_by("sequence")
    assert [event.action for event in events] == ["sign_in", "sign_out"]
    assert {event.address for event in events} == {"192.0.2.44"}


@pytest.mark.parametrize("path", ["/account/signup/", "/account/email/", "/account/3rdparty/"])
def test_nothing_is_offered_that_is_not_there(people, path):
    assert Client().get(path).status_code == 404
    assert Client().post(path, {"email": "x@example.org"}).status_code == 404

"""Pictures are written inside the house and fetched by browsers from outside: two addresses."""

from urllib.parse import urlsplit

import pytest
from django.test import override_settings

from patients import storage
from tests.images.conftest import s3_options


@pytest.fixture
def inside(settings):
    options = s3_options("http://store.internal:9000", "pictures")
    return {
        **settings.STORAGES,
        "default": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options},
    }


def test_a_signed_address_is_the_one_that_browsers_can_reach(inside):
    with override_settings(STORAGES=inside, S3_PUBLIC_ORIGIN="https://files.example.org"):
        url = urlsplit(storage.signed_url("images/ab/abc.png", content_type="image/png"))
    assert url.scheme == "https"
    assert url.hostname == "files.example.org"
    assert url.path == "/pictures/images/ab/abc.png"
    assert "X-Amz-Signature=" in url.query
    assert "X-Amz-Expires=60" in url.query


def test_without_a_public_address_the_stores_own_is_signed(inside):
    with override_settings(STORAGES=inside, S3_PUBLIC_ORIGIN=""):
        url = urlsplit(storage.signed_url("images/ab/abc.png", content_type="image/png"))
    assert url.netloc == "store.internal:9000"

"""Both stores: a directory, and a real S3 protocol server in this process on a free port."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.conf import settings
from django.test import override_settings

ACCESS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def s3_options(endpoint: str, bucket: str) -> dict[str, Any]:
    return {
        "bucket_name": bucket,
        "endpoint_url": endpoint,
        "access_key": "testing",
        "secret_key": "testing",
        "region_name": "us-east-1",
        "addressing_style": "path",
        "signature_version": "s3v4",
    }


@pytest.fixture
def local_store(tmp_path: Path) -> Iterator[Path]:
    """The directory that pictures are stored in."""
    folder = tmp_path / "media"
    store = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": folder},
    }
    with override_settings(STORAGES={**settings.STORAGES, "default": store}):
        yield folder


@pytest.fixture
def s3_store(s3_endpoint: str) -> Iterator[Any]:
    """A boto3 client and the name of the bucket that pictures are stored in, below "pictures/"."""
    bucket = f"test-{secrets.token_hex(4)}"
    client = boto3.client("s3", endpoint_url=s3_endpoint, region_name="us-east-1", **ACCESS)
    client.create_bucket(Bucket=bucket)
    options = {**s3_options(s3_endpoint, bucket), "location": "pictures"}
    store = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    stores = {**settings.STORAGES, "default": store}
    with override_settings(STORAGES=stores, S3_PUBLIC_ORIGIN=""):
        yield client, bucket
    client.close()


@pytest.fixture(params=["local", "s3"])
def any_store(request: pytest.FixtureRequest) -> str:
    request.getfixturevalue(f"{request.param}_store")
    return request.param

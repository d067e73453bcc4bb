"""An S3-compatible store in memory: moto's server on a free port, a bucket a test process."""

import logging
import os
import secrets

ACCESS_KEY, SECRET_KEY, REGION = "test", secrets.token_hex(8), "eu-central-1"


def own_bucket() -> None:
    """Make a bucket for this process in the store that the environment names, and name it there."""
    import boto3

    name = f"teleheme-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    region = os.environ["TELEHEME_S3_REGION"]
    client = boto3.client(
        "s3",
        endpoint_url=os.environ["TELEHEME_S3_ENDPOINT"],
        aws_access_key_id=os.environ["TELEHEME_S3_ACCESS_KEY"],
        aws_secret_access_key=os.environ["TELEHEME_S3_SECRET_KEY"],
        region_name=region,
    )
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
    os.environ["TELEHEME_S3_BUCKET"] = name


class S3:
    """``start()``, then ``environment``; it lives in a thread of this process."""

    def start(self) -> "S3":
        from moto.moto_server.threaded_moto_server import ThreadedMotoServer

        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # not one line for every request
        self.server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self.server.start()
        host, port = self.server.get_host_and_port()
        self.endpoint = f"http://{host}:{port}"
        return self

    @property
    def environment(self) -> dict[str, str]:
        return {
            "TELEHEME_S3_ENDPOINT": self.endpoint,
            "TELEHEME_S3_PUBLIC_ORIGIN": self.endpoint,
            "TELEHEME_S3_ACCESS_KEY": ACCESS_KEY,
            "TELEHEME_S3_SECRET_KEY": SECRET_KEY,
            "TELEHEME_S3_REGION": REGION,
            "TELEHEME_S3_ADDRESSING": "path",
        }

    def stop(self) -> None:
        self.server.stop()

"""A real server that speaks S3, on a free port of loopback, with one empty bucket."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from moto.server import ThreadedMotoServer

BUCKET = "bucket"


@contextmanager
def running() -> Iterator[int]:
    """Its port."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        port = server.get_host_and_port()[1]
        httpx.post(f"http://127.0.0.1:{port}/moto-api/reset").raise_for_status()
        httpx.put(f"http://127.0.0.1:{port}/{BUCKET}").raise_for_status()
        yield port
    finally:
        server.stop()


def environment(port: int) -> dict[str, str]:
    """What points clients at it."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "of-this-test",
        "AWS_SECRET_ACCESS_KEY": "of-this-test",
        "AWS_REGION": "us-east-1",
    }

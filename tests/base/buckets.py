"""A store that speaks S3, over real HTTP on loopback: the buckets of tests."""

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any

import httpx

from base.bucket import Address, Bucket
from tests.web.api.live import free_port

_KEY = re.compile(r"<Key>([^<]+)</Key>")
HTTP = httpx.Client(trust_env=False)
SECRET = {"key_id": "test-key", "secret": "test-secret"}


class Watched(Bucket):
    """A bucket whose insides a test can see."""

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self.address = address

    def left(self) -> list[str]:
        """Last parts of the names that are there; an upload that is not finished ends with `.part`."""
        bucket = f"{self.address.endpoint}/{self.address.url.split('/')[2]}"
        listed, begun = HTTP.get(bucket, params={"list-type": "2"}).text, HTTP.get(f"{bucket}?uploads").text
        names = [*_KEY.findall(listed), *(f"{key}.part" for key in _KEY.findall(begun))]
        return sorted(name.rpartition("/")[2] for name in names)


class Buckets:
    """A running store, and new buckets in it."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._numbers = count(1)

    def new(self, **more: Any) -> Watched:
        """An empty bucket, and a prefix in it."""
        name = f"goods-{next(self._numbers)}"
        HTTP.put(f"{self.endpoint}/{name}").raise_for_status()
        address = Address(f"s3://{name}/city/files", endpoint=self.endpoint, **SECRET | more)
        return Watched(address)

    @classmethod
    @contextmanager
    def running(cls) -> Iterator["Buckets"]:
        """A store of its own process while the block lasts."""
        port = free_port()
        program = (sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port))
        server = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while True:
                assert server.poll() is None
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
            yield cls(f"http://127.0.0.1:{port}")
        finally:
            server.kill()
            server.wait()

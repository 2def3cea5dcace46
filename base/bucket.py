"""The other home of sealed files: a bucket of an S3-compatible store, reached through `obstore`.

An object is written as a multipart upload of parts in bounded number, so nobody sees a piece of it, and an
upload that is given up is aborted there. What a killed process leaves behind the bucket's own lifecycle rule
removes (`docs/howto/operator.md`). `obstore` is loaded by the first node that has a bucket.
"""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from base.homes import ObjectMissing, StoreUnavailable, Tail, Writing

_MIB: Final = 2**20
_LEAST_PART: Final = 5 * _MIB  # S3's own bound too; it grows with what may come
_MOST_PARTS: Final = 10_000
_AT_ONCE: Final = 2  # parts on their way
_QUEUED: Final = 4
_LOOK_EVERY_S: Final = 0.2
_RETRIES: Final = 3
_PROBE: Final = ".databourse"


@dataclass(frozen=True, slots=True)
class Address:
    """Which bucket, and how it is reached. Without a key the environment's own credentials are used."""

    url: str  # s3://BUCKET/PREFIX
    endpoint: str | None = None
    region: str = "us-east-1"
    key_id: str | None = None
    secret: str | None = field(default=None, repr=False)
    timeout_s: float = 30.0


class Bucket:
    """Objects under one prefix of a bucket."""

    def __init__(self, address: Address) -> None:
        import obstore  # noqa: PLC0415 - heavy, and most nodes have a folder
        from obstore.store import S3Store  # noqa: PLC0415

        place = urlsplit(address.url)
        config: dict[str, Any] = {"region": address.region}
        if address.endpoint is not None:
            config["endpoint"] = address.endpoint
        if address.key_id is not None:
            config |= {"access_key_id": address.key_id, "secret_access_key": address.secret or ""}
        self._api = obstore
        self._store = S3Store(
            place.netloc,
            prefix=place.path.strip("/") or None,
            config=config,  # type: ignore[arg-type]  # built step by step
            client_options={
                "allow_http": (address.endpoint or "").startswith("http://"),
                "connect_timeout": timedelta(seconds=min(address.timeout_s, 5.0)),
                "timeout": timedelta(seconds=address.timeout_s),
            },
            retry_config={"max_retries": _RETRIES, "retry_timeout": timedelta(seconds=address.timeout_s)},
        )

    def create(self, name: str, *, most_bytes: int) -> Writing:
        part = max(_LEAST_PART, -(-most_bytes // (_MOST_PARTS * _MIB)) * _MIB)
        return _Upload(self, name, part)

    def tail(self, name: str, length: int) -> Tail:
        size = self.size(name)  # not every store knows a range from the end
        start = max(size - length, 0)
        return Tail(size, self.read(name, start, size - start) if size else b"")

    def read(self, name: str, start: int, length: int) -> bytes:
        with _asking():
            return bytes(self._api.get_range(self._store, name, start=start, length=length))

    def at_hand(self, name: str, start: int, length: int) -> None:  # noqa: ARG002 - a home's form
        """Nothing of a bucket is here."""
        return

    def delete(self, name: str) -> None:
        with suppress(ObjectMissing), _asking():
            self._api.delete(self._store, name)

    def remove_abandoned(self, older_than_s: int) -> int:  # noqa: ARG002 - a home's form
        """Nothing half written has a name here; the store's lifecycle rule removes its parts."""
        return 0

    def check(self) -> None:
        """Write, read and remove a small object."""
        try:
            with _asking():
                self._api.put(self._store, _PROBE, _PROBE.encode())
            if self.read(_PROBE, 0, len(_PROBE)) != _PROBE.encode():
                raise StoreUnavailable("the store answers with other bytes than it was given")
        except ObjectMissing:
            raise StoreUnavailable("there is no such bucket") from None
        self.delete(_PROBE)

    def put(self, name: str, chunks: Iterator[bytes], part: int) -> None:
        """Upload chunks as they come; when they raise, the upload is aborted."""
        with _asking():
            self._api.put(
                self._store, name, chunks, use_multipart=True, chunk_size=part, max_concurrency=_AT_ONCE
            )

    def size(self, name: str) -> int:
        """How long an object is, as the store says. Raises ObjectMissing."""
        with _asking():
            return int(self._api.head(self._store, name)["size"])


class _GivenUp(Exception):
    """Ends an upload that is not wanted any more."""


class _Upload:
    """An upload on a thread of its own, which takes what is written out of a short queue."""

    def __init__(self, bucket: Bucket, name: str, part: int) -> None:
        self._bucket, self._name, self._part = bucket, name, part
        self._queue: queue.Queue[bytes | _GivenUp | None] = queue.Queue(_QUEUED)
        self._bytes = 0
        self._finished = False
        self._failed: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=f"upload {name}", daemon=True)

    def open(self) -> None:
        self._thread.start()

    def write(self, raw: bytes) -> None:
        if raw:
            self._bytes += len(raw)
            self._hand_over(raw)

    def finish(self) -> None:
        self._hand_over(None)
        self._thread.join()
        if self._failed is not None:
            raise self._failed
        if self._bucket.size(self._name) != self._bytes:
            raise StoreUnavailable("the store kept another length than it was given")
        self._finished = True

    def discard(self) -> None:
        if self._finished or self._thread.ident is None:
            return
        with suppress(_GivenUp, StoreUnavailable, ObjectMissing):
            self._hand_over(_GivenUp())
        self._thread.join()
        if self._failed is None:  # it was named, and then something failed
            with suppress(StoreUnavailable):
                self._bucket.delete(self._name)

    def _run(self) -> None:
        try:
            self._bucket.put(self._name, self._chunks(), self._part)
        except Exception as error:  # noqa: BLE001 - told to whoever writes
            self._failed = error

    def _chunks(self) -> Iterator[bytes]:
        while (chunk := self._queue.get()) is not None:
            if isinstance(chunk, _GivenUp):
                raise chunk
            yield chunk

    def _hand_over(self, chunk: bytes | _GivenUp | None) -> None:
        """Into the queue. Raises what ended the upload, where it takes nothing any more."""
        while self._thread.is_alive():
            with suppress(queue.Full):
                self._queue.put(chunk, timeout=_LOOK_EVERY_S)
                return
        raise self._failed or StoreUnavailable("the upload has ended")


@contextmanager
def _asking() -> Iterator[None]:
    """Errors of the store in the words of the house. Addresses and keys are not repeated.

    Raises ObjectMissing, StoreUnavailable, and what ends an upload.
    """
    try:
        yield
    except FileNotFoundError:
        raise ObjectMissing from None
    except (_GivenUp, StoreUnavailable):
        raise
    except Exception as error:  # noqa: BLE001 - the library has no one kind of them
        kind = type(error).__name__
        refused = kind in {"PermissionDeniedError", "UnauthenticatedError", "PermissionError"}
        what = "the store refuses our credentials" if refused else "the store does not answer as it should"
        raise StoreUnavailable(what, kind=kind) from None

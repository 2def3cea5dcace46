"""How something large is fetched so that nothing is fetched twice: a partial file, and what is known of it.

Beside `FILE.part` stands `FILE.part.json`: the entity tag of what is being fetched, and how far the partial
file was when its digest was last taken. After a kill the partial file is read up to there and held against
that digest; what follows it is fetched again. What is whole is held against the exchange's own digest before
it gets its name.
"""

import base64
import hashlib
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import orjson

from base.errors import DomainError
from cli.prepared import plain

CHUNK_BYTES: Final = 1 << 20
NOTED_EVERY_BYTES: Final = 4 << 20
_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 30.0
_NOTHING_MORE: Final = httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE
_PASSING: Final = frozenset({408, 429, 500, 502, 503, 504})
Tell = Callable[[int, int], None]
"""Hears how many bytes of how many are there."""


class Refused(DomainError):
    """What the exchange answered; its own code stands in front."""

    code = "refused"
    title = "The exchange refused it"


class NotReached(DomainError):
    code = "not-reached"
    title = "The exchange does not answer; what has come is kept, pull again"


class NotTheGoods(DomainError):
    """What has come is not what its digest says."""

    code = "digest-differs"
    title = "What has come is not what was sold"


@dataclass
class Session:
    """An exchange's API as somebody who has signed in. `renew` signs in again where that can be done."""

    http: httpx.Client
    token: str = field(repr=False)
    renew: Callable[[], str] | None = field(default=None, repr=False)

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}", "accept-encoding": "identity"}

    def renewed(self) -> bool:
        """Whether there is a new token: the old one has ended."""
        if self.renew is None:
            return False
        self.token = self.renew()
        return True

    def asked(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, **request: Any
    ) -> httpx.Response:
        """One small answer. Raises Refused, NotReached."""
        while True:
            try:
                answer = self.http.request(method, path, headers=self.headers | (headers or {}), **request)
            except httpx.HTTPError as error:
                raise NotReached(f"the exchange cannot be reached: {type(error).__name__}") from None
            if answer.status_code != httpx.codes.UNAUTHORIZED or not self.renewed():
                break
            self.renew = None  # once is enough for a small question
        if not answer.is_success:
            raise refusal_of(answer)
        return answer


def refusal_of(answer: httpx.Response) -> DomainError:
    """A problem document as an error. What passes is NotReached, for it may be asked again."""
    try:
        problem = orjson.loads(answer.content)
        said = f"{problem['code']}: {problem.get('detail') or problem['title']}"
    except (orjson.JSONDecodeError, KeyError, TypeError):
        said = f"HTTP {answer.status_code}"
    return (NotReached if answer.status_code in _PASSING else Refused)(plain(said))


class Partial:
    """A file that is being fetched, on the disk."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = target.with_name(target.name + ".part")
        self._note = target.with_name(target.name + ".part.json")
        self.etag: str | None = None
        self.size = 0
        self.digest = hashlib.sha256()
        self._noted = 0

    def take_up(self) -> str | None:
        """Go on where the last run was; says what was found wrong with it, and then begins anew."""
        try:
            note = orjson.loads(self._note.read_bytes())
            etag, upto, sha256 = str(note["etag"]), int(note["bytes"]), str(note["sha256"])
            there = self.path.stat().st_size
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            return self._anew("what was known of the partial file cannot be read")
        if there < upto or self._read(upto) != sha256:
            return self._anew("the partial file was changed or cut")
        os.truncate(self.path, upto)
        self.etag, self.size, self._noted = etag, upto, upto
        return None

    def begin(self, etag: str) -> None:
        """Forget what is there, and fetch this."""
        self.drop()
        self.etag, self.size, self._noted, self.digest = etag, 0, 0, hashlib.sha256()
        self.path.touch(mode=0o600)
        self.note()

    def append(self, chunks: Any, tell: Callable[[int], None]) -> None:
        """Keep what comes, and note how far it is whenever so much more has come, and when it breaks off."""
        with self.path.open("ab") as out:
            try:
                for chunk in chunks:
                    out.write(chunk)
                    self.digest.update(chunk)
                    self.size += len(chunk)
                    if self.size - self._noted >= NOTED_EVERY_BYTES:
                        out.flush()
                        self.note()
                    tell(self.size)
            finally:
                out.flush()
                self.note()

    def note(self) -> None:
        """Write down how far it is, whole or not at all."""
        aside = self._note.with_name(self._note.name + ".new")
        known = {"etag": self.etag, "bytes": self.size, "sha256": self.digest.hexdigest()}
        aside.write_bytes(orjson.dumps(known))
        aside.replace(self._note)
        self._noted = self.size

    def finish(self) -> None:
        """Give it its name; the bytes are on the disk before the name is."""
        with self.path.open("rb") as done:
            os.fsync(done.fileno())
        self.path.replace(self.target)
        self._note.unlink(missing_ok=True)

    def drop(self) -> None:
        """Remove it."""
        for path in (self._note, self.path):
            path.unlink(missing_ok=True)

    def _anew(self, why: str) -> str:
        self.drop()
        self.digest = hashlib.sha256()
        return f"{why}: it is fetched anew"

    def _read(self, upto: int) -> str:
        self.digest = hashlib.sha256()
        with self.path.open("rb") as have:
            left = upto
            while left and (chunk := have.read(min(left, CHUNK_BYTES))):
                self.digest.update(chunk)
                left -= len(chunk)
        return self.digest.hexdigest()


@dataclass
class Fetching:
    """Something to be fetched by a session. `retries` are failures in a row, without a byte between."""

    session: Session
    path: str
    params: dict[str, str]
    retries: int
    tell: Tell
    say: Callable[[str], None]

    def into(self, target: Path) -> str:
        """Fetch it, as often as the line breaks; answers its hex SHA-256.

        Raises Refused, NotReached, NotTheGoods.
        """
        partial = Partial(target)
        wrong = partial.take_up()
        if wrong is not None:
            self.say(wrong)
        once_more = partial.size > 0  # what an earlier run left may be at fault
        failures, renewed = 0, False
        while True:
            before = partial.size
            try:
                sha256 = self._once(partial)
            except NotTheGoods:
                partial.drop()
                if not once_more:
                    raise
                once_more = False
                self.say("what has come does not fit its digest: it is fetched anew")
                partial = Partial(target)
            except _TokenEnded as ended:
                if renewed or not self.session.renewed():
                    raise Refused(ended.said) from None
                renewed = True
            except (httpx.HTTPError, NotReached) as error:
                failures = 0 if partial.size > before else failures + 1
                if failures > self.retries:
                    raise NotReached(getattr(error, "detail", None) or type(error).__name__) from None
                wait = min(_FIRST_WAIT_S * 2**failures, _LONGEST_WAIT_S)
                self.say(f"the line broke at {partial.size} bytes; again in {wait:.1f} s")
                time.sleep(wait)
                renewed = False
            else:
                partial.finish()
                return sha256

    def _once(self, partial: Partial) -> str:
        """One request, from where the partial file ends; answers the digest of the whole."""
        headers = self.session.headers
        if partial.etag is not None and partial.size:
            headers |= {"range": f"bytes={partial.size}-", "if-range": partial.etag}
        with self.session.http.stream("GET", self.path, params=self.params, headers=headers) as answer:
            if answer.status_code == httpx.codes.UNAUTHORIZED:
                answer.read()
                raise _TokenEnded(refusal_of(answer).detail)
            if not (answer.is_success or answer.status_code == _NOTHING_MORE):
                answer.read()
                raise refusal_of(answer)
            total = _following(answer, partial, self.say)
            if answer.status_code != _NOTHING_MORE:
                partial.append(answer.iter_raw(), lambda size: self.tell(size, total))
            return _proved(answer, partial, total)


class _TokenEnded(Exception):
    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


def _following(answer: httpx.Response, partial: Partial, say: Callable[[str], None]) -> int:
    """How long all of it is; where the answer does not go on with what is there, that is forgotten.

    Raises NotTheGoods for an answer that does not say how long it is, or goes on elsewhere.
    """
    try:
        return _length(answer, partial, say)
    except (KeyError, ValueError):
        raise NotTheGoods("the exchange does not say how long it is") from None


def _length(answer: httpx.Response, partial: Partial, say: Callable[[str], None]) -> int:
    if answer.status_code == _NOTHING_MORE:
        return int(answer.headers["content-range"].rpartition("/")[2])
    etag = answer.headers.get("etag", "")
    if answer.status_code == httpx.codes.PARTIAL_CONTENT:
        span, _, total = answer.headers["content-range"].removeprefix("bytes ").partition("/")
        if etag == partial.etag and span.startswith(f"{partial.size}-"):
            return int(total)
        raise NotTheGoods("the exchange answers with another part than was asked for")
    if partial.etag is not None and partial.etag != etag:
        say("the file is another one by now: it is fetched anew")
    partial.begin(etag)
    return int(answer.headers["content-length"])


def _proved(answer: httpx.Response, partial: Partial, total: int) -> str:
    """The digest, once it is the one that the exchange says. Raises NotTheGoods."""
    sha256 = partial.digest.hexdigest()
    if partial.size != total or digest_in(answer.headers) != sha256:
        raise NotTheGoods(f"its SHA-256 is {sha256}, {partial.size} bytes")
    return sha256


def digest_in(headers: httpx.Headers) -> str | None:
    """The hex SHA-256 in `Repr-Digest` (RFC 9530)."""
    told = headers.get("repr-digest", "")
    if not (told.startswith("sha-256=:") and told.endswith(":")):
        return None
    with suppress(ValueError):
        return base64.b64decode(told[len("sha-256=:") : -1], validate=True).hex()
    return None

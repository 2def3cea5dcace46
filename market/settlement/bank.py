"""The way to the escrow bank: signed messages over HTTP, its answers verified under its pinned key."""

from dataclasses import dataclass
from datetime import date
from typing import Final

import httpx
import orjson

from base.errors import Malformed
from base.signing import Envelope, SigningKey, envelope_signed_by, parse_envelope, sign_envelope
from market.settlement.errors import BankMessageMalformed, BankSignatureInvalid, BankUnavailable
from market.settlement.messages import INSTRUCTION, MAX_STATEMENT_BYTES, payload_type

_MEDIA_TYPE: Final = "application/vnd.dsse.envelope.v1+json"
_PROBLEM: Final = "application/problem+json"
_MAX_ANSWER_BYTES: Final = 1024 * 1024
_MAX_STATEMENT_BYTES: Final = MAX_STATEMENT_BYTES // 3 * 4 + _MAX_ANSWER_BYTES  # base64, and its envelope
# "No instruction was taken" (`docs/bank.md`). 409 is none of them: under that message id one was.
_NOT_TAKEN: Final = frozenset({401, 413, 422})


@dataclass(frozen=True, slots=True)
class NotTaken:
    """The bank says in so many words that it took no instruction: `code` is its problem's."""

    code: str


def open_bank_envelope(document: object, bank_key: bytes, message: str) -> Envelope:
    """The envelope of a bank's message, if the pinned key signed it and it is of the kind expected.

    Raises BankSignatureInvalid, BankMessageMalformed.
    """
    try:
        envelope = parse_envelope(document)
    except Malformed as error:
        raise BankMessageMalformed("not a DSSE envelope", reason=error.detail) from None
    if envelope.payload_type != payload_type(message):
        raise BankMessageMalformed("another message was expected", expected=message)
    if not envelope_signed_by(envelope, bank_key):
        raise BankSignatureInvalid("the message is not signed by the escrow bank")
    return envelope


def read_bank_envelope(body: bytes, bank_key: bytes, message: str) -> Envelope:
    """`open_bank_envelope` of a body as it came."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BankMessageMalformed("not a DSSE envelope") from None
    return open_bank_envelope(document, bank_key, message)


@dataclass(frozen=True, slots=True)
class BankClient:
    """Speaks to one bank as the exchange. `key` signs instructions; `bank_key` is the bank's, pinned."""

    http: httpx.AsyncClient
    key: SigningKey
    bank_key: bytes

    def sign_instruction(self, xml: bytes) -> Envelope:
        """The pain.001 as the exchange signs it; the same bytes for the same XML."""
        return sign_envelope(payload_type(INSTRUCTION), xml, self.key)

    async def send_instruction(self, envelope: Envelope) -> bytes | NotTaken:
        """Post an instruction; returns the JSON bytes of the bank's status report.

        Safe to call again: the bank knows a message id it has had. Raises BankUnavailable when nobody
        knows what became of it.
        """
        answer = await self._call(
            "POST",
            "/instructions",
            content=orjson.dumps(envelope.document()),
            headers={"content-type": _MEDIA_TYPE},
        )
        kind = answer.headers.get("content-type", "").partition(";")[0].strip()
        if answer.status_code in _NOT_TAKEN and kind == _PROBLEM:
            return NotTaken(_code_of(answer.content))
        return _content(answer)

    async def fetch_statement(self, day: date) -> bytes:
        """The JSON bytes of the day's statement. Raises BankUnavailable."""
        answer = await self._call("GET", f"/statements/{day.isoformat()}")
        return _content(answer, limit_bytes=_MAX_STATEMENT_BYTES)

    async def _call(self, method: str, path: str, **options: object) -> httpx.Response:
        try:
            return await self.http.request(method, path, **options)  # type: ignore[arg-type]  # passed through
        except httpx.HTTPError as error:
            raise BankUnavailable("the bank does not answer", reason=type(error).__name__) from None


def _content(answer: httpx.Response, *, limit_bytes: int = _MAX_ANSWER_BYTES) -> bytes:
    if answer.status_code != httpx.codes.OK or len(answer.content) > limit_bytes:
        raise BankUnavailable("the bank does not answer as agreed", status=answer.status_code)
    return answer.content


def _code_of(problem: bytes) -> str:
    try:
        document = orjson.loads(problem)
    except orjson.JSONDecodeError:
        return "unreadable"
    code = document.get("code") if isinstance(document, dict) else None
    return code[:40] if isinstance(code, str) else "unknown"

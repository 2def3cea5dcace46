"""Time-based one-time codes (RFC 6238, RFC 4226): six digits, thirty seconds, SHA-1, as every app has them.

Pure: a secret, a moment and a code in; which step it is the code of, or none, out.
"""

import base64
import hmac
import struct
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlencode

SECRET_BYTES: Final = 20  # RFC 4226 §4, R6
DIGITS: Final = 6
STEP_S: Final = 30
SKEW_STEPS: Final = 1  # RFC 6238 §5.2: one step of a clock that is late or early, each way


def code_at(secret: bytes, step: int, *, digits: int = DIGITS) -> str:
    """The code of a step (RFC 4226 §5.3)."""
    digest = hmac.digest(secret, struct.pack(">Q", step), "sha1")
    at = digest[-1] & 15
    number = struct.unpack_from(">I", digest, at)[0] & 0x7FFFFFFF
    return f"{number % 10**digits:0{digits}}"


def step_of(now: datetime) -> int:
    """Which step a moment lies in."""
    return int(now.timestamp()) // STEP_S


def matching_step(secret: bytes, code: str, *, now: datetime, after: int | None) -> int | None:
    """The step that a code is of, now or one beside it, and behind the one used last (`after`).

    Every step is compared, and in constant time: how long it takes says nothing of the code.
    """
    here, found = step_of(now), None
    sent = code.encode("utf-8", "replace")
    for step in range(here - SKEW_STEPS, here + SKEW_STEPS + 1):
        fits = hmac.compare_digest(code_at(secret, step).encode(), sent)
        if fits and (after is None or step > after):
            found = step
    return found


def address_of(secret: bytes, *, login: str, issuer: str) -> str:
    """What an authenticator app scans (the `otpauth` form of Google's key URI format)."""
    label = quote(f"{issuer}:{login}", safe="")
    asked = {"secret": shown(secret), "issuer": issuer, "digits": DIGITS, "period": STEP_S}
    return f"otpauth://totp/{label}?{urlencode(asked, quote_via=quote)}"


def shown(secret: bytes) -> str:
    """The secret as people type it: base32 without padding."""
    return base64.b32encode(secret).decode().rstrip("=")

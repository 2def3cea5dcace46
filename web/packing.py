"""What is sent packed (gzip, RFC 1952), and to whom.

A packed page's length tells something of what is on it. A form's token is masked anew in each answer
(`web.pages.session`), the session's cookie never comes along from another site, and a page's length is
blurred by up to 100 bytes of a file name that nobody reads: so nothing is learnt by asking for a page again
and again (BREACH, 2013).
"""

import gzip
import secrets
from collections.abc import Mapping
from io import BytesIO
from typing import Final

from starlette.responses import Response

LEAST: Final = 500
"""Bytes below which packing gains nothing."""
_BLUR: Final = 101
_LEVEL: Final = 6


def takes_gzip(headers: Mapping[str, str]) -> bool:
    """Whether gzip was asked for by name, and not with a weight of zero (RFC 9110 §12.5.3)."""
    for one in headers.get("accept-encoding", "").split(","):
        coding, *rest = (part.strip().lower() for part in one.split(";"))
        if coding in {"gzip", "x-gzip"}:
            weights = [part[2:] for part in rest if part.startswith("q=")]
            return all(weight.strip("0.") for weight in weights)
    return False


def gzipped(raw: bytes, *, blur: int = 0) -> bytes:
    """The bytes packed, the same for the same; `blur` bytes longer, as the name of a file."""
    packed = BytesIO()
    with gzip.GzipFile("x" * blur, "wb", _LEVEL, packed, mtime=0) as file:
        file.write(raw)
    return packed.getvalue()


def pack(response: Response, headers: Mapping[str, str]) -> None:
    """Pack a whole answer for whoever takes it so. Its `vary` then names Accept-Encoding too."""
    vary = response.headers.get("vary")
    response.headers["vary"] = f"{vary}, Accept-Encoding" if vary else "Accept-Encoding"
    if len(response.body) < LEAST or not takes_gzip(headers):
        return
    response.body = gzipped(bytes(response.body), blur=secrets.randbelow(_BLUR))
    response.headers["content-encoding"] = "gzip"
    response.headers["content-length"] = str(len(response.body))

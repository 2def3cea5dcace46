"""The path and the query of a call, brought into one spelling before anybody compares or forwards them. Pure.

What could mean one thing here and another at the provider is refused: encoded slashes and dots, empty
segments, backslashes, control characters, bytes that are no UTF-8.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from market.delivery.gateway.errors import TargetMalformed, TargetTooLong

MAX_PATH: Final = 1024
MAX_QUERY: Final = 4096
_SEGMENT: Final = re.compile(rb"(?:[A-Za-z0-9._~@:+,=$!*'()-]|%[0-9A-Fa-f]{2})+")
_QUERY: Final = re.compile(rb"(?:[A-Za-z0-9._~@:+,=$!*'()/?;&\[\]|-]|%[0-9A-Fa-f]{2})*")
_KEPT: Final = "-._~@:+,=$!*'()"
_SPACE: Final = 0x20
_DELETE: Final = 0x7F


@dataclass(frozen=True, slots=True)
class Target:
    """Where at the provider a call goes: a path that begins with `/`, and the query as it came."""

    path: str
    query: str

    @property
    def text(self) -> str:
        """As it stands in a request line."""
        return f"{self.path}?{self.query}" if self.query else self.path


def target_of(raw_path: bytes, query: bytes) -> Target:
    """The target of a raw path, without the gate's own prefix, and a raw query.

    Raises TargetTooLong, TargetMalformed.
    """
    if len(raw_path) > MAX_PATH or len(query) > MAX_QUERY:
        raise TargetTooLong("too long", limit_path=MAX_PATH, limit_query=MAX_QUERY)
    if not raw_path.startswith(b"/"):
        raise TargetMalformed("a path begins with a slash")
    segments = [] if raw_path == b"/" else raw_path[1:].split(b"/")
    path = "".join(f"/{_segment(part)}" for part in segments) or "/"
    if _QUERY.fullmatch(query) is None or not _printable(unquote_to_bytes(query)):
        raise TargetMalformed("the query has characters that do not stand in one")
    return Target(path, query.decode())


def _segment(raw: bytes) -> str:
    if _SEGMENT.fullmatch(raw) is None:
        raise TargetMalformed("a segment of the path is empty or has characters that do not stand in one")
    plain = unquote_to_bytes(raw)
    if not _printable(plain) or plain in {b".", b".."} or plain.strip(b".") == b"":
        raise TargetMalformed("a segment of the path would lead elsewhere")
    if set(plain) & set(b"/\\%?#;"):
        raise TargetMalformed("a segment of the path hides a separator")
    return quote(plain, safe=_KEPT)


def _printable(plain: bytes) -> bool:
    if any(byte < _SPACE or byte == _DELETE for byte in plain):
        return False
    try:
        plain.decode()
    except UnicodeDecodeError:
        return False
    return True

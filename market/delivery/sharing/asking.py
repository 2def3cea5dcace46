"""What a query asks for (Delta Sharing, Read Data from a Table), and how it is counted. Pure.

Hints are kept as what was asked, and decide nothing: what may leave is what the right's table holds.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from base.canonical import canonical, sha256_hex
from base.clock import parse_rfc3339
from base.errors import Malformed
from market.delivery.sharing.errors import VersionUnknown
from market.delivery.sharing.signing import LIFE

VERSION: Final = 0
MAX_HINTS: Final = 100
MAX_HINT_CHARS: Final = 4096
MAX_JSON_CHARS: Final = 65_536
_MOST: Final = 2**63 - 1
_OF_CHANGES: Final = ("startingVersion", "endingVersion")


@dataclass(frozen=True, slots=True)
class Query:
    """A query that is understood. `limit` is a hint too: who looks at ten rows and then at all asks once.

    `historic`: it names a version, so that its answer says which it is.
    """

    predicates: tuple[str, ...] = ()
    json_predicates: str | None = None
    limit: int | None = None
    historic: bool = False

    def request_sha256(
        self, *, table_sha256: str, by: str, purpose: str | None, recipient: str | None
    ) -> str:
        """What makes two queries one: the same predicates to the same table, by and for the same."""
        said = [table_sha256, by, purpose, recipient, list(self.predicates), self.json_predicates]
        return sha256_hex(canonical(said))


def query_from(body: bytes, *, since: datetime) -> Query:
    """What a request's body asks for, of a table that is there `since`. Raises Malformed, VersionUnknown."""
    try:
        said = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError:
        raise Malformed("the body is no JSON", member="body") from None
    if not isinstance(said, dict):
        raise Malformed("the body is no JSON object", member="body")
    said = {name: value for name, value in said.items() if value is not None}
    if any(name in said for name in _OF_CHANGES):
        raise VersionUnknown("this table has no changes", member="startingVersion")
    version, timestamp = said.get("version"), said.get("timestamp")
    if version is not None and timestamp is not None:
        raise Malformed("a version or a timestamp, not both", member="version")
    if version is not None:
        require_version(_whole(version, "version"))
    if timestamp is not None and moment_of(timestamp, "timestamp") < since:
        raise VersionUnknown("the table is not that old", member="timestamp")
    return Query(
        predicates=_hints(said.get("predicateHints", [])),
        json_predicates=_json_hint(said.get("jsonPredicateHints")),
        limit=_whole(said["limitHint"], "limitHint") if "limitHint" in said else None,
        historic=version is not None or timestamp is not None,
    )


def require_version(version: int) -> None:
    """Raise VersionUnknown for any but the one that there is."""
    if version != VERSION:
        raise VersionUnknown("this table has one version", version=str(version))


def moment_of(text: Any, member: str) -> datetime:
    """A timestamp as the protocol writes them. Raises Malformed."""
    try:
        return parse_rfc3339(text)
    except (TypeError, ValueError, OverflowError):
        raise Malformed("a timestamp looks like 2026-11-16T00:00:00Z", member=member) from None


def whole_of(text: str, member: str) -> int:
    """A number in an address. Raises Malformed."""
    return _whole(
        int(text) if text.isascii() and text.isdigit() and len(text) < len(str(_MOST)) else text, member
    )


def windows(now: datetime) -> tuple[int, int]:
    """The stretch of time that a query falls into, and the one before: each as long as an address lives."""
    window = int(now.timestamp()) // int(LIFE.total_seconds())
    return window, window - 1


def key_in(window: int, request_sha256: str) -> str:
    """The meter's key of a query."""
    return f"share/{window}/{request_sha256}"


def _whole(value: Any, member: str) -> int:
    if type(value) is not int or not 0 <= value <= _MOST:
        raise Malformed("a whole number from 0 is asked for", member=member)
    return value


def _hints(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MAX_HINTS:
        raise Malformed(f"up to {MAX_HINTS} expressions are asked for", member="predicateHints")
    if not all(isinstance(one, str) and len(one) <= MAX_HINT_CHARS for one in value):
        raise Malformed("an expression is a text", member="predicateHints")
    return tuple(value)


def _json_hint(value: Any) -> str | None:
    if value is not None and not (isinstance(value, str) and len(value) <= MAX_JSON_CHARS):
        raise Malformed("the predicate is a text", member="jsonPredicateHints")
    return value

"""What decides a delivery, as values: which bytes are asked for, which were sent, and what that uses up.

A download is one taking of the whole file, over as many requests as the connection needs. What was sent
is kept as spans; when they cover the file, the download is complete and one use of the entitlement is
gone. Bytes sent again (a client that restarts) stay inside the same download up to `BUDGET` copies of
the file, so an endless "almost whole" download is a use as well.
"""

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias

from market.delivery.errors import (
    DeliverySuspended,
    EntitlementExpired,
    EntitlementForeign,
    EntitlementRevoked,
    EntitlementUsedUp,
    GoodsDiffer,
    SpanOutside,
    UseKeptForBuyer,
)
from market.orders.deadlines import check_in_time
from market.orders.errors import TradeWrongRole

MAX_DOWNLOADS: Final = 3  # full downloads of one entitlement, unless the contract says otherwise
BUDGET: Final = 2  # copies of the file that one download may send: once, and once more for restarts
_DIGITS: Final = 18  # more digits than any size has
_RANGE: Final = re.compile(r"(\d*)-(\d*)", re.ASCII)


class EntitlementStatus(StrEnum):
    """Whether a right to receive data can be used."""

    ACTIVE = "ACTIVE"
    USED_UP = "USED_UP"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"
    FROZEN = "FROZEN"


class DownloadStatus(StrEnum):
    """SPENT: its budget of bytes went before it was whole. One use is gone either way."""

    OPEN = "OPEN"
    COMPLETE = "COMPLETE"
    SPENT = "SPENT"


class Mode(StrEnum):
    """How it is known that the goods arrived (`TRD.DELIVERED`): METERED is the buyer's first use.

    RELEASED is the key of a package in the buyer's hands.
    """

    DOWNLOAD = "download"
    CONFIRMED = "confirmed"
    METERED = "metered"
    RELEASED = "released"


class Cause(StrEnum):
    """Why a delivery is suspended: what it rests on fell, or somebody ordered it."""

    BASIS = "BASIS"
    ORDER = "ORDER"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Bytes from `start` up to but without `end`."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise SpanOutside("a span runs forward from zero", start=str(self.start), end=str(self.end))

    @property
    def length(self) -> int:
        return self.end - self.start


Spans: TypeAlias = tuple[Span, ...]


def merge(spans: Iterable[Span]) -> Spans:
    """The same bytes in order, without overlaps, touching spans joined, empty ones gone."""
    merged: list[Span] = []
    for span in sorted(spans):
        if span.length == 0:
            continue
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return tuple(merged)


def covered(spans: Iterable[Span]) -> int:
    """How many different bytes the spans hold."""
    return sum(span.length for span in merge(spans))


def is_whole(spans: Iterable[Span], size: int) -> bool:
    """Whether the spans cover a file of `size` bytes."""
    return covered(spans) >= size


def spans_text(spans: Iterable[Span]) -> str:
    """Spans as they are kept: `0-65536,131072-140000`, ends not included, merged."""
    return ",".join(f"{span.start}-{span.end}" for span in merge(spans))


def spans_from(text: str) -> Spans:
    """The reverse of `spans_text`."""
    pairs = (part.split("-") for part in text.split(",") if part)
    return tuple(Span(int(start), int(end)) for start, end in pairs)


@dataclass(frozen=True, slots=True)
class Reply:
    """Which bytes answer a request. `span` is None when none can: 416, else 206 if `partial`, else 200."""

    span: Span | None
    partial: bool
    size: int

    @property
    def content_range(self) -> str:
        """The value of Content-Range (RFC 9110 §14.4)."""
        if self.span is None:
            return f"bytes */{self.size}"
        return f"bytes {self.span.start}-{self.span.end - 1}/{self.size}"


def etag(sha256: str) -> str:
    """The strong entity tag of a file: its digest never changes while its bytes do not."""
    return f'"{sha256}"'


def digest_field(sha256: str) -> str:
    """The value of Repr-Digest, and of Content-Digest when the whole file is sent (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(bytes.fromhex(sha256)).decode()}:"


def choose_bytes(*, range_field: str | None, if_range: str | None, size: int, tag: str) -> Reply:
    """What to send for the Range and If-Range fields of a GET (RFC 9110 §13.1.5, §14.2).

    One range of bytes is honoured. An unknown unit, a malformed field, several ranges, or an If-Range
    that is not this very strong tag are answered with the whole file, as the RFC allows.
    """
    asked = _one_range(range_field) if range_field is not None else None
    if asked is None or (if_range is not None and if_range.strip() != tag):
        return Reply(Span(0, size), partial=False, size=size)
    first, last = asked
    if first is None:
        start, end = size - min(last or 0, size), size
    else:
        start, end = first, size if last is None else min(last + 1, size)
    return Reply(Span(start, end) if start < end else None, partial=True, size=size)


def _one_range(field: str) -> tuple[int | None, int | None] | None:
    """(first, last) of `bytes=first-last`, (None, length) of a suffix; None for what may be ignored."""
    unit, _, ranges = field.partition("=")
    asked = [part for part in (piece.strip(" \t") for piece in ranges.split(",")) if part]
    found = _RANGE.fullmatch(asked[0]) if len(asked) == 1 else None
    if unit.strip().lower() != "bytes" or found is None or not (found[1] or found[2]):
        return None
    first = _number(found[1]) if found[1] else None
    last = _number(found[2]) if found[2] else None
    if first is not None and last is not None and last < first:
        return None
    return first, last


def _number(digits: str) -> int:
    """Digits as a number; beyond any size they are simply that."""
    digits = digits.lstrip("0")
    return int(digits or "0") if len(digits) <= _DIGITS else 10**_DIGITS


@dataclass(frozen=True, slots=True)
class Right:
    """What is asked of an entitlement, as read under its lock."""

    holder_id: str
    status: EntitlementStatus
    used: int
    max_downloads: int
    expires_at: datetime
    trade_stopped: bool
    deliver_by: datetime | None = None  # while the first delivery is under way
    recipients: frozenset[str] = frozenset()  # whom the contract names beside the holder


def require_usable(right: Right, *, org_id: str, now: datetime) -> None:
    """Whether this organisation may receive anything by this right now. Uses are `place`'s question.

    Raises EntitlementForeign, EntitlementRevoked, DeliverySuspended, EntitlementExpired or DeadlinePassed, in
    this order.
    """
    if org_id not in {right.holder_id, *right.recipients}:
        raise EntitlementForeign("this right to receive data is another organisation's")
    if right.status is EntitlementStatus.REVOKED:
        raise EntitlementRevoked("this right to receive data was revoked")
    if right.trade_stopped or right.status is EntitlementStatus.FROZEN:
        raise DeliverySuspended("an order or a dispute suspends this delivery")
    if right.status is EntitlementStatus.EXPIRED or now >= right.expires_at:
        raise EntitlementExpired("this right has ended", expires_at=right.expires_at.isoformat())
    if right.deliver_by is not None:
        check_in_time(right.deliver_by, now)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the asked bytes are counted: in the open download or a new one; `spends` closes the open one."""

    joins: bool
    spends: bool


def place(
    *, open_sent: int | None, length: int, size: int, used: int, max_downloads: int, kept: int = 0
) -> Placement:
    """Count `length` bytes more. `open_sent` is what the open download has sent, None without one.

    `kept` uses are another's. Raises EntitlementUsedUp when the bytes belong to a download that is not given
    any more, UseKeptForBuyer to one that is not given yet.
    """
    joins = open_sent is not None and open_sent + length <= BUDGET * size
    spends = open_sent is not None and not joins
    if not joins and used + spends >= max_downloads:
        raise EntitlementUsedUp("every download was made", used=used + spends, max_downloads=max_downloads)
    if not joins and used + spends + kept >= max_downloads:
        raise UseKeptForBuyer("the last use is the buyer's own until it has taken delivery")
    return Placement(joins=joins, spends=spends)


@dataclass(frozen=True, slots=True)
class GoodsCheck:
    """What a buyer's own tools say about the goods, or what was sold; what nobody counted is None.

    `report_sha256` is the digest of a quality report: measured again by the bound report's own words, the
    same file gives the same bytes (`registry.measure`).
    """

    file_sha256: str | None = None
    rows: int | None = None
    report_sha256: str | None = None

    def document(self) -> dict[str, str | int]:
        """The members that are there."""
        members = {"file_sha256": self.file_sha256, "rows": self.rows, "report_sha256": self.report_sha256}
        return {name: value for name, value in members.items() if value is not None}


def require_same_goods(checked: GoodsCheck, sold: GoodsCheck) -> None:
    """Whether a buyer's check agrees with what was sold. Raises GoodsDiffer, naming the first difference."""
    promised = sold.document()
    for name, measured in checked.document().items():
        if name in promised and measured != promised[name]:
            raise GoodsDiffer(
                f"{name} differs: dispute the goods instead",
                member=name,
                measured=measured,
                sold=promised[name],
            )


def check_resume(*, suspended_by: str, role: str) -> None:
    """The exchange lifts its own suspension of a delivery and no regulator's. Raises TradeWrongRole."""
    if role == "EXCHANGE_OPERATOR" and suspended_by != role:
        raise TradeWrongRole(
            "a regulator's suspension is lifted by a regulator", role=role, suspended_by=suspended_by
        )

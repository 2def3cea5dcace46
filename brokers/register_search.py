"""What is asked of the register, in an order that is told, page by page. Pure.

The order is one of the four in `Order` and nothing else: no broker is put before another for what it pays,
for how it behaves or for whose it is.
"""

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from base.errors import Malformed
from brokers.register import Holder, Holding, Standing
from brokers.rules import ALL_SECTORS, BrokerType
from brokers.states import CertificateState
from registry.rules import Level, rank

MOST: Final = 100
_LATEST: Final = datetime.max.replace(tzinfo=UTC)
_NO_NUMBER: Final = "\U0010ffff"
_UNPUBLISHED: Final = {
    CertificateState.APPLIED,
    CertificateState.CORRECTING,
    CertificateState.UNDER_REVIEW,
    CertificateState.LAPSED,
}
PUBLIC_STATES: Final = tuple(state for state in CertificateState if state not in _UNPUBLISHED)
"""The states in which what the register shows can be."""


class Order(StrEnum):
    """By certificate number; by name; newest certificate first; next to end first."""

    NUMBER = "number"
    NAME = "name"
    NEWEST = "newest"
    ENDING = "ending"


class CursorUnknown(Malformed):
    code = "register-cursor-unknown"
    title = "The register knows no such place to go on from"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Every member narrows. `level` is the level that a broker may go up to at least."""

    text: str = ""
    broker_type: BrokerType | None = None
    grade: int | None = None
    sector: str | None = None
    level: Level | None = None
    cross_border: bool | None = None
    state: CertificateState | None = None
    in_force: bool | None = None
    order: Order = Order.NUMBER


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the register."""

    standing: Standing
    holder: Holder


@dataclass(frozen=True, slots=True)
class Page:
    """Some lines, and the id after which it goes on; None at the end."""

    lines: Sequence[Line]
    next_after: str | None
    found: int


def search(
    holdings: Iterable[Holding],
    holders: Mapping[str, Holder],
    wanted: Wanted,
    *,
    at: datetime,
    after: str | None = None,
    limit: int | None = None,
) -> Page:
    """What is public at a moment and wanted, in order, from behind a certificate id on. Raises CursorUnknown.

    The place of the last line seen is found anew, so that what came or went since shifts no page.
    """
    place = _PLACES[wanted.order]
    public = [
        Line(standing, holders[held.org_id])
        for held in holdings
        if held.is_public(at) and (standing := held.on(at)) is not None
    ]
    lines = sorted((line for line in public if _fits(line, wanted)), key=place)
    begin = 0
    if after is not None:
        last = next((line for line in public if line.standing.cert_id == after), None)
        if last is None:
            raise CursorUnknown("no such certificate in this register", after=after)
        begin = sum(1 for line in lines if place(line) <= place(last))
    some = lines[begin:] if limit is None else lines[begin : begin + limit]
    more = begin + len(some) < len(lines)
    return Page(some, some[-1].standing.cert_id if more else None, len(lines))


def _fits(line: Line, wanted: Wanted) -> bool:
    standing = line.standing
    exact = (
        (wanted.broker_type, standing.broker_type),
        (wanted.grade, standing.grade),
        (wanted.cross_border, standing.cross_border),
        (wanted.state, standing.state),
        (wanted.in_force, standing.in_force),
    )
    return (
        all(asked is None or asked == there for asked, there in exact)
        and (wanted.sector is None or not {wanted.sector, ALL_SECTORS}.isdisjoint(standing.sectors))
        and (wanted.level is None or rank(Level(standing.max_level)) >= rank(wanted.level))
        and _reads(line, wanted.text)
    )


def _reads(line: Line, text: str) -> bool:
    """Whether every word stands in the name, the certificate's number or the credit code."""
    there = plain(" ".join((line.holder.name, line.standing.cert_no or "", line.holder.uscc)))
    return all(word in there for word in plain(text).split())


def plain(text: str) -> str:
    """Full-width letters as narrow ones, capitals as small ones."""
    return unicodedata.normalize("NFKC", text).casefold()


def _by_number(line: Line) -> Any:
    return line.standing.cert_no or _NO_NUMBER, line.standing.cert_id


def _by_name(line: Line) -> Any:
    return plain(line.holder.name), line.standing.cert_id


def _by_newest(line: Line) -> Any:
    begun = line.standing.valid_from
    return (0, 0.0) if begun is None else (1, -begun.timestamp()), line.standing.cert_id


def _by_end(line: Line) -> Any:
    return line.standing.valid_to or _LATEST, line.standing.cert_id


_PLACES: Final[Mapping[Order, Callable[[Line], Any]]] = {
    Order.NUMBER: _by_number,
    Order.NAME: _by_name,
    Order.NEWEST: _by_newest,
    Order.ENDING: _by_end,
}

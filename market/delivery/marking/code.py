"""The mark of a copy: which cells carry it, and which bit each of them has. Pure.

A relational watermark after Agrawal and Kiernan (VLDB 2002): a keyed function chooses cells and sets the last
bit of each, counted in units of the column's last place, so that no value moves by more than one unit. A
cell is known by its column, by its own value without that bit, and mostly by the value of one other column
beside it, so that rows may be left out, put in another order, or lose columns.

All copies of one source are marked in the same cells, which hides from two buyers who compare theirs where a
cell is marked alike. What each cell says is the copy's own: the rarer of two signs with probability `RARE`,
the discrete bias that is best against a few who put their copies together (Nuida, Hagiwara, Watanabe, Imai
2007, after Tardos 2003). Decision 15 has the whole scheme, and what it cannot do.
"""

import hmac
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any, Final

from base.canonical import canonical, sha256_hex
from base.signing import marking_part

FORMAT: Final = "databourse-mark/1"
RARE: Final = 54  # of 256: 0.211, that is 1/2 - 1/sqrt(12)
SIGNS: Final = 256
MAX_UNITS: Final = 10**15  # beyond it a double no longer tells one unit from the next
_NEAR: Final = 0.05  # how far from a whole unit a value of another number format may lie
_PLACES: Final = b"databourse:mark:places:v1\x00"
_COPY: Final = b"databourse:mark:copy:v1\x00"
_NUMBER: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_PLAIN: Final = re.compile(r"(-?)(0|[1-9]\d*)(?:\.(\d+))?", re.ASCII)
_MIDNIGHT: Final = re.compile(r"(\d{4}-\d\d-\d\d)[T ]00:00(?::00(?:\.0+)?)?(?:Z|[+-]00(?::?00)?)?", re.ASCII)
_SPACE: Final = " \t\r\n"
_MOST_CHARS: Final = 40


@dataclass(frozen=True, slots=True)
class MarkedColumn:
    """A column that carries marks: so many decimals, and the bounds in units that its values keep."""

    name: str
    scale: int
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True)
class Plan:
    """Where a source is marked: one of `every` known cells, each known beside one of the `anchors`, or alone.

    `missing` are the texts that stand for no value.
    """

    columns: tuple[MarkedColumn, ...]
    anchors: tuple[str, ...]
    every: int
    missing: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """As it is kept and digested."""
        return {
            "format": FORMAT,
            "columns": [
                {"name": one.name, "scale": one.scale, "low": _said(one.low), "high": _said(one.high)}
                for one in self.columns
            ],
            "anchors": list(self.anchors),
            "every": self.every,
            "missing": list(self.missing),
        }

    @cached_property
    def absent(self) -> frozenset[str]:
        return frozenset(self.missing)

    @property
    def names(self) -> tuple[str, ...]:
        """Every column that is read, each once."""
        return (*(one.name for one in self.columns), *self.anchors)


def plan_from(document: Mapping[str, Any]) -> Plan:
    """The reverse of `Plan.document`."""
    return Plan(
        tuple(
            MarkedColumn(one["name"], one["scale"], _read(one["low"]), _read(one["high"]))
            for one in document["columns"]
        ),
        tuple(document["anchors"]),
        document["every"],
        tuple(document["missing"]),
    )


def _said(bound: int | None) -> str | None:
    return None if bound is None else str(bound)


def _read(bound: str | None) -> int | None:
    return None if bound is None else int(bound)


@dataclass(frozen=True, slots=True)
class MarkKeys:
    """The two keys of a copy's mark: the places, which all copies of a source share, and the copy's own."""

    places: bytes = field(repr=False)
    copy: bytes = field(repr=False)

    def commitment(self, *, entitlement_id: str, source_sha256: str, plan: Plan) -> str:
        """What the ledger holds: the digest of everything by which the mark can be shown."""
        return sha256_hex(canonical(self.opening(entitlement_id, source_sha256, plan)))

    def opening(self, entitlement_id: str, source_sha256: str, plan: Plan) -> dict[str, Any]:
        """What opens the commitment; whoever has it can test a file for the mark, and make the mark."""
        return {
            "format": FORMAT,
            "entitlement_id": entitlement_id,
            "source_sha256": source_sha256,
            "plan": plan.document(),
            "places_key": self.places.hex(),
            "copy_key": self.copy.hex(),
        }


def mark_keys(master: bytes, *, entitlement_id: str, source_sha256: str) -> MarkKeys:
    """The keys of a delivery's mark, derived from the node's master: they are kept nowhere."""
    key = marking_part(master)  # a copy is traced for years
    return MarkKeys(
        hmac.digest(key, _PLACES + source_sha256.encode(), sha256),
        hmac.digest(key, _COPY + source_sha256.encode() + entitlement_id.encode(), sha256),
    )


def plain(text: str | None, missing: frozenset[str] = frozenset()) -> str | None:
    """A value of a cell, the same however its file writes it; None where there is none.

    >>> plain(" 0515 "), plain("12.50"), plain("2013-01-01 00:00:00+00")
    ('515', '12.5', '2013-01-01')
    """
    if text is None:
        return None
    value = text.strip(_SPACE)
    if not value or value in missing:
        return None
    if len(value) <= _MOST_CHARS and _NUMBER.fullmatch(value):
        return _shortest(value)
    midnight = _MIDNIGHT.fullmatch(value)
    return midnight[1] if midnight else value.replace("\0", "")


def _shortest(number: str) -> str:
    """A number without what different writers add to it: signs, zeros, an exponent."""
    if number.isdecimal():
        return number.lstrip("0") or "0"
    value = float(number)
    return str(int(value)) if value.is_integer() and abs(value) < MAX_UNITS else repr(value)


def units_read(text: str | None, scale: int) -> int | None:
    """A value in units of its column's last place, from whatever a leaked file writes; None for no such."""
    if text is None or len(text) > _MOST_CHARS or not _NUMBER.fullmatch(text):
        return None
    exact = float(text) * 10**scale
    if not abs(exact) < MAX_UNITS:
        return None
    units = round(exact)
    return units if abs(exact - units) < _NEAR else None


def units_written(text: str, scale: int) -> int | None:
    """A value as its source writes it, in units; None where it is no plain number of so many decimals."""
    found = _PLAIN.fullmatch(text)
    if found is None or len(found[3] or "") > scale:
        return None
    units = int(found[2] + (found[3] or "").ljust(scale, "0"))
    if units >= MAX_UNITS or (found[1] and not units):
        return None
    return -units if found[1] else units


def rewritten(text: str, units: int, scale: int) -> str:
    """A value of a source with other units: as many decimals as it had, and more only where they are needed.

    >>> rewritten("12.31", 1230, 2), rewritten("12.3", 1231, 2), rewritten("7", 6, 0)
    ('12.30', '12.31', '6')
    """
    had = len(text.partition(".")[2])
    digits = str(abs(units)).rjust(scale + 1, "0")
    whole, decimals = (digits[:-scale], digits[-scale:]) if scale else (digits, "")
    kept = decimals.rstrip("0").ljust(had, "0")
    return ("-" if units < 0 else "") + whole + (f".{kept}" if kept else "")


@dataclass(frozen=True, slots=True)
class Place:
    """A cell that carries a sign: `token` names it, `likely` is the bit that most copies have there."""

    token: bytes
    likely: int


class Places:
    """Finds the cells of a source that are marked."""

    def __init__(self, plan: Plan, key: bytes) -> None:
        self.plan = plan
        self._key = key
        self._slots = len(plan.anchors) + 1

    def place(self, column: str, units: int, anchors: Mapping[str, str | None]) -> Place | None:
        """The place that a cell is, of the values beside it; None where it carries nothing.

        A cell whose anchor is missing, or lies in a column that is not there, says nothing.
        """
        high = f"{column}\0{units >> 1}"
        slot = zlib.crc32(high.encode()) % self._slots
        known = high
        if slot:
            name = self.plan.anchors[slot - 1]
            beside = anchors.get(name)
            if beside is None:
                return None
            known = f"{high}\0{name}\0{beside}"
        digest = hmac.digest(self._key, known.encode(), sha256)
        if int.from_bytes(digest[:8]) % self.plan.every:
            return None
        return Place(digest[8:24], digest[24] & 1)


def is_rare(key: bytes, token: bytes) -> bool:
    """Whether a copy has the rarer sign at a place."""
    return hmac.digest(key, token, sha256)[0] < RARE


def sign_of(key: bytes, place: Place) -> int:
    """The bit that a copy has at a place."""
    return place.likely ^ is_rare(key, place.token)


def marked_units(column: MarkedColumn, units: int, bit: int) -> int:
    """A value with this last bit, at most one unit away; as it is where that would break the bounds."""
    changed = (units >> 1 << 1) | bit
    below = column.low is not None and changed < column.low
    above = column.high is not None and changed > column.high
    return units if below or above else changed

"""Reading facts: every key is known and of its form, or the facts are refused as Malformed.

Amounts are integers in fen, rates are decimal strings. A key nobody asked for is refused too: a
misspelt option must not silently change a price.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final

from base.clock import parse_rfc3339
from base.errors import Malformed
from base.money import BASIS_POINTS
from pricing.errors import QuantityOutOfBounds, TooMuchToPrice
from pricing.quote import check_price

MAX_AMOUNT_MINOR: Final = 10**15  # a year's revenue; sums of three stay exact in JSON
MAX_QUANTITY: Final = 10**12
RATE_SCALE: Final = 10**12  # a rate per unit is a whole number of these parts of a fen
_RATE_PLACES: Final = 12
_MAX_TEXT: Final = 200
_RATE: Final = re.compile(r"[0-9]{1,2}(\.[0-9]{1,10})?")
_UNIT_RATE: Final = re.compile(r"([0-9]{1,14})(?:\.([0-9]{1,12}))?", re.ASCII)
_NUMBER: Final = re.compile(r"-?[0-9]{1,16}(\.[0-9]{1,10})?", re.ASCII)
_BLIND: Final = re.compile(r"[0-9a-f]{64}")
# What the price is for. Hashed with the rest, and without influence on the price.
_DESCRIBING: Final = ("listing_id", "product_id", "licence_class", "tier", "unit", "window")


@lru_cache(4096)
def scaled_rate(text: str) -> int | None:
    """A rate in fen as a whole number of 1/`RATE_SCALE` fen; None for what is none. Rates come again."""
    match = _UNIT_RATE.fullmatch(text)
    if match is None:
        return None
    whole, parts = match.groups("")
    return int(whole) * RATE_SCALE + int(parts.ljust(_RATE_PLACES, "0"))


class Facts:
    """One JSON object of facts, read key by key; `close` refuses what was not read."""

    __slots__ = ("_document", "_unread", "_where")

    def __init__(self, document: Any, *, where: str = "facts") -> None:
        if type(document) is not dict and not isinstance(document, Mapping):
            raise Malformed(f"{where}: an object is expected", type=type(document).__name__)
        self._document = document
        self._where = where
        self._unread = set(document)

    def has(self, name: str) -> bool:
        """Whether an optional key is there and not null."""
        self._unread.discard(name)
        return self._document.get(name) is not None

    def has_any(self, *names: str) -> bool:
        """Whether one of these optional keys is there and not null."""
        return not self._unread.isdisjoint(names) and any(self.has(name) for name in names)

    def raw(self, name: str) -> Any:
        """What stands at a key, for a reader that falls back on the others where it is not as usual."""
        self._unread.discard(name)
        return self._document.get(name)

    def amount(self, name: str, default: int | None = None) -> int:
        """Whole fen, 0 up to `MAX_AMOUNT_MINOR`."""
        value = self._take(name, default)
        if type(value) is not int or not 0 <= value <= MAX_AMOUNT_MINOR:
            raise self.bad(name, "whole fen, not negative, within the limit")
        return value

    def price(self, name: str) -> int:
        """A price: whole fen, positive, at most `MAX_PRICE_MINOR`."""
        value = self.amount(name)
        check_price(value)
        return value

    def count(self, name: str) -> int:
        """A positive whole number."""
        value = self._take(name, None)
        if type(value) is not int or not 0 < value <= MAX_AMOUNT_MINOR:
            raise self.bad(name, "a positive whole number")
        return value

    def quantity(self, name: str) -> int:
        """A whole number of units, 0 up to `MAX_QUANTITY`. Raises QuantityOutOfBounds, Malformed."""
        value = self._take(name, None)
        if type(value) is not int:
            raise self.bad(name, "a whole number of units")
        if not 0 <= value <= MAX_QUANTITY:
            raise QuantityOutOfBounds(
                f"{self._where}: {name} is 0 to {MAX_QUANTITY}", quantity=str(value), limit=str(MAX_QUANTITY)
            )
        return value

    def unit_rate(self, name: str) -> int:
        """A rate in fen per unit, as a decimal string with up to twelve places: in 1/`RATE_SCALE` fen."""
        value = self._take(name, None)
        text = str(value) if type(value) is int else value
        rate = scaled_rate(text) if type(text) is str else None
        if rate is None:
            raise self.bad(name, "fen per unit, a decimal string that is not negative")
        return rate

    def flag(self, name: str) -> bool:
        """True or false; false where it is left out."""
        value = self._take(name, 0) if self.has(name) else False
        if type(value) is not bool:
            raise self.bad(name, "true or false")
        return value

    def day(self, name: str) -> date:
        """A calendar day, `2026-11-09`."""
        value = self.text(name)
        try:
            found = date.fromisoformat(value)
        except ValueError:
            raise self.bad(name, "a day, as 2026-11-09") from None
        if found.isoformat() != value:
            raise self.bad(name, "a day, as 2026-11-09")
        return found

    def basis_points(self, name: str, default: int | None = None) -> int:
        """Hundredths of a per cent, 0 to 10,000."""
        value = self._take(name, default)
        if type(value) is not int or not 0 <= value <= BASIS_POINTS:
            raise self.bad(name, "basis points from 0 to 10000")
        return value

    def rate(self, name: str) -> Decimal:
        """A rate such as `"0.0175"` or a whole number: 0 to 1, at most ten decimals."""
        value = self._take(name, None)
        text = str(value) if type(value) is int else value
        if type(text) is not str or not _RATE.fullmatch(text):
            raise self.bad(name, "a decimal string from 0 to 1")
        rate = Decimal(text)
        if rate > 1:
            raise self.bad(name, "a decimal string from 0 to 1")
        return rate

    def text(self, name: str, *, most: int = _MAX_TEXT) -> str:
        value = self._take(name, None)
        if type(value) is not str or not 0 < len(value) <= most:
            raise self.bad(name, f"text of 1 to {most} characters")
        return value

    def moment(self, name: str) -> datetime:
        """An RFC 3339 time with its offset, as aware UTC."""
        value = self.text(name)
        try:
            return parse_rfc3339(value)
        except (ValueError, OverflowError):
            raise self.bad(name, "an RFC 3339 time with an offset") from None

    def objects(self, name: str, *, most: int, least: int = 1) -> list["Facts"]:
        """A list of `least` to `most` objects."""
        value = self._take(name, None)
        if not isinstance(value, list | tuple) or not least <= len(value) <= most:
            raise self.bad(name, f"a list of {least} to {most} objects")
        return [Facts(item, where=f"{name}[{i}]") for i, item in enumerate(value)]

    def sequence(self, name: str, *, most: int, least: int = 1) -> Sequence[Any]:
        """A list of `least` to `most` items, of whatever form."""
        value = self._take(name, None)
        if not isinstance(value, list | tuple):
            raise self.bad(name, f"a list of {least} to {most} items")
        if len(value) > most:
            raise TooMuchToPrice(f"{self._where}: {name} has more than {most} items", key=name, limit=most)
        if len(value) < least:
            raise self.bad(name, f"a list of {least} to {most} items")
        return value

    def mapping(self, name: str) -> Mapping[str, Any]:
        """An object whose keys are names that the facts choose."""
        value = self._take(name, None)
        if not isinstance(value, Mapping) or not all(type(key) is str for key in value):
            raise self.bad(name, "an object")
        return value

    def fraction(self, name: str, *, most: int, default: int | None = None) -> Fraction:
        """A number that is not negative, a whole one or a decimal string: exact, 0 up to `most`."""
        value = exact_number(self._take(name, default))
        if value is None or not 0 <= value <= most:
            raise self.bad(name, f"a decimal string from 0 to {most}")
        return value

    def object(self, name: str) -> "Facts":
        return Facts(self._take(name, None), where=name)

    def description(self) -> None:
        """Read the keys every mechanism takes and none computes with.

        `blind` (64 hex digits) keeps a published `inputs_sha256` from being guessed back to a price.
        """
        if not self._unread:  # as most facts are
            return
        for name in _DESCRIBING:
            if self.has(name):
                self.text(name)
        if "quantity" in self._unread and self.has("quantity"):  # where the mechanism has not read it
            self.count("quantity")
        if self.has("blind") and not _BLIND.fullmatch(self.text("blind")):
            raise self.bad("blind", "64 hex digits")

    def close(self) -> None:
        """Refuse keys that nobody read."""
        if self._unread:
            unknown = sorted(str(name) for name in self._unread)
            raise Malformed(f"{self._where}: keys that this mechanism does not know", keys=unknown)

    def _take(self, name: str, default: int | None) -> Any:
        self._unread.discard(name)
        value = self._document.get(name)
        if value is None:
            if default is None:
                raise Malformed(f"{self._where}: {name} is missing", key=name)
            return default
        return value

    def bad(self, name: str, expected: str) -> Malformed:
        """The refusal of a key that is not as expected."""
        return Malformed(f"{self._where}: {name} must be {expected}", key=name)


def exact_number(value: Any) -> Fraction | None:
    """A whole number or a decimal string of at most 15 and 10 digits as it is; None for anything else."""
    text = str(value) if type(value) is int else value
    if type(text) is not str or not _NUMBER.fullmatch(text):
        return None
    return Fraction(text)


def parse_facts(raw: bytes) -> dict[str, Any]:
    """Facts from JSON in UTF-8. A number with a point keeps its decimal text: no float arises.

    Raises Malformed on anything that is not one object, on a key given twice, and on NaN or Infinity.
    """
    try:
        document = json.loads(
            raw.decode("utf-8"), parse_float=str, parse_constant=_no_constant, object_pairs_hook=_pairs
        )
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise Malformed("the facts are not JSON in UTF-8", reason=type(error).__name__) from None
    if not isinstance(document, dict):
        raise Malformed("the facts are one JSON object", type=type(document).__name__)
    return document


def _no_constant(name: str) -> Any:
    raise Malformed("NaN and Infinity are no numbers of JSON", value=name)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise Malformed("a key is given twice", keys=sorted(name for name, _ in pairs))
    return document

"""Reading facts: every key is known and of its form, or the facts are refused as Malformed.

Amounts are integers in fen, rates are decimal strings. A key nobody asked for is refused too: a
misspelt option must not silently change a price.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from base.clock import parse_rfc3339
from base.errors import Malformed
from base.money import BASIS_POINTS
from pricing.quote import check_price

MAX_AMOUNT_MINOR: Final = 10**15  # a year's revenue; sums of three stay exact in JSON
_MAX_TEXT: Final = 200
_RATE: Final = re.compile(r"[0-9]{1,2}(\.[0-9]{1,10})?")
_BLIND: Final = re.compile(r"[0-9a-f]{64}")
# What the price is for. Hashed with the rest, and without influence on the price.
_DESCRIBING: Final = ("listing_id", "product_id", "licence_class", "tier", "unit", "window")


class Facts:
    """One JSON object of facts, read key by key; `close` refuses what was not read."""

    def __init__(self, document: Any, *, where: str = "facts") -> None:
        if not isinstance(document, Mapping):
            raise Malformed(f"{where}: an object is expected", type=type(document).__name__)
        self._document = document
        self._where = where
        self._unread = set(document)

    def has(self, name: str) -> bool:
        """Whether an optional key is there and not null."""
        self._unread.discard(name)
        return self._document.get(name) is not None

    def amount(self, name: str, default: int | None = None) -> int:
        """Whole fen, 0 up to `MAX_AMOUNT_MINOR`."""
        value = self._take(name, default)
        if type(value) is not int or not 0 <= value <= MAX_AMOUNT_MINOR:
            raise self._bad(name, "whole fen, not negative, within the limit")
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
            raise self._bad(name, "a positive whole number")
        return value

    def basis_points(self, name: str, default: int | None = None) -> int:
        """Hundredths of a per cent, 0 to 10,000."""
        value = self._take(name, default)
        if type(value) is not int or not 0 <= value <= BASIS_POINTS:
            raise self._bad(name, "basis points from 0 to 10000")
        return value

    def rate(self, name: str) -> Decimal:
        """A rate such as `"0.0175"` or a whole number: 0 to 1, at most ten decimals."""
        value = self._take(name, None)
        text = str(value) if type(value) is int else value
        if type(text) is not str or not _RATE.fullmatch(text):
            raise self._bad(name, "a decimal string from 0 to 1")
        rate = Decimal(text)
        if rate > 1:
            raise self._bad(name, "a decimal string from 0 to 1")
        return rate

    def text(self, name: str) -> str:
        value = self._take(name, None)
        if type(value) is not str or not 0 < len(value) <= _MAX_TEXT:
            raise self._bad(name, f"text of 1 to {_MAX_TEXT} characters")
        return value

    def moment(self, name: str) -> datetime:
        """An RFC 3339 time with its offset, as aware UTC."""
        value = self.text(name)
        try:
            return parse_rfc3339(value)
        except (ValueError, OverflowError):
            raise self._bad(name, "an RFC 3339 time with an offset") from None

    def objects(self, name: str, *, most: int) -> list["Facts"]:
        """A list of 1 to `most` objects."""
        value = self._take(name, None)
        if not isinstance(value, list | tuple) or not 0 < len(value) <= most:
            raise self._bad(name, f"a list of 1 to {most} objects")
        return [Facts(item, where=f"{name}[{i}]") for i, item in enumerate(value)]

    def object(self, name: str) -> "Facts":
        return Facts(self._take(name, None), where=name)

    def description(self) -> None:
        """Read the keys every mechanism takes and none computes with.

        `blind` (64 hex digits) keeps a published `inputs_sha256` from being guessed back to a price.
        """
        for name in _DESCRIBING:
            if self.has(name):
                self.text(name)
        if self.has("quantity"):
            self.count("quantity")
        if self.has("blind") and not _BLIND.fullmatch(self.text("blind")):
            raise self._bad("blind", "64 hex digits")

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

    def _bad(self, name: str, expected: str) -> Malformed:
        return Malformed(f"{self._where}: {name} must be {expected}", key=name)


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

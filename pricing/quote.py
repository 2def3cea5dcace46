"""What every mechanism returns: a Quote, the same bytes for the same facts, with its reasons.

No mechanism asks who the buyer is: the facts have no place for it (《互联网平台价格行为规则》 forbids
prices by the buyer's ability or willingness to pay; AML Art 22(1)(6)).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from base.canonical import canonical, sha256_hex
from pricing.errors import PriceOutOfBounds

_NONE: Final[Mapping[str, int | str]] = MappingProxyType({})
MAX_PRICE_MINOR: Final = 10**13  # 一千亿元: a year of such prices still sums within 64 bits


class Reason(NamedTuple):
    """One step of the answer to "why this price": a stable kebab-case code and its values."""

    code: str
    values: Mapping[str, int | str] = _NONE

    def document(self) -> dict[str, Any]:
        return {"code": self.code, **self.values}


class Quote(NamedTuple):
    """The result of a mechanism.

    `results` holds `total_minor` (fen) or the mechanism's named results; `inputs_sha256` is the
    SHA-256 of the facts' canonical bytes; `seed` is set by mechanisms that draw lots.
    """

    mechanism: str
    version: str
    inputs_sha256: str
    results: Mapping[str, Any]
    reasons: tuple[Reason, ...]
    seed: str | None = None

    @property
    def total_minor(self) -> int:
        """The price in fen of a mechanism that names one. Raises KeyError for the others."""
        return int(self.results["total_minor"])

    def document(self) -> dict[str, Any]:
        """The JSON form: results beside mechanism, version, inputs_sha256, reasons and seed."""
        return {
            **self.results,
            "mechanism": self.mechanism,
            "version": self.version,
            "inputs_sha256": self.inputs_sha256,
            "reasons": [reason.document() for reason in self.reasons],
            "seed": self.seed,
        }

    def canonical(self) -> bytes:
        """The JCS bytes of the document: equal facts give equal bytes."""
        return canonical(self.document())


def inputs_sha256(facts: Mapping[str, Any], *, read: bool = False) -> str:
    """The hash a quote cites. Raises Malformed if the facts hold a float or an unsafe integer.

    `read`: every key and value was read by `pricing.facts` and is of its form, down to the last tier.
    """
    return sha256_hex(canonical(dict(facts), proven=read))


def check_price(price_minor: int) -> None:
    """Refuse a price that is not positive or is beyond `MAX_PRICE_MINOR`, with PriceOutOfBounds."""
    if not 0 < price_minor <= MAX_PRICE_MINOR:
        raise PriceOutOfBounds(
            "a price is a positive number of fen within the limit",
            price_minor=str(price_minor),
            limit_minor=str(MAX_PRICE_MINOR),
        )

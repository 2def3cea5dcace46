"""The written mandate: one canonical document, whose digest the client signs and the broker signs after it.

RFC 8785 JSON with a nonce, so that nobody who sees the digest on the public ledger can try fees and prices
against it. What it limits is asked at every act under it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from base.calendar import shanghai_day
from base.canonical import canonical
from base.clock import rfc3339
from base.errors import Malformed
from brokers.mandates.errors import MandateDateWrong, MandateExceeded
from brokers.rule_table import RulesInForce
from brokers.rules import Power, Side

TYPE: Final = "urn:databourse:mandate:v1"
BYPASS: Final = "BR-BYPASS"
USUAL_POWERS: Final = frozenset({Power.MATCH, Power.NEGOTIATE})
MOST_NAMED: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a mandate lets the broker do. An empty set, and None, limit nothing; powers are never empty.

    Prices are tax-inclusive, in fen, of the whole trade.
    """

    categories: frozenset[str] = frozenset()
    powers: frozenset[Power] = USUAL_POWERS
    territories: frozenset[str] = frozenset()
    price_floor_minor: int | None = None
    price_ceiling_minor: int | None = None
    exclusive: bool = False
    one_deal: bool = False
    """For one trade: agreed under it once, and fulfilled when that is settled."""

    def __post_init__(self) -> None:
        """Raises Malformed where no act could keep to it."""
        if not self.powers:
            raise Malformed("a mandate says what the broker may do")
        floor, ceiling = self.price_floor_minor, self.price_ceiling_minor
        if min(floor or 0, ceiling or 0) < 0 or (
            floor is not None and ceiling is not None and floor > ceiling
        ):
            raise Malformed("the least price is not above the highest")
        if max(len(self.categories), len(self.territories)) > MOST_NAMED:
            raise Malformed("a mandate names up to thirty categories and places")

    def document(self) -> dict[str, Any]:
        """As the document and the openings have it."""
        floor, ceiling = self.price_floor_minor, self.price_ceiling_minor
        return {
            "categories": sorted(self.categories),
            "powers": sorted(power.value for power in self.powers),
            "territories": sorted(self.territories),
            "price_floor_minor": None if floor is None else str(floor),
            "price_ceiling_minor": None if ceiling is None else str(ceiling),
            "exclusive": self.exclusive,
            "one_deal": self.one_deal,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What an act does under a mandate: with which power, in which category, at which price, for where."""

    power: Power
    category: str | None = None
    price_minor: int | None = None
    territories: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Bypass:
    """The term on contracts around the broker: the version of the rule that the months are of, and they."""

    version: str
    months: int

    @classmethod
    def of(cls, rules: RulesInForce) -> "Bypass":
        """As the rule table has it on the day of the document."""
        (value,) = (one for one in rules.of(BYPASS) if one.name == "months")
        return cls(value.version, value.whole)

    def document(self) -> dict[str, Any]:
        """As the document has it; both texts say the same."""
        return {
            "rule": BYPASS,
            "version": self.version,
            "months": self.months,
            "zh": _BYPASS_ZH.format(months=self.months),
            "en": _BYPASS_EN.format(months=self.months),
        }


_BYPASS_ZH: Final = (
    "委托期间及委托终止后{months}个月内，委托人与经纪人介绍的对方就同一数据产品开始、且没有任何数据经纪人参与的"
    "交易，仍按本委托书的费率向经纪人支付报酬（民法典第九百六十五条）；合同订立时经纪人没有有效证书的除外。"
    "该交易由其他持证数据经纪人居间的，报酬归促成合同的经纪人（民法典第九百六十三条），本委托的经纪人不另收取。"
)
_BYPASS_EN: Final = (
    "A trade that the client begins, while this mandate runs or within {months} months after its end,"
    " without any data broker, with the counterparty and over the product that the broker introduced, owes"
    " the broker the fee of this mandate all the same (Civil Code, article 965), unless the broker has no"
    " certificate in force when the contract is concluded. Where another certified data broker mediates that"
    " trade, the reward is due to the broker that brings the contract about (article 963), and nothing"
    " besides to the broker of this mandate."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """All that the document says. `parties` are name and code of each organisation, by its id."""

    mandate_id: str
    broker_id: str
    client_id: str
    parties: Mapping[str, Mapping[str, str]]
    side: Side
    listing_id: str | None
    scope: str
    fee_bp: int
    cap_bp: int
    conflict_disclosed: bool
    dual_consent: bool
    dated_on: date
    ends_at: datetime
    nonce: str
    bypass: Bypass
    limits: Limits = field(default_factory=Limits)

    def encoded(self) -> bytes:
        """The bytes that are signed over and kept."""
        return canonical(
            {
                "type": TYPE,
                "mandate_id": self.mandate_id,
                "broker": {"org_id": self.broker_id, **self.parties[self.broker_id]},
                "client": {"org_id": self.client_id, **self.parties[self.client_id]},
                "side": self.side.value,
                "listing_id": self.listing_id,
                "scope": self.scope,
                "limits": self.limits.document(),
                "fee_bp": self.fee_bp,
                "fee_cap_bp": self.cap_bp,
                "fee_owed": "on-settlement",
                "bypass": self.bypass.document(),
                "conflict_disclosed": self.conflict_disclosed,
                "dual_consent": self.dual_consent,
                "dated_on": self.dated_on.isoformat(),
                "ends_at": rfc3339(self.ends_at),
                "nonce": self.nonce,
            }
        )


def check_date(dated_on: date, *, now: datetime) -> None:
    """A mandate bears the day on which the ledger has it, in Shanghai. Raises MandateDateWrong."""
    today = shanghai_day(now)
    if dated_on != today:
        raise MandateDateWrong(
            "the ledger's day counts, not the one on the paper",
            reason="back-dated" if dated_on < today else "post-dated",
            dated_on=dated_on.isoformat(),
            today=today.isoformat(),
        )


def check_use(limits: Limits, use: Use, *, mandate_id: str) -> None:
    """That an act keeps to its mandate; raises MandateExceeded with `reason`.

    power, category, price-floor, price-ceiling or territory.
    """
    price, floor, ceiling = use.price_minor, limits.price_floor_minor, limits.price_ceiling_minor
    questions = (
        ("power", use.power not in limits.powers),
        (
            "category",
            bool(limits.categories) and use.category is not None and not _named(limits, use.category),
        ),
        ("price-floor", price is not None and floor is not None and price < floor),
        ("price-ceiling", price is not None and ceiling is not None and price > ceiling),
        (
            "territory",
            bool(limits.territories) and not all(_reached(limits, place) for place in use.territories),
        ),
    )
    reason = next((reason for reason, met in questions if met), None)
    if reason is not None:
        raise MandateExceeded(
            f"the mandate does not allow it: {reason}", reason=reason, mandate_id=mandate_id
        )


def _named(limits: Limits, category: str) -> bool:
    """`transport` names the finer `transport/aviation` too."""
    return bool(limits.categories & {category, category.split("/", maxsplit=1)[0]})


def _reached(limits: Limits, place: str) -> bool:
    """A country (ISO 3166-1) reaches its own, a province or city (GB/T 2260) what is in it."""
    if place in limits.territories:
        return True
    wider = {"CN", f"{place[:2]}0000", f"{place[:4]}00"} if place.isdecimal() else set()
    return bool(limits.territories & wider)

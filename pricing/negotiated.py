"""M5, the negotiated price: alternating offers with expiry; only the latest can be accepted.

A provider's floor and a buyer's ceiling are sealed: they are facts of the quote, and no refusal or
reason says them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from base.clock import rfc3339
from base.errors import Malformed
from pricing.cap import check_cap
from pricing.errors import (
    OfferExpired,
    OfferIsOwn,
    OfferNotLatest,
    OfferOutOfTurn,
    OfferTimesMalformed,
    PriceOutsideLimits,
)
from pricing.facts import Facts
from pricing.quote import Quote, Reason, check_price, inputs_sha256
from pricing.whole import read_whole

MECHANISM: Final = "M5"
VERSION: Final = "1"
MOST_OFFERS: Final = 200


class Side(StrEnum):
    """On whose side an offer is made; a broker offers for the side of its mandate."""

    PROVIDER = "PROVIDER"
    BUYER = "BUYER"

    @property
    def other(self) -> "Side":
        return Side.BUYER if self is Side.PROVIDER else Side.PROVIDER


@dataclass(frozen=True, slots=True)
class Offer:
    """One offer: its number in the negotiation (from 1), side, price in fen, and how long it stands."""

    number: int
    side: Side
    price_minor: int
    made_at: datetime
    expires_at: datetime

    def stands(self, at: datetime) -> bool:
        """Whether the offer can still be accepted at this moment (its last moment included)."""
        return at <= self.expires_at


def check_offer(earlier: Sequence[Offer], new: Offer, *, cap_minor: int | None = None) -> None:
    """Refuse an offer that may not follow the earlier ones (in their order).

    Either side may begin; then they alternate, except that a side may renew its own offer once that
    has expired. Raises OfferOutOfTurn, PriceAboveCap (public data), and as malformed PriceOutOfBounds,
    OfferTimesMalformed, or a wrong number.
    """
    check_price(new.price_minor)
    if new.expires_at <= new.made_at:
        raise OfferTimesMalformed("an offer ends after it begins", expires_at=rfc3339(new.expires_at))
    if new.number != len(earlier) + 1:
        raise Malformed("offers are numbered from 1 without a gap", offer_no=str(new.number))
    if cap_minor is not None:
        check_cap(new.price_minor, cap_minor)
    if not earlier:
        return
    latest = earlier[-1]
    if new.made_at < latest.made_at:
        raise OfferTimesMalformed("an offer is made after the one before it", made_at=rfc3339(new.made_at))
    if new.side is latest.side and latest.stands(new.made_at):
        raise OfferOutOfTurn(
            "your own offer stands: the other side answers first",
            offer_no=latest.number,
            side=latest.side.value,
            expires_at=rfc3339(latest.expires_at),
        )


def check_acceptance(offers: Sequence[Offer], *, number: int, side: Side, at: datetime) -> Offer:
    """The offer that `side` accepts at this moment: the latest, the other side's, and still standing.

    Raises OfferNotLatest, OfferIsOwn, OfferExpired; OfferTimesMalformed for a time before the offer.
    """
    latest = offers[-1] if offers else None
    if latest is None or latest.number != number:
        raise OfferNotLatest(
            "only the latest offer can be accepted",
            offer_no=number,
            latest_no=latest.number if latest else 0,
        )
    if latest.side is side:
        raise OfferIsOwn("the other side has to accept this offer", offer_no=number, side=side.value)
    if at < latest.made_at:
        raise OfferTimesMalformed("an offer is accepted after it is made", at=rfc3339(at))
    if not latest.stands(at):
        raise OfferExpired("the offer has expired", offer_no=number, expires_at=rfc3339(latest.expires_at))
    return latest


def check_limits(price_minor: int, *, floor_minor: int | None, ceiling_minor: int | None) -> None:
    """Refuse an accepted price outside the sealed limits, with PriceOutsideLimits."""
    if floor_minor is not None and price_minor < floor_minor:
        raise PriceOutsideLimits("the price is below the provider's limit", side=Side.PROVIDER.value)
    if ceiling_minor is not None and price_minor > ceiling_minor:
        raise PriceOutsideLimits("the price is above the buyer's limit", side=Side.BUYER.value)


def negotiated_quote(facts: Mapping[str, Any]) -> Quote:
    """Replay a negotiation: every offer and the acceptance must have been allowed.

    Facts: `offers` (`by`, `price_minor`, `made_at`, `expires_at`, in order), `accepted` (`offer_no`,
    `by`, `at`); optional `floor_minor`, `ceiling_minor`, `cap_minor`, fee rates, describing keys.
    Raises what the checks above raise, and Malformed.
    """
    read = Facts(facts)
    cap = read.amount("cap_minor") if read.has("cap_minor") else None
    floor = read.amount("floor_minor") if read.has("floor_minor") else None
    ceiling = read.amount("ceiling_minor") if read.has("ceiling_minor") else None
    offers: list[Offer] = []
    for item in read.objects("offers", most=MOST_OFFERS):
        offer = _read_offer(item, number=len(offers) + 1)
        check_offer(offers, offer, cap_minor=cap)
        offers.append(offer)
    answer = read.object("accepted")
    accepted = check_acceptance(
        offers, number=answer.count("offer_no"), side=_read_side(answer), at=answer.moment("at")
    )
    answer.close()
    check_limits(accepted.price_minor, floor_minor=floor, ceiling_minor=ceiling)
    whole = read_whole(read, accepted.price_minor)
    read.description()
    read.close()
    return Quote(
        mechanism=MECHANISM,
        version=VERSION,
        inputs_sha256=inputs_sha256(facts),
        results={"total_minor": accepted.price_minor, **whole},
        reasons=(
            Reason("offers-made", {"offers": len(offers)}),
            Reason(
                "latest-offer-accepted",
                {
                    "offer_no": accepted.number,
                    "offered_by": accepted.side.value,
                    "price_minor": str(accepted.price_minor),
                },
            ),
            *((Reason("within-cap", {"cap_minor": str(cap)}),) if cap is not None else ()),
        ),
    )


def _read_offer(item: Facts, *, number: int) -> Offer:
    offer = Offer(
        number=number,
        side=_read_side(item),
        price_minor=item.price("price_minor"),
        made_at=item.moment("made_at"),
        expires_at=item.moment("expires_at"),
    )
    item.close()
    return offer


def _read_side(item: Facts) -> Side:
    name = item.text("by")
    try:
        return Side(name)
    except ValueError:
        raise Malformed("`by` is PROVIDER or BUYER", by=name) from None

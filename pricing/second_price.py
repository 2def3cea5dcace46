"""M6, a sealed-bid auction of k like licences at one price: the highest bid that did not win.

The winners are the k highest bids at or above the reserve; each pays max(reserve, the (k+1)-th bid). So no
winner's payment depends on the own bid, and to bid one's value is best whatever the others bid (Vickrey
1961, "Counterspeculation, Auctions, and Competitive Sealed Tenders"). A commitment that was not opened is
withdrawn: it moves no price, and its deposit is forfeited.
"""

from collections.abc import Mapping
from typing import Any, Final

from pricing.bids import descending, read_bids
from pricing.facts import Facts
from pricing.ladder import check_total
from pricing.quote import Quote, Reason, inputs_sha256

MECHANISM: Final = "M6"
VERSION: Final = "1"


def second_price_quote(facts: Mapping[str, Any]) -> Quote:
    """The outcome of a sealed-bid second-price auction.

    Facts: `units` (how many like licences, each bidder wants one), `reserve_minor` (0 where left out),
    `bids` (see `pricing.bids.read_bids`), optional `deposit_minor` and describing keys.

    Results: `winners` (highest first), `payments_minor` by winner, `price_minor` (null: nobody won),
    `revenue_minor`, `withdrawn` and `forfeited_minor` by bidder. Raises BidsMalformed, PriceOutOfBounds,
    Malformed.
    """
    read = Facts(facts)
    units = read.count("units")
    reserve = check_total(read.amount("reserve_minor", 0))
    deposit = check_total(read.amount("deposit_minor", 0))
    bids, withdrawn = read_bids(read)
    read.description()
    read.close()
    able = [bid for bid in descending(bids) if bid.price_minor >= reserve]
    winners = able[:units]
    price = max(reserve, able[units].price_minor) if len(able) > units else reserve
    lost = {one.bidder: deposit for one in withdrawn}
    return Quote(
        mechanism=MECHANISM,
        version=VERSION,
        inputs_sha256=inputs_sha256(facts),
        results={
            "winners": [bid.bidder for bid in winners],
            "payments_minor": {bid.bidder: price for bid in winners},
            "price_minor": price if winners else None,
            "revenue_minor": check_total(price * len(winners)),
            "withdrawn": [one.bidder for one in withdrawn],
            "forfeited_minor": lost,
        },
        reasons=(
            Reason("bids-opened", {"bids": len(bids), "units": units}),
            *((Reason("not-opened", {"bids": len(withdrawn)}),) if withdrawn else ()),
            *_why(winners=len(winners), able=len(able), price=price, reserve=reserve),
        ),
    )


def _why(*, winners: int, able: int, price: int, reserve: int) -> tuple[Reason, ...]:
    if not winners:
        return (Reason("reserve-not-met", {"reserve_minor": str(reserve)}),)
    if able > winners and price > reserve:
        return (Reason("highest-losing-bid", {"price_minor": str(price)}),)
    return (Reason("reserve-decides", {"reserve_minor": str(reserve)}),)

"""What contributors are owed of a joint product's sales: from the settlement, to the fen.

An agreement counts for the contracts that were concluded while it stood. What is shared is the seller's part
after both fees, less what it owes back; a contributor's part is due from the seller, who was paid all of it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import func
from sqlmodel import col, or_, select

from base.db import ReadSession
from market.listings.tables import Listing
from market.orders.tables import Trade
from market.settlement.sales import MAX_PAGE, NET
from market.settlement.tables import Claim, Split
from registry.contributions.repository import ever_agreed
from registry.contributions.rules import owed
from registry.contributions.tables import ContributionRow

_BACK: Final = (
    select(func.coalesce(func.sum(Claim.amount_minor), 0))
    .where(Claim.trade_id == Trade.trade_id, Claim.debtor_id == Trade.seller_id)
    .correlate(Trade)
    .scalar_subquery()
)


class Share(NamedTuple):
    """One settled sale and one contributor's part of it, in fen: `net_minor` is what is shared."""

    trade_id: str
    contribution_id: str
    product_id: str
    title: str
    holder_id: str
    contributor_id: str
    settled_at: datetime
    net_minor: int
    share_bp: int
    amount_minor: int


async def shares_of(
    s: ReadSession, *, org_id: str, after: str | None = None, limit: int = 50
) -> Sequence[Share]:
    """What one is owed as a contributor and owes as a seller, newest sales first, by keyset on the trade.

    A page has `limit` trades; each with a line a contributor that is one's own to see.
    """
    counts = (
        (col(ContributionRow.product_id) == Trade.product_id)
        & (col(ContributionRow.holder_id) == Trade.seller_id)
        & (col(ContributionRow.agreed_at) <= Trade.contracted_at)
        & or_(col(ContributionRow.ended_at).is_(None), col(ContributionRow.ended_at) > Trade.contracted_at)
    )
    mine = or_(ContributionRow.holder_id == org_id, ContributionRow.contributor_id == org_id)
    query: Any = (
        select(Trade, Listing.title, NET, _BACK)
        .join(Listing, col(Listing.listing_id) == Trade.listing_id)
        .outerjoin(Split, col(Split.trade_id) == col(Trade.trade_id))
        .where(
            col(Trade.settled_at).is_not(None),
            select(ContributionRow.contribution_id).where(counts, mine).exists(),
        )
        .order_by(col(Trade.trade_id).desc())
        .limit(min(limit, MAX_PAGE))
    )
    if after is not None:
        query = query.where(col(Trade.trade_id) < after)
    known: dict[tuple[str, str], Sequence[ContributionRow]] = {}
    found: list[Share] = []
    for trade, title, net, back in (await s.exec(query)).all():
        key = trade.product_id, trade.seller_id
        if key not in known:
            known[key] = await ever_agreed(s, product_id=key[0], holder_id=key[1])
        found += _shares(trade, title, max(int(net) - int(back), 0), known[key], org_id)
    return found


def _shares(
    trade: Trade, title: str, net_minor: int, agreed: Iterable[ContributionRow], org_id: str
) -> Iterable[Share]:
    assert trade.contracted_at is not None
    assert trade.settled_at is not None
    at = trade.contracted_at
    stood = [
        row
        for row in agreed
        if row.agreed_at is not None and row.agreed_at <= at and (row.ended_at is None or row.ended_at > at)
    ]
    parts = owed(net_minor, {row.contributor_id: row.share_bp for row in stood})
    for row in stood:
        if org_id in {row.holder_id, row.contributor_id}:
            yield Share(
                trade.trade_id,
                row.contribution_id,
                trade.product_id,
                title,
                row.holder_id,
                row.contributor_id,
                trade.settled_at,
                net_minor,
                row.share_bp,
                parts[row.contributor_id],
            )

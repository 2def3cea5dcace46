"""What links a trade's broker to its parties, and who has consented to it: what BR4 and BR5 are asked with.

An interest is disclosed by the broker, or known from the registers: one controller, persons with a login of
both. A consent counts for what was disclosed before it: in a mandate, or in the trade.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from base.db import WriteSession
from brokers.conduct.repository import consents_in, interests_in
from brokers.conduct.rules import InterestKind
from brokers.conduct.tables import InterestRow
from brokers.rules import OWNERSHIP_LIMIT_BP, Interest
from brokers.tables import MandateRow
from identity.repository import Organisation, people_in_both
from market.orders.tables import Trade


@dataclass(frozen=True, slots=True)
class Conflicts:
    """As `market.orders.precheck.Brokerage` takes them."""

    interests: Sequence[Interest]
    consents: frozenset[str]
    controllers: Mapping[str, str]


async def conflicts_in(
    s: WriteSession,
    trade: Trade,
    *,
    broker_id: str,
    organisations: Sequence[Organisation],
    mandates: Mapping[str, MandateRow],
) -> Conflicts:
    """The conflicts of a trade's broker; its organisations are locked, so none is disclosed beside this."""
    parties = (trade.seller_id, trade.buyer_id)
    rows = await interests_in(s, broker_id=broker_id, parties=parties)
    interests = [_interest(row) for row in rows if row.kind is not InterestKind.CONTROL]
    managed = [party_id for party_id in parties if await people_in_both(s, broker_id, party_id)]
    interests += [Interest(party_id, shared_management=True) for party_id in managed]
    told = [row.client_id for row in mandates.values() if row.conflict_disclosed]
    # Who consents to a disclosed interest thereby says that there is one (BR4).
    interests += [Interest(client_id, ownership_bp=OWNERSHIP_LIMIT_BP) for client_id in told]
    controllers = {org.org_id: org.controller_id for org in organisations if org.controller_id}
    own = controllers.get(broker_id, broker_id)
    controllers |= {row.party_id: own for row in rows if row.kind is InterestKind.CONTROL}
    written = await consents_in(s, trade_id=trade.trade_id, broker_id=broker_id)
    ids = {row.interest_id for row in rows}
    consents = {row.org_id for row in written if ids <= set(row.interests)}
    consents |= {row.client_id for row in mandates.values() if row.conflict_disclosed and _after(row, rows)}
    return Conflicts(interests, frozenset(consents), controllers)


def _interest(row: InterestRow) -> Interest:
    managed = row.kind is InterestKind.MANAGEMENT
    return Interest(row.party_id, ownership_bp=row.share_bp or 0, shared_management=managed)


def _after(mandate: MandateRow, rows: Sequence[InterestRow]) -> bool:
    return all(row.disclosed_at <= mandate.signed_at for row in rows)

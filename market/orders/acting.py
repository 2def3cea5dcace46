"""Who may act for which side of a trade, asked under lock at every act (BR1, BR2)."""

from base.db import WriteSession
from brokers.errors import SelfDealing
from brokers.rules import Side as ClientSide
from brokers.service import first_mandate, require_certified, require_mandate
from brokers.tables import MandateRow
from identity.service import require_member
from ledger.recording import Act
from market.listings.tables import Listing
from market.orders.errors import NotAParty
from market.orders.rules import Side, side_of
from market.orders.tables import Trade
from registry.rules import Level


async def acting_side(s: WriteSession, act: Act, trade: Trade) -> Side:
    """On whose side the actor acts in this trade; a broker's certificate and mandate are asked again.

    Raises NotAParty for a role the actor does not have in this trade, `member-not-active`, and for a
    broker BrokerNotCertified and NoActiveMandate.
    """
    own = {"PROVIDER": trade.seller_id, "BUYER": trade.buyer_id, "BROKER": trade.broker_id}.get(act.role)
    if own != act.actor.org_id:
        raise NotAParty("you are no party of this trade in that role", role=act.role)
    side = side_of(act.role, trade.broker_side)
    await require_member(s, org_id=act.actor.org_id)
    if act.role == "BROKER":
        await _require_broker(s, act, trade, act.actor.org_id, side)
    return side


async def require_broker_of(s: WriteSession, act: Act, trade: Trade) -> None:
    """What a broker's own act asks of it, asked at an act that rests on the broker's earlier one.

    Nothing where the trade has no broker. Raises `member-not-active`, BrokerNotCertified (BR1) and
    NoActiveMandate (BR2).
    """
    if trade.broker_id is not None:
        await require_member(s, org_id=trade.broker_id)
        await _require_broker(s, act, trade, trade.broker_id, side_of("BROKER", trade.broker_side))


async def _require_broker(s: WriteSession, act: Act, trade: Trade, broker_id: str, side: Side) -> None:
    client = trade.seller_id if side is Side.PROVIDER else trade.buyer_id
    await require_member(s, org_id=client)
    await require_certified(s, org_id=broker_id, at=act.now, sector=trade.category, level=Level(trade.level))
    await require_mandate(
        s,
        broker_id=broker_id,
        client_id=client,
        side=ClientSide(side.value),
        listing_id=trade.listing_id,
        at=act.now,
    )


async def entering_mandate(
    s: WriteSession, act: Act, listing: Listing, *, buyer: str, broker: str
) -> MandateRow:
    """The mandate a broker comes into a trade with: the buyer's, else (if the buyer asks) the provider's.

    Raises SelfDealing, `member-not-active`, BrokerNotCertified, NoActiveMandate.
    """
    if broker in {buyer, listing.seller_id}:
        raise SelfDealing("a broker is no party of the trade it mediates", broker_id=broker, party_id=broker)
    await require_member(s, org_id=broker)
    await require_certified(s, org_id=broker, at=act.now, sector=listing.category, level=Level(listing.level))
    clients = [(ClientSide.BUYER, buyer)]
    if act.role != "BROKER":
        clients.append((ClientSide.PROVIDER, listing.seller_id))
    return await first_mandate(s, broker=broker, clients=clients, listing_id=listing.listing_id, at=act.now)

"""Who may act for which side of a trade, asked under lock at every act (BR1, BR2)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from base.db import ReadSession, WriteSession
from brokers.errors import BrokerNotCertified, SelfDealing
from brokers.mandates.document import Use
from brokers.mandates.repository import for_one_deal
from brokers.practising import require_practitioner
from brokers.repository import certificate_in_use, in_force, mandates_in_use, mandates_seen
from brokers.rules import BrokerAct, Power, check_certificate
from brokers.rules import Side as ClientSide
from brokers.service import certificate_facts, first_mandate, require_certified, require_mandate
from brokers.tables import MandateRow
from identity.repository import Organisation
from identity.service import require_member
from ledger.recording import Act
from market.listings.buyers import Buyer, check_buyer
from market.listings.repository import buyers_of
from market.listings.tables import Listing
from market.orders.errors import NotAParty
from market.orders.lasting import outlasts
from market.orders.repository import agreed_under
from market.orders.rewarding import claim_due, claim_seen
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


async def require_fitting(s: WriteSession, act: Act, listing: Listing, buyer: Organisation) -> None:
    """That the listing is for this buyer, as the registers know it. Raises BuyerConditionsUnmet."""
    conditions = await buyers_of(s, listing_id=listing.listing_id)
    if conditions is None:
        return
    grade = None
    if conditions.min_grade is not None:
        held = certificate_facts(await certificate_in_use(s, org_id=buyer.org_id, at=act.now))
        use = BrokerAct(at=act.now, sector=listing.category, level=Level.GENERAL_1)
        try:
            check_certificate(held, broker_id=buyer.org_id, act=use)
        except BrokerNotCertified:
            held = None
        grade = held.grade if held else None
    roles = frozenset(role.value for role in buyer.roles)
    check_buyer(conditions, Buyer(uscc=buyer.uscc, region=buyer.region, roles=roles, grade=grade))


async def mandates_in(s: WriteSession, act: Act, trade: Trade) -> dict[str, MandateRow]:
    """The mandates the broker has in this trade, by side, share-locked.

    Of each side the one in force that covers most: one of the other side as well makes it a broker of
    both. Where its own side has none in force, the one it came into the trade with, which fails BR2.
    """
    if trade.broker_id is None:
        return {}
    rows = await mandates_in_use(s, **_mandating(trade, trade.broker_id), at=act.now)
    spent = await spent_mandates(s, broker_id=trade.broker_id, beside=trade.trade_id)
    return _chosen(trade, [row for row in rows if row.mandate_id not in spent], act.now)


async def spent_mandates(s: ReadSession, *, broker_id: str, beside: str | None = None) -> frozenset[str]:
    """A broker's mandates for one deal under which a trade, other than this, is agreed."""
    single = await for_one_deal(s, broker_id=broker_id)
    agreed = await agreed_under(s, mandate_ids=single) if single else []
    return frozenset(trade.mandate_id or "" for trade in agreed if trade.trade_id != beside)


async def commission_seen(
    s: ReadSession, trade: Trade, *, at: datetime, price_minor: int | None = None
) -> int:
    """The commission in a trade in basis points, for who only looks; `commission_due` will be the same."""
    if trade.broker_id is None:
        claim = await claim_seen(s, trade, at=at, price_minor=price_minor)
        return claim.fee_bp if claim else 0
    rows = await mandates_seen(s, **_mandating(trade, trade.broker_id), at=at)
    return commission_of(trade, _chosen(trade, rows, at))


async def commission_due(s: WriteSession, act: Act, trade: Trade, *, price_minor: int) -> int:
    """The commission in basis points at a price: the mandate's, or what a broker without a seat is owed."""
    if trade.broker_id is not None:
        return commission_of(trade, await mandates_in(s, act, trade))
    claim = await claim_due(s, act, trade, price_minor=price_minor)
    return claim.fee_bp if claim else 0


def commission_of(trade: Trade, mandates: Mapping[str, MandateRow]) -> int:
    """What the mandate of the broker's own side gives it, in basis points."""
    mandate = mandates.get(trade.broker_side or "")
    return mandate.fee_bp if mandate else 0


def _mandating(trade: Trade, broker_id: str) -> dict[str, Any]:
    clients = [trade.seller_id, trade.buyer_id]
    return {"broker_id": broker_id, "client_ids": clients, "listing_id": trade.listing_id}


def _chosen(trade: Trade, rows: Sequence[MandateRow], at: datetime) -> dict[str, MandateRow]:
    clients = {"PROVIDER": trade.seller_id, "BUYER": trade.buyer_id}
    own = [row for row in rows if row.client_id == clients[row.side]]
    chosen = {row.side: row for row in own if row.mandate_id == trade.mandate_id}
    return chosen | {row.side: row for row in own if in_force(row, at)}


async def _require_broker(
    s: WriteSession, act: Act, trade: Trade, broker_id: str, side: Side, *, use: Use | None = None
) -> None:
    client = trade.seller_id if side is Side.PROVIDER else trade.buyer_id
    await require_member(s, org_id=client)
    level = Level(trade.level)
    held = await require_certified(s, org_id=broker_id, at=act.now, sector=trade.category, level=level)
    if act.role == "BROKER":
        await require_practitioner(s, act, cert_id=held.cert_id)
    if await ended_since_agreed(s, act, trade):
        return
    await require_mandate(
        s,
        broker_id=broker_id,
        client_id=client,
        side=ClientSide(side.value),
        listing_id=trade.listing_id,
        at=act.now,
        use=use or Use(power=Power.NEGOTIATE, category=trade.category),
        spent=await spent_mandates(s, broker_id=broker_id, beside=trade.trade_id),
    )


async def ended_since_agreed(s: WriteSession, act: Act, trade: Trade) -> bool:
    """Whether the mandate of an agreed contract has ended since: nothing more of the broker is awaited."""
    if trade.broker_id is None:
        return False
    rows = await mandates_in_use(s, **_mandating(trade, trade.broker_id), at=act.now)
    return await outlasts(s, trade, rows, at=act.now)


async def require_limits(
    s: WriteSession, act: Act, trade: Trade, *, price_minor: int, territories: Iterable[str]
) -> None:
    """That what a broker offers or accepts for its client is within the mandate. Raises MandateExceeded.

    Nothing for a party that acts for itself.
    """
    if act.role != "BROKER" or trade.broker_id is None:
        return
    use = Use(
        power=Power.NEGOTIATE,
        category=trade.category,
        price_minor=price_minor,
        territories=frozenset(territories),
    )
    await _require_broker(s, act, trade, trade.broker_id, side_of("BROKER", trade.broker_side), use=use)


async def entering_mandate(
    s: WriteSession, act: Act, listing: Listing, *, buyer: str, broker: str
) -> MandateRow:
    """The mandate a broker comes into a trade with: the buyer's, else (if the buyer asks) the provider's.

    Raises SelfDealing, `member-not-active`, BrokerNotCertified, NoActiveMandate.
    """
    if broker in {buyer, listing.seller_id}:
        raise SelfDealing("a broker is no party of the trade it mediates", broker_id=broker, party_id=broker)
    await require_member(s, org_id=broker)
    level = Level(listing.level)
    held = await require_certified(s, org_id=broker, at=act.now, sector=listing.category, level=level)
    if act.role == "BROKER":
        await require_practitioner(s, act, cert_id=held.cert_id)
    clients = [(ClientSide.BUYER, buyer)]
    if act.role != "BROKER":
        clients.append((ClientSide.PROVIDER, listing.seller_id))
    return await first_mandate(
        s,
        broker=broker,
        clients=clients,
        listing_id=listing.listing_id,
        at=act.now,
        use=Use(power=Power.MATCH, category=listing.category),
        spent=await spent_mandates(s, broker_id=broker),
    )

"""A use is asked for before the work begins, and counted under lock before its answer leaves.

Asked twice on purpose: what would be refused costs no work, and what fell meanwhile (a freeze, an end, the
last use taken by another) is answered with the refusal, not with the data.
"""

from dataclasses import dataclass
from datetime import datetime

from base.db import ReadSession, WriteSession
from ledger.acts import House
from ledger.recording import Act, Actor
from market.delivery import repository
from market.delivery.access import (
    Declared,
    let_out_again_to,
    let_out_to,
    require_going_to,
    require_permitted,
    require_receiving,
)
from market.delivery.downloads import download_act
from market.delivery.errors import EntitlementUsedUp, UseKeptForBuyer, UseKeyReused
from market.delivery.kinds import DeliveryKind, require_kind
from market.delivery.meter.repository import use_by_key
from market.delivery.meter.tables import Use
from market.delivery.rules import EntitlementStatus, Mode
from market.delivery.service import check_deliverable, require_outgoing, state_delivered
from market.delivery.tables import Entitlement
from market.orders.rules import TradeState
from market.orders.tables import Trade


@dataclass(frozen=True, slots=True, kw_only=True)
class Metered:
    """What a use came to. `key` is the caller's: the same key asks the same (`request_sha256`) again."""

    key: str
    request_sha256: str
    answer_sha256: str
    bytes: int
    units: int = 1
    epsilon_micro: int = 0


@dataclass(frozen=True, slots=True)
class Counted:
    """A use that stands in the meter, and whether this call put it there."""

    use: Use
    trade: Trade
    fresh: bool


def use_act(house: House, actor: Actor) -> Act:
    """The act in which a use is asked for and counted: like a download, it is stated by the exchange."""
    return download_act(house, actor)


async def authorise_use(
    s: ReadSession,
    *,
    entitlement_id: str,
    kind: DeliveryKind,
    by: str,
    declared: Declared,
    now: datetime,
) -> tuple[Trade, Entitlement, Declared]:
    """Whether one more use may begin now, and for what it is; nothing is locked or counted.

    Raises EntitlementUnknown, what `require_usable`, `check_deliverable` and `require_permitted` raise,
    DeliveredOtherwise, EntitlementUsedUp and UseKeptForBuyer.
    """
    await repository.get_entitlement(s, entitlement_id=entitlement_id)
    trade, entitlement, listing = await repository.standing(s, entitlement_id=entitlement_id)
    await require_receiving(s, trade, entitlement, org_id=by, now=now)
    require_kind(entitlement.kind, kind)
    check_deliverable(trade.listing_id, listing)
    _require_left(trade, entitlement, by)
    told = await require_permitted(s, entitlement, declared, by=by, now=now, count=entitlement.used + 1)
    return trade, entitlement, told


async def count_use(
    s: WriteSession,
    act: Act,
    *,
    entitlement_id: str,
    kind: DeliveryKind,
    metered: Metered,
    declared: Declared,
) -> Counted:
    """Count a use, once for its key; the buyer's first one delivers a trade that waited (TRD.DELIVERED).

    A use that is counted already is given again, as long as the right stands. Raises what `authorise_use` and
    `require_outgoing` raise, and UseKeyReused.
    """
    by = act.actor.org_id
    trade, entitlement = await repository.claim(s, entitlement_id=entitlement_id, moves_trade=True)
    crossing = await require_receiving(s, trade, entitlement, org_id=by, now=act.now)
    require_kind(entitlement.kind, kind)
    await require_outgoing(s, trade, now=act.now)
    known = await use_by_key(s, entitlement_id=entitlement_id, key=metered.key)
    if known is not None:
        if (known.request_sha256, known.taken_by) != (metered.request_sha256, by):
            raise UseKeyReused("this key was another use's", use_id=known.use_id)
        takers = {by, known.recipient or by}
        if kind is DeliveryKind.API:  # the answer goes once more; a share's is counted when it is fetched
            await let_out_again_to(
                s, act, trade, takers=takers, kind=kind, volume_bytes=metered.bytes, carried=known.use_id
            )
        else:
            await require_going_to(s, trade, entitlement, takers, now=act.now)
        return Counted(known, trade, fresh=False)
    _require_left(trade, entitlement, by)
    number = entitlement.used + 1
    told = await require_permitted(s, entitlement, declared, by=by, now=act.now, count=number)
    use = Use(
        use_id=act.new_id("use"),
        entitlement_id=entitlement_id,
        number=number,
        kind=kind,
        key=metered.key,
        taken_by=by,
        purpose=told.purpose,
        recipient=told.recipient,
        units=metered.units,
        bytes=metered.bytes,
        request_sha256=metered.request_sha256,
        answer_sha256=metered.answer_sha256,
        epsilon_micro=metered.epsilon_micro,
        used_at=act.now,
    )
    if crossing is not None or told.recipient not in {None, by}:
        await let_out_to(
            s,
            act,
            trade,
            takers={by, told.recipient or by},
            kind=kind,
            volume_bytes=metered.bytes,
            whole=kind is DeliveryKind.SHARE,
            carried=metered.key if kind is DeliveryKind.QUERY else use.use_id,
            fetched=metered.bytes if kind is DeliveryKind.API else 0,
        )
    entitlement.used = number
    if number == entitlement.max_downloads:
        entitlement.status = EntitlementStatus.USED_UP
    s.add_all([use, entitlement])
    await s.flush()
    if trade.status is TradeState.DELIVERING and by == entitlement.buyer_id:
        await state_delivered(s, act.as_exchange(), trade, entitlement, Mode.METERED)
    return Counted(use, trade, fresh=True)


def _require_left(trade: Trade, entitlement: Entitlement, by: str) -> None:
    """Whether a use is left, for a recipient beside the one that is kept for the buyer's own delivery."""
    left = entitlement.max_downloads - entitlement.used
    if left <= 0:
        raise EntitlementUsedUp(
            "every use was made", used=entitlement.used, max_downloads=entitlement.max_downloads
        )
    if trade.status is TradeState.DELIVERING and by != entitlement.buyer_id and left == 1:
        raise UseKeptForBuyer("the last use is the buyer's own until it has taken delivery")

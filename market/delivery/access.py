"""Each access to what was sold is asked of the contract's policy: for whom, for what, where, how often."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from base.db import ReadSession, WriteSession
from identity.repository import get_organisation
from ledger.recording import Act
from market.customs.gate import Crossing, let_out, let_out_again, require_clearance
from market.delivery.kinds import DeliveryKind
from market.delivery.marking.repository import sold_sha256
from market.delivery.repository import right_of
from market.delivery.rules import Right, require_usable
from market.delivery.tables import Entitlement
from market.orders.bounding import is_recipient, policy_of
from market.orders.errors import RecipientNotPermitted
from market.orders.permitting import Access, check_access
from market.orders.repository import get_trade
from market.orders.tables import Trade


@dataclass(frozen=True, slots=True)
class Declared:
    """What an access says of itself: its purpose by code, and who receives (the buyer unless it says so)."""

    purpose: str | None = None
    recipient: str | None = None


async def right_for(s: ReadSession, trade: Trade, entitlement: Entitlement, *, org_id: str) -> Right:
    """An entitlement as the rules take it for somebody who asks: the buyer, a named recipient, a stranger."""
    right = right_of(trade, entitlement)
    named = org_id != entitlement.buyer_id and await is_recipient(s, trade_id=trade.trade_id, org_id=org_id)
    return replace(right, recipients=frozenset({org_id})) if named else right


async def require_receiving(
    s: ReadSession, trade: Trade, entitlement: Entitlement, *, org_id: str, now: datetime
) -> Crossing | None:
    """Whether somebody may receive by a right at this moment: the right stands, and so does its clearance.

    Answers the clearance; None within the mainland. Raises what `require_usable` raises, and
    CustomsRouteNotOpen for who receives abroad without one.
    """
    require_usable(await right_for(s, trade, entitlement, org_id=org_id), org_id=org_id, now=now)
    return await require_clearance(s, trade=trade, recipient_id=org_id, now=now, kind=entitlement.kind.value)


async def require_permitted(
    s: ReadSession, entitlement: Entitlement, declared: Declared, *, by: str, now: datetime, count: int
) -> Declared:
    """What an access is for, once the policy of its contract lets it be; `count` is which use it is.

    `by` is who takes: the buyer, for itself or for a recipient, or a recipient, for itself alone.
    An access under a licence of one purpose that declares none is for that purpose. A contract from
    before there were policies allows what its entitlement does. Raises what `permitting.check_access` and
    `bounding.policy_of` raise, and CustomsRouteNotOpen for a recipient outside the mainland to whom nothing
    is cleared now.
    """
    recipient = declared.recipient or by
    if by not in {entitlement.buyer_id, recipient}:
        raise RecipientNotPermitted("a recipient takes for itself", recipient=recipient)
    policy = await policy_of(s, trade_id=entitlement.trade_id)
    if policy is None:
        await _require_cleared(s, entitlement, by=by, recipient=recipient, now=now)
        return Declared(declared.purpose, recipient)
    purpose = declared.purpose or policy.only_purpose
    organisation = await get_organisation(s, org_id=recipient)
    if organisation is None:
        raise RecipientNotPermitted("a recipient is a member of the exchange", recipient=recipient)
    check_access(
        policy,
        Access(
            by=entitlement.buyer_id,
            recipient=recipient,
            place=organisation.region,
            purpose=purpose,
            file_sha256=await sold_sha256(
                s, entitlement_id=entitlement.entitlement_id, sha256=entitlement.sha256
            ),
            at=now,
            started_at=entitlement.granted_at,
            count=count,
        ),
    )
    await _require_cleared(s, entitlement, by=by, recipient=recipient, now=now)
    return Declared(purpose, recipient)


async def _require_cleared(
    s: ReadSession, entitlement: Entitlement, *, by: str, recipient: str, now: datetime
) -> None:
    """For whom it is taken is asked like who takes: a buyer is no way round customs."""
    if recipient != by:
        trade = await get_trade(s, trade_id=entitlement.trade_id)
        await require_going_to(s, trade, entitlement, {recipient}, now=now)


async def require_going_to(
    s: ReadSession, trade: Trade, entitlement: Entitlement, recipients: Collection[str], *, now: datetime
) -> None:
    """Whether what is taken may go to all of these now. Raises CustomsRouteNotOpen."""
    for recipient_id in sorted(recipients):
        await require_clearance(
            s, trade=trade, recipient_id=recipient_id, now=now, kind=entitlement.kind.value
        )


async def let_out_to(
    s: WriteSession,
    act: Act,
    trade: Trade,
    *,
    takers: Collection[str],
    kind: DeliveryKind,
    volume_bytes: int,
    whole: bool = False,
    carried: str | None = None,
    fetched: int = 0,
) -> None:
    """Book what goes to who takes, and for whom, where that leaves the mainland.

    Raises CustomsRouteNotOpen, DeclaredVolumeExceeded; then nothing goes.
    """
    for recipient_id in sorted(set(takers)):
        await let_out(
            s,
            act,
            trade=trade,
            recipient_id=recipient_id,
            kind=kind.value,
            volume_bytes=volume_bytes,
            whole=whole,
            carried=carried,
            fetched=fetched,
        )


async def let_out_again_to(
    s: WriteSession,
    act: Act,
    trade: Trade,
    *,
    takers: Collection[str],
    kind: DeliveryKind,
    volume_bytes: int,
    carried: str,
) -> None:
    """Book what is fetched of an answer beyond what was booked, for each who receives it abroad.

    Raises CustomsRouteNotOpen, DeclaredVolumeExceeded; then nothing goes.
    """
    for recipient_id in sorted(set(takers)):
        await let_out_again(
            s,
            act,
            trade=trade,
            recipient_id=recipient_id,
            kind=kind.value,
            volume_bytes=volume_bytes,
            carried=carried,
        )

"""Each access to what was sold is asked of the contract's policy: for whom, for what, where, how often."""

from dataclasses import dataclass
from datetime import datetime

from base.db import ReadSession
from identity.repository import get_organisation
from market.delivery.tables import Entitlement
from market.orders.bounding import policy_of
from market.orders.errors import RecipientNotPermitted
from market.orders.permitting import Access, check_access


@dataclass(frozen=True, slots=True)
class Declared:
    """What an access says of itself: its purpose by code, and who receives (the buyer unless it says so)."""

    purpose: str | None = None
    recipient: str | None = None


async def require_permitted(
    s: ReadSession, entitlement: Entitlement, declared: Declared, *, now: datetime, count: int
) -> Declared:
    """What an access is for, once the policy of its contract lets it be; `count` is which use it is.

    An access under a licence of one purpose that declares none is for that purpose. A contract from
    before there were policies allows what its entitlement does. Raises what `permitting.check_access` and
    `bounding.policy_of` raise.
    """
    recipient = declared.recipient or entitlement.buyer_id
    policy = await policy_of(s, trade_id=entitlement.trade_id)
    if policy is None:
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
            file_sha256=entitlement.sha256,
            at=now,
            started_at=entitlement.granted_at,
            count=count,
        ),
    )
    return Declared(purpose, recipient)

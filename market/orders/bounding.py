"""The bounds of a licence where rows are asked: the listing's conditions, the contract's policy."""

from datetime import datetime

from sqlmodel import select

from base.db import ReadSession, WriteSession
from identity.repository import get_organisation
from market.listings.grading import require_cited
from market.listings.repository import conditions_of, get_listing
from market.orders.errors import PolicyErased, RecipientNotPermitted
from market.orders.permitting import Policy, parse
from market.orders.scope import LicenceScope, check_within, default_scope
from market.orders.tables import ContractPolicy, ContractRecipient, Trade
from registry.grading.terms import months_after


async def usual_scope(s: ReadSession, *, listing_id: str) -> LicenceScope:
    """What an offer on this listing gives that says nothing more."""
    return default_scope(await conditions_of(s, listing_id=listing_id))


async def require_within(
    s: WriteSession, trade: Trade, *, scope: LicenceScope, territory: str, term_months: int, now: datetime
) -> None:
    """Whether an offer stays inside the listing's conditions, and inside the consents that it cites.

    Raises what `scope.check_within` raises, ConsentMissing, AssessmentMissing.
    """
    buyer = await get_organisation(s, org_id=trade.buyer_id)
    assert buyer is not None  # a foreign key of the trade
    check_within(
        scope,
        await conditions_of(s, listing_id=trade.listing_id),
        territory=territory,
        term_months=term_months,
        buyer_place=buyer.region,
    )
    await require_cited(
        s,
        await get_listing(s, listing_id=trade.listing_id),
        now=now,
        until=months_after(now, term_months),
        purposes=scope.purposes,
        recipients={trade.buyer_id, *scope.recipients},
    )
    for recipient in scope.recipients:
        if await get_organisation(s, org_id=recipient) is None:
            raise RecipientNotPermitted("a recipient is a member of the exchange", recipient=recipient)


async def receivers_of(s: ReadSession, trade: Trade) -> frozenset[str]:
    """Who receives under a trade: its buyer, and whom its contract names."""
    named = select(ContractRecipient.org_id).where(ContractRecipient.trade_id == trade.trade_id)
    return frozenset({trade.buyer_id, *(await s.exec(named)).all()})


async def is_recipient(s: ReadSession, *, trade_id: str, org_id: str) -> bool:
    """Whether a trade's contract names an organisation that may have the data beside the buyer."""
    return await s.get(ContractRecipient, (trade_id, org_id)) is not None


async def policy_of(s: ReadSession, *, trade_id: str) -> Policy | None:
    """The policy of a trade's contract; None for a contract from before there were policies.

    Raises PolicyErased and PolicyNotUnderstood: then nothing may be had under it.
    """
    row = await s.get(ContractPolicy, trade_id)
    if row is None:
        return None
    if not row.document:
        raise PolicyErased("what this policy said was erased", policy_sha256=row.policy_sha256)
    return parse(row.document)

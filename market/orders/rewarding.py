"""A broker's reward where its opportunity was used without it (Civil Code 965, rule BR-BYPASS).

A broker introduces two organisations over a product where it comes into a trade of theirs for its client,
or sends its client a listing as a match. Where they conclude over the same product without it, while its
mandate runs or within the period after it, the contract's price bears the reward that the mandate names.

None is owed to who has no certificate then, to who was out of it with a suspension, for what it handed over
or has fulfilled, where the two had begun by themselves before, and up to the price that they have contracted
through it already. Both sides are shown the reward with every price, before they offer. What a contract shows
is asked again at its last signature: a claim that has fallen since is not paid (`require_reward`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson
from sqlalchemy import or_
from sqlmodel import col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from base.calendar import months_after
from base.clock import rfc3339
from base.db import ReadSession, WriteSession
from brokers.mandates.document import BYPASS
from brokers.repository import certificate_in_use, certificates_of, lock_mandate
from brokers.rule_table import in_force as rules_of
from brokers.rules import IN_FORCE
from brokers.tables import CertificateRow, MandateRow
from identity.repository import get_organisation
from identity.service import same_controller
from identity.tables import OrganisationRow
from ledger.recording import Act
from ledger.statement import Draft
from market.listings.tables import Listing, ListingFile
from market.orders.errors import RewardFallen
from market.orders.lasting import end_of
from market.orders.states import NOTHING_CAME_OF_IT
from market.orders.tables import Contract, Introduction, Trade

RULE: Final = BYPASS
_MOST: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A reward that a trade without a broker owes to one, and why; `until` is None while its mandate runs.

    `source_id` is the trade, or the list of matches, by which it introduced the two.
    """

    broker_id: str
    mandate_id: str
    client_id: str
    fee_bp: int
    source_id: str
    introduced_at: datetime
    until: datetime | None

    def document(self) -> dict[str, str]:
        """As the contract names it beside the commission."""
        return {"broker_id": self.broker_id, "mandate_id": self.mandate_id, "rule": RULE}


async def introduce(
    s: WriteSession,
    act: Act,
    *,
    source_id: str,
    mandate: MandateRow,
    listing: Listing,
    buyer_id: str,
) -> None:
    """Keep that a broker has brought two together over a product, for its client."""
    s.add(
        Introduction(
            introduction_id=act.new_id("itr"),
            source_id=source_id,
            broker_id=mandate.broker_id,
            mandate_id=mandate.mandate_id,
            product_id=listing.product_id,
            seller_id=listing.seller_id,
            buyer_id=buyer_id,
            introduced_at=act.occurred_at,
        )
    )
    await s.flush()


async def claim_due(s: WriteSession, act: Act, trade: Trade, *, price_minor: int | None) -> Claim | None:
    """`claim_seen` for an act that rests on it: asked again with certificate and mandate share-locked."""
    claim, seen = await claim_seen(s, trade, at=act.now, price_minor=price_minor), None
    while claim is not None and claim != seen:
        seen = claim
        await certificate_in_use(s, org_id=claim.broker_id, at=act.now)
        await lock_mandate(s, mandate_id=claim.mandate_id)
        claim = await claim_seen(s, trade, at=act.now, price_minor=price_minor)
    return claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The reward that a drawn-up contract shows; `fallen` says why it is not owed any more, where it is not.

    `certificate`: the broker has none in force; `claim`: its mandate was passed on, or the like.
    """

    broker_id: str
    mandate_id: str
    fallen: str | None


async def reward_shown(s: WriteSession, act: Act, trade: Trade) -> Shown | None:
    """The reward that a trade's contract shows, asked again under lock; None where it shows none."""
    contract = await s.get(Contract, trade.trade_id)
    if trade.reward_to is None or contract is None:
        return None
    shown = orjson.loads(contract.document)["price"]["reward"]
    claim, fallen = await claim_due(s, act, trade, price_minor=trade.price_minor), None
    if claim is None or claim.document() != shown:
        held = await certificate_in_use(s, org_id=trade.reward_to, at=act.now)
        fallen = "claim" if held is not None and _bears(held, act.now) else "certificate"
    return Shown(broker_id=trade.reward_to, mandate_id=shown["mandate_id"], fallen=fallen)


async def require_reward(s: WriteSession, act: Act, trade: Trade) -> None:
    """That what a contract shows as a reward is owed when it is concluded. Raises RewardFallen."""
    shown = await reward_shown(s, act, trade)
    if shown is not None and shown.fallen is not None:
        raise RewardFallen(
            "the reward is not owed any more: the exchange draws the contract up anew without it, at once if"
            " you contest it; then read and sign that one",
            trade_id=trade.trade_id,
            broker_id=shown.broker_id,
            reason=shown.fallen,
        )


async def claim_seen(s: ReadSession, trade: Trade, *, at: datetime, price_minor: int | None) -> Claim | None:
    """The first broker that introduced the two and is owed its reward in a trade that has no broker.

    With `price_minor` None as if nothing had been contracted with it yet.
    """
    if trade.broker_id is not None:
        return None
    for one in await introductions_to(s, trade):
        claim = await _claim(s, trade, one, at=at, price_minor=price_minor)
        if claim is not None:
            return claim
    return None


async def introductions_to(s: ReadSession, trade: Trade) -> Sequence[Introduction]:
    """What stands of introductions of a trade's two sides over its product, first to last.

    One controller's organisations are one side; what is offered out of the same file is one product.
    """
    files = (
        select(ListingFile.sha256)
        .join(Listing, col(Listing.file_id) == col(ListingFile.file_id))
        .where(col(Listing.listing_id) == trade.listing_id)
    )
    same = (
        select(Listing.product_id)
        .join(ListingFile, col(Listing.file_id) == col(ListingFile.file_id))
        .where(col(ListingFile.sha256).in_(files))
    )
    query = select(Introduction).where(
        col(Introduction.released_at).is_(None),
        or_(col(Introduction.product_id) == trade.product_id, col(Introduction.product_id).in_(same)),
        col(Introduction.seller_id).in_(await _beside(s, trade.seller_id)),
        col(Introduction.buyer_id).in_(await _beside(s, trade.buyer_id)),
        or_(
            col(Introduction.introduced_at) <= trade.inquired_at,
            col(Introduction.source_id) == trade.trade_id,
        ),
    )
    in_order = query.order_by(col(Introduction.introduced_at), Introduction.introduction_id).limit(_MOST)
    return (await s.exec(in_order)).all()


def claimed(trade: Trade, claim: Claim, *, commission_minor: int) -> Draft:
    """RWD.CLAIM: a contract bears a reward for a broker without a seat, and by what it introduced the two."""
    return Draft(
        "RWD.CLAIM",
        trade.trade_id,
        public={
            "trade_id": trade.trade_id,
            "broker_id": claim.broker_id,
            "mandate_id": claim.mandate_id,
            "client_id": claim.client_id,
            "source_id": claim.source_id,
            "introduced_at": rfc3339(claim.introduced_at),
            "until": None if claim.until is None else rfc3339(claim.until),
        },
        opening={"fee_bp": claim.fee_bp, "commission_minor": str(commission_minor)},
    )


def fell(trade: Trade, shown: Shown) -> Draft:
    """RWD.FALL: what a contract showed as a reward is owed no more before it was concluded, and why."""
    said = {"trade_id": trade.trade_id, "broker_id": shown.broker_id, "mandate_id": shown.mandate_id}
    return Draft("RWD.FALL", trade.trade_id, public={**said, "reason": shown.fallen})


async def _beside(s: ReadSession, org_id: str) -> SelectOfScalar[str]:
    """An organisation and those under one controller with it, as `same_controller` has it."""
    own = await get_organisation(s, org_id=org_id)
    heads = [org_id, *([own.controller_id] if own is not None and own.controller_id else [])]
    ids = col(OrganisationRow.org_id).in_(heads)
    return select(col(OrganisationRow.org_id)).where(or_(ids, col(OrganisationRow.controller_id).in_(heads)))


async def _claim(
    s: ReadSession, trade: Trade, one: Introduction, *, at: datetime, price_minor: int | None
) -> Claim | None:
    mandate = await s.get(MandateRow, one.mandate_id)
    if mandate is None or mandate.fee_bp == 0:
        return None
    end, until = await end_of(s, mandate, at=at), None
    if end is not None:
        if end.disabled or end.passed_on:
            return None
        until = months_after(end.at, rules_of(mandate.signed_at).whole(RULE, "months"))
        if trade.inquired_at > until:
            return None
    held = await certificates_of(s, org_id=one.broker_id)
    certified = any(_bears(row, at) for row in held)
    related = [await same_controller(s, one.broker_id, org) for org in (trade.seller_id, trade.buyer_id)]
    if not certified or any(related) or await _had_begun(s, one) or await _rewarded(s, one, price_minor):
        return None
    return Claim(
        broker_id=one.broker_id,
        mandate_id=one.mandate_id,
        client_id=mandate.client_id,
        fee_bp=mandate.fee_bp,
        source_id=one.source_id,
        introduced_at=one.introduced_at,
        until=until,
    )


def _bears(held: CertificateRow, at: datetime) -> bool:
    return held.status in IN_FORCE and held.valid_from <= at <= held.valid_to


async def _had_begun(s: ReadSession, one: Introduction) -> bool:
    """Whether the two had a trade over the product before, that nobody introduced."""
    introduced = select(Introduction.source_id).where(Introduction.source_id == Trade.trade_id)
    query = select(Trade.trade_id).where(
        Trade.product_id == one.product_id,
        Trade.seller_id == one.seller_id,
        Trade.buyer_id == one.buyer_id,
        col(Trade.inquired_at) < one.introduced_at,
        ~introduced.exists(),
    )
    return (await s.exec(query.limit(1))).first() is not None


async def _rewarded(s: ReadSession, one: Introduction, price_minor: int | None) -> bool:
    """Whether the two have contracted over it through this broker, at this price or a higher one."""
    if price_minor is None:
        return False
    query = select(func.max(Trade.price_minor)).where(
        Trade.broker_id == one.broker_id,
        Trade.product_id == one.product_id,
        Trade.seller_id == one.seller_id,
        Trade.buyer_id == one.buyer_id,
        col(Trade.contracted_at).is_not(None),
        col(Trade.status).not_in(sorted(NOTHING_CAME_OF_IT)),
    )
    most = (await s.exec(query)).one()
    return most is not None and price_minor <= most

"""Erasing an opening on a legal ground: asked of every room that has a copy, done in one transaction.

What goes: the opening itself, the texts that the rooms' own tables repeat of it, the answers that were
remembered for callers, acts that were prepared about it. What stays: amounts, quantities and times of
trades that were made, the bank's messages, the files of cases, and the record that it was erased.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from base.db import WriteSession
from base.idempotency import erase_answers
from brokers.forgetting import FORGETTERS as OF_BROKERS
from brokers.forgetting import forget_scope
from brokers.repository import state_of
from brokers.states import APPLICATION, IN_BEING, MandateState
from brokers.tables import MandateRow
from cases import repository
from cases.retention import (
    BASIS_LIST,
    Keeping,
    Standing,
    basis_of,
    check_erasable,
    check_power,
    keeping_of,
)
from identity.control import controls_of
from identity.forgetting import forget_controller, forget_prepared
from identity.repository import get_organisation
from identity.rules import OrganisationStatus
from ledger.erasure import Ground, claim_opening, erase_claimed
from ledger.reader import Statement
from ledger.recording import Act
from market.auctions.forgetting import forget_bid, forget_price
from market.auctions.repository import claim_auction
from market.auctions.states import RUNNING
from market.delivery.forgetting import FORGETTERS as OF_DELIVERIES
from market.disputes.forgetting import FORGETTERS as OF_DISPUTES
from market.listings.forgetting import forget_listing, forget_note
from market.listings.repository import claim_listing
from market.listings.states import ListingState
from market.mediation.forgetting import forget_sent
from market.orders.errors import TradeUnknown
from market.orders.forgetting import (
    Business,
    business_on,
    business_under,
    forget_contract,
    forget_contracts_on,
    forget_inquiry,
    forget_offer,
    forget_quote,
)
from market.orders.repository import claim_trade
from market.orders.states import OVER
from market.procurement.forgetting import forget_budget
from market.quotes.repository import forget_held, get_quote
from market.requests.forgetting import forget_answer, forget_request
from market.requests.repository import claim_request
from market.requests.rules import RequestState
from market.surveys.forgetting import forget_answers
from registry.contributions.forgetting import forget_given
from registry.contributions.tables import ContributionRow

TOUCHED: Final = (
    "ledger_openings",
    "idempotency_keys",
    "identity_prepared",
    "identity_orgs",
    "brokers_mandates",
    "brokers_mandate_terms",
    "brokers_applications",
    "brokers_evidence",
    "brokers_objections",
    "brokers_panel_votes",
    "brokers_source_checks",
    "market_listings",
    "market_products",
    "market_reviews",
    "market_trades",
    "market_offers",
    "market_quotes",
    "market_held_quotes",
    "market_contracts",
    "market_auctions",
    "market_auction_bids",
    "market_requests",
    "market_request_answers",
    "market_procurements",
    "registry_contributions",
    "market_survey_answers",
    "market_disputes",
    "market_dispute_proposals",
    "market_dispute_votes",
    "market_officer_ties",
    "market_acceptance_checks",
    "market_downloads",
)
"""The tables an erasure writes into: where bytes may be left behind."""
_BY_STATEMENT: Final = {**OF_DELIVERIES, **OF_DISPUTES}
_MEASURED: Final = "REG.MEASURE"  # its opening is the sketch by which copies of what is on offer are found
_OFF_MARKET: Final = frozenset({ListingState.REJECTED, ListingState.BLOCKED, ListingState.DELISTED})
_STANDING: Final = frozenset({MandateState.DRAFT, MandateState.SIGNED, MandateState.ACTIVE})


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was erased, on which ground; `answers` is how many remembered answers went with it."""

    statement_id: str
    event: str
    object_id: str
    opening_sha256: str
    basis: str
    basis_list: str
    erased_at: datetime
    answers: int


async def erase_opening(
    s: WriteSession, act: Act, *, statement_id: str, basis: str, reason: str, order_ref: str | None = None
) -> Erasure:
    """Erase the opening of a statement (OPN.ERASE), as the operator or by an authority's order.

    Raises StatementUnknown, NothingToErase, OpeningErasedBefore, ErasureBeyondPower, OpeningInUse,
    OpeningUnderCase, KeptByLaw, RetentionNotOver.
    """
    ground = basis_of(basis)
    check_power(ground, role=act.role, order_ref=order_ref)
    said = await claim_opening(s, statement_id=statement_id)
    assert said.opening_sha256 is not None
    check_erasable(await standing_of(s, act, said), ground, now=act.now)
    objects = _objects(said)
    await _forget_copies(s, said)
    answers = await erase_answers(s, about=objects)
    await forget_prepared(s, object_ids=objects, now=act.now)
    await erase_claimed(s, act, said, Ground(ground.code, BASIS_LIST, reason, order_ref))
    return Erasure(
        statement_id=statement_id,
        event=said.event,
        object_id=said.object_id,
        opening_sha256=said.opening_sha256,
        basis=ground.code,
        basis_list=BASIS_LIST,
        erased_at=act.occurred_at,
        answers=answers,
    )


async def standing_of(s: WriteSession, act: Act, said: Statement) -> Standing:
    """What an opening is still needed for; what decides that is locked until the transaction ends."""
    in_use, completed_at, facts = await _business(s, act, said)
    under_case = await repository.case_that_needs(s, objects=_objects(said), seq=said.seq, now=act.now)
    attempted = str(said.predicate.get("attempted", ""))
    refused_payment = said.event == "REF.REFUSE" and keeping_of(attempted) is Keeping.BOOKS
    return Standing(
        event=attempted if refused_payment else said.event,
        said_at=said.occurred_at,
        in_use=in_use,
        under_case=under_case,
        completed_at=completed_at,
        facts=facts,
    )


_Business = tuple[str | None, datetime | None, Mapping[str, str]]


async def _business(s: WriteSession, act: Act, said: Statement) -> _Business:
    """(by what it is in use, when its last business was completed, the ids that say so)."""
    trade_id = _trade_of(said)
    if trade_id is not None:
        return await _of_trade(s, trade_id)
    if said.event.startswith("LST.") or said.event == _MEASURED:
        return await _of_listing(s, said.object_id)
    if said.event.startswith("MND."):
        return await _of_mandate(s, act, said.object_id)
    if said.event == "QTE.HOLD":
        return await _of_quote(s, act, said.object_id)
    if said.event.startswith("CTB."):
        return await _of_contribution(s, said.object_id)
    return await _of_what_stands(s, said)


async def _of_what_stands(s: WriteSession, said: Statement) -> _Business:
    """What no trade comes of, as long as it is under way itself."""
    if said.event.startswith("BRK."):
        state = await state_of(s, cert_id=said.object_id)
        if state in {*APPLICATION, *IN_BEING}:
            return "certificate", None, {"cert_id": said.object_id, "status": str(state)}
    if said.event.startswith(("REQ.", "MED.")):
        request_id = str(said.predicate["request_id"])
        request = await claim_request(s, request_id=request_id)
        if request.status is RequestState.OPEN:
            return "request", None, {"request_id": request_id}
    if said.event.startswith("AUC."):
        auction = await claim_auction(s, auction_id=said.object_id)
        if auction.status in RUNNING:
            return "auction", None, {"auction_id": auction.auction_id}
        return None, auction.ended_at, {}
    if said.event in {"ORG.ADMIT", "ORG.CONTROL"}:
        member = await get_organisation(s, org_id=said.object_id)
        if member is not None and member.status is OrganisationStatus.ACTIVE:
            return "member", None, {"org_id": said.object_id}
    return None, None, {}


async def _of_contribution(s: WriteSession, contribution_id: str) -> _Business:
    row = await s.get(ContributionRow, contribution_id, populate_existing=True, with_for_update=True)
    under_way = row is not None and row.ended_at is None
    return "contribution" if under_way else None, None, {"contribution_id": contribution_id}


async def _of_quote(s: WriteSession, act: Act, quote_id: str) -> _Business:
    quote = await get_quote(s, quote_id=quote_id)
    if quote.trade_id is not None:
        return await _of_trade(s, quote.trade_id)
    return "quote" if act.now <= quote.until else None, None, {"quote_id": quote_id}


async def _of_listing(s: WriteSession, listing_id: str) -> _Business:
    listing = await claim_listing(s, listing_id=listing_id)
    if listing.status not in _OFF_MARKET:
        return "listing", None, {"listing_id": listing_id, "status": listing.status.value}
    return _over(await business_on(s, listing_id=listing_id))


async def _of_mandate(s: WriteSession, act: Act, mandate_id: str) -> _Business:
    mandate = await s.get(MandateRow, mandate_id, populate_existing=True, with_for_update=True)
    assert mandate is not None
    if mandate.status in _STANDING and act.now <= mandate.ends_at:
        return "mandate", None, {"mandate_id": mandate_id}
    return _over(await business_under(s, mandate_id=mandate_id, broker_id=mandate.broker_id))


def _over(business: Business) -> _Business:
    if business.unfinished is not None:
        return "trade", None, {"trade_id": business.unfinished}
    return None, business.last_settled_at, {}


async def _of_trade(s: WriteSession, trade_id: str) -> _Business:
    try:
        trade = await claim_trade(s, trade_id=trade_id)
    except TradeUnknown:  # refused, and so named, before there was such a trade
        return None, None, {}
    if trade.status not in OVER:
        return "trade", None, {"trade_id": trade_id, "status": trade.status.value}
    return None, trade.settled_at, {}


def _trade_of(said: Statement) -> str | None:
    named = said.predicate.get("trade_id") or said.object_id
    return str(named) if str(named).startswith("trd_") else None


def _objects(said: Statement) -> Collection[str]:
    """What the statement is about: an open case about one of these needs it, and answers speak of them."""
    trade_id = _trade_of(said)
    return {said.object_id} if trade_id is None else {said.object_id, trade_id}


async def _forget_copies(s: WriteSession, said: Statement) -> None:
    """Empty what the rooms' own tables repeat of the opening."""
    forget = _COPIES.get(said.event)
    if forget is not None:
        await forget(s, said)
    elif said.event in _BY_STATEMENT:
        await _BY_STATEMENT[said.event](s, statement_id=said.statement_id)


async def _forget_draft(s: WriteSession, said: Statement) -> None:
    """A listing's texts, and the contracts that name its goods."""
    await forget_listing(s, listing_id=said.object_id, product_id=str(said.predicate["product_id"]))
    await forget_contracts_on(s, listing_id=said.object_id)


async def _forget_terms(s: WriteSession, said: Statement) -> None:
    await forget_offer(s, trade_id=said.object_id, statement_id=said.statement_id)


async def _forget_award(s: WriteSession, said: Statement) -> None:
    """Of a trade that an auction began: what an inquiry says, and what an offer does."""
    await forget_inquiry(s, trade_id=said.object_id)
    await _forget_terms(s, said)


async def _forget_agreed(s: WriteSession, said: Statement) -> None:
    await forget_contract(s, trade_id=said.object_id)


async def _forget_control(s: WriteSession, said: Statement) -> None:
    """Who controls a member by now; what was entered since is another statement's."""
    since = await controls_of(s, org_id=said.object_id)
    if since[-1].statement_id == said.statement_id:
        await forget_controller(s, org_id=said.object_id)


async def _forget_review(s: WriteSession, said: Statement) -> None:
    await forget_note(s, statement_id=said.statement_id)


_Forget: TypeAlias = Callable[[WriteSession, Statement], Awaitable[None]]
_COPIES: Final[Mapping[str, _Forget]] = {
    "TRD.INQUIRE": lambda s, said: forget_inquiry(s, trade_id=said.object_id),
    "TRD.OFFER": _forget_terms,
    "TRD.COUNTER_OFFER": _forget_terms,
    "TRD.AWARD": _forget_award,
    "AUC.COMMIT": lambda s, said: forget_bid(s, bid_id=str(said.predicate["bid_id"])),
    "AUC.REVEAL": lambda s, said: forget_price(
        s, auction_id=said.object_id, bid_id=str(said.predicate["bid_id"])
    ),
    "QTE.HOLD": lambda s, said: forget_held(s, quote_id=said.object_id),
    "QTE.QUOTE": lambda s, said: forget_quote(s, quote_id=said.object_id),
    "TRD.SIGN": _forget_agreed,
    "TRD.CONTRACT": _forget_agreed,
    "LST.DRAFT": _forget_draft,
    "LST.APPROVE": _forget_review,
    "LST.RETURN": _forget_review,
    "LST.REJECT": _forget_review,
    "REQ.PUBLISH": lambda s, said: forget_request(s, request_id=said.object_id),
    "REQ.ANSWER": lambda s, said: forget_answer(s, statement_id=said.statement_id),
    "CTB.ASK": lambda s, said: forget_given(s, contribution_id=said.object_id),
    "PCM.STATE": lambda s, said: forget_budget(s, procurement_id=said.object_id),
    "STA.SURVEY": lambda s, said: forget_answers(s, survey_id=said.object_id),
    "MED.SEND": lambda s, said: forget_sent(s, presentation_id=said.object_id),
    **OF_BROKERS,
    "MND.SIGN": lambda s, said: forget_scope(s, mandate_id=said.object_id),
    "ORG.ADMIT": _forget_control,
    "ORG.CONTROL": _forget_control,
}

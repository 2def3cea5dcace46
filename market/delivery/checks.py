"""Acceptance tests as they are made: what was sold is looked up, the outcome stated, its report kept."""

from typing import Any

from base.clock import rfc3339
from base.db import ReadSession, WriteSession
from ledger.recording import Act, record
from ledger.statement import Draft
from market.delivery import repository
from market.delivery.acceptance import (
    MEMBERS,
    DeliveredCopy,
    Facts,
    Item,
    Outcome,
    Promise,
    Quality,
    Verdict,
    decisive,
    judge_copy,
    judge_facts,
    outcome_of,
)
from market.delivery.errors import DeliveryWrongState, FactsForeign
from market.delivery.gateway.repository import service_facts
from market.delivery.kinds import DeliveryKind
from market.delivery.sandbox.testing import filled, metered_facts
from market.delivery.tables import AcceptanceCheck, Entitlement
from market.listings.categories import ProductType
from market.listings.repository import get_listing
from market.orders import repository as trades
from market.orders.agreed import agreed_on
from market.orders.errors import NotAParty
from market.orders.rules import TradeEvent, check_in_time, may_move
from market.orders.tables import Trade
from registry.report import Report
from registry.service import bound_report

EVENT = "DLV.CHECK"
_MEASURED = frozenset({ProductType.DATASET})


async def sold(s: ReadSession, trade: Trade, entitlement: Entitlement) -> tuple[Promise, Report | None]:
    """What a trade promises, and the report by which its quality is measured again, where it is."""
    listing = await get_listing(s, listing_id=trade.listing_id)
    report = None
    if listing.product_type in _MEASURED:
        report = await bound_report(s, listing_id=listing.listing_id, report_sha256=listing.report_sha256)
    promise = Promise(
        product_type=listing.product_type,
        file_sha256=entitlement.sha256,
        bytes=entitlement.bytes,
        bounds=(await agreed_on(s, trade)).bounds,
        quality=None if report is None else Quality.of(report),
    )
    return promise, report


async def check_goods(s: WriteSession, act: Act, *, trade_id: str, facts: Facts) -> AcceptanceCheck:
    """The buyer tests what came by the facts of its type (DLV.CHECK), within the acceptance window.

    What the meter of a sandbox, and the gateway of an interface, know, nobody has to tell.

    That accepts nothing and disputes nothing: it is what either can rest on; a copy that fails its buyer's
    test is disputed by `market.trade.checking`. Raises NotAParty,
    TradeWrongState, DeadlinePassed, and FactsForeign for facts that another type is tested by, or none.
    """
    trade = await trades.claim_trade_of(s, trade_id=trade_id, org_id=act.actor.org_id)
    if act.role != "BUYER" or act.actor.org_id != trade.buyer_id:
        raise NotAParty("this is an act of the trade's BUYER", role=act.role)
    may_move(trade.status, TradeEvent.ACCEPT_GOODS, act.role)
    assert trade.accept_by is not None
    check_in_time(trade.accept_by, act.now)
    entitlement = await _entitlement(s, trade_id)
    promise, _ = await sold(s, trade, entitlement)
    facts = filled(facts, await measured_facts(s, entitlement, promise))
    tested_by = MEMBERS[promise.product_type]
    given = facts.given()
    elsewhere = facts.delivered is not None and entitlement.kind is not DeliveryKind.FILE
    if not given or given - tested_by or elsewhere:
        raise FactsForeign(
            "a product is tested by the facts of its type",
            product_type=promise.product_type.value,
            tested_by=sorted(tested_by),
        )
    return await _state(s, act, trade, entitlement, (promise, judge_facts(promise, facts)))


async def state_copy_check(
    s: WriteSession, act: Act, *, trade_id: str, copy: DeliveredCopy
) -> AcceptanceCheck | None:
    """The exchange's own test of the delivered copy (DLV.CHECK), once; None where it was made before."""
    trade = await trades.claim_trade(s, trade_id=trade_id)
    if await repository.check_by(s, trade_id=trade_id, role=act.role) is not None:
        return None
    entitlement = await _entitlement(s, trade_id)
    promise, _ = await sold(s, trade, entitlement)
    facts = await measured_facts(s, entitlement, promise, so_far=False)
    items = judge_copy(promise, copy) + judge_facts(promise, facts)
    return await _state(s, act, trade, entitlement, (promise, items))


async def measured_facts(
    s: ReadSession, entitlement: Entitlement, promise: Promise, *, so_far: bool = True
) -> Facts:
    """What the exchange has measured itself of what is used use by use; nothing of other deliveries.

    Without `so_far` that is told once it decides: until then nobody has failed.
    """
    if entitlement.kind is not DeliveryKind.API or promise.product_type is not ProductType.API:
        return await metered_facts(s, entitlement, promise, so_far=so_far)
    facts = await service_facts(s, entitlement_id=entitlement.entitlement_id) or Facts()
    return facts if so_far else decisive(promise, facts)


async def missed_level(s: ReadSession, *, trade_id: str) -> bool:
    """Whether the level of service that a contract promises was measured, and was not held."""
    entitlement = await repository.entitlement_of(s, trade_id=trade_id)
    if entitlement is None or entitlement.kind is not DeliveryKind.API:
        return False
    promise, _ = await sold(s, await trades.get_trade(s, trade_id=trade_id), entitlement)
    facts = await measured_facts(s, entitlement, promise, so_far=False)
    return any(item.verdict is Verdict.FAIL for item in judge_facts(promise, facts))


async def state_level_check(s: WriteSession, act: Act, *, trade_id: str) -> AcceptanceCheck:
    """The exchange's own test of the service that it has measured (DLV.CHECK)."""
    trade = await trades.claim_trade(s, trade_id=trade_id)
    entitlement = await _entitlement(s, trade_id)
    promise, _ = await sold(s, trade, entitlement)
    facts = await measured_facts(s, entitlement, promise, so_far=False)
    return await _state(s, act, trade, entitlement, (promise, judge_facts(promise, facts)))


async def _entitlement(s: ReadSession, trade_id: str) -> Entitlement:
    found = await repository.entitlement_of(s, trade_id=trade_id)
    if found is None:
        raise DeliveryWrongState("the delivery has not started", trade_id=trade_id)
    return found


async def _state(
    s: WriteSession,
    act: Act,
    trade: Trade,
    entitlement: Entitlement,
    judged: tuple[Promise, list[Item]],
) -> AcceptanceCheck:
    promise, items = judged
    outcome = outcome_of(await _head(s, act, trade, entitlement, promise), items)
    recorded = await record(s, act, _draft(trade, entitlement, promise, outcome))
    check = AcceptanceCheck(
        check_id=act.new_id("chk"),
        trade_id=trade.trade_id,
        made_by=act.actor.org_id,
        role=act.role,
        report=outcome.report,
        report_sha256=outcome.sha256,
        passed=outcome.passed,
        checked_at=act.occurred_at,
        statement_id=recorded.statement_id,
    )
    s.add(check)
    await s.flush()
    return check


async def _head(
    s: ReadSession, act: Act, trade: Trade, entitlement: Entitlement, promise: Promise
) -> dict[str, Any]:
    contract = await trades.get_contract(s, trade_id=trade.trade_id)
    return {
        "trade_id": trade.trade_id,
        "entitlement_id": entitlement.entitlement_id,
        "product_type": promise.product_type.value,
        "contract_sha256": contract.contract_sha256 if contract else None,
        "made_by": act.actor.org_id,
        "role": act.role,
        "checked_at": rfc3339(act.occurred_at),
        "nonce": act.nonce(),  # the digest is public, and so little is said that it could be guessed
    }


def _draft(trade: Trade, entitlement: Entitlement, promise: Promise, outcome: Outcome) -> Draft:
    return Draft(
        EVENT,
        trade.trade_id,
        public={
            "trade_id": trade.trade_id,
            "entitlement_id": entitlement.entitlement_id,
            "buyer_id": trade.buyer_id,
            "product_type": promise.product_type.value,
            "report_sha256": outcome.sha256,
            "passed": outcome.passed,
        },
        opening={"items": [item.document() for item in outcome.items]},
        subjects={"file": entitlement.sha256, "report": outcome.sha256},
    )

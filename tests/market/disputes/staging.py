"""Disputes on the scene of trades: who disputes, proposes, votes, orders."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from sqlmodel import select

from base.jobs import JobRow, JobStatus
from ledger.acts import perform
from ledger.reader import opening, statements_about
from ledger.recording import Actor
from market.delivery.repository import entitlement_of
from market.delivery.rules import EntitlementStatus
from market.disputes import mediation, panel, refunds, repository, service, voiding
from market.disputes.refunds import RefundTerms
from market.disputes.rules import Evidence
from market.disputes.tables import Dispute, Proposal
from market.settlement.repository import claims_of, open_work_items_of
from market.settlement.tables import Claim
from tests.houses import Party
from tests.market.trade.scene import Scene

SHOWN: Final = Evidence("profile.json", "ab" * 32)
AWARD: Final = "cd" * 32
WHAT_IS_WRONG: Final = "三个字段为空"


async def dispute(scene: Scene, trade_id: str, who: Party | None = None, **facts: Any) -> Dispute:
    said = {"ground": "QUALITY", "text": WHAT_IS_WRONG, "evidence": [SHOWN]} | facts
    return await (who or scene.buyer).do(
        service.open_dispute, attempted="TRD.DISPUTE", object_id=trade_id, trade_id=trade_id, **said
    )


async def disputed(scene: Scene) -> str:
    """The delivered trade, disputed by its buyer."""
    trade_id = scene.trades["DELIVERED"]
    await dispute(scene, trade_id)
    return trade_id


async def propose(
    scene: Scene, trade_id: str, who: Party, outcome: str, refund_minor: int | None = None
) -> Proposal:
    return await who.do(
        mediation.propose,
        attempted="DSP.PROPOSE",
        object_id=trade_id,
        trade_id=trade_id,
        outcome=outcome,
        refund_minor=refund_minor,
        note="双方各让一步",
    )


async def agree(trade_id: str, who: Party, proposal_no: int) -> Dispute:
    return await who.do(
        mediation.agree,
        attempted="DSP.AGREE",
        object_id=trade_id,
        trade_id=trade_id,
        proposal_no=proposal_no,
    )


async def withdraw(trade_id: str, who: Party, proposal_no: int) -> Proposal:
    return await who.do(
        mediation.withdraw_proposal,
        attempted="DSP.WITHDRAW",
        object_id=trade_id,
        trade_id=trade_id,
        proposal_no=proposal_no,
    )


async def as_officer(scene: Scene, user_id: str | None, verb: Any, **facts: Any) -> Any:
    """An act of the exchange by one of its people."""
    operator = scene.house.operator
    actor = Actor(operator.org_id, operator.actor.roles, user_id)

    async def bound(s: Any, act: Any) -> Any:
        return await verb(s, act, **facts)

    act = scene.house.house.act(actor, "EXCHANGE_OPERATOR", operator.pen)
    object_id = facts.get("trade_id") or facts["org_id"]
    return await perform(scene.house.house, act, bound, attempted="DSP.VOTE", object_id=object_id)


async def vote(
    scene: Scene, trade_id: str, user_id: str | None, outcome: str, refund_minor: int | None = None
) -> Dispute:
    said = {"outcome": outcome, "refund_minor": refund_minor, "reasons": "抽样复核属实"}
    return await as_officer(scene, user_id, panel.vote, trade_id=trade_id, **said)


async def court(scene: Scene, trade_id: str, outcome: str, refund_minor: int | None = None) -> Dispute:
    said = {"outcome": outcome, "refund_minor": refund_minor, "award_sha256": AWARD}
    return await as_officer(scene, "usr_1", panel.execute_award, trade_id=trade_id, **said)


async def post_refund(scene: Scene, trade_id: str, who: Party | None = None, **facts: Any) -> Any:
    more = {name: facts.pop(name) for name in ("order_id", "award_sha256") if name in facts}
    terms = RefundTerms(**({"ground": "QUALITY", "fault": ()} | facts))
    return await (who or scene.house.operator).do(
        refunds.refund_after_release,
        attempted="TRD.POST_REFUND",
        object_id=trade_id,
        trade_id=trade_id,
        terms=terms,
        **more,
    )


async def void(scene: Scene, trade_id: str, who: Party | None = None) -> Any:
    return await (who or scene.samr).do(
        voiding.void_trade,
        attempted="TRD.VOID",
        object_id=trade_id,
        trade_id=trade_id,
        order_id="ord_void",
        reason_code="ILLEGAL_CONTRACT",
        case_id="cse_1",
    )


async def found(scene: Scene, trade_id: str) -> Dispute:
    async with scene.database.read() as s:
        return await repository.dispute_of(s, trade_id=trade_id)


async def right(scene: Scene, trade_id: str) -> EntitlementStatus:
    async with scene.database.read() as s:
        entitlement = await entitlement_of(s, trade_id=trade_id)
    assert entitlement is not None
    return entitlement.status


async def claims(scene: Scene, trade_id: str) -> list[Claim]:
    async with scene.database.read() as s:
        return list(await claims_of(s, trade_id=trade_id))


async def work(scene: Scene, trade_id: str) -> list[str]:
    """The kinds of work items that are open on a trade."""
    async with scene.database.read() as s:
        return [item.kind for item in await open_work_items_of(s, trade_id=trade_id)]


async def said(scene: Scene, trade_id: str, event: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The latest statement of an event about a trade: its predicate and its opening."""
    async with scene.database.read() as s:
        about = await statements_about(s, object_ids=[trade_id])
        one = [statement for statement in about if statement.event == event][-1]
        opened = {} if one.opening_sha256 is None else await opening(s, sha256=one.opening_sha256)
    return one.predicate, opened or {}


async def queued(scene: Scene, trade_id: str) -> set[str]:
    """The kinds of jobs that wait for a trade."""
    async with scene.database.read() as s:
        rows = (await s.exec(select(JobRow).where(JobRow.status == JobStatus.QUEUED))).all()
    return {row.kind for row in rows if row.payload.get("trade_id") == trade_id}


async def pay_back(scene: Scene, trade_id: str, amount_minor: int | None = None) -> None:
    """The bank reports that each open claim is paid, one by one."""
    for claim in await claims(scene, trade_id):
        if claim.status == "OPEN":
            amount = claim.amount_minor if amount_minor is None else amount_minor
            await scene.hear(scene.bank.credit(claim.claim_id, amount, at=scene.clock.now()))


async def next_day(scene: Scene, days: int = 1) -> None:
    await scene.run_jobs(scene.clock.now() + timedelta(days=days))

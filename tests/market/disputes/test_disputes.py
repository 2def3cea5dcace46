"""A dispute holds the money and stops the clock of silence; the sides, a panel or a court end it."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from identity.passwords import PasswordHash
from identity.service import enrol_person
from ledger.acts import perform
from market.delivery.downloads import download_act, open_download
from market.delivery.errors import DeliverySuspended
from market.delivery.repository import entitlement_of
from market.delivery.rules import EntitlementStatus
from market.disputes import panel, repository, service
from market.disputes.errors import (
    DisputeMalformed,
    EvidenceMissing,
    OfficerNeeded,
    ProposalIsOwn,
    ProposalNotOpen,
    ProposalNotOwn,
    ProposalUnknown,
    RefundBeyondPaid,
    VotedBefore,
)
from market.disputes.rules import Basis, DisputeState, Outcome, ProposalState, Side
from market.orders.errors import (
    DeadlinePassed,
    NotAParty,
    OfficerRelated,
    TradeUnknown,
    TradeWrongRole,
    TradeWrongState,
)
from market.orders.states import TradeState
from market.settlement.refunding import released
from market.trade.freezing import freeze_trade, unfreeze_trade
from tests.market.disputes.staging import (
    AWARD,
    SHOWN,
    WHAT_IS_WRONG,
    agree,
    as_officer,
    court,
    dispute,
    disputed,
    found,
    propose,
    queued,
    right,
    said,
    vote,
    withdraw,
    work,
)
from tests.market.trade.scene import COMMISSION, PLATFORM_FEE, PRICE, SELLER_PART, Scene, both
from tests.standstill import refused, untouched

MEDIATE_BY = datetime(2026, 12, 14, 15, 59, 59, 999000, tzinfo=UTC)  # 20 working days after 16 November
T_PLUS_1 = datetime(2026, 11, 17, 1, 0, tzinfo=UTC)
WINDOW_OVER = timedelta(days=12)


async def test_a_dispute_stops_the_silent_acceptance_and_keeps_the_money_and_the_data(scene):
    trade_id = scene.trades["DELIVERED"]
    opened = await dispute(scene, trade_id)
    assert (opened.status, opened.side, opened.opened_by) == (
        DisputeState.OPEN,
        Side.BUYER,
        scene.buyer.org_id,
    )
    assert opened.mediate_by == MEDIATE_BY
    predicate, opening = await said(scene, trade_id, "TRD.DISPUTE")
    assert (predicate["from"], predicate["to"], predicate["actor"]) == (
        "DELIVERED",
        "DISPUTED",
        scene.buyer.org_id,
    )
    assert (predicate["dispute_id"], predicate["ground"]) == (opened.dispute_id, "QUALITY")
    assert WHAT_IS_WRONG not in str(predicate)
    assert opening["text"] == WHAT_IS_WRONG
    assert opening["evidence"] == [{"name": SHOWN.name, "sha256": SHOWN.sha256}]
    assert await right(scene, trade_id) is EntitlementStatus.FROZEN
    async with refused(scene.database, DeliverySuspended):
        await download(scene, trade_id)
    await scene.run_jobs(scene.clock.now() + WINDOW_OVER)
    assert (await scene.trade(trade_id)).status is TradeState.DISPUTED
    assert await scene.held(trade_id) == PRICE
    assert sum(await scene.totals()) == 0


@pytest.mark.parametrize("who", ["seller", "exchange"])
async def test_the_provider_and_a_test_of_the_exchange_may_dispute_too(sqlite_scene, who):
    scene = sqlite_scene
    trade_id = scene.trades["DELIVERED"]
    if who == "seller":
        opened = await dispute(scene, trade_id, scene.seller, ground="PAYMENT")
        assert (opened.side, opened.opened_by) == (Side.PROVIDER, scene.seller.org_id)
        return

    async def test_fails(s, act):
        return await service.open_dispute(
            s, act.as_exchange(), trade_id=trade_id, ground="ROWS", text="rows: 90 of 100"
        )

    opened = await scene.buyer.do(test_fails, attempted="TRD.DISPUTE", object_id=trade_id)
    assert (opened.side, opened.opened_by) == (Side.EXCHANGE, scene.house.operator.org_id)
    assert (await said(scene, trade_id, "TRD.DISPUTE"))[0]["role"] == "EXCHANGE_OPERATOR"


async def test_a_dispute_that_may_not_be_is_refused_and_nothing_moves(sqlite_scene):
    scene = sqlite_scene
    delivered = scene.trades["DELIVERED"]
    async with refused(scene.database, EvidenceMissing):
        await dispute(scene, delivered, text="", evidence=[])
    async with untouched(scene.database, DisputeMalformed):
        await dispute(scene, delivered, ground="DISLIKE")
    async with untouched(scene.database, DisputeMalformed):
        await dispute(scene, delivered, ground="REGULATOR_ORDER")
    async with refused(scene.database, NotAParty):
        await dispute(scene, delivered, scene.broker)
    async with untouched(scene.database, TradeUnknown):
        await dispute(scene, delivered, scene.samr)
    for state in ("FUNDED", "DELIVERING", "ACCEPTED_GOODS", "SETTLED", "FROZEN"):
        async with refused(scene.database, TradeWrongState):
            await dispute(scene, scene.trades[state])
    await dispute(scene, delivered)
    async with refused(scene.database, TradeWrongState):
        await dispute(scene, delivered)
    async with refused(scene.database, TradeWrongState):
        await scene.accept_goods(delivered)


async def test_the_window_ends_with_its_last_moment(sqlite_scene):
    scene = sqlite_scene
    trade_id = scene.trades["DELIVERED"]
    accept_by = (await scene.trade(trade_id)).accept_by
    assert accept_by is not None
    scene.clock.move_to(accept_by + timedelta(milliseconds=1))
    async with refused(scene.database, DeadlinePassed):
        await dispute(scene, trade_id)
    other = await another(scene)
    await dispute(scene, other)


async def another(scene: Scene) -> str:
    return await scene.walk(TradeState.DELIVERED)


async def test_both_sides_agree_that_all_is_well_and_the_seller_is_paid(sqlite_scene):
    scene = sqlite_scene
    trade_id = await disputed(scene)
    await propose(scene, trade_id, scene.seller, "ACCEPT")
    ended = await agree(trade_id, scene.buyer, 1)
    assert (ended.status, ended.outcome, ended.basis, ended.refund_minor) == (
        DisputeState.ENDED,
        Outcome.ACCEPT,
        Basis.AGREED,
        0,
    )
    trade = await scene.trade(trade_id)
    assert (trade.status, trade.settle_at) == (TradeState.ACCEPTED_GOODS, T_PLUS_1)
    assert await right(scene, trade_id) is EntitlementStatus.ACTIVE
    assert (await scene.events(trade_id))[-3:] == ["DSP.PROPOSE", "DSP.AGREE", "TRD.SETTLE_AGREED"]
    await scene.run_jobs(T_PLUS_1)
    assert (await scene.settle(trade_id))["outcome"] == "settled"
    assert (await paid(scene, trade_id)) == [SELLER_PART, COMMISSION, PLATFORM_FEE]


async def test_part_of_the_price_goes_back_and_the_fees_shrink_with_it(scene):
    trade_id = await disputed(scene)
    await propose(scene, trade_id, scene.buyer, "PARTIAL", 17_000_000)
    ended = await agree(trade_id, scene.seller, 1)
    assert (ended.outcome, ended.basis, ended.refund_minor) == (Outcome.PARTIAL, Basis.AGREED, 17_000_000)
    predicate, opening = await said(scene, trade_id, "TRD.PARTIAL")
    assert (predicate["to"], predicate["basis"], opening["refund_minor"]) == (
        "PARTIAL_SETTLE",
        "AGREED",
        "17000000",
    )
    await scene.run_jobs(T_PLUS_1 - timedelta(minutes=1))
    assert await scene.held(trade_id) == PRICE  # T+1 has not come
    await scene.run_jobs(T_PLUS_1)
    await scene.settle(trade_id)
    assert (await scene.trade(trade_id)).status is TradeState.SETTLED
    instruction = await scene.instruction(trade_id)
    parts = {one["end_to_end_id"][-1]: int(one["amount_minor"]) for one in instruction.payouts}
    assert parts == {"S": 49_470_000, "B": 1_020_000, "P": 510_000, "R": 17_000_000}
    assert sum(parts.values()) == PRICE
    assert await scene.held(trade_id) == 0
    assert sum(await scene.totals()) == 0
    assert await right(scene, trade_id) is EntitlementStatus.ACTIVE


async def paid(scene: Scene, trade_id: str) -> list[int]:
    async with scene.database.read() as s:
        return list((await released(s, trade_id=trade_id)).values())


async def test_all_goes_back_by_agreement_and_the_licence_is_gone(sqlite_scene):
    scene = sqlite_scene
    trade_id = await disputed(scene)
    await propose(scene, trade_id, scene.seller, "REFUND")
    ended = await agree(trade_id, scene.buyer, 1)
    assert (ended.outcome, ended.refund_minor) == (Outcome.REFUND, PRICE)
    assert (await said(scene, trade_id, "TRD.RULE_FOR_BUYER"))[0]["basis"] == "AGREED"
    await is_refunded(scene, trade_id)


async def is_refunded(scene: Scene, trade_id: str) -> None:
    assert (await scene.trade(trade_id)).status is TradeState.REFUND_PENDING
    assert await right(scene, trade_id) is EntitlementStatus.REVOKED
    await scene.run_jobs(scene.clock.now())
    assert (await said(scene, trade_id, "FIL.DESTRUCTION_ASKED"))[0]["cause"] == "REFUND"
    await scene.settle(trade_id)
    assert (await scene.trade(trade_id)).status is TradeState.REFUNDED
    assert (await said(scene, trade_id, "TRD.REFUND"))[1]["amount_minor"] == str(PRICE)
    assert await scene.held(trade_id) == 0
    assert sum(await scene.totals()) == 0


async def test_proposals_are_replaced_withdrawn_and_the_other_side_s_to_take(sqlite_scene):
    scene = sqlite_scene
    trade_id = await disputed(scene)
    await propose(scene, trade_id, scene.buyer, "PARTIAL", 30_000_000)
    await propose(scene, trade_id, scene.buyer, "PARTIAL", 20_000_000)
    await propose(scene, trade_id, scene.seller, "ACCEPT")
    async with refused(scene.database, ProposalIsOwn):
        await agree(trade_id, scene.buyer, 2)
    async with refused(scene.database, ProposalNotOpen):
        await agree(trade_id, scene.seller, 1)  # it was replaced
    async with untouched(scene.database, ProposalUnknown):
        await agree(trade_id, scene.seller, 9)
    async with refused(scene.database, ProposalNotOwn):
        await withdraw(trade_id, scene.seller, 2)
    async with refused(scene.database, TradeWrongRole):
        await propose(scene, trade_id, scene.broker, "ACCEPT")
    await withdraw(trade_id, scene.buyer, 2)
    async with refused(scene.database, ProposalNotOpen):
        await agree(trade_id, scene.seller, 2)
    async with refused(scene.database, RefundBeyondPaid):
        await propose(scene, trade_id, scene.buyer, "PARTIAL", PRICE)
    async with refused(scene.database, TradeWrongRole):
        await propose(scene, trade_id, scene.house.operator, "ACCEPT")
    await agree(trade_id, scene.buyer, 3)
    async with scene.database.read() as s:
        proposals = await repository.proposals_of(s, dispute_id=(await found(scene, trade_id)).dispute_id)
    assert [one.status for one in proposals] == [
        ProposalState.REPLACED,
        ProposalState.WITHDRAWN,
        ProposalState.AGREED,
    ]
    async with refused(scene.database, TradeWrongState):
        await propose(scene, trade_id, scene.buyer, "REFUND")


async def test_of_two_agreements_at_once_one_ends_the_dispute(scene):
    trade_id = await disputed(scene)
    await propose(scene, trade_id, scene.buyer, "PARTIAL", 10_000_000)
    await propose(scene, trade_id, scene.seller, "ACCEPT")
    answers = await both(agree(trade_id, scene.seller, 1), agree(trade_id, scene.buyer, 2))
    lost = [answer for answer in answers if isinstance(answer, Exception)]
    assert [type(answer) for answer in lost] == [TradeWrongState]
    trade = await scene.trade(trade_id)
    assert trade.status in {TradeState.PARTIAL_SETTLE, TradeState.ACCEPTED_GOODS}
    events = await scene.events(trade_id)
    assert events.count("TRD.PARTIAL") + events.count("TRD.SETTLE_AGREED") == 1


async def test_officers_who_vote_at_once_are_heard_one_after_the_other_and_the_third_rules(scene):
    trade_id = await disputed(scene)
    votes = [vote(scene, trade_id, f"usr_{number}", "REFUND") for number in (1, 2, 3, 4)]
    answers = await asyncio.gather(*votes, return_exceptions=True)
    lost = [answer for answer in answers if isinstance(answer, Exception)]
    assert [type(answer) for answer in lost] == [TradeWrongState]  # the fourth came too late
    events = await scene.events(trade_id)
    assert (events.count("DSP.VOTE"), events.count("TRD.RULE_FOR_BUYER")) == (3, 1)
    assert (await scene.trade(trade_id)).status is TradeState.REFUND_PENDING


async def test_when_the_mediation_is_over_the_panel_has_to_rule(sqlite_scene):
    scene = sqlite_scene
    trade_id = await disputed(scene)
    await propose(scene, trade_id, scene.seller, "ACCEPT")
    await scene.run_jobs(MEDIATE_BY)
    assert await work(scene, trade_id) == []
    async with refused(scene.database, DeadlinePassed):
        scene.clock.move_to(MEDIATE_BY + timedelta(milliseconds=1))
        await agree(trade_id, scene.buyer, 1)
    async with refused(scene.database, DeadlinePassed):
        await propose(scene, trade_id, scene.buyer, "REFUND")
    await scene.run_jobs(MEDIATE_BY + timedelta(milliseconds=1))
    assert await work(scene, trade_id) == ["mediation-overdue"]
    await scene.run_jobs(MEDIATE_BY + timedelta(days=3))
    assert (await scene.events(trade_id)).count("DSP.OVERDUE") == 1
    for number in (1, 2, 3):
        await vote(scene, trade_id, f"usr_{number}", "REFUND")
    assert (await scene.trade(trade_id)).status is TradeState.REFUND_PENDING
    assert await work(scene, trade_id) == []  # somebody has ruled


@pytest.mark.parametrize(
    ("votes", "state", "refund_minor", "event"),
    [
        (["ACCEPT", "REFUND", "ACCEPT"], TradeState.ACCEPTED_GOODS, 0, "TRD.RULE_FOR_SELLER"),
        (["REFUND", "ACCEPT", "REFUND"], TradeState.REFUND_PENDING, PRICE, "TRD.RULE_FOR_BUYER"),
        ([5_000_000, "ACCEPT", 5_000_000], TradeState.PARTIAL_SETTLE, 5_000_000, "TRD.PARTIAL"),
        ([5_000_000, "REFUND", 7_000_000], TradeState.PARTIAL_SETTLE, 7_000_000, "TRD.PARTIAL"),
    ],
)
async def test_the_majority_of_three_officers_rules(sqlite_scene, votes, state, refund_minor, event):
    scene = sqlite_scene
    trade_id = await disputed(scene)
    await propose(scene, trade_id, scene.buyer, "REFUND")
    for number, one in enumerate(votes, start=1):
        assert (await found(scene, trade_id)).status is DisputeState.OPEN
        outcome, refund = (one, None) if isinstance(one, str) else ("PARTIAL", one)
        ended = await vote(scene, trade_id, f"usr_{number}", outcome, refund)
    assert (ended.status, ended.basis, ended.refund_minor) == (
        DisputeState.ENDED,
        Basis.PANEL,
        refund_minor,
    )
    assert (await scene.trade(trade_id)).status is state
    predicate, opening = await said(scene, trade_id, event)
    assert (predicate["basis"], opening["refund_minor"]) == ("PANEL", str(refund_minor))
    assert len(opening["votes"]) == 3
    cast, reasons = await said(scene, trade_id, "DSP.VOTE")
    assert cast["votes"] == 3
    assert "usr_" not in str(cast)  # who voted how is no public matter
    assert (reasons["officer_id"], reasons["reasons"]) == ("usr_3", "抽样复核属实")
    async with scene.database.read() as s:
        (lapsed,) = await repository.proposals_of(s, dispute_id=ended.dispute_id)
    assert lapsed.status is ProposalState.LAPSED
    assert "disputes.mediation-over" not in await queued(scene, trade_id)
    if state is TradeState.REFUND_PENDING:
        await is_refunded(scene, trade_id)


async def test_who_may_not_rule_does_not(sqlite_scene):
    scene = sqlite_scene
    trade_id = await disputed(scene)
    async with refused(scene.database, OfficerNeeded):
        await vote(scene, trade_id, None, "ACCEPT")
    await vote(scene, trade_id, "usr_1", "ACCEPT")
    async with refused(scene.database, VotedBefore):
        await vote(scene, trade_id, "usr_1", "REFUND")
    tie = {"org_id": scene.buyer.org_id}
    assert (await as_officer(scene, "usr_2", panel.declare_tie, **tie)).officer_id == "usr_2"
    await as_officer(scene, "usr_2", panel.declare_tie, **tie)
    async with refused(scene.database, OfficerRelated):
        await vote(scene, trade_id, "usr_2", "REFUND")
    award = {"trade_id": trade_id, "outcome": "REFUND", "award_sha256": AWARD}
    async with refused(scene.database, OfficerRelated):
        await as_officer(scene, "usr_2", panel.execute_award, **award)
    async with refused(scene.database, TradeWrongRole):
        await scene.buyer.do(
            panel.vote,
            attempted="DSP.VOTE",
            object_id=trade_id,
            trade_id=trade_id,
            outcome="REFUND",
            reasons="ours",
        )
    async with untouched(scene.database, DisputeMalformed):
        await as_officer(scene, "usr_3", panel.vote, trade_id=trade_id, outcome="ACCEPT", reasons=" ")
    async with refused(scene.database, TradeWrongState):
        await vote(scene, scene.trades["ACCEPTED_GOODS"], "usr_3", "REFUND")
    assert (await scene.trade(trade_id)).status is TradeState.DISPUTED


@pytest.mark.parametrize(
    ("outcome", "refund_minor", "state"),
    [
        ("ACCEPT", None, TradeState.ACCEPTED_GOODS),
        ("PARTIAL", 1, TradeState.PARTIAL_SETTLE),
        ("REFUND", None, TradeState.REFUND_PENDING),
    ],
)
async def test_a_court_s_award_is_carried_out_as_it_is_written(sqlite_scene, outcome, refund_minor, state):
    scene = sqlite_scene
    trade_id = await disputed(scene)
    ended = await court(scene, trade_id, outcome, refund_minor)
    assert (ended.basis, ended.award_sha256) == (Basis.COURT, AWARD)
    trade = await scene.trade(trade_id)
    assert trade.status is state
    event = (await scene.events(trade_id))[-1]
    predicate, _ = await said(scene, trade_id, event)
    assert (predicate["basis"], predicate["award_sha256"]) == ("COURT", AWARD)


async def test_a_freeze_gives_a_mediation_back_the_days_it_took(sqlite_scene):
    scene = sqlite_scene
    trade_id = await disputed(scene)
    order = {"trade_id": trade_id, "order_id": "ord_1", "reason_code": "SUSPECTED_WASH"}
    await scene.samr.do(freeze_trade, attempted="TRD.FREEZE", object_id=trade_id, **order)
    async with refused(scene.database, TradeWrongState):
        await propose(scene, trade_id, scene.buyer, "REFUND")
    await scene.run_jobs(MEDIATE_BY + timedelta(days=5))  # the clock's job finds it frozen
    assert await work(scene, trade_id) == []
    await scene.samr.do(unfreeze_trade, attempted="TRD.UNFREEZE", object_id=trade_id, **order)
    assert (await scene.trade(trade_id)).status is TradeState.DISPUTED
    assert await right(scene, trade_id) is EntitlementStatus.FROZEN
    async with refused(scene.database, DeliverySuspended):
        await download(scene, trade_id)
    later = (await found(scene, trade_id)).mediate_by
    assert later > MEDIATE_BY + timedelta(days=25)
    await scene.run_jobs(later)
    assert await work(scene, trade_id) == []
    await scene.run_jobs(later + timedelta(milliseconds=1))
    assert await work(scene, trade_id) == ["mediation-overdue"]


async def download(scene: Scene, trade_id: str):
    async with scene.database.read() as s:
        entitlement = await entitlement_of(s, trade_id=trade_id)
    assert entitlement is not None

    async def bound(s, act):
        return await open_download(s, act, entitlement_id=entitlement.entitlement_id)

    act = download_act(scene.house.house, scene.buyer.actor)
    return await perform(
        scene.house.house, act, bound, attempted="DLV.DOWNLOAD", object_id=entitlement.entitlement_id
    )


async def test_an_officer_who_is_also_with_a_party_does_not_rule(sqlite_scene):
    scene = sqlite_scene
    trade_id = await disputed(scene)
    hashed = PasswordHash("$argon2id$of-no-use")
    ours = scene.house.operator.org_id
    people = [
        await scene.house.operator.do(
            enrol_person,
            attempted="PERSON.ENROL",
            org_id=org_id,
            login=f"person-{number}",
            name=name,
            password=hashed,
            mark=mark,
        )
        for number, (org_id, name, mark) in enumerate(
            [
                (ours, "陈某", "a" * 64),
                (ours, "李某", "b" * 64),
                (scene.buyer.org_id, "陈某", "a" * 64),
                (scene.buyer.org_id, "李某", None),  # a namesake, whom any party could enrol
            ]
        )
    ]
    async with refused(scene.database, OfficerRelated):
        await vote(scene, trade_id, people[0].user_id, "REFUND")
    await vote(scene, trade_id, people[1].user_id, "REFUND")

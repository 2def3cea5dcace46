"""A trade that an open case flags counts nowhere, and counts again when the case comes to nothing."""

from types import SimpleNamespace

import pytest

from brokers.conduct.record import fold
from cases import repository
from cases.errors import CaseWrongKind
from cases.intake import triage_case, verify_report
from cases.rules import Matter
from cases.service import open_case
from ledger.reader import statements_about
from market.listings.repository import get_listing
from market.orders.errors import TradeUnknown
from market.orders.rules import TradeState
from market.settlement.mediated import undone_among
from market.trade.comparables import comparables_of
from tests.cases.opening import drop, investigate, staff
from tests.cases.test_intake import filed
from tests.cases.test_orders import FINDING
from tests.standstill import refused, untouched
from tests.supervision.tables import Market

PLACES = {"comparables": True, "register": True, "conduct": True}


async def counted(scene, trade_id):
    """In how many of the places the trade counts: comparables, register, conduct score, shares, prices."""
    async with scene.database.read() as s:
        trade = await scene.trade(trade_id)
        listing = await get_listing(s, listing_id=trade.listing_id)
        rival = listing.model_copy(update={"seller_id": "org_rival"})
        compared = await comparables_of(s, rival, at=scene.clock.now())
        undone, _ = await undone_among(s, trade_ids=[trade_id])
        said = await statements_about(
            s, object_ids=[trade_id], events=("TRD.CONTRACT", "TRD.SETTLE", "FLG.SET", "FLG.CLEAR"), limit=99
        )
    told = [
        SimpleNamespace(
            event=one.event, object_id=one.object_id, at=one.occurred_at, seq=n, log=None, says=one.predicate
        )
        for n, one in enumerate(said)
    ]
    record = fold(scene.broker.org_id, told, until=scene.clock.now())
    flags = [one for one in told if one.event.startswith("FLG.")]
    return {
        "comparables": sum(one.wash_flagged for one in compared) == 0,
        "register": trade_id not in undone,
        "conduct": trade_id not in record.undone,
        "flags": [(one.event, one.seq) for one in flags],
    }


def shares(flags, tmp_path):
    """What supervision makes of the flags: the market's figures with the trade, by the evidence tables."""
    market = Market("orgs", "flags", "trades").trade("other", "b", "x", 300).trade("washed", "a", "y", 1000)
    open_at = None
    for event, seq in flags:
        if event == "FLG.SET":
            open_at = seq
        else:
            market.add("flags", trade_id="washed", case_id="cse", from_seq=open_at, to_seq=seq)
            open_at = None
    if open_at is not None:
        market.add("flags", trade_id="washed", case_id="cse", from_seq=open_at)
    market.only = ("AML24-1",)
    figures = market.supervise(tmp_path).statistics
    return figures["markets"][0]["flagged_left_out"], figures["prices"][0]["flagged_left_out"]


async def test_one_trade_through_flag_and_dismissal(sqlite_scene, tmp_path):
    scene = sqlite_scene
    trade_id = scene.trades[TradeState.SETTLED]
    before = await counted(scene, trade_id)
    assert before == PLACES | {"flags": []}
    assert shares(before["flags"], tmp_path) == (0, 0)

    case = await scene.samr.do(investigate, finding=FINDING | {"objects": [trade_id]})
    during = await counted(scene, trade_id)
    assert {name: during[name] for name in PLACES} == dict.fromkeys(PLACES, False)
    assert [event for event, _ in during["flags"]] == ["FLG.SET"]
    assert shares(during["flags"], tmp_path) == (1, 1)

    await scene.samr.do(drop, case_id=case.case_id)
    after = await counted(scene, trade_id)
    assert {name: after[name] for name in PLACES} == PLACES
    assert [event for event, _ in after["flags"]] == ["FLG.SET", "FLG.CLEAR"]
    assert shares(after["flags"], tmp_path) == (0, 0)


@pytest.mark.parametrize(
    ("rule_id", "flagged"),
    [("AB3", False), ("S16", True), ("S17", True), ("BR11", True)],
)
async def test_cases_of_loops_flag_their_trades_whichever_rule_saw_them(sqlite_scene, rule_id, flagged):
    scene = sqlite_scene
    trade_id = scene.trades[TradeState.SETTLED]
    finding = FINDING | {"rule_id": rule_id, "objects": [trade_id, "pay_1"]}
    case = await scene.samr.do(investigate, finding=finding)
    async with scene.database.read() as s:
        flags = await repository.flags_of(s, case_id=case.case_id)
        said = await statements_about(s, object_ids=[trade_id, "pay_1"], events=("FLG.SET",), limit=9)
    assert [one.trade_id for one in flags] == [one.object_id for one in said] == [trade_id] * flagged


async def reported(scene, matter):
    """What people have reported, verified and ready to be opened by another officer."""
    paper = {"report": "三家公司之间没有真实用途", "matter": matter}
    (case_id,) = (await filed(scene, **paper)).case_ids

    async def take(s, act):
        handler, _ = await staff(s, act)
        await triage_case(s, act, case_id=case_id, matter=matter)
        return await verify_report(s, handler, case_id=case_id)

    await scene.samr.do(take)
    return case_id


async def opened(s, act, *, case_id, washed):
    _, chief = await staff(s, act)
    return await open_case(s, chief, case_id=case_id, washed=washed)


async def test_what_people_report_as_sham_is_flagged_where_the_officer_who_opens_it_names_it(sqlite_scene):
    scene = sqlite_scene
    trade_id = scene.trades[TradeState.SETTLED]
    case_id = await reported(scene, Matter.UNFAIR_COMPETITION)
    async with untouched(scene.database, TradeUnknown):
        await scene.samr.do(opened, case_id=case_id, washed=["trd_none"])
    assert (await counted(scene, trade_id))["flags"] == []
    await scene.samr.do(opened, case_id=case_id, washed=[trade_id])
    during = await counted(scene, trade_id)
    assert [event for event, _ in during["flags"]] == ["FLG.SET"]
    assert {name: during[name] for name in PLACES} == dict.fromkeys(PLACES, False)
    await scene.samr.do(drop, case_id=case_id)
    after = await counted(scene, trade_id)
    assert [event for event, _ in after["flags"]] == ["FLG.SET", "FLG.CLEAR"]
    assert {name: after[name] for name in PLACES} == PLACES


async def test_a_case_of_another_matter_flags_no_trade(sqlite_scene):
    scene = sqlite_scene
    case_id = await reported(scene, Matter.PRICE)
    trade_id = scene.trades[TradeState.SETTLED]
    async with refused(scene.database, CaseWrongKind):
        await scene.samr.do(opened, case_id=case_id, washed=[trade_id])
    assert (await counted(scene, trade_id))["flags"] == []

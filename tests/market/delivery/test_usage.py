"""Uses rolled up: every one in one statement, provable in it, and charged to the fen."""

import asyncio
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.canonical import canonical
from base.jobs import run_due
from ledger.acts import perform
from ledger.recording import Act
from ledger.tree import leaf_hash, verify_inclusion
from market.delivery.errors import UsageTooSmall, UsageUnknown
from market.delivery.forgetting import forget_charges
from market.delivery.meter import rollup
from market.delivery.meter.charges import charge_of, metered_plan, price_of
from market.delivery.meter.receipts import receipt_of
from market.delivery.meter.rollup import (
    ask_for_usage,
    get_usage,
    proof_of,
    roll_up,
    unstated,
    usages_of,
)
from market.delivery.meter.tables import Usage
from market.listings.plans import plan_from
from market.orders.tables import Contract
from market.trade.clockwork import handlers
from pricing.methods import quote
from tests.market.delivery.funded import Deal
from tests.market.delivery.test_meter import ONCE, counted, shared, use
from tests.market.delivery.test_recipients import named
from tests.market.listings.goods import events, said
from tests.standstill import refused

PLAN = {"method": "metered", "rate_minor": "0.75", "commit_minor": 2, "cap_minor": 4}
PLANS = [
    PLAN,
    {"method": "metered", "rate_minor": "0.333"},
    {"method": "metered", "rate_minor": "1.5", "commit_minor": 100, "cap_minor": 5_000},
    {
        "method": "metered",
        "tiers": [{"up_to": 10, "rate_minor": "3.25"}, {"up_to": 40, "rate_minor": "0.1"}],
    },
    {"method": "metered", "rate_minor": "1000000000000", "cap_minor": 3 * 10**12},
]


@given(st.sampled_from(PLANS), st.lists(st.integers(0, 30), max_size=8))
def test_bills_however_they_are_cut_sum_to_the_price_of_the_events(document, bills):
    plan = plan_from(document)
    before, charges = 0, []
    for units in bills:
        charges.append(charge_of(plan, before=before, units=units))
        before += units
    assert all(charge >= 0 for charge in charges)
    assert sum(charges) == price_of(plan, before)
    cap = document.get("cap_minor")
    assert cap is None or sum(charges) <= cap
    most = (document.get("tiers") or [{}])[-1].get("up_to")
    told = [{"event_id": str(n), "quantity": 1} for n in range(before if most is None else min(before, most))]
    if told and (before < 10 or "1000000000000" not in str(document)):
        facts = {name: value for name, value in document.items() if name != "method"}
        assert sum(charges) == quote("metered", {**facts, "events": told}).total_minor


def test_only_a_metered_plan_is_charged_by_use():
    assert metered_plan({"price": {}}) is None
    assert metered_plan({"price": {"plan": {"method": "subscription", "fee_minor": 5}}}) is None
    plan = metered_plan({"price": {"plan": PLAN}})
    assert plan is not None
    assert [price_of(plan, units) for units in (0, 1, 3, 100)] == [0, 2, 3, 4]


async def stated(deal: Deal, verb: Any = roll_up) -> list[Usage]:
    entitlement_id = (await deal.entitlement()).entitlement_id

    async def bound(s: Any, act: Act) -> list[Usage]:
        return await verb(s, act, entitlement_id=entitlement_id)

    act = deal.house.house.exchange_act()
    return await perform(deal.house.house, act, bound, attempted="DLV.USAGE", object_id=entitlement_id)


async def metered(deal: Deal, plan: dict[str, Any] | None = None, *, uses: int = 9) -> None:
    await named(deal, uses=uses)
    if plan is not None:
        document = canonical({"delivery": {}, "price": {"plan": plan}}).decode()
        async with deal.house.database.write() as s:
            s.add(
                Contract(
                    trade_id=deal.trade_id,
                    contract_sha256="ab" * 32,
                    document=document,
                    opening="{}",
                    drawn_up_at=deal.house.clock.now(),
                )
            )
    await shared(deal)


async def call(deal: Deal, *names: str, units: int = 1) -> None:
    for name in names:
        await use(deal, replace(ONCE, key=name, units=units))


async def test_uses_are_stated_once_charged_to_the_fen_and_each_is_proved(deal):
    await metered(deal, PLAN)
    await call(deal, "a", "b", "c")
    (first,) = await stated(deal)
    assert (first.first, first.last, first.units, first.charge_minor, first.charged_minor) == (1, 3, 3, 3, 3)
    assert await stated(deal) == []  # asked twice, stated once
    await call(deal, "a", "d", "e")  # one of them is repeated
    (second,) = await stated(deal)
    assert (second.first, second.last, second.units_so_far) == (4, 5, 5)
    assert (second.charge_minor, second.charged_minor) == (1, 4)  # the cap
    assert (await events(deal.house.database, deal.trade_id)).count("DLV.USAGE") == 2
    public, opening = await said(deal.house.database, "DLV.USAGE", deal.trade_id)
    assert (public["first"], public["last"], public["uses"], public["root"]) == (4, 5, 2, second.root)
    assert (public["kind"], public["actor"]) == ("SHARE", deal.house.operator.org_id)
    assert opening["charge_minor"] == "1"
    assert "charge_minor" not in public
    async with deal.house.database.read() as s:
        for one in await counted(deal):
            proof = await proof_of(s, one, trade_id=deal.trade_id)
            assert proof is not None
            leaf = leaf_hash(canonical(receipt_of(one, trade_id=deal.trade_id)))
            path = [bytes.fromhex(step) for step in proof["path"]]
            usage = await get_usage(s, usage_id=proof["usage_id"])
            verify_inclusion(proof["index"], proof["size"], leaf, path, bytes.fromhex(usage.root))
        entitlement_id = (await deal.entitlement()).entitlement_id
        assert [one.first for one in await usages_of(s, entitlement_id=entitlement_id, after=1)] == [4]
        with pytest.raises(UsageUnknown):
            await get_usage(s, usage_id="usg_x")
    async with deal.house.database.write() as s:
        await forget_charges(s, statement_id=first.statement_id)
    async with deal.house.database.read() as s:
        assert (await get_usage(s, usage_id=first.usage_id)).charge_minor is None


async def test_receipts_are_hashed_beside_the_event_loop(deal, monkeypatch):
    await metered(deal)
    await call(deal, "a", "b", "c")
    hashing: list[int] = []

    def told(work: Any) -> Any:
        def hashed(*given: Any, **named: Any) -> Any:
            hashing.append(threading.get_ident())
            return work(*given, **named)

        return hashed

    for name in ("leaf_of", "node_hash"):
        monkeypatch.setattr(rollup, name, told(getattr(rollup, name)))
    await stated(deal)
    async with deal.house.database.read() as s:
        assert await proof_of(s, (await counted(deal))[0], trade_id=deal.trade_id) is not None
    assert len(hashing) == 3 + 3 + 1
    assert threading.get_ident() not in hashing


async def test_many_uses_are_several_statements_and_a_use_without_a_plan_costs_nothing_more(
    deal, monkeypatch
):
    monkeypatch.setattr(rollup, "MOST_USES", 2)
    monkeypatch.setattr(rollup, "MAX_PAGE", 2)
    await metered(deal)
    await call(deal, "a", "b", "c", units=5)
    made = await stated(deal)
    assert [(one.first, one.last, one.units, one.units_so_far) for one in made] == [
        (1, 2, 10, 10),
        (3, 3, 5, 15),
    ]
    assert {one.charge_minor for one in made} == {None}


async def test_two_who_state_at_once_state_each_use_once(deal):
    await metered(deal)
    await call(deal, "a", "b", "c")
    made = await asyncio.gather(*(stated(deal) for _ in range(3)))
    assert sorted((one.first, one.last) for few in made for one in few) == [(1, 3)]


async def test_the_night_and_the_end_of_a_right_state_what_was_used(deal):
    await metered(deal)
    await call(deal, "a")
    house, clock = deal.house.house, deal.house.clock
    some = {
        kind: handler
        for kind, handler in handlers(house, None, None).items()
        if kind in {"delivery.usage-round", "delivery.usage", "delivery.expire"}
    }
    clock.advance(timedelta(days=1))
    await run_due(house.database, clock.now(), some)
    assert (await events(house.database, deal.trade_id)).count("DLV.USAGE") == 1
    async with house.database.read() as s:
        assert await unstated(s) == []
    clock.advance(timedelta(days=1))
    await run_due(house.database, clock.now(), some)
    assert (await events(house.database, deal.trade_id)).count("DLV.USAGE") == 1


async def test_in_between_only_many_uses_are_stated(deal, monkeypatch):
    await metered(deal)
    await call(deal, "a", "b")
    async with refused(deal.house.database, UsageTooSmall):
        await stated(deal, ask_for_usage)
    monkeypatch.setattr(rollup, "LEAST_ASKED", 2)
    (made,) = await stated(deal, ask_for_usage)
    assert (made.first, made.last) == (1, 2)

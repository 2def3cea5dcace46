"""Calls counted by sets are the calls counted one by one: the same rows, the same refusals, both exact."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, update

from base.ids import Seed
from ledger.batch import write_batch
from ledger.recording import Act
from market.delivery.gateway import counting
from market.delivery.gateway.counting import Charged, Failed, count_command, failed_command
from market.delivery.meter.receipts import receipt_of
from market.delivery.rules import EntitlementStatus
from market.delivery.service import freeze_entitlement, revoke_entitlement
from market.delivery.tables import AccessKey, Entitlement
from market.listings.tables import Listing
from market.orders.rules import TradeState
from market.orders.tables import Trade
from tests.market.delivery.gateway.bought import Bought, bought
from tests.market.delivery.test_keys import issued, revoked

NAMES = [f"key:{number}" for number in range(6)]


def act_of(tool: Bought, name: str) -> Act:
    """The same act for the same name, so that ids are the same too."""
    act = tool.gateway._act(tool.key)
    return replace(act, seed=Seed(name.encode().ljust(32)))


async def written(tool: Bought, *names: str, by_sets: bool, **changes: Any) -> list[Any]:
    """Count calls of these names in one batch, by sets or each alone."""
    commands = [count_command(act_of(tool, name), tool.counting(name, **changes)) for name in names]
    if not by_sets:
        commands = [replace(command, together=None) for command in commands]
    house = tool.deal.house.house
    return await write_batch(house.database, house.clock, commands)


async def rows(tool: Bought) -> tuple[Any, ...]:
    right = await tool.deal.entitlement()
    uses = [use.model_dump() for use in await tool.uses()]
    calls = sorted((call.model_dump() for call in await tool.calls()), key=lambda one: one["call_id"])
    return uses, calls, (right.used, right.status)


def told(outcomes: list[Any]) -> list[Any]:
    return [
        receipt_of(one.use, trade_id="trd_test") | {"fresh": one.fresh}
        if isinstance(one, Charged)
        else getattr(one, "code", one)
        for one in outcomes
    ]


async def _freeze(tool: Bought) -> None:
    async with tool.deal.house.database.write() as s:
        await freeze_entitlement(s, trade_id=tool.deal.trade_id)


async def _revoke(tool: Bought) -> None:
    async with tool.deal.house.database.write() as s:
        await revoke_entitlement(s, trade_id=tool.deal.trade_id)


async def _suspend(tool: Bought) -> None:
    async with tool.deal.house.database.write() as s:
        of_it = col(Listing.listing_id) == tool.deal.listing.listing_id
        await s.exec(update(Listing).where(of_it).values(status="SUSPENDED", suspended_by="x"))


async def _dispute(tool: Bought) -> None:
    async with tool.deal.house.database.write() as s:
        of_it = col(Trade.trade_id) == tool.deal.trade_id
        await s.exec(update(Trade).where(of_it).values(status=TradeState.DISPUTED))


async def _end(tool: Bought) -> None:
    tool.deal.house.clock.advance(timedelta(days=800))  # type: ignore[attr-defined]


async def _end_key(tool: Bought) -> None:
    await revoked(tool.deal, tool.key)


async def _another_kind(tool: Bought) -> None:
    async with tool.deal.house.database.write() as s:
        of_it = col(Entitlement.entitlement_id) == tool.entitlement_id
        await s.exec(update(Entitlement).where(of_it).values(kind="SHARE"))


async def _by_another_purpose(tool: Bought) -> None:
    async with tool.deal.house.database.write() as s:
        of_it = col(AccessKey.key_id) == tool.key.key_id
        await s.exec(update(AccessKey).where(of_it).values(purpose="MARKETING"))
    tool.key.purpose = "MARKETING"


async def _nothing(_: Bought) -> None:
    pass


FALLS = [
    (_nothing, None),
    (_freeze, "delivery-suspended"),
    (_end_key, "access-key-refused"),
    (_revoke, "entitlement-revoked"),
    (_suspend, "listing-not-deliverable"),
    (_dispute, "delivery-suspended"),
    (_end, "access-key-refused"),
    (_another_kind, "delivered-otherwise"),
    (_by_another_purpose, "policy-purpose"),
]
ON = [("sqlite", *fall) for fall in FALLS] + [
    pytest.param("postgresql", *fall, marks=pytest.mark.postgresql) for fall in FALLS[:3]
]


@pytest.mark.parametrize(("deal", "fall", "code"), ON, indirect=["deal"])
async def test_by_sets_or_alone_the_same_is_counted_and_refused(deal, monkeypatch, fall, code):
    found: dict[bool, Any] = {}
    async with bought(deal, uses=4) as tool:
        await written(tool, "key:first", by_sets=False)  # delivers
        began = await rows(tool)
        await fall(tool)
        by_sets: list[int] = []
        decide = counting._decide
        monkeypatch.setattr(counting, "_decide", lambda *a: (by_sets.append(1), decide(*a))[1])
        outcomes = await written(tool, *NAMES[:5], by_sets=True)
        assert len(by_sets) == 5
        found[True] = (told(outcomes), await rows(tool))
        await back(tool, began)
        outcomes = await written(tool, *NAMES[:5], by_sets=False)
        assert len(by_sets) == 5
        found[False] = (told(outcomes), await rows(tool))
        assert found[True] == found[False]
        said = found[True][0]
        if code is None:
            assert [one["number"] for one in said[:3]] == [2, 3, 4]
            assert said[3:] == ["entitlement-used-up"] * 2
            assert found[True][1][2] == (4, EntitlementStatus.USED_UP)
        else:
            assert said == [code] * 5
            assert found[True][1][:2] == began[:2]


async def back(tool: Bought, began: tuple[Any, ...]) -> None:
    """Take back what the last batch has counted."""
    async with tool.deal.house.database.write() as s:
        connection = await s.connection()
        first = began[0][0]["use_id"]
        for table in ("market_uses", "market_interface_calls"):
            await connection.exec_driver_sql(f"DELETE FROM {table} WHERE use_id <> '{first}'")
        of_it = col(Entitlement.entitlement_id) == tool.entitlement_id
        right = await tool.deal.entitlement()
        status = EntitlementStatus.ACTIVE if right.status is EntitlementStatus.USED_UP else right.status
        await s.exec(update(Entitlement).where(of_it).values(used=1, status=status))


async def test_a_call_that_is_refused_is_left_out_and_its_neighbours_are_counted(deal):
    async with bought(deal) as tool:
        await written(tool, "key:first", by_sets=False)
        other = await issued(deal)
        await revoked(deal, tool.key)
        house = deal.house.house
        commands = [
            count_command(act_of(tool, name), tool.counting(name, key_id=key.key_id))
            for name, key in (("a", other), ("b", tool.key), ("c", other))
        ]
        failed = Failed(entitlement_id=tool.entitlement_id, ok=False, outcome="status", latency_ms=9)
        commands.append(failed_command(act_of(tool, "d"), failed))
        outcomes = await write_batch(house.database, house.clock, commands)
        assert told(outcomes)[1] == "access-key-refused"
        assert [outcomes[0].use.number, outcomes[2].use.number, outcomes[3]] == [2, 3, None]
        assert [use.number for use in await tool.uses()] == [1, 2, 3]
        assert sorted((call.outcome, call.ok) for call in await tool.calls()) == [
            ("200", True),
            ("200", True),
            ("200", True),
            ("status", False),
        ]


async def test_the_same_key_twice_in_a_batch_and_in_two_batches_is_one_use(deal):
    async with bought(deal) as tool:
        await written(tool, "key:first", by_sets=False)
        for _ in range(2):
            outcomes = await written(tool, "key:a", "key:a", "key:b", by_sets=True)
            assert len({one.use.use_id for one in outcomes[:2]}) == 1
        assert [use.number for use in await tool.uses()] == [1, 2, 3]
        reused = tool.counting("key:a")
        metered = replace(reused.metered, request_sha256="99" * 32)
        (outcome,) = await written(tool, "key:a", by_sets=True, metered=metered)
        assert told([outcome]) == ["use-key-reused"]


async def test_quota_is_exact_under_several_writers(deal):
    async with bought(deal, uses=9) as tool:
        await written(tool, "key:first", by_sets=False)
        batches = [
            written(tool, *(f"key:{lane}:{number}" for number in range(4)), by_sets=True) for lane in range(4)
        ]
        outcomes = [one for batch in await asyncio.gather(*batches) for one in batch]
        charged = [one.use.number for one in outcomes if isinstance(one, Charged)]
        assert sorted(charged) == list(range(2, 10))
        assert {one.code for one in outcomes if not isinstance(one, Charged)} == {"entitlement-used-up"}
        right = await deal.entitlement()
        assert (right.used, right.status) == (9, EntitlementStatus.USED_UP)

"""The tests' deal sold by sandbox: its questions asked step by step, or all the way."""

import asyncio
from functools import cache
from typing import Any

from sqlmodel import col, select, update

from base.canonical import canonical
from ledger.acts import perform
from ledger.recording import Act
from market.delivery.access import Declared
from market.delivery.meter.service import use_act
from market.delivery.sandbox import repository
from market.delivery.sandbox.forms import Form, form_from
from market.delivery.sandbox.parsing import parse
from market.delivery.sandbox.rules import Budget, price
from market.delivery.sandbox.service import Asking, Sandbox, Wanted, ask, begin_question
from market.delivery.sandbox.settling import settle_question
from market.delivery.sandbox.tables import Question
from market.delivery.tables import Entitlement
from market.listings.sandboxing import SandboxTerms, sandbox_from
from market.listings.tables import ListingSandbox
from market.orders.handover import DeliveryMode
from tests.houses import Party
from tests.market.delivery.funded import Deal
from tests.market.delivery.test_meter import shared

COUNTIES = [f"4401{n:02d}" for n in range(1, 11)]
TERMS: dict[str, Any] = {
    "columns": [
        {"name": "county", "group": True, "filter": True, "values": COUNTIES},
        {"name": "month", "group": True, "filter": True},
        {"name": "index", "type": "decimal", "decimals": 2, "filter": True, "low": "0", "high": "200"},
    ],
    "epsilon_query_micro": 1_000_000,
    "epsilon_total_micro": 2_500_000,
    "delta_pico": 1_000_000,
    "min_group": 3,
    "max_queries": 20,
}
COUNT = "select count(*) as n from data"
NONE = Declared()
TOLD: dict[str, Any] = {"columns": [{"name": "n"}], "rows": [[120]], "walls": []}
"""What a child has answered, for tests of what becomes of it."""


def by_terms(**other: Any) -> SandboxTerms:
    """The usual terms of the deal, with other members."""
    return sandbox_from(TERMS | other)


@cache
def form_of(text: str) -> Form:
    """The checked form of a question under the usual terms."""
    return form_from(parse(text), by_terms())


async def sandboxed(deal: Deal, **other: Any) -> Sandbox:
    """The deal's delivery, agreed by sandbox under these terms, has started."""
    document = canonical(by_terms(**other).document()).decode()
    async with deal.house.database.write() as s:
        s.add(ListingSandbox(listing_id=deal.listing.listing_id, document=document))
    await shared(deal, DeliveryMode.SANDBOX)
    async with deal.house.database.write() as s:
        await s.exec(update(Entitlement).values(max_downloads=50))
    scratch = deal.folder.parent / "scratch"
    await asyncio.to_thread(scratch.mkdir, exist_ok=True)
    return Sandbox(deal.house.house, deal.files, scratch, asyncio.Semaphore(2))


async def asks(sandbox: Sandbox, deal: Deal, text: str = COUNT, **other: Any) -> Question:
    """Ask all the way, as the buyer or somebody else."""
    party: Party = other.pop("party", deal.buyer)
    asking = Asking(**({"key": f"key {text}", "declared": NONE, "text": text} | other))
    right = (await deal.entitlement()).entitlement_id
    return await ask(sandbox, party.actor, entitlement_id=right, asking=asking)


async def begins(deal: Deal, text: str = COUNT, *, key: str = "k", **other: Any) -> Question:
    """Ask, up to where the process would run."""
    party: Party = other.pop("party", deal.buyer)
    right = (await deal.entitlement()).entitlement_id
    epsilon = price(other.pop("epsilon_micro", None), by_terms())
    asking = Asking(key=key, declared=other.pop("declared", NONE))
    wanted = Wanted(asking, form_of(text), epsilon, **other)

    async def bound(s: Any, act: Act) -> Question:
        return await begin_question(s, act, right, wanted)

    act = use_act(deal.house.house, party.actor)
    return await perform(deal.house.house, act, bound, attempted="DLV.QUERY", object_id=right)


async def settles(
    deal: Deal, question: Question, told: Any = TOLD, *, party: Party | None = None
) -> Question:
    """What becomes of a run once its answer is there."""

    async def bound(s: Any, act: Act) -> Question:
        return await settle_question(s, act, query_id=question.query_id, told=told)

    act = use_act(deal.house.house, (party or deal.buyer).actor)
    right = question.entitlement_id
    return await perform(deal.house.house, act, bound, attempted="DLV.QUERY", object_id=right)


async def budget(deal: Deal) -> Budget:
    """How the budget of the deal's buyer stands."""
    async with deal.house.database.read() as s:
        return await repository.budget_of(
            s,
            buyer_id=deal.buyer.org_id,
            product_id=deal.listing.product_id,
            now=deal.house.clock.now(),
        )


async def questions(deal: Deal) -> list[Question]:
    """Everything that was asked, in order."""
    async with deal.house.database.read() as s:
        return list(await s.exec(select(Question).order_by(col(Question.query_id))))

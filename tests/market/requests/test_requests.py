"""Data requests: published by named buyers, answered with listings; nothing matched, nothing priced."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from base.jobs import run_due
from brokers.errors import NoActiveMandate
from identity.errors import MemberNotActive
from ledger.reader import opening, statements_of
from market.listings.categories import Category, ProductType
from market.listings.conditions import Purpose
from market.listings.errors import ListingNotOnOffer
from market.listings.publishing import suspend_listing
from market.orders.service import inquire
from market.requests.errors import (
    AnsweredBefore,
    AnswerUnknown,
    NotYourListing,
    OwnRequest,
    RequestMalformed,
    RequestOver,
    RequestUnknown,
    RequestWrongRole,
    RequestWrongState,
    TooManyRequests,
)
from market.requests.repository import answers_of, budget_is_told, get_request, requests_page
from market.requests.rules import MOST_ANSWERS, MOST_OPEN, Wanted, check_answers, check_wanted
from market.requests.service import (
    answer_request,
    expire_request,
    fulfil_request,
    publish_request,
    withdraw_request,
)
from market.requests.states import MOVES, RequestEvent, RequestState, may_move
from market.requests.tables import DataRequest
from market.trade.clockwork import handlers
from tests.houses import Party
from tests.market.listings.goods import listed
from tests.market.trade.scene import MORNING, Scene
from tests.standstill import refused, untouched

ROLES = ("BUYER", "PROVIDER", "BROKER", "EXCHANGE_OPERATOR", "SAMR")


def wanted(**changes: Any) -> Wanted:
    says: dict[str, Any] = {
        "title": "珠三角制造业用电月度指数",
        "description": "按县区汇总, 每格不少于10家企业, 用于信贷风险模型",
        "category": Category.ENERGY,
        "geo": "440000",
        "purpose": Purpose.RISK_CONTROL,
        "period": "2024-01/2025-12, 月度",
        "volume": "约3000行",
        "until": MORNING + timedelta(days=30),
        "budget_min_minor": 50_000_000,
        "budget_max_minor": 80_000_000,
    }
    return Wanted(**(says | changes))


async def publish(scene: Scene, who: Party | None = None, **changes: Any) -> DataRequest:
    return await (who or scene.buyer).do(
        publish_request, role="BUYER", attempted="REQ.PUBLISH", wanted=wanted(**changes)
    )


async def answer(scene: Scene, request: DataRequest, who: Party | None = None, **facts: Any) -> Any:
    said = {"listing_id": scene.listing.listing_id, "request_id": request.request_id} | facts
    return await (who or scene.seller).do(
        answer_request,
        role=said.pop("role", None),
        attempted="REQ.ANSWER",
        object_id=request.request_id,
        **said,
    )


async def events(scene: Scene, request: DataRequest) -> list[str]:
    async with scene.database.read() as s:
        return [said.event for said in await statements_of(s, object_id=request.request_id)]


@pytest.mark.parametrize("state", [None, *RequestState])
@pytest.mark.parametrize("event", RequestEvent)
@pytest.mark.parametrize("role", ROLES)
def test_what_is_not_in_the_table_is_refused(state, event, role):
    move = MOVES.get((state, event))
    if move is None:
        with pytest.raises(RequestWrongState) as caught:
            may_move(state, event, role)
        assert caught.value.facts["allowed"] == sorted(one for at, one in MOVES if at is state)
    elif role not in move.roles:
        with pytest.raises(RequestWrongRole):
            may_move(state, event, role)
    else:
        assert may_move(state, event, role) is move.to


@pytest.mark.parametrize(
    "changes",
    [
        {"title": " "},
        {"title": "x" * 121},
        {"description": ""},
        {"description": "x" * 4001},
        {"period": ""},
        {"volume": "x" * 201},
        {"geo": "Canton"},
        {"budget_min_minor": 0},
        {"budget_min_minor": 80_000_001},
        {"budget_max_minor": 10**13 + 1, "budget_min_minor": None},
        {"until": MORNING},
        {"until": MORNING + timedelta(days=181)},
    ],
)
def test_a_request_has_a_form_and_an_end(changes):
    check_wanted(wanted(), now=MORNING)
    with pytest.raises(RequestMalformed):
        check_wanted(wanted(**changes), now=MORNING)


async def test_a_request_names_its_buyer_and_keeps_texts_and_budget_out_of_the_public_part(scene):
    request = await publish(scene, product_type=ProductType.DATASET)
    async with scene.database.read() as s:
        (said,) = await statements_of(s, object_id=request.request_id)
        private = await opening(s, sha256=said.opening_sha256)
    assert (said.event, said.predicate.get("from")) == ("REQ.PUBLISH", None)
    public = {
        name: said.predicate[name] for name in ("buyer_id", "category", "geo", "product_type", "purpose")
    }
    assert public == {
        "buyer_id": scene.buyer.org_id,
        "category": "energy",
        "geo": "440000",
        "product_type": "DATASET",
        "purpose": "RISK_CONTROL",
    }
    assert not {"title", "description", "budget_min_minor", "budget_max_minor"} & said.predicate.keys()
    assert (private["budget_min_minor"], private["budget_max_minor"]) == ("50000000", "80000000")
    assert private["title"] == request.title


async def test_an_answer_leads_to_an_inquiry_and_the_right_one_ends_the_request(scene):
    request = await publish(scene)
    made = await answer(scene, request, note=" 覆盖全省 ")
    assert (made.answer_no, made.seller_id, made.note) == (1, scene.seller.org_id, "覆盖全省")
    trade = await scene.inquire(request_id=request.request_id)
    async with scene.database.read() as s:
        (said,) = await statements_of(s, object_id=trade.trade_id)
    assert said.predicate["request_id"] == request.request_id
    ended = await scene.buyer.do(fulfil_request, request_id=request.request_id, answer_no=1)
    assert (ended.status, ended.fulfilled_by) == (RequestState.FULFILLED, 1)
    assert await events(scene, request) == ["REQ.PUBLISH", "REQ.ANSWER", "REQ.FULFIL"]
    async with refused(scene.database, RequestWrongState):
        await answer(scene, request)


async def test_an_inquiry_names_only_its_buyers_own_request_that_the_listing_answers(scene):
    request = await publish(scene)
    async with untouched(scene.database, AnswerUnknown):
        await scene.inquire(request_id=request.request_id)
    await answer(scene, request)
    other = await scene.house.admit("另一家银行", {"BUYER"})
    async with untouched(scene.database, RequestUnknown):
        await other.do(
            inquire,
            attempted="TRD.INQUIRE",
            listing_id=scene.listing.listing_id,
            purpose="内部建模",
            scenario="信贷",
            quantity=1,
            request_id=request.request_id,
        )


async def test_who_may_answer_with_what(scene):
    request = await publish(scene)
    theirs = await listed(scene.house, scene.stranger, salt="stranger")
    async with refused(scene.database, NotYourListing):
        await answer(scene, request, listing_id=theirs.listing_id)
    async with refused(scene.database, NoActiveMandate):
        await answer(scene, request, scene.broker, listing_id=theirs.listing_id)
    by_broker = await answer(scene, request, scene.broker)
    assert (by_broker.broker_id, by_broker.mandate_id) == (scene.broker.org_id, scene.mandate_id)
    async with refused(scene.database, AnsweredBefore):
        await answer(scene, request)
    own = await publish(scene, scene.stranger)
    async with refused(scene.database, OwnRequest):
        await answer(scene, own, scene.stranger, role="PROVIDER", listing_id=theirs.listing_id)
    await scene.samr.do(suspend_listing, listing_id=theirs.listing_id, reason_code="ORDER")
    async with refused(scene.database, ListingNotOnOffer):
        await answer(scene, request, scene.stranger, role="PROVIDER", listing_id=theirs.listing_id)
    async with untouched(scene.database, RequestMalformed):
        await answer(scene, request, note="x" * 501)


async def test_a_request_is_moved_by_its_buyer_alone(scene):
    request = await publish(scene)
    facts = {"request_id": request.request_id, "role": "BUYER"}
    async with untouched(scene.database, RequestUnknown):
        await scene.stranger.do(withdraw_request, attempted="REQ.WITHDRAW", **facts)
    async with untouched(scene.database, AnswerUnknown):
        await scene.buyer.do(fulfil_request, attempted="REQ.FULFIL", answer_no=1, **facts)
    ended = await scene.buyer.do(withdraw_request, attempted="REQ.WITHDRAW", **facts)
    assert (ended.status, ended.ended_at) == (RequestState.WITHDRAWN, scene.clock.now())


async def test_the_clock_ends_what_is_still_open(scene):
    request, gone = await publish(scene), await publish(scene)
    await scene.buyer.do(withdraw_request, request_id=gone.request_id)
    scene.clock.move_to(request.until + timedelta(seconds=1))
    async with refused(scene.database, RequestOver):
        await answer(scene, request)  # also while the clock's job has not run yet
    await run_due(scene.database, scene.clock.now(), handlers(scene.house.house, None, None))
    async with scene.database.read() as s:
        states = [(await get_request(s, request_id=one.request_id)).status for one in (request, gone)]
    assert states == [RequestState.EXPIRED, RequestState.WITHDRAWN]
    assert (await events(scene, request))[-1] == "REQ.EXPIRE"
    async with scene.database.write() as s:
        assert not await expire_request(s, scene.house.house.exchange_act(), request_id=request.request_id)


async def test_a_buyer_has_so_many_open_and_a_request_so_many_answers(sqlite_scene):
    scene = sqlite_scene
    made = [await publish(scene) for _ in range(MOST_OPEN)]
    async with refused(scene.database, TooManyRequests):
        await publish(scene)
    await scene.buyer.do(withdraw_request, request_id=made[0].request_id)
    await publish(scene)
    until = scene.clock.now()
    check_answers(MOST_ANSWERS - 1, until=until, now=until)
    with pytest.raises(TooManyRequests):
        check_answers(MOST_ANSWERS, until=until, now=until)


async def test_of_two_who_answer_at_once_each_has_its_number(scene):
    request = await publish(scene)
    theirs = await listed(scene.house, scene.stranger, salt="race")
    await asyncio.gather(
        answer(scene, request),
        answer(scene, request, scene.stranger, role="PROVIDER", listing_id=theirs.listing_id),
    )
    async with scene.database.read() as s:
        found = await answers_of(s, request_id=request.request_id)
        row = await get_request(s, request_id=request.request_id)
    assert ([one.answer_no for one in found], row.answers) == ([1, 2], 2)


async def test_the_list_is_read_by_keyset_and_a_budget_by_whom_it_concerns(scene):
    rows = [await publish(scene, title=f"需求 {number}") for number in range(3)]
    await publish(scene, category=Category.FINANCE)
    await answer(scene, rows[0])
    async with scene.database.read() as s:
        first = await requests_page(s, category=Category.ENERGY, limit=2)
        rest = await requests_page(s, category=Category.ENERGY, after=first[-1].request_id, limit=2)
        told = {
            name: await budget_is_told(s, rows[0], org_id, supervises=supervises)
            for name, org_id, supervises in (
                ("buyer", scene.buyer.org_id, False),
                ("seller", scene.seller.org_id, False),
                ("stranger", scene.stranger.org_id, False),
                ("nobody", None, False),
                ("samr", scene.samr.org_id, True),
            )
        }
    newest_first = sorted((row.request_id for row in rows), reverse=True)
    assert [row.request_id for row in (*first, *rest)] == newest_first
    assert told == {"buyer": True, "seller": True, "stranger": False, "nobody": False, "samr": True}


async def test_a_buyer_that_is_no_member_any_more_gets_no_answers(sqlite_scene):
    scene = sqlite_scene
    request = await publish(scene)
    async with scene.database.write() as s:
        connection = await s.connection()
        await connection.exec_driver_sql(
            f"UPDATE identity_orgs SET status = 'SUSPENDED' WHERE org_id = '{scene.buyer.org_id}'"
        )
    async with refused(scene.database, MemberNotActive):
        await answer(scene, request)


def test_a_request_has_no_price_and_names_no_quantity_of_money_to_the_public():
    """No order book: nothing of a request or an answer is a price that somebody could hit."""
    assert {"price_minor", "quantity", "unit"}.isdisjoint(DataRequest.model_fields)

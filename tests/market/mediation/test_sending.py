"""A broker sends its client what matches: by mandate, by the rules, on record beside the neutral order."""

from datetime import timedelta
from typing import Any

import orjson
import pytest

from base.canonical import sha256_hex
from brokers import practising
from brokers.credential.document import Practitioner
from brokers.errors import BrokerNotCertified, NoActiveMandate, SelfDealing
from brokers.mandates.document import Limits
from brokers.mandates.errors import MandateExceeded
from brokers.rules import Power, Side
from brokers.service import suspend_certificate
from cases.erasing import erase_opening
from cases.errors import OpeningInUse
from identity.errors import PersonNotIdentified
from identity.tables import OrganisationRow
from ledger.erasure import ERASED
from ledger.reader import opening, statements_of
from market.listings.categories import Category
from market.listings.publishing import suspend_listing
from market.mediation.errors import (
    MatchesMalformed,
    NotAMatch,
    OrderUnexplained,
    PresentationUnknown,
    RequestNotOpen,
)
from market.mediation.finding import find_requests
from market.mediation.matching import Criterion, Verdict
from market.mediation.repository import get_presentation, presentations_of
from market.mediation.service import matches_for, send_matches
from market.requests.service import withdraw_request
from market.requests.wishes import Wishes
from registry.declared import Frequency
from tests.houses import Party
from tests.market.listings.goods import CLEAN, listed
from tests.market.requests.test_requests import publish
from tests.market.trade.scene import Scene
from tests.standstill import refused, untouched


@pytest.fixture
async def two(scene: Scene) -> Scene:
    """A second listing of another seller, nationwide, and the buyer's mandate to the broker."""
    other = await listed(scene.house, scene.stranger, CLEAN.replace("4401", "4403"), geo="CN")
    scene.trades["other"] = other.listing_id
    scene.trades["mandate"] = await scene.mandate(scene.buyer, Side.BUYER)
    return scene


async def send(scene: Scene, request: Any, *listing_ids: str, who: Party | None = None, **facts: Any) -> Any:
    return await (who or scene.broker).do(
        send_matches,
        attempted="MED.SEND",
        object_id=request.request_id,
        request_id=request.request_id,
        listing_ids=list(listing_ids),
        **facts,
    )


async def found(scene: Scene, request: Any, org: Party | None = None, *, supervises: bool = False) -> Any:
    async with scene.database.read() as s:
        return await matches_for(
            s,
            request_id=request.request_id,
            org_id=None if org is None else org.org_id,
            supervises=supervises,
            at=scene.clock.now(),
        )


def verdicts(found: Any, criterion: Criterion) -> set[Verdict]:
    return {
        one.verdict for match in found.result.matches for one in match.reasons if one.criterion is criterion
    }


async def test_everybody_sees_one_order_and_a_budget_only_who_is_told_it(two):
    request = await publish(two)
    everybody = await found(two, request)
    assert everybody.order == [two.listing.listing_id, two.trades["other"]]
    assert [match.points for match in everybody.result.matches] == [25, 18]
    for org in (None, two.seller, two.stranger):
        assert verdicts(await found(two, request, org), Criterion.BUDGET) == {Verdict.NOT_TOLD}
    for org in (two.buyer, two.broker):
        assert verdicts(await found(two, request, org), Criterion.BUDGET) == {Verdict.MET}
    assert verdicts(await found(two, request, supervises=True), Criterion.BUDGET) == {Verdict.MET}


async def test_the_requests_that_a_listing_fits_stand_by_the_same_points(two):
    near = await publish(two)
    far = await publish(two, geo="330000")
    await publish(two, category=Category.FINANCE)
    mine = await publish(two, two.stranger)
    other = two.trades["other"]
    async with two.database.read() as s:
        fits = await find_requests(s, listing_id=two.listing.listing_id, at=two.clock.now())
        theirs = await find_requests(s, listing_id=other, at=two.clock.now())
        late = await find_requests(s, listing_id=other, at=near.until + timedelta(seconds=1))
    assert {request.request_id: match.points for request, match in fits} == {
        near.request_id: 25,
        mine.request_id: 25,
        far.request_id: 0,
    }
    assert fits[-1][0].request_id == far.request_id
    assert {request.request_id for request, _ in theirs} == {near.request_id, far.request_id}
    assert {
        one.verdict for _, match in fits for one in match.reasons if one.criterion is Criterion.BUDGET
    } == {Verdict.NOT_TOLD}
    assert late == []


async def test_columns_and_frequency_are_those_of_the_measured_file(two):
    wishes = Wishes(fields=("month", "no such column"), frequency=Frequency.YEARLY)
    request = await publish(two, wishes=wishes)
    seen = await found(two, request)
    assert verdicts(seen, Criterion.FIELDS) <= {Verdict.PARTLY, Verdict.NOT_MET}
    assert Verdict.NOT_ASKED not in verdicts(seen, Criterion.FREQUENCY)
    async with two.database.read() as s:
        (said,) = await statements_of(s, object_id=request.request_id)
        private = await opening(s, sha256=said.opening_sha256)
    assert private["wishes"] == wishes.document()
    assert "wishes" not in said.predicate


async def test_what_is_sent_is_stated_in_its_order_and_the_neutral_one_is_sealed(two):
    request = await publish(two)
    first, second = two.listing.listing_id, two.trades["other"]
    row = await send(two, request, second, first, reason=" 委托人要求全国数据 ")
    assert (row.departs, row.reason, row.client_id) == (True, "委托人要求全国数据", two.buyer.org_id)
    assert row.related == {first: "MANDATED"}
    assert row.mandate_id == two.trades["mandate"]
    async with two.database.read() as s:
        (said,) = await statements_of(s, object_id=row.presentation_id)
        private = await opening(s, sha256=said.opening_sha256)
    assert said.event == "MED.SEND"
    assert said.predicate["order_sha256"] == row.order_sha256 == sha256_hex(row.document.encode())
    assert not {"listings", "departs", "order", "points", "reason", "related"} & said.predicate.keys()
    assert private.pop("nonce")
    assert private == {
        "listings": [second, first],
        "departs": True,
        "order": [[first, 40], [second, 33]],
        "related": {first: "MANDATED"},
        "complete": True,
        "reason": "委托人要求全国数据",
    }
    document = orjson.loads(row.document)
    assert [one["listing_id"] for one in document["matches"]] == [first, second]
    assert document["budget_told"] is True
    plain = await send(two, request, first)
    assert (plain.departs, plain.reason) == (False, None)
    assert plain.order_sha256 != row.order_sha256  # a nonce: nobody tries budgets against the digest


async def test_it_is_for_broker_client_and_supervision_to_read(two):
    request = await publish(two)
    row = await send(two, request, two.listing.listing_id)
    async with two.database.read() as s:
        for org in (two.broker, two.buyer):
            assert await presentations_of(s, org_id=org.org_id) == [row]
            await get_presentation(s, presentation_id=row.presentation_id, org_id=org.org_id)
        await get_presentation(s, presentation_id=row.presentation_id, org_id=None)
        assert not await presentations_of(s, org_id=two.seller.org_id)
        with pytest.raises(PresentationUnknown):
            await get_presentation(s, presentation_id=row.presentation_id, org_id=two.seller.org_id)


async def test_another_order_without_a_reason_and_what_is_no_match_are_refused(two):
    request = await publish(two)
    async with refused(two.database, OrderUnexplained) as caught:
        await send(two, request, two.trades["other"])
    assert caught.value.rule_id == "MATCHING"
    finance = await publish(two, category=Category.FINANCE)
    async with refused(two.database, NotAMatch):
        await send(two, finance, two.listing.listing_id, reason="why not")
    async with untouched(two.database, MatchesMalformed):
        await send(two, request)


async def somebody(*_: Any, **__: Any) -> list[Practitioner]:
    """A certificate that names one practitioner, whom no login of the scene is."""
    return [Practitioner("某执业人员", None)]


async def test_only_by_a_practitioner_who_is_named_under_the_certificate(sqlite_scene, monkeypatch):
    scene = sqlite_scene
    await scene.mandate(scene.buyer, Side.BUYER)
    request = await publish(scene)
    monkeypatch.setattr(practising, "practitioners_of", somebody)
    async with refused(scene.database, PersonNotIdentified):
        await send(scene, request, scene.listing.listing_id)


async def test_only_under_the_buyer_s_mandate_and_within_it(scene):
    request = await publish(scene)
    async with refused(scene.database, NoActiveMandate):
        await send(scene, request, scene.listing.listing_id)
    await scene.mandate(scene.buyer, Side.BUYER, limits=Limits(powers=frozenset({Power.NEGOTIATE})))
    async with refused(scene.database, MandateExceeded) as caught:
        await send(scene, request, scene.listing.listing_id)
    assert caught.value.facts["reason"] == "power"
    seen = await found(scene, request, scene.broker)
    assert verdicts(seen, Criterion.BUDGET) == {Verdict.NOT_TOLD}  # no power to match, no budget told


async def test_a_refusal_at_the_limits_tells_nobody_what_it_was_about(scene):
    """The other side of a negotiation reads the public ledger too: it must not learn where the limit lies."""
    await scene.mandate(scene.buyer, Side.BUYER, limits=Limits(price_ceiling_minor=50_000_000))
    trade_id = (await scene.inquire(who=scene.buyer)).trade_id
    await scene.offer(trade_id, scene.seller)
    async with refused(scene.database, MandateExceeded):
        await scene.accept(trade_id, scene.broker, role="BROKER")
    async with scene.database.read() as s:
        about_it = await statements_of(s, object_id=scene.broker.org_id)
        (said,) = [one for one in about_it if one.event == "REF.REFUSE"]
        private = await opening(s, sha256=said.opening_sha256)
        on_trade = [one.event for one in await statements_of(s, object_id=trade_id)]
    public = {name: said.predicate.get(name) for name in ("code", "rule_id", "attempted", "refused")}
    assert public == {
        "code": "refused",
        "rule_id": "BR2",
        "attempted": None,
        "refused": scene.broker.org_id,
    }
    assert (private["code"], private["attempted"], private["object"]) == (
        *("mandate-exceeded", "TRD.ACCEPT"),
        trade_id,
    )
    assert private["facts"]["reason"] == "price-ceiling"
    assert "REF.REFUSE" not in on_trade


async def test_a_broker_sends_nothing_of_its_own_house(two):
    own = await two.house.admit("珠江数据资源", {"PROVIDER"}, controller_id="one")
    async with two.database.write() as s:
        broker = await s.get(OrganisationRow, two.broker.org_id)
        broker.controller_id = "one"
        s.add(broker)
    listing = await listed(two.house, own, CLEAN.replace("4401", "4405"))
    request = await publish(two)
    async with refused(two.database, SelfDealing) as caught:
        await send(two, request, listing.listing_id, reason="good")
    assert caught.value.rule_id == "BR5"


async def test_not_after_the_request_s_end_nor_with_a_suspended_certificate(two):
    request = await publish(two, until=two.clock.now() + timedelta(hours=1))
    first = two.listing.listing_id
    two.clock.advance(timedelta(hours=1, seconds=1))
    async with refused(two.database, RequestNotOpen):
        await send(two, request, first)
    request = await publish(two)
    await two.house.operator.do(
        suspend_listing,
        attempted="LST.SUSPEND",
        object_id=first,
        listing_id=first,
        reason_code="SEVERE_FINDING",
    )
    async with refused(two.database, NotAMatch):
        await send(two, request, first)
    await two.authority.do(
        suspend_certificate,
        attempted="BRK.SUSPEND",
        object_id=two.cert_id,
        cert_id=two.cert_id,
        reason_code="SEVERE_FINDING",
    )
    async with refused(two.database, BrokerNotCertified):
        await send(two, request, two.trades["other"])
    await two.buyer.do(withdraw_request, request_id=request.request_id)
    async with refused(two.database, RequestNotOpen):
        await send(two, request, first)


async def test_points_and_reason_can_be_forgotten_once_the_request_is_over(two):
    request = await publish(two)
    row = await send(two, request, two.trades["other"], reason="nationwide")

    async def erase() -> Any:
        return await two.house.operator.do(
            erase_opening,
            attempted="OPN.ERASE",
            object_id=row.statement_id,
            statement_id=row.statement_id,
            basis="PIPL-47-1",
            reason="asked for",
        )

    async with refused(two.database, OpeningInUse):
        await erase()
    await two.buyer.do(withdraw_request, request_id=request.request_id)
    await erase()
    async with two.database.read() as s:
        kept = await get_presentation(s, presentation_id=row.presentation_id, org_id=None)
    assert (kept.listing_ids, kept.document, kept.reason, kept.related) == ([], None, ERASED, {})


async def test_nobody_reads_a_sealed_budget_from_what_is_stated_in_public(sqlite_scene):
    """The order counts the budget: what was sent, beside the order that everybody computes, tells it."""
    scene = sqlite_scene
    await scene.mandate(scene.buyer, Side.BUYER)
    dear = scene.listing.listing_id
    cheap = (
        await listed(
            scene.house, scene.stranger, CLEAN.replace("4401", "4403"), geo="CN", list_price_minor=10_000_000
        )
    ).listing_id
    request = await publish(scene, budget_min_minor=1_000_000, budget_max_minor=20_000_000)
    everybody, told = await found(scene, request), await found(scene, request, scene.broker)
    assert (everybody.order, told.order) == ([dear, cheap], [cheap, dear])
    row = await send(scene, request, *told.order)
    assert (row.listing_ids, row.departs) == ([cheap, dear], False)
    async with scene.database.read() as s:
        (said,) = await statements_of(s, object_id=row.presentation_id)
    assert "departs" not in said.predicate
    assert dear not in str(said.payload)
    assert cheap not in str(said.payload)

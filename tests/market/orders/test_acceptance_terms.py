"""Acceptance terms: filled in by type, bounded, in the contract, in its policy, on paper and on the clock."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest

from base.calendar import shanghai_day
from market.delivery.acceptance import Call, Facts
from market.delivery.checks import check_goods
from market.delivery.errors import GoodsDiffer
from market.delivery.service import accept_goods
from market.listings.categories import ProductType
from market.listings.tables import Listing
from market.orders.acceptance import (
    NAMES,
    TESTS,
    AcceptanceTerms,
    Holds,
    acceptance_of_text,
    agreed_acceptance,
)
from market.orders.clauses import CURRENT, ModelType, model
from market.orders.contract import ACCEPTED_BY
from market.orders.errors import OfferMalformed
from market.orders.permitting import parse
from market.orders.policy import MEASURE, MEET, bounds_of
from market.orders.repository import get_contract, offers_of
from market.orders.rules import TradeState
from tests.market.orders.test_contract_documents import drawn
from tests.market.trade.scene import PRICE, Scene
from tests.standstill import refused, untouched
from web.pages.trade_words import BOUNDS as LABELS
from web.papers_words import BOUNDS, bounds_said

DIGEST = "ab" * 32
LATER = frozenset({ProductType.API, ProductType.TOOL, ProductType.PRIVACY, ProductType.COMPUTE})


def test_what_is_left_open_is_the_usual_of_the_type_and_the_quantity() -> None:
    assert agreed_acceptance(None, ProductType.DATASET, 1) == AcceptanceTerms(within_wd=5)
    assert agreed_acceptance(None, ProductType.API, 1) == AcceptanceTerms(
        within_wd=10,
        bounds={"successful_calls": 10, "latency_p95_ms": 2_000, "available_bp": 9_900},
    )
    assert agreed_acceptance(None, ProductType.COMPUTE, 8).bounds == {"card_hours_milli": 8_000}
    said = AcceptanceTerms(within_wd=3, bounds={"latency_p95_ms": 50})
    assert agreed_acceptance(said, ProductType.API, 1) == AcceptanceTerms(
        within_wd=3, bounds={"successful_calls": 10, "latency_p95_ms": 50, "available_bp": 9_900}
    )
    assert acceptance_of_text(said.text()) == said
    assert TESTS.keys() == LATER


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (ProductType.API, {"within_wd": 0}),
        (ProductType.API, {"within_wd": 31}),
        (ProductType.DATASET, {"bounds": {"latency_p95_ms": 50}}),
        (ProductType.API, {"bounds": {"card_hours_milli": 50}}),
        (ProductType.API, {"bounds": {"available_bp": 10_001}}),
        (ProductType.API, {"bounds": {"successful_calls": 0}}),
        (ProductType.API, {"bounds": {"successful_calls": True}}),
        (ProductType.API, {"bounds": {"latency_p95_ms": "fast"}}),
        (ProductType.TOOL, {"bounds": {"test_set_sha256": "AB" * 32}}),
        (ProductType.TOOL, {"bounds": {"test_result_sha256": 7}}),
    ],
)
def test_what_is_out_of_bounds_or_anothers_is_refused(kind: ProductType, said: dict[str, Any]) -> None:
    with pytest.raises(OfferMalformed):
        agreed_acceptance(AcceptanceTerms(**said), kind, 1)


BOUNDED = {
    ProductType.API: {"latency_p95_ms": 50, "measured_days": 7},
    ProductType.TOOL: {"test_set_sha256": DIGEST, "score_micro": 912_500},
    ProductType.PRIVACY: {"spent_micro": 1_500_000, "took_days": 4},
    ProductType.COMPUTE: {"card_hours_milli": 12_500, "took_days": 30},
}


@pytest.mark.parametrize("kind", sorted(LATER))
def test_contract_and_policy_say_them_and_the_policy_is_understood(kind: ProductType) -> None:
    terms = AcceptanceTerms(within_wd=7, bounds=BOUNDED[kind])
    made = drawn(product_type=kind, acceptance=terms)
    said = orjson.loads(made.document)["acceptance"]
    agreed = agreed_acceptance(terms, kind, 1)
    assert (said["within_wd"], said["bounds"]) == (7, agreed.bounds)
    parse(made.policy)
    (duty,) = [one for one in orjson.loads(made.policy)["obligation"] if one["action"] == MEET]
    assert duty["assignee"] == orjson.loads(made.policy)["permission"][0]["assigner"]
    bounds = {one["leftOperand"].removeprefix(MEASURE): one for one in duty["constraint"]}
    assert set(bounds) == set(agreed.bounds)
    operators = {Holds.LEAST: "gteq", Holds.MOST: "lteq", Holds.SAME: "eq"}
    for test in TESTS[kind]:
        if test.name in bounds:
            right = bounds[test.name]["rightOperand"]
            assert bounds[test.name]["operator"] == operators[test.holds]
            assert right == agreed.bounds[test.name] or right["@value"] == str(agreed.bounds[test.name])
    assert [one.name for one in bounds_of(kind, agreed)] == [
        test.name for test in TESTS[kind] if test.name in bounds
    ]


def test_other_types_have_the_contract_and_the_policy_that_they_had() -> None:
    made = drawn(product_type=ProductType.DATASET)
    assert orjson.loads(made.document)["acceptance"] == {
        "tests": list(ACCEPTED_BY[ProductType.DATASET]),
        "within_wd": 5,
        "silence_accepts": True,
    }
    assert [one["action"] for one in orjson.loads(made.policy)["obligation"]] == ["delete"]


def test_the_models_leave_window_and_methods_to_the_terms() -> None:
    """So their texts, and with them their digests, are what they were."""
    for kind in (ModelType.PROVISION, ModelType.PROCESSING, ModelType.FUSION):
        assert "条款表所列验收期" in model(kind, CURRENT[kind]).text("zh")


def test_every_bound_has_its_words_on_paper_and_on_the_page() -> None:
    assert set(BOUNDS) == set(LABELS) == set(NAMES)
    told = {"available_bp": 9_950, "latency_p95_ms": 50, "spent_micro": 1_500_000, "card_hours_milli": 12_500}
    assert bounds_said(told, "en") == [
        "95th percentile of the latency at most 50 ms",
        "at least 99.5 % of the calls answered",
        "at most 1.5 of epsilon spent",
        "at least 12.5 card-hours",
    ]
    assert bounds_said({"test_set_sha256": DIGEST, "colour": 7}, "zh") == [
        f"测试集 SHA-256 {DIGEST}",
        "colour: 7",
    ]


async def of_type(scene: Scene, kind: ProductType) -> None:
    async with scene.database.write() as s:
        listing = await s.get(Listing, scene.listing.listing_id)
        assert listing is not None
        listing.product_type = kind
        s.add(listing)


async def test_an_interface_is_accepted_by_what_its_contract_says_and_not_by_our_constants(scene) -> None:
    await of_type(scene, ProductType.API)
    said = AcceptanceTerms(within_wd=3, bounds={"latency_p95_ms": 50, "successful_calls": 2})
    trade_id = (await scene.inquire()).trade_id
    async with untouched(scene.database, OfferMalformed):
        anothers = AcceptanceTerms(bounds={"card_hours_milli": 1})
        await scene.offer(trade_id, scene.seller, acceptance=anothers)
    await scene.offer(trade_id, scene.seller, acceptance=said)
    await scene.accept(trade_id, scene.buyer)
    agreed = replace(said, bounds={**said.bounds, "available_bp": 9_900})
    async with scene.database.read() as s:
        (offer,) = await offers_of(s, trade_id=trade_id)
        contract = await get_contract(s, trade_id=trade_id)
    assert acceptance_of_text(offer.acceptance) == agreed
    assert contract is not None
    told = orjson.loads(contract.document)["acceptance"]
    assert (told["within_wd"], told["bounds"]) == (3, agreed.bounds)
    await scene.vouch(trade_id)
    await scene.sign(trade_id)
    await scene.fund(trade_id, PRICE)
    await scene.start_delivery(trade_id)
    trade = await scene.confirm(trade_id)
    assert (shanghai_day(trade.accept_by) - shanghai_day(trade.delivered_at)).days == 3
    slow = Facts(calls=[Call(ok=True, latency_ms=51)] * 2)
    check = await _checked(scene, trade_id, slow)
    assert orjson.loads(check.report)["failed"] == ["latency_p95_ms"]
    async with refused(scene.database, GoodsDiffer):
        await scene.buyer.do(
            accept_goods, attempted="TRD.ACCEPT_GOODS", object_id=trade_id, trade_id=trade_id
        )
    fine = await _checked(scene, trade_id, Facts(calls=[Call(ok=True, latency_ms=50)] * 2))
    assert fine.passed
    assert (await scene.accept_goods(trade_id)).status is TradeState.ACCEPTED_GOODS


async def _checked(scene: Scene, trade_id: str, facts: Facts) -> Any:
    scene.clock.advance(timedelta(seconds=1))
    return await scene.buyer.do(
        check_goods, attempted="DLV.CHECK", object_id=trade_id, trade_id=trade_id, facts=facts
    )

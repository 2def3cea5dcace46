"""Of account numbers a party sees its own, and can verify it; nobody can try out what is withheld."""

from typing import Any

import orjson
import pytest

from base.canonical import canonical, sha256_hex
from ledger.reader import opening, statements_of
from market.settlement.opened import seen_by
from supervision.audit_legs import legs_fit
from tests.market.settlement.test_accounts import T_PLUS_1
from tests.market.trade.scene import Scene


async def said(scene: Scene, trade_id: str, event: str) -> tuple[dict[str, Any], dict[str, Any]]:
    async with scene.database.read() as s:
        one = [one for one in await statements_of(s, object_id=trade_id) if one.event == event][-1]
        opened = await opening(s, sha256=one.opening_sha256)
    return one.predicate, opened


@pytest.fixture
async def paid(sqlite_scene: Scene) -> tuple[Scene, str]:
    await sqlite_scene.run_jobs(T_PLUS_1)
    return sqlite_scene, sqlite_scene.trades["ACCEPTED_GOODS"]


async def test_each_payee_is_shown_its_own_leg_and_verifies_it_alone(paid) -> None:
    scene, trade_id = paid
    trade = await scene.trade(trade_id)
    public, opened = await said(scene, trade_id, "PAY.INSTRUCT")
    assert legs_fit(public, opened)
    accounts = [leg["account"] for leg in opened["legs"]]
    assert len(set(accounts)) == len(accounts) == len(public["legs_sha256"]) == 3
    for party, seat in ((scene.seller, "S"), (scene.broker, "B"), (scene.buyer, None)):
        seen = seen_by(party.org_id, trade, "PAY.INSTRUCT", public, opened)
        text = orjson.dumps(seen).decode()
        assert opened["nonce"] not in text
        for leg, full, named in zip(seen["legs"], opened["legs"], public["legs_sha256"], strict=True):
            own = full["end_to_end_id"] == f"{trade_id}/{seat}"
            assert leg["amount_minor"] == full["amount_minor"]
            assert (leg == full) is own
            assert (full["account"] in text, full["nonce"] in text) == (own, own)
            assert (sha256_hex(canonical(leg)) == named) is own
        assert seen["withheld"] == ["account", "nonce"]


async def test_what_is_withheld_cannot_be_tried_out(paid) -> None:
    """Who knows all but one account, which has few possible values, tells none of them from the others."""
    scene, trade_id = paid
    public, opened = await said(scene, trade_id, "PAY.INSTRUCT")
    seen = seen_by(scene.seller.org_id, await scene.trade(trade_id), "PAY.INSTRUCT", public, opened)
    known = {sha256_hex(canonical(leg)) for leg in seen["legs"]}
    tried = {
        sha256_hex(canonical({**leg, "account": full["account"]}))
        for leg, full in zip(seen["legs"], opened["legs"], strict=True)
        if "account" not in leg
    }
    assert len(tried) == 2
    assert not tried & set(public["legs_sha256"])
    assert len(known & set(public["legs_sha256"])) == 1


async def test_who_paid_from_which_account_is_the_payer_s_business(paid) -> None:
    scene, trade_id = paid
    trade = await scene.trade(trade_id)
    public, opened = await said(scene, trade_id, "TRD.FUND")
    assert seen_by(scene.buyer.org_id, trade, "TRD.FUND", public, opened) == opened
    for other in (scene.seller, scene.broker):
        seen = seen_by(other.org_id, trade, "TRD.FUND", public, opened)
        assert seen == {"amount_minor": opened["amount_minor"], "withheld": ["nonce", "payer_account"]}
    claim = {"debtor_id": scene.seller.org_id}
    assert seen_by(scene.seller.org_id, trade, "PAY.CLAIM_PAID", claim, opened) == opened
    assert "payer_account" not in seen_by(scene.buyer.org_id, trade, "PAY.CLAIM_PAID", claim, opened)


async def test_an_instruction_of_before_is_shown_the_same_way(paid) -> None:
    scene, trade_id = paid
    trade = await scene.trade(trade_id)
    legs = [
        {"end_to_end_id": f"{trade_id}/S", "amount_minor": "7", "account": "CN00S"},
        {"end_to_end_id": f"{trade_id}/R2", "amount_minor": "5", "account": "CN00R"},
    ]
    old = {"legs": legs, "nonce": "ab" * 32}
    assert seen_by(scene.seller.org_id, trade, "PAY.INSTRUCT", {}, old) == {
        "legs": [legs[0], {"end_to_end_id": f"{trade_id}/R2", "amount_minor": "5"}],
        "withheld": ["account", "nonce"],
    }
    assert seen_by(scene.buyer.org_id, trade, "PAY.INSTRUCT", {}, old)["legs"][1] == legs[1]
    other = {
        "legs": [{"end_to_end_id": "trd_other/S", "amount_minor": "7", "account": "CN00S"}],
        "nonce": "0",
    }
    seen = seen_by(scene.seller.org_id, trade, "PAY.INSTRUCT", {}, other)
    assert "account" not in seen["legs"][0]
    assert seen_by(scene.seller.org_id, trade, "TRD.OFFER", {}, {"price_minor": "1"}) == {"price_minor": "1"}

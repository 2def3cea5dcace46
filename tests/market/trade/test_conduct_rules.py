"""BR1 to BR15 one by one: what is blocked is on record with its rule, and what is found has its finding."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from sqlalchemy import text

from base.errors import Malformed
from brokers import practising
from brokers.conduct.errors import SourceCheckedBefore, SourceCheckMissing, SourceStatementDiffers
from brokers.conduct.rules import InterestKind, change_is_late, report_due
from brokers.errors import AnnualReportMissing, BrokerNotCertified, HandOverOpen, NoActiveMandate
from brokers.rules import Side
from brokers.service import revoke_mandate, suspend_certificate
from brokers.states import AT_WORK, CERTIFICATE_MOVES, CertificateEvent, CertificateState
from identity.errors import PersonNotIdentified
from ledger.reader import statements_of
from market.orders.errors import NotAParty
from market.orders.rules import TradeState
from market.orders.service import sign_contract
from market.orders.vouching import check_source
from supervision.rule_table import all_values
from supervision.rules import ALL
from tests.identity.unmoved import statements
from tests.market.mediation.test_sending import somebody
from tests.market.trade.scene import Scene, papers_of
from tests.market.trade.test_conflicts import disclose
from tests.standstill import refused, untouched

BLOCKED: Final = ("BR1", "BR2", "BR3", "BR4", "BR5", "BR6", "BR7")  # at an act, or before the contract
FOUND: Final = tuple(f"BR{n}" for n in range(1, 16))


async def _br1(scene: Scene) -> None:
    await scene.authority.do(suspend_certificate, cert_id=scene.cert_id, reason_code="WT1")


async def _br2(scene: Scene) -> None:
    await scene.seller.do(revoke_mandate, mandate_id=scene.mandate_id)


async def _br4(scene: Scene) -> None:
    await disclose(scene)


async def _br5(scene: Scene) -> None:
    await disclose(scene, InterestKind.CONTROL, None)


async def _br6(scene: Scene) -> None:
    await scene.mandate(scene.buyer, Side.BUYER, dual_consent=True)


async def _br7(scene: Scene) -> None:
    async with scene.database.write() as s:
        await (await s.connection()).execute(text("UPDATE brokers_mandates SET fee_bp = 501"))


async def _refused(scene: Scene, trade_id: str) -> set[str]:
    """The rules of the recorded refusals about a trade."""
    async with scene.database.read() as s:
        said = await statements_of(s, object_id=trade_id)
    blocked = [rule for one in said if one.event == "TRD.PRECHECK_FAIL" for rule in one.predicate["rules"]]
    return {one.predicate["rule_id"] for one in said if one.event == "REF.REFUSE"} | set(blocked)


SPOILED: Final[dict[str, Callable[[Scene], Awaitable[None]]]] = {
    "BR1": _br1,
    "BR2": _br2,
    "BR4": _br4,
    "BR5": _br5,
    "BR6": _br6,
    "BR7": _br7,
}


@pytest.mark.parametrize(("rule_id", "error"), [("BR1", BrokerNotCertified), ("BR2", NoActiveMandate)])
async def test_the_brokers_next_act_is_refused_and_on_record(scene, rule_id, error):
    trade_id = scene.trades["NEGOTIATING"]
    await SPOILED[rule_id](scene)
    with pytest.raises(error):
        await scene.offer(trade_id, scene.broker)
    assert await _refused(scene, trade_id) == {rule_id}


async def test_no_broker_signs_without_its_check_of_source_and_parties(scene):
    trade_id = scene.trades["CONTRACT_READY"]
    async with scene.database.write() as s:
        await (await s.connection()).execute(text("DELETE FROM brokers_source_checks"))
    async with refused(scene.database, SourceCheckMissing):
        await scene.broker.do(sign_contract, attempted="TRD.SIGN", object_id=trade_id, trade_id=trade_id)
    assert await _refused(scene, trade_id) == {"BR3"}


@pytest.mark.parametrize("rule_id", ["BR4", "BR5", "BR6", "BR7"])
async def test_what_is_blocked_before_the_contract_is_on_record(scene, rule_id):
    trade_id = scene.trades["NEGOTIATING"]
    await SPOILED[rule_id](scene)
    trade = await scene.accept(trade_id, scene.buyer)
    assert trade.status is TradeState.BLOCKED
    assert await _refused(scene, trade_id) == {rule_id}


def test_every_rule_on_brokers_has_its_block_its_deadline_or_its_finding():
    """`rules.md` §2.2.4, row by row."""
    built = {rule.rule_id for rule in ALL}
    numbered = {value.rule_id for value in all_values() if value.legal_basis}
    assert set(FOUND) <= built
    assert set(FOUND) <= numbered
    assert set(SPOILED) | {"BR3"} == set(BLOCKED)
    at = datetime(2026, 11, 16, 2, tzinfo=UTC)
    assert report_due(at) - at == timedelta(hours=24)  # BR12
    assert [change_is_late(told_at=at, takes_effect_at=at + timedelta(days=n)) for n in (6, 7)] == [
        True,
        False,
    ]
    missed = {CERTIFICATE_MOVES[state, CertificateEvent.MISS_REPORT].to for state in AT_WORK}
    assert missed == {CertificateState.SUSPENDED}  # BR14
    assert (AnnualReportMissing.rule_id, HandOverOpen.rule_id) == ("BR14", "BR15")


async def test_a_check_is_a_certified_broker_s_by_one_of_its_practitioners(sqlite_scene, monkeypatch):
    scene = sqlite_scene
    trade_id = scene.trades["NEGOTIATING"]
    async with scene.database.read() as s:
        papers = await papers_of(s, scene.listing.listing_id)

    async def check():
        facts = {"trade_id": trade_id, "papers": papers}
        return await scene.broker.do(check_source, attempted="CND.CHECK", object_id=trade_id, **facts)

    with monkeypatch.context() as patched:
        patched.setattr(practising, "practitioners_of", somebody)
        async with refused(scene.database, PersonNotIdentified):
            await check()
    await scene.authority.do(suspend_certificate, cert_id=scene.cert_id, reason_code="WT1")
    async with refused(scene.database, BrokerNotCertified) as caught:
        await check()
    assert caught.value.rule_id == "BR1"


async def test_a_check_names_what_the_provider_filed_and_is_recorded_once_by_the_trades_broker(scene):
    trade_id = scene.trades["NEGOTIATING"]
    async with scene.database.read() as s:
        papers = await papers_of(s, scene.listing.listing_id)

    async def check(who=scene.broker, **changes):
        facts = {"trade_id": trade_id, "papers": replace(papers, **changes)}
        return await who.do(check_source, attempted="CND.CHECK", object_id=trade_id, **facts)

    async with refused(scene.database, SourceStatementDiffers):
        await check(source_sha256="00" * 32)
    for wrong in (
        {"documents": ("one",)},
        {"seller_sha256": papers.buyer_sha256},
        {"documents": ("", "b", "c")},
    ):
        async with untouched(scene.database, Malformed):
            await check(**wrong)
    async with refused(scene.database, NotAParty):
        await check(scene.seller)
    row = await check()
    assert row.keep_until == row.checked_at.replace(year=row.checked_at.year + 20)
    async with refused(scene.database, SourceCheckedBefore):
        await check()
    *_, said = await statements(scene.database, "CND.CHECK")
    assert said["predicate"]["trade_id"] == trade_id
    assert {one["name"] for one in said["subject"]} >= {
        "source-statement",
        "seller-identity",
        "buyer-identity",
    }
    assert "来源说明" not in str(said)  # what the papers are called is in the opening

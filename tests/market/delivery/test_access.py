"""Every access is asked of the contract's usage policy; what it refuses is recorded and moves nothing."""

from datetime import datetime, timedelta

import orjson
import pytest
from sqlmodel import col, update

from identity.tables import OrganisationRow
from market.delivery.access import Declared
from market.delivery.errors import DeclaredOtherwise, EntitlementUsedUp
from market.listings.conditions import Purpose
from market.orders import errors
from market.orders.forgetting import forget_offer
from market.orders.policy import Licence, build
from market.orders.scope import LicenceScope
from market.orders.tables import ContractPolicy
from tests.market.delivery.funded import SECRET_ROWS, Deal
from tests.market.listings.goods import said
from tests.standstill import refused

TWO = LicenceScope(purposes=(Purpose.RESEARCH, Purpose.RISK_CONTROL), max_count=2)


async def licensed(
    deal: Deal,
    scope: LicenceScope = TWO,
    territory: tuple[str, ...] = ("CN",),
    *,
    dated_at: datetime | None = None,
) -> None:
    """The deal's contract has a usage policy."""
    policy = build(
        Licence(
            trade_id=deal.trade_id,
            seller_id=deal.seller.org_id,
            buyer_id=deal.buyer.org_id,
            file_sha256=deal.file.sha256,
            territory=territory,
            term_months=12,
            dated_at=dated_at or deal.house.clock.now(),
            scope=scope,
        )
    )
    async with deal.house.database.write() as s:
        s.add(ContractPolicy(trade_id=deal.trade_id, policy_sha256="00" * 32, document=policy.decode()))


async def told_code(deal: Deal) -> tuple[str, str | None]:
    refusal, _ = await said(deal.house.database, "REF.REFUSE", (await deal.entitlement()).entitlement_id)
    return refusal["code"], refusal["rule_id"]


async def test_a_download_for_one_of_the_purposes_is_given_and_its_receipt_says_for_what(deal):
    await licensed(deal)
    await deal.start()
    assert await deal.take(declared=Declared("RESEARCH")) == SECRET_ROWS
    _, opening = await said(deal.house.database, "DLV.DOWNLOAD", deal.trade_id)
    assert (opening["purpose"], opening["recipient"]) == ("RESEARCH", deal.buyer.org_id)


@pytest.mark.parametrize(
    ("declared", "kind", "rule_id"),
    [
        (Declared("MARKETING"), errors.PurposeNotPermitted, "USE-PURPOSE"),
        (Declared(), errors.PurposeNotPermitted, "USE-PURPOSE"),
        (Declared("RESEARCH", "org_" + "0" * 26), errors.RecipientNotPermitted, "USE-RECIPIENT"),
    ],
)
async def test_what_the_policy_does_not_allow_is_refused_recorded_and_moves_nothing(
    deal, declared, kind, rule_id
):
    await licensed(deal)
    await deal.start()
    async with refused(deal.house.database, kind):
        await deal.open(declared=declared)
    assert await told_code(deal) == (kind.code, rule_id)
    assert await deal.downloads() == []


async def test_a_known_organisation_that_the_contract_does_not_name_receives_nothing(deal):
    await licensed(deal)
    await deal.start()
    async with refused(deal.house.database, errors.RecipientNotPermitted):
        await deal.open(declared=Declared("RESEARCH", deal.seller.org_id))


async def test_a_recipient_that_the_contract_names_receives_only_inside_the_territory(deal):
    friend = await deal.house.admit("澳门信贷", {"BUYER"})
    async with deal.house.database.write() as s:
        of_it = col(OrganisationRow.org_id) == friend.org_id
        await s.exec(update(OrganisationRow).where(of_it).values(region="820000"))
    scope = LicenceScope(recipients=(friend.org_id,))
    await licensed(deal, scope, territory=("440000",))
    await deal.start()
    assert (await deal.open(range_field="bytes=0-0")).download_id is not None
    async with refused(deal.house.database, errors.TerritoryNotPermitted):
        await deal.open(declared=Declared(recipient=friend.org_id))
    assert await told_code(deal) == ("policy-territory", "USE-TERRITORY")


async def test_a_download_under_way_goes_on_for_what_it_was_opened_for(deal):
    await licensed(deal)
    await deal.start()
    await deal.take(range_field="bytes=0-9", declared=Declared("RESEARCH"))
    async with refused(deal.house.database, DeclaredOtherwise):
        await deal.open(range_field="bytes=10-19", declared=Declared("RISK_CONTROL"))
    await deal.take(range_field="bytes=10-", declared=Declared("RESEARCH"))
    (download,) = await deal.downloads()
    assert (download.purpose, download.recipient) == ("RESEARCH", deal.buyer.org_id)


async def test_the_contract_gives_as_many_downloads_as_it_says_and_no_more(deal):
    await licensed(deal)
    entitlement = await deal.start()
    assert entitlement.max_downloads == 2
    for purpose in ("RESEARCH", "RISK_CONTROL"):
        await deal.take(declared=Declared(purpose))
    async with refused(deal.house.database, EntitlementUsedUp):
        await deal.open(declared=Declared("RESEARCH"))


async def test_the_policy_counts_by_itself_also_where_the_right_would_give_more(deal):
    await licensed(deal)
    await deal.start()
    async with deal.house.database.write() as s:
        entitlement = await deal.entitlement()
        await s.exec(
            update(type(entitlement))
            .where(type(entitlement).entitlement_id == entitlement.entitlement_id)
            .values(max_downloads=9, used=2)
        )
    async with refused(deal.house.database, errors.CountExceeded):
        await deal.open(declared=Declared("RESEARCH"))


async def test_a_delivery_that_begins_late_ends_with_the_policy(deal):
    now = deal.house.clock.now()
    await licensed(deal, dated_at=now - timedelta(days=300))
    entitlement = await deal.start()
    assert entitlement.expires_at < now + timedelta(days=365 - 100)
    policy_end = orjson.loads(
        (await _row(deal)).document,
    )["permission"][0]["constraint"][2]["rightOperand"]["@value"]
    assert datetime.fromisoformat(policy_end) == entitlement.expires_at


async def test_a_policy_with_something_unknown_in_it_gives_nothing(deal):
    await licensed(deal)
    await deal.start()
    said_ = orjson.loads((await _row(deal)).document)
    said_["permission"][0]["constraint"][0]["operator"] = "isA"
    async with deal.house.database.write() as s:
        await s.exec(update(ContractPolicy).values(document=orjson.dumps(said_).decode()))
    async with refused(deal.house.database, errors.PolicyNotUnderstood):
        await deal.open(declared=Declared("RESEARCH"))


async def test_a_policy_that_was_erased_gives_nothing_and_is_forgotten_with_its_offer(deal):
    await licensed(deal)
    await deal.start()
    async with deal.house.database.write() as s:
        await forget_offer(s, trade_id=deal.trade_id, statement_id="sta_test")
    row = await _row(deal)
    assert (row.document, row.policy_sha256) == ("", "00" * 32)
    async with refused(deal.house.database, errors.PolicyErased):
        await deal.open(declared=Declared("RESEARCH"))


async def _row(deal: Deal) -> ContractPolicy:
    async with deal.house.database.read() as s:
        row = await s.get(ContractPolicy, deal.trade_id)
    assert row is not None
    return row

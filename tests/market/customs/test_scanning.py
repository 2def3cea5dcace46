"""A sample against what was declared: a planted field, and its twin that was declared."""

from datetime import timedelta

import orjson
import pytest
from sqlmodel import col, update

from base.canonical import canonical
from base.jobs import run_due
from ledger.reader import opening, statements_of
from market.customs import deciding
from market.customs.declared import DataField
from market.customs.errors import CustomsRouteNotOpen, DeclarationContradicted, DeclarationWrongRole
from market.customs.scanning import scan
from market.delivery.kinds import DeliveryKind
from market.orders.repository import get_trade
from market.trade.clockwork import handlers
from registry.grading.errors import AssessmentMissing
from registry.rules import Level
from registry.service import bound_report
from registry.tables import QualityRow
from tests.market.customs.flows import PLAIN, SENSITIVE
from tests.market.customs.test_gate import as_kind, declared, go_on, moved_to, officer, row_of, use
from tests.market.delivery.funded import Deal
from tests.standstill import refused


async def shows(deal: Deal, *columns: str) -> None:
    """The goods are measured anew, and these columns look like identity numbers."""
    async with deal.house.database.write() as s:
        trade = await get_trade(s, trade_id=deal.trade_id)
        report = await bound_report(s, listing_id=trade.listing_id, report_sha256=deal.listing.report_sha256)
        told = orjson.loads(report.canonical)
        told["hints"] = [
            {"kind": "cn-id", "column": one, "rows": 9, "checked": 9, "flagged": True} for one in columns
        ]
        told["columns"] = [
            one | ({"name": columns[0], "distinct": 9} if n == 0 else {})
            for n, one in enumerate(told["columns"])
        ]
        of_it = col(QualityRow.listing_id) == trade.listing_id
        await s.exec(update(QualityRow).where(of_it).values(report=canonical(told)))


async def samples(deal: Deal, row):
    """Hidden fields as the ledger tells them, statement by statement."""
    async with deal.house.database.read() as s:
        said = [
            one for one in await statements_of(s, object_id=row.declaration_id) if one.event == "XBD.SCAN"
        ]
        return [(await opening(s, sha256=one.opening_sha256))["fields"] for one in said]


async def test_what_the_data_shows_and_the_list_hides_is_not_declared(deal: Deal):
    await moved_to(deal, deal.buyer, "810000")
    await shows(deal, "id_card")
    async with refused(deal.house.database, DeclarationContradicted) as told:
        await declared(deal)
    assert told.value.facts["fields"] == ["id_card: sensitive:cn-id"]
    listed = {"fields": (PLAIN, SENSITIVE), "sensitive_persons": 9, "level": Level.GENERAL_4}
    async with refused(deal.house.database, DeclarationContradicted) as fewer:
        await declared(deal, **(listed | {"sensitive_persons": 8}))
    assert (fewer.value.facts["declared"], fewer.value.facts["seen"]) == (8, 9)
    async with refused(deal.house.database, AssessmentMissing):  # nothing is hidden: the next thing is asked
        await declared(deal, **listed)


async def test_a_field_that_shows_later_is_stated_and_halts_and_its_twin_is_not(deal: Deal):
    await moved_to(deal, deal.buyer, "810000")
    twin = {"fields": (PLAIN, DataField(name="meter", personal=False))}
    row = await declared(deal, **twin)
    await deal.start()
    await as_kind(deal, DeliveryKind.API)
    cac = await officer(deal)
    async with refused(deal.house.database, DeclarationWrongRole):
        await deal.seller.do(scan, declaration_id=row.declaration_id)
    seen = await cac.do(scan, declaration_id=row.declaration_id)
    assert (seen.status, await samples(deal, row)) == ("CLEARED", [[]])
    await use(deal, DeliveryKind.API, key="a")
    await shows(deal, "id_card", "bank_card")
    deal.house.clock.advance(timedelta(days=1))  # the night's look finds it by itself
    while await run_due(deal.house.database, deal.house.clock.now(), handlers(deal.house.house, None, None)):
        pass
    halted = await row_of(deal, row)
    assert (halted.status, halted.reason_code) == ("HALTED", "UNDECLARED_FIELDS")
    assert await samples(deal, row) == [
        [],
        [
            {"field": "bank_card", "kind": "sensitive:cn-id"},
            {"field": "id_card", "kind": "sensitive:cn-id"},
            {"field": "number of persons", "kind": "at least 9"},
        ],
    ]
    with pytest.raises(CustomsRouteNotOpen):
        await go_on(deal)
    await cac.do(deciding.revoke, declaration_id=row.declaration_id, reason_code="OTHER", reason="hidden")

"""The first-level market on a served one: whoever sits in it, and something on each of its pages.

What `tests.web.market` builds is the second-level market alone. This is for looking at pages; what each step
does is shown where its feature is tested.
"""

from datetime import timedelta
from typing import Final

import httpx

from registry.rules import Level
from tests.web.api.desk import Desk
from tests.web.api.test_customs import DOCUMENT, SHOWN, flow
from tests.web.api.test_gradings import SAID
from tests.web.market import Market
from tests.web.operating import Operation, operating
from tests.web.pages.test_opening_pages import listed
from tests.web.vouchers import lending

SEATED: Final = (
    *("agency", "chief", "province", "institution", "registrar", "merchant"),
    *("customs", "police", "court", "grid", "factory", "bank"),
)
"""Who is there beside the people of the market, by what they are on pages."""


async def furnish(market: Market) -> None:
    """Seat them, and let each begin something. `market.ids` tells what, by name."""
    async with market.served.client() as http:
        room = await operating(market.served, http)
        market.people |= {name: room.people[name] for name in ("agency", "chief", "province", "merchant")}
        market.people |= {"institution": room.people["operator"], "registrar": room.people["officer"]}
        for name, words, role in (
            ("police", "省公安厅网安总队", "PUBLIC_SECURITY"),
            ("court", "广州互联网法院", "COURT"),
        ):
            market.people[name] = await market.served.admit(words, {role}, login=f"seat-{name}")
        await _opened(market, room)
        await _declared(market, http)
        await _lent(market, http)
        await _operated(market, room)
        await market.served.settle_down()


async def _operated(market: Market, room: Operation) -> None:
    path = await room.drafted()
    await room.granted(path)
    await room.activated(path)
    market.ids["grant"] = path.rpartition("/")[2]
    await room.act("agency", "/grants", {"scheme": room.scheme(name="出行公共数据授权运营")})


async def _declared(market: Market, http: httpx.AsyncClient) -> None:
    served, provider = market.served, market.provider
    party = await served.admit("省网信办", {"CAC"}, login="seat-customs")
    market.people["customs"] = await served.colleague(party, "seat-officer")
    officer = Desk(http, "seat-officer", party.org_id, token=served.token(market.people["customs"]))
    exporter = Desk(http, provider.login, provider.org_id, provider.key, token=served.token(provider))
    await exporter.act("/declarations", {"declaration": flow(purpose="no document yet")})
    row = await exporter.act("/declarations", {"declaration": flow()})
    await served.prove(market.people["customs"])
    await officer.act("/customs-documents", {"document": DOCUMENT | {"exporter_ids": [provider.org_id]}})
    await exporter.act(f"/declarations/{row['declaration_id']}/evidence", SHOWN)
    market.ids["declaration"] = row["declaration_id"]
    product_id = (await exporter.get(f"/listings/{market.ids['listed']}"))["product_id"]
    await exporter.act(f"/grading/objects/{product_id}/gradings", SAID)


async def _lent(market: Market, http: httpx.AsyncClient) -> None:
    loan = await lending(market.served, http, prefix="loan-")
    market.people |= {name: loan.people[name] for name in ("grid", "factory", "bank")}
    await loan.requested()
    path, _ = await loan.shown()
    market.ids["voucher"] = path.rpartition("/")[2]


async def _opened(market: Market, room: Operation) -> None:
    agency = market.people["agency"]
    data_id = await listed(market, agency, "公交站点", Level.GENERAL_1)
    proposal = {"data_id": data_id, "mode": "OPEN", "licence": "CC-BY-4.0", "conditions": "注明来源"}
    entry = await room.act("agency", "/open-entries", proposal)
    market.ids["open"] = entry["open_id"]
    market.served.clock.advance(timedelta(minutes=5))

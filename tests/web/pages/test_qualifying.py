"""A broker applies, three persons decide, the notice runs, the certificate is issued: all by forms."""

import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from cli.exporting import export_bundle
from identity.service import enrol_person
from ledger.acts import perform
from ledger.bundle import Edition
from supervision.audit import audit
from tests.brokers.office import CLAIMS, shown
from tests.web.market import Market
from tests.web.nodes import Persona, some_password
from tests.web.pages.browsing import Browser
from tests.web.pages.test_every_page import structure

FORM: Final = {"content-type": "application/x-www-form-urlencoded"}
PEOPLE = " \n".join(f"{one.name} | {one.number}" for one in CLAIMS.practitioners)
FILING = {
    "mainland": "yes",
    "paid_in_capital": "20000000",
    "dcmm": "3",
    "mlps": "3",
    "experience_years": "2",
    "clean_years": "3",
    "guarantee": "2000000",
    "practitioners": PEOPLE,
    "procedures": ["CONFLICT", "SECURITY", "COMPLAINT", "EXIT"],
    "evidence": "\n".join(f"{p.kind} | {p.name} | {p.dated_on} | {p.sha256}" for p in shown()),
}


async def _officers(market: Market) -> list[Persona]:
    """Three people of the authority, each a natural person of one's own."""
    node, password = market.served.node, await some_password()
    found = []
    for number in range(3):
        login = f"officer-{number}"
        said: dict[str, Any] = {"login": login, "name": login, "password": password}

        async def enrolled(
            s: Any, act: Any, said: dict[str, Any] = said, mark: str = f"{number}" * 64
        ) -> Any:
            return await enrol_person(s, act, org_id=market.authority.org_id, mark=mark, **said)

        act = node.house.exchange_act()
        person = await perform(node.house, act, enrolled, attempted="PERSON.ENROL", object_id=login)
        roles = market.authority.roles
        found.append(Persona(market.authority.org_id, person.user_id, login, login, roles))
    return found


async def test_from_the_application_to_the_certificate_by_forms(market: Market, tmp_path: Path) -> None:
    served = market.served
    broker = await served.admit("西江数据经纪", {"BROKER"}, login=f"b-{secrets.token_hex(4)}")
    officers = await _officers(market)
    for one in (broker, *officers):
        await served.prove(one)
    mine = Browser(served, broker)
    page = await mine.get("/certificates")
    assert structure(page, "en") == []
    sent: dict[str, Any] = {"broker_type": "M", "grade": "2", "sectors": "energy", "max_level": "general-2"}
    wrong = FILING | {"evidence": "LICENCE | x | heute | 00"}
    page = await mine.send(page, "/certificates", sent | wrong, expect=422)
    form = page.form("/certificates")
    body = urlencode(form.values | sent | FILING, doseq=True).encode()
    answer = await mine.client.post(form.action, content=body, headers=FORM | {"referer": str(mine.place)})
    assert answer.status_code == 303, answer.text
    page = await mine.get("/certificates")
    path = next(a["href"] for a in page.named("a") if "/certificates/crt_" in a.get("href", ""))[3:]

    async def step(who: Persona, event: str, said: dict[str, Any] | None = None, expect: int = 303) -> None:
        browser = Browser(served, who)
        seen = await browser.get(path)
        assert structure(seen, "en") == []
        await served.prove(who)
        await browser.send(seen, f"{path}/{event}", said or {}, expect=expect)

    await step(officers[0], "review")
    await step(market.authority, "tie")
    await step(market.authority, "vote", {"approves": "yes", "reasons": "相识", "no_ties": "yes"}, expect=403)
    for one in officers:
        await step(one, "vote", {"approves": "yes", "reasons": "条件符合", "no_ties": "yes"})
    await step(officers[0], "notice")
    public = await Browser(served, None, "en").get("/certificate-notices")
    assert "西江数据经纪" in public.text
    buyer = {"text": "出资不实", "evidence": f"OTHER | x.pdf | 2026-11-16 | {'ab' * 32}"}
    await step(market.buyer, "object", buyer)
    await step(officers[1], "dismiss", {"answer": "已核实", "no_ties": "yes"})
    await step(officers[0], "certify", {"cert_no": "GD-DB-M-2-2026-0009"}, expect=409)
    served.clock.advance(timedelta(days=9))
    await step(officers[0], "certify", {"cert_no": "GD-DB-M-2-2026-0009"})
    mine = Browser(served, broker)
    seen = await mine.get(path)
    assert "GD-DB-M-2-2026-0009" in seen.text
    await mine.get("/brokers/GD-DB-M-2-2026-0009")
    await served.settle_down()
    await export_bundle(served.node, tmp_path / "bundle", Edition.PUBLIC)
    assert audit(tmp_path / "bundle", [served.node.publisher.signer.vkey]).clean

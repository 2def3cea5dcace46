"""Papers of the public and what becomes of them, by the pages, without a script."""

import re

from cases.repository import cases, messages_of, reporter_of
from ledger.reader import statements_of
from tests.web.market import Market
from tests.web.pages.browsing import Browser

CODE = re.compile(r"[A-Z2-7]{6}(-[A-Z2-7]{6}){3}")


async def test_a_mixed_paper_is_two_cases_and_its_filer_is_known_by_a_code_alone(market: Market) -> None:
    public = Browser(market.served)
    page = await public.get("/report")
    await public.send(page, "/report", {"complaint": "", "report": ""}, expect=422)
    sent = {
        "complaint": "请求退款",
        "report": "对倒交易",
        "matter": "MARKET_RULE",
        "about": market.broker.org_id,
        "name": "张三",
        "contact": "13800000000",
    }
    page = await public.send(page, "/report", sent, expect=201)
    found = CODE.search(page.words)
    assert found is not None
    async with market.served.node.database.read() as s:
        rows = await cases(s)
        assert sorted((row.kind.value, row.status.value) for row in rows) == [
            ("COMPLAINT", "RECEIVED"),
            ("REPORT", "RECEIVED"),
        ]
        assert {row.sibling_id for row in rows} == {row.case_id for row in rows}
        for row in rows:
            (said,) = await statements_of(s, object_id=row.case_id)
            kept = await reporter_of(s, case_id=row.case_id)
            assert kept is not None
            assert kept.sealed is not None
            assert "张三".encode() not in kept.sealed + said.envelope
            assert said.predicate["reporter_sha256"] == row.reporter_sha256
    page = await public.get("/report/follow")
    await public.send(page, "/report/follow", {"code": "AAAAAA-AAAAAA-AAAAAA-AAAAAA"}, expect=404)
    page = await public.send(page, "/report/follow", {"code": found.group().lower()}, expect=200)
    assert "Received" in page.words
    page = await public.send(page, "/report/write", {"text": "补充证据"}, expect=200)
    assert "补充证据" in page.words
    async with market.served.node.database.read() as s:
        kept = await messages_of(s, case_id=rows[0].case_id)
    assert "补充证据".encode() not in b"".join(one.sealed for one in kept)


async def test_an_officer_sorts_verifies_and_reads_the_name_and_the_accused_side_reads_nothing(
    market: Market,
) -> None:
    public = Browser(market.served)
    sent = {"report": "价格串通", "matter": "PRICE", "about": market.broker.org_id, "name": "李四"}
    await public.send(await public.get("/report"), "/report", sent, expect=201)
    async with market.served.node.database.read() as s:
        (case,) = await cases(s)
    path = f"/reg/cases/{case.case_id}"
    await market.served.prove(market.samr)
    officer = Browser(market.served, market.samr)
    await officer.send(await officer.get(path), "/steps/TRIAGE", {"matter": "PRICE"})
    page = await officer.get(path)
    assert "李四" not in page.words
    page = await officer.send(page, "/reporter", expect=200)
    assert "李四" in page.words
    page = await officer.get(path)
    assert "Name of who reported was read" in page.words
    await officer.send(page, "/notes", {"text": "先问平台"})
    await officer.send(await officer.get(path), "/steps/TELL", {"text": "已受理"})
    await officer.send(await officer.get(path), "/steps/VERIFY")
    page = await officer.get(path)
    assert "先问平台" in page.words
    assert "Decide whether to open a case" in page.words
    accused = Browser(market.served, market.broker)
    assert "You were told of no case" in (await accused.get("/my-cases")).words
    await accused.get(f"/my-cases/{case.case_id}", expect=404)
    await accused.get(path, expect=403)
    operator = await Browser(market.served, market.operator).get(path, expect=404)
    assert "价格串通" not in operator.words
    for lang in ("zh", "en"):
        await Browser(market.served, market.samr, lang).get("/reg/cases")
        await Browser(market.served, None, lang).get("/published-decisions")

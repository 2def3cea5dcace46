"""The survey and the monthly statistics by forms and pages alone."""

import orjson
import pytest

from ledger.reader import statements_of
from market.surveys import repository
from tests.web.market import Market
from tests.web.pages.browsing import Browser
from web import supervising
from web.compiling import MonthMalformed, StatisticsUnknown

LINE = {
    "source": "enterprise",
    "form": "structured",
    "industry": "I",
    "stage": "product",
    "right": "USE",
    "level": "general-2",
    "region": "440100",
    "collection_minor": "1,000.00",
    "storage_minor": "20",
    "staff_bp": "5000",
    "own_use_bp": "10000",
    "useful_life_years": "5",
}
FIGURES = {
    "month": "2026-10",
    "edition": "regulator",
    "ties": 50,
    "ties_failed": [],
    "tables": [
        {
            "name": "by_sector",
            "title": {"zh": "按行业类别", "en": "By sector"},
            "note": None,
            "columns": [
                {"name": "class", "title": {"zh": "类别", "en": "Class"}, "kind": "code"},
                {"name": "value_minor", "title": {"zh": "金额", "en": "Value"}, "kind": "fen"},
            ],
            "rows": [
                [{"zh": "能源", "en": "Energy<b>"}, "123456"],
                [{"zh": "金融", "en": "Finance"}, {"withheld": True}],
            ],
        }
    ],
}


async def test_the_survey_by_forms_alone(market: Market) -> None:
    buyer = Browser(market.served, market.buyer)
    await market.served.prove(market.buyer)
    page = await buyer.get("/survey")
    assert "Data-asset survey 2025" in page.words
    sent = page.form("/survey/2025")
    for year in (9999, 10**12):  # a year that no calendar has
        answer = await buyer.client.post(sent.action.replace("2025", str(year)), data=sent.values)
        assert answer.status_code == 422
    page = await buyer.send(page, "/survey/2025", LINE, expect=409)  # storing without securing
    assert "unlikely" in page.words
    await buyer.send(page, "/survey/2025", LINE | {"security_minor": "1"})
    page = await buyer.get("/survey")
    assert "Your answer" in page.words
    async with market.served.node.database.read() as s:
        answer = await repository.newest(s, org_id=market.buyer.org_id, year=2025)
        (said,) = await statements_of(s, object_id=answer.survey_id)
    assert answer.expenditure_minor == 102_100
    assert answer.late  # it was due on 31 March
    assert "lines" not in said.predicate
    header = ",".join(orjson.loads(answer.lines)[0])
    row = ",".join(str(value) for value in orjson.loads(answer.lines)[0].values())
    await market.served.prove(market.buyer)
    await buyer.send(page, "/survey/2025", {"csv": f"{header}\n{row}\n{row}\n"})
    assert "corrects an earlier one" in (await buyer.get("/survey")).words
    authority = await Browser(market.served, market.authority, "zh").get("/survey")
    assert "未填报单位" in authority.words
    await Browser(market.served).get("/survey", expect=303)


async def test_a_months_figures_are_shown_and_handed_out(market: Market) -> None:
    runs = market.served.app.state.compiling
    browser = Browser(market.served, market.samr)
    assert "No report has been made yet." in (await browser.get("/reg/statistics")).words
    folder = runs.folder / "2026-10" / "regulator"
    folder.mkdir(parents=True)
    (folder / "figures.json").write_bytes(orjson.dumps(FIGURES))
    (folder / "report.en.html").write_bytes(b"<!doctype html>")
    page = await browser.get("/reg/statistics")
    for words in ("2026-10", "By sector", "¥1,234.56", "Energy<b>", "withheld", "50 comparisons hold"):
        assert words in page.words
    assert "能源" in (await Browser(market.served, market.samr, "zh").get("/reg/statistics")).words
    await browser.get("/reg/statistics/2026-10/regulator/report.en.html")
    assert "attachment" in browser.last.headers["content-disposition"]
    for odd in ("2026-10/regulator/run.json", "2026-10/..%2F/figures.json", "2026-11/regulator/figures.json"):
        await browser.get(f"/reg/statistics/{odd}", expect=404)
    await Browser(market.served, market.buyer).get("/reg/statistics", expect=403)


async def test_both_editions_of_a_month_are_made_by_the_command_itself(market: Market, monkeypatch) -> None:
    said = []

    async def noted(arguments, environment) -> str:
        del environment
        said.append(arguments)
        return ""

    monkeypatch.setattr(supervising, "_child", noted)
    runs = market.served.app.state.compiling
    for month in ("2026-13", "../x", "2027-01"):
        with pytest.raises(MonthMalformed):
            runs.begin(month)
    browser = Browser(market.served, market.samr)
    await browser.send(await browser.get("/reg/statistics"), "/reg/statistics", {"month": "2026-10"})
    await runs.wait()
    assert [arguments[0] for arguments in said] == ["export", "evidence", "statistics", "statistics"]
    assert [arguments[arguments.index("--edition") + 1] for arguments in said[2:]] == ["regulator", "public"]
    with pytest.raises(StatisticsUnknown):
        runs.files("2026-10", "public")


@pytest.mark.soak
async def test_a_real_run_makes_a_report_that_ties(market: Market) -> None:
    runs = market.served.app.state.compiling
    runs.begin("2026-11")
    await runs.wait()
    assert runs.state().error == ""
    for edition in ("regulator", "public"):
        told = runs.figures("2026-11", edition)
        assert (told["edition"], told["ties_failed"]) == (edition, [])
        assert "report.zh.html" in runs.files("2026-11", edition)

"""The facts of work items on the operator's page: each has its word in both languages, and its form."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from base.db import WriteSession
from ledger.recording import Act
from market.settlement.work import FACTS, FactSort, mismatch
from tests.web.market import Market
from tests.web.pages.browsing import Browser
from tests.web.pages.test_operations import as_exchange
from web.pages import duties
from web.pages.languages import LANGS, translations

MARKET = Path(__file__).parents[3] / "market"


DOORS = {"mismatch", "ask_a_person", "_rejected"}


def written(path: Path) -> Iterator[str]:
    """The keys of the facts with which a module asks a person; those of `Difference` are handed on whole."""
    for part in ast.walk(ast.parse(path.read_text())):
        if isinstance(part, ast.AsyncFunctionDef) and DOORS & called(part):
            yield from (key for node in ast.walk(part) for key in keys_of(facts_in(node)))
        elif isinstance(part, ast.ClassDef) and part.name == "Difference":
            yield from keys_of([one.value for one in ast.walk(part) if isinstance(one, ast.Return)])


def called(function: ast.AsyncFunctionDef) -> set[str]:
    return {getattr(one.func, "id", "") for one in ast.walk(function) if isinstance(one, ast.Call)}


def facts_in(node: ast.AST) -> list[Any]:
    if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "facts":
        return [node.value]
    if not isinstance(node, ast.Call):
        return []
    positional = node.args if getattr(node.func, "id", "") == "_rejected" else []
    return [*positional, *(one.value for one in node.keywords if one.arg == "facts")]


def keys_of(values: list[Any]) -> Iterator[str]:
    dicts = [value for value in values if isinstance(value, ast.Dict)]
    yield from (key.value for one in dicts for key in one.keys if isinstance(key, ast.Constant))


def test_the_facts_are_those_that_the_code_writes() -> None:
    asking = [path for path in MARKET.rglob("*.py") if "settlement.work import" in path.read_text()]
    assert len(asking) > 6
    assert {key for path in asking for key in written(path)} == set(FACTS)


@pytest.mark.parametrize("lang", LANGS)
def test_every_fact_has_a_word_in_both_languages(lang: Any) -> None:
    assert set(duties.FACTS) == set(FACTS)
    said = {key: translations(lang).gettext(word) for key, word in duties.FACTS.items()}
    assert len(set(said.values())) == len(FACTS)
    if lang == "zh":
        assert not [key for key, word in said.items() if word.isascii()]


VALUES = {
    FactSort.MONEY: ("-68000000", "¥680,000.00"),
    FactSort.MOMENT: ("2026-11-20T16:00:00Z", "2026-11-21 00:00"),
    FactSort.DAY: ("2026-11-17", "2026-11-17"),
    FactSort.IDENT: ("ins_01JZZZZZZZZZZZZZZZABCDEFGH", "ins_…ABCDEFGH"),
    FactSort.CODES: ("AC03, XX99", "收款账户不存在 AC03 、 XX99"),
    FactSort.TEXT: ("湾区数据有限公司", "湾区数据有限公司"),
}


async def test_money_is_shown_as_money_and_a_time_as_a_time(market: Market) -> None:
    values = VALUES | {
        FactSort.MEMBER: (market.provider.org_id, "粤能数科"),
        FactSort.KIND: ("unknown-entry", ""),
    }
    facts = {key: values[sort][0] for key, sort in FACTS.items()}

    async def told(s: WriteSession, act: Act) -> None:
        await mismatch(s, act, kind="unknown-entry", trade_id=None, facts=facts)

    await as_exchange(market, told)
    page = await Browser(market.served, market.operator, lang="zh").get("/ops")
    for key, sort in FACTS.items():
        if sort is not FactSort.KIND:
            label = translations("zh").gettext(duties.FACTS[key])
            assert f"{label}：{values[sort][1]}" in re.sub("(?<=：) |-(?=¥)", "", page.words), key
    assert "_minor" not in page.words


async def test_many_work_items_are_folded_by_kind_the_newest_first(market: Market) -> None:
    async def told(s: WriteSession, act: Act) -> None:
        for number in range(6):
            kind = "unknown-entry" if number else "amount-differs"
            await mismatch(s, act, kind=kind, trade_id=None, facts={"entry_id": f"e{number}"})

    await as_exchange(market, told)
    page = await Browser(market.served, market.operator).get("/ops")
    assert len([one for one in page.named("details") if "open" in one]) == 0
    assert "The bank shows an entry that we do not know (5) · newest 20" in page.words
    assert page.words.count("· newest 20") == 2  # a fold a kind


async def test_no_other_fact_is_written(market: Market) -> None:
    async def told(s: WriteSession, act: Act) -> None:
        await mismatch(s, act, kind="unknown-entry", trade_id=None, facts={"colour": "blue"})

    with pytest.raises(AssertionError, match="colour"):
        await as_exchange(market, told)

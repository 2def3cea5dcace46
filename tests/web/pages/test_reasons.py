"""Reasons that records keep in English are said in the visitor's language, all of them."""

import ast
import inspect
import re
from types import SimpleNamespace
from typing import Any

from market.customs import counting, risk, routing
from registry.grading.rules import Amounts, Degree, FieldLevel, Ground, Harmed, Thresholds, computed
from registry.rules import Level
from web.pages import reasons
from web.pages.figures import figures, members
from web.pages.languages import translations


def visitor(lang: str) -> Any:
    """As much of a visitor as says a text."""
    spoken = translations(lang)

    def say(text: str, **values: Any) -> str:
        return spoken.gettext(text) % values if values else spoken.gettext(text)

    return SimpleNamespace(say=say, lang=lang)


def reasons_of_customs() -> set[str]:
    """Every text that a rule of the route answers with, something in each of its places."""
    found = set()
    for node in ast.walk(ast.parse(inspect.getsource(routing))):
        answers = isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple)
        asked = isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"_ground", "Tried"}
        parts = node.value.elts[1:] if answers else node.args[-1:] if asked else []
        for part in parts:
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                found.add(part.value)
            elif isinstance(part, ast.JoinedStr):
                found.add(
                    "".join(
                        str(getattr(one, "value", "")) if isinstance(one, ast.Constant) else "S7"
                        for one in part.values
                    )
                )
    return found


def test_every_reason_of_the_route_has_its_words_in_both_languages() -> None:
    texts = reasons_of_customs()
    assert len(texts) >= 30
    for text in texts:
        assert reasons.customs_reason(visitor("en"), text) == text
        said = reasons.customs_reason(visitor("zh"), text)
        assert said is not None
        assert re.search("[\u4e00-\u9fff]", said), text
        assert ("S7" in said) == ("S7" in text)
    assert reasons.customs_reason(visitor("zh"), "something of an older release") is None


def test_every_law_and_risk_of_customs_has_its_words() -> None:
    for _, basis, _ in routing._RULES:
        assert reasons.law(visitor("en"), basis) == basis
        assert reasons.law(visitor("zh"), basis) != basis
    codes = re.findall(r'\(\d+, "([a-z-]+)"', inspect.getsource(risk.assess))
    held = re.findall(r'"(list-[a-z-]+)"', inspect.getsource(counting))
    assert {*codes, *held, "ground-claimed"} == set(reasons.RISKS)
    assert reasons.risks(visitor("en"), ["near-threshold+30", "unheard-of+5"]) == [
        "close below a threshold +30",
        "unheard-of +5",
    ]


def test_every_reason_of_a_computed_level_has_its_words() -> None:
    fields = [
        FieldLevel("水表号=x", Level.GENERAL_1, personal=True, sensitive=True),
        FieldLevel("户名", Level.GENERAL_1, personal=True),
        FieldLevel("读数", Level.GENERAL_4),
    ]
    amounts = Amounts(persons=20, sensitive_persons=20, joined=3)
    seen = set()
    for raising_from in (10, 30):
        told = computed(
            Level.GENERAL_1,
            grounds=[Ground(Harmed.INDIVIDUAL, Degree.GENERAL, "x")],
            fields=fields if raising_from == 10 else fields[1:2],
            amounts=amounts,
            thresholds=Thresholds(1000, 1000, raising_from, 2),
            floor=Level.GENERAL_2,
        )
        seen |= set(told.why)
    seen |= {"persons>=1000000=important", "sensitive-persons>=10000=important"}
    assert len(seen) == 9
    for why in seen:
        said = reasons.level_reason(visitor("zh"), why)
        assert not re.search("=|general|declared|persons|SERIOUS", said.replace("水表号=x", "")), said
        assert reasons.level_reason(visitor("en"), why) != why
    assert reasons.level_reason(visitor("en"), "of another time") == "of another time"


def test_what_a_rule_computed_is_told_in_words_money_times_and_names() -> None:
    legs = [{"amount_minor": "20000000", "at": "2026-10-12T01:48:00.000Z", "seller_id": "org_a"}]
    told = {
        "legs": legs,
        "joint_share_bp": 7736,
        "median_minor": "17750001/2",
        "status": "SETTLED",
        "same_organisation": False,
        "presumed": ["org_a", "org_<b>"],
        "holder_id": None,
        "of_no_word": {"seller_id": "org_a"},
    }
    assert set(members(told)) == {"org_a", "org_<b>"}
    shown = figures(visitor("zh"), told, {"org_a": "甲<b>"})
    assert (shown[0].label, shown[0].head) == ("各环节", ["金额", "时间", "供方"])
    (row,) = shown[0].rows
    assert (row[0], row[2]) == ("¥200,000.00", "甲<b>")
    assert ">2026-10-12 09:48</time>" in row[1]
    assert [(one.label, one.text) for one in shown[1:]] == [
        ("合计份额", "77.36 %"),
        ("中位数", "17750001/2"),
        ("状态", "已结算"),
        ("为同一机构", "否"),
        ("推定对象", "甲&lt;b&gt; · org_&lt;b&gt;"),
        ("持有人", "–"),
        ("of no word", "供方 甲&lt;b&gt;"),
    ]
    (one,) = figures(visitor("en"), {"amount_minor": "-100"}, {})
    assert (one.label, one.text) == ("Amount", "-CN¥1.00")

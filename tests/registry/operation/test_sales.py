"""What binds a sale under a grant, one step inside each limit and one beyond it."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from registry.operation.errors import OutsideScope, UnitDiffers
from registry.operation.rules import PriceUnit, Scenario, ScenarioState
from registry.operation.sales import UNIT_WORDS, check_sold_under, check_unit

SCENARIO = Scenario(
    name="普惠金融",
    purpose="授信",
    fields={"dat_1": ("登记",)},
    users=("bank",),
    environment="政务云",
    starts=date(2026, 11, 1),
    ends=date(2026, 11, 30),
)
NOW = datetime(2026, 11, 20, tzinfo=UTC)


def test_a_word_is_of_one_unit_and_sold_by_no_other():
    assert sum(len(words) for words in UNIT_WORDS.values()) == len(frozenset().union(*UNIT_WORDS.values()))
    for unit in PriceUnit:
        for other, words in UNIT_WORDS.items():
            for word in words:
                if other is unit:
                    check_unit(unit, f" {word} ")
                else:
                    with pytest.raises(UnitDiffers):
                        check_unit(unit, word)
    check_unit(PriceUnit.THOUSAND_CALLS, "Thousand calls")
    with pytest.raises(UnitDiffers) as refused:
        check_unit(PriceUnit.THOUSAND_CALLS, "次")
    assert refused.value.facts["words"] == ["thousand calls", "千次", "千次调用"]


def test_a_product_is_sold_in_its_scenario_to_its_users_on_its_days():
    approved = ScenarioState.APPROVED
    for at in (datetime(2026, 10, 31, 16, tzinfo=UTC), datetime(2026, 11, 30, 15, 59, tzinfo=UTC)):
        check_sold_under(SCENARIO, approved, users=("bank",), at=at)
    check_sold_under(replace(SCENARIO, users=()), approved, users=("anybody",), at=NOW)
    for at in (datetime(2026, 10, 31, 15, 59, tzinfo=UTC), datetime(2026, 11, 30, 16, tzinfo=UTC)):
        with pytest.raises(OutsideScope) as late:
            check_sold_under(SCENARIO, approved, users=(), at=at)
        assert late.value.facts["outside"] == ["term"]
    with pytest.raises(OutsideScope) as stranger:
        check_sold_under(SCENARIO, approved, users=("bank", "shop"), at=NOW)
    assert stranger.value.facts["outside"] == ["user"]
    for status in set(ScenarioState) - {approved}:
        with pytest.raises(OutsideScope) as ended:
            check_sold_under(SCENARIO, status, users=(), at=NOW)
        assert ended.value.facts["outside"] == ["scenario"]

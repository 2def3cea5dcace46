"""What authorised operation decides, one step inside each limit and one beyond it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.cap import permitted_revenue
from registry.operation.documents import (
    agreement_digest,
    agreement_document,
    agreement_of,
    scheme_document,
    scheme_of,
)
from registry.operation.errors import (
    AgreementUnfit,
    GrantMalformed,
    OutsideScope,
    PriceAboveGrantCap,
    SchemeIncomplete,
    SelectionUnfit,
    YearUnfit,
)
from registry.operation.revenue import Costs, deviation_bp, is_beyond
from registry.operation.rules import (
    Agreement,
    Bidder,
    Clause,
    Content,
    OperationMode,
    PlannedProduct,
    PriceUnit,
    ProductClass,
    Scenario,
    Scheme,
    Selection,
    SelectionMethod,
    Use,
    check_agreement,
    check_columns,
    check_price,
    check_renewal,
    check_scenario,
    check_scheme,
    check_selection,
    check_use,
    check_year,
    disclosed_until,
    first_full_year,
)

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
SCHEME = Scheme(
    name="普惠金融公共数据授权运营",
    need="小微企业缺少可核验的信用信息",
    conditions=("三级等保",),
    mode=OperationMode.SCENARIO,
    resource_range="企业登记",
    data_ids=("dat_1", "dat_2"),
    term_months=60,
    exit="期满移交",
    products=(PlannedProduct(title="接口", product_class=ProductClass.PAID, unit=PriceUnit.THOUSAND_CALLS),),
    income="上缴财政",
    security="不出域",
    duties="另附",
    supervision="年度评估",
)
EMPTY = {
    Content.NAME: {"name": " "},
    Content.NEED: {"need": ""},
    Content.CONDITIONS: {"conditions": ("三级等保", " ")},
    Content.RANGE: {"resource_range": ""},
    Content.CATALOGUE: {"data_ids": ()},
    Content.TERM: {"exit": ""},
    Content.PRODUCTS: {"products": ()},
    Content.INCOME: {"income": ""},
    Content.SECURITY: {"security": ""},
    Content.DUTIES: {"duties": ""},
    Content.SUPERVISION: {"supervision": "\n"},
}


def test_a_scheme_has_twelve_contents_each_with_something_in_it():
    check_scheme(SCHEME, NOW)
    assert len(Content) == len(SCHEME.contents) == 12
    for content, nothing in EMPTY.items():
        with pytest.raises(SchemeIncomplete) as refused:
            check_scheme(replace(SCHEME, **nothing), NOW)
        assert refused.value.facts["missing"] == [content.value]
    with pytest.raises(GrantMalformed) as refused:
        check_scheme(replace(SCHEME, term_months=61, data_ids=("dat_1", "dat_1")), NOW)
    assert refused.value.facts["fields"] == ["data_ids", "term_months"]
    assert scheme_of(scheme_document(SCHEME)) == SCHEME


def selected(method, scores, *, days=20, winner="o0", **more):
    bidders = tuple(Bidder(org_id=f"o{n}", score=score) for n, score in enumerate(scores))
    until = date(2026, 11, 20)
    return Selection(
        method=method,
        notice_from=date.fromordinal(until.toordinal() - days),
        notice_to=until,
        notice_sha256="1" * 64,
        record_sha256="2" * 64,
        bidders=bidders,
        winner_id=winner,
        **more,
    )


@pytest.mark.parametrize(
    ("method", "bidders", "days"),
    [
        (SelectionMethod.OPEN_TENDER, 3, 20),
        (SelectionMethod.INVITED_TENDER, 3, 20),
        (SelectionMethod.NEGOTIATION, 2, 5),
        (SelectionMethod.DIRECT, 1, 0),
    ],
)
def test_a_selection_is_as_its_method_asks(method, bidders, days):
    check_selection(selected(method, [900] * bidders, days=days), authority_id="a", at=NOW)
    if bidders > 1:
        with pytest.raises(SelectionUnfit) as refused:
            wrong = selected(method, [900] * (bidders - 1), days=days - 1)
            check_selection(wrong, authority_id="o0", at=NOW)
        assert refused.value.facts["short"] == ["bidders", "notice", "own-bid"]


def test_the_best_score_wins_and_a_stranger_does_not():
    tender = SelectionMethod.OPEN_TENDER
    with pytest.raises(SelectionUnfit) as refused:
        check_selection(selected(tender, [899, 900, 1]), authority_id="a", at=NOW)
    assert refused.value.facts["short"] == ["score"]
    with pytest.raises(GrantMalformed) as malformed:
        check_selection(selected(tender, [1, 1, 1], winner="x"), authority_id="a", at=NOW)
    assert malformed.value.facts["fields"] == ["winner_id"]


AGREED = Agreement(
    clauses=dict.fromkeys(Clause, "约定"),
    term_from=date(2026, 12, 1),
    term_to=date(2031, 11, 30),
    redevelopment_barred=True,
    document_sha256="3" * 64,
)


@pytest.mark.parametrize(
    ("change", "short"),
    [
        ({"term_to": date(2031, 12, 1)}, ["term"]),
        ({"term_to": date(2026, 12, 1)}, ["term"]),
        ({"redevelopment_barred": False}, ["redevelopment"]),
        ({"clauses": AGREED.clauses | {Clause.EXIT: " "}}, ["clause:EXIT"]),
        ({"clauses": {}}, sorted(f"clause:{clause}" for clause in Clause)),
    ],
)
def test_an_agreement_of_five_years_stands_and_a_day_more_does_not(change, short):
    assert len(Clause) == 13
    check_agreement(AGREED, 60, NOW)
    assert agreement_of(agreement_document(AGREED)) == AGREED
    with pytest.raises(AgreementUnfit) as refused:
        check_agreement(replace(AGREED, **change), 60, NOW)
    assert refused.value.facts["short"] == short
    with pytest.raises(AgreementUnfit):
        check_agreement(AGREED, 59, NOW)  # longer than its scheme


def test_a_renewal_is_of_five_years_at_most():
    check_renewal(date(2031, 11, 30), date(2036, 11, 30), NOW)
    for until in (date(2036, 12, 1), date(2031, 11, 30)):
        with pytest.raises(AgreementUnfit):
            check_renewal(date(2031, 11, 30), until, NOW)


SCENARIO = Scenario(
    name="普惠金融",
    purpose="授信",
    fields={"dat_1": ("登记", "参保")},
    users=("bank",),
    environment="政务云",
    starts=date(2026, 11, 1),
    ends=date(2026, 11, 30),
)
USE = Use(data_id="dat_1", fields=("登记",), user_id="bank", purpose="授信", environment="政务云", calls=1)


def test_a_scenario_stays_in_its_grant():
    ends = datetime(2026, 11, 30, 15, 59, 59, 999_000, tzinfo=UTC)
    check_scenario(SCENARIO, data={"dat_1": ["登记", "参保"]}, term_to=ends)
    check_scenario(SCENARIO, data={"dat_1": []}, term_to=ends)  # its entry tells no fields
    with pytest.raises(OutsideScope) as refused:
        check_scenario(SCENARIO, data={"dat_1": ["登记"]}, term_to=ends.replace(microsecond=0))
    assert refused.value.facts["outside"] == ["dat_1.参保", "term"]
    with pytest.raises(OutsideScope) as other:
        check_scenario(SCENARIO, data={"dat_2": []}, term_to=ends)
    assert other.value.facts["outside"] == ["dat_1"]


def test_a_file_has_no_field_that_its_scenario_leaves_out_and_may_have_what_was_made_of_it():
    held = ["登记", "参保", "电话"]
    check_columns(["登记", "授信分"], SCENARIO, held)
    with pytest.raises(OutsideScope) as refused:
        check_columns(["登记", " 电话"], SCENARIO, held)
    assert (refused.value.facts["outside"], refused.value.facts["columns"]) == (["fields"], [" 电话"])


@pytest.mark.parametrize(
    ("change", "at", "outside"),
    [
        ({"data_id": "dat_2"}, NOW, ["data", "fields"]),
        ({"fields": ("登记", "电话")}, NOW, ["fields"]),
        ({"user_id": "shop"}, NOW, ["user"]),
        ({"purpose": "营销"}, NOW, ["purpose"]),
        ({"environment": "自建"}, NOW, ["environment"]),
        ({}, datetime(2026, 11, 30, 16, 0, tzinfo=UTC), ["term"]),
        ({}, datetime(2026, 10, 31, 15, 59, tzinfo=UTC), ["term"]),
    ],
)
def test_a_use_names_every_respect_in_which_it_leaves_its_scenario(change, at, outside):
    check_use(USE, SCENARIO, NOW)
    check_use(USE, SCENARIO, datetime(2026, 11, 30, 15, 59, tzinfo=UTC))
    check_use(replace(USE, user_id="anybody"), replace(SCENARIO, users=()), NOW)
    with pytest.raises(OutsideScope) as refused:
        check_use(replace(USE, **change), SCENARIO, at)
    assert refused.value.facts["outside"] == outside


def test_a_price_is_at_most_its_cap_and_what_is_free_costs_nothing():
    check_price(ProductClass.PAID, 8_000, 8_000)
    check_price(ProductClass.FREE, 0, 8_000)
    for product_class, price in ((ProductClass.PAID, 8_001), (ProductClass.FREE, 1)):
        with pytest.raises(PriceAboveGrantCap):
            check_price(product_class, price, 8_000)


def test_the_worked_example_is_exact():
    costs = Costs(
        cost_minor=1_200_000_000,
        subsidy_minor=200_000_000,
        bond_yield=Decimal("0.0175"),
        margin=Decimal("0.06"),
    )
    assert (costs.net_minor, costs.profit_minor, costs.permitted_minor) == (
        1_000_000_000,
        77_500_000,
        1_077_500_000,
    )
    tenth = Fraction(1, 10)
    assert deviation_bp(1_290_000_000, costs.permitted_minor) == 1_972
    assert is_beyond(1_290_000_000, costs.permitted_minor, tenth)
    assert not is_beyond(1_185_250_000, costs.permitted_minor, tenth)  # a tenth exactly
    assert is_beyond(1_185_250_001, costs.permitted_minor, tenth)
    assert is_beyond(969_749_999, costs.permitted_minor, tenth)
    assert costs.excess_minor(1_290_000_000) == 212_500_000


_FEN = st.integers(0, 10**13)


_AMOUNTS = ("cost_minor", "subsidy_minor", "tax_minor", "carried_minor")


@given(st.tuples(*(_FEN for _ in _AMOUNTS)), _FEN, st.integers(0, 900), st.integers(0, 600))
def test_the_pricing_method_and_the_grant_say_the_same_of_a_year(spent, actual, yield_bp, margin_bp):
    rates = {"bond_yield": Decimal(yield_bp) / 10_000, "margin": Decimal(margin_bp) / 10_000}
    amounts = dict(zip(_AMOUNTS, spent, strict=True))
    costs = Costs(**amounts, **rates)
    said = permitted_revenue(
        amounts | {"actual_minor": actual} | {name: str(rate) for name, rate in rates.items()}
    ).results
    assert said["permitted_minor"] == costs.permitted_minor >= 0
    assert said["excess_minor"] == costs.excess_minor(actual) >= 0
    # Whoever takes no more than is permitted leaves nothing to be deducted, but what was owed before.
    assert costs.excess_minor(0) == max(0, costs.carried_minor - costs.before_carry_minor)


def test_the_first_full_year_is_that_of_new_years_day_in_shanghai():
    assert first_full_year(datetime(2025, 12, 31, 16, 0, tzinfo=UTC)) == 2026
    assert first_full_year(datetime(2026, 1, 1, 16, 0, tzinfo=UTC)) == 2027
    assert first_full_year(datetime(2026, 12, 31, 15, 59, tzinfo=UTC)) == 2027


def test_what_both_sign_says_the_clauses_the_term_and_the_document():
    signed = agreement_digest(agreement_document(AGREED))
    assert signed == agreement_digest(agreement_document(AGREED))
    for change in (
        {"clauses": AGREED.clauses | {Clause.INCOME: "另行约定"}},
        {"term_to": AGREED.term_to - timedelta(days=1)},
        {"document_sha256": "0" * 64},
    ):
        assert agreement_digest(agreement_document(replace(AGREED, **change))) != signed


def test_a_year_is_told_when_it_is_over_until_31_march():
    begun = datetime(2025, 12, 31, 16, 0, tzinfo=UTC)  # 2026 begins in Shanghai
    after = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)
    check_year(2026, begun=begun, ended=None, at=after)
    for year, at in ((2025, after), (2027, after), (2026, datetime(2026, 12, 31, 15, 59, tzinfo=UTC))):
        with pytest.raises(YearUnfit):
            check_year(year, begun=begun, ended=None, at=at)
    with pytest.raises(YearUnfit):
        check_year(2027, begun=begun, ended=after.replace(day=30), at=datetime(2029, 1, 1, tzinfo=UTC))
    assert disclosed_until(2026, NOW) == datetime(2027, 3, 31, 15, 59, 59, 999_000, tzinfo=UTC)

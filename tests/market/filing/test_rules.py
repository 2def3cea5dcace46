"""Numbers, amounts and terms after a settlement, as values."""

import itertools
from datetime import UTC, date, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.canonical import canonical
from market.filing.errors import (
    InvoiceAmountsDiffer,
    InvoiceDateOutside,
    InvoiceNumberMalformed,
    VatRateUnknown,
)
from market.filing.rounds import terms_between
from market.filing.rules import (
    CERTIFICATE_NUMBER,
    VAT_RATES_BP,
    Taxpayer,
    Told,
    certificate_document,
    certificate_number,
    check_invoice,
    filing_document,
    filing_number,
)
from market.orders.deadlines import file_by, invoice_by
from tests.market.filing.filing import NUMBER, terms

TRADE = "trd_01knv6a2c8gxnz5q0v3w7r4t9e"
SETTLED_ON = date(2026, 11, 23)


def checked(paid_minor: int = 68_000_000, **changes) -> None:
    check_invoice(
        terms(**changes), paid_minor=paid_minor, earliest=date(2026, 11, 13), today=date(2026, 11, 23)
    )


def test_the_test_vector_of_the_rules() -> None:
    checked()


@pytest.mark.parametrize(
    ("taxpayer", "rate", "net", "vat"),
    [
        (Taxpayer.GENERAL, 600, 64_150_943, 3_849_057),
        (Taxpayer.SMALL_SCALE, 300, 66_019_417, 1_980_583),
        (Taxpayer.SMALL_SCALE, 100, 67_326_733, 673_267),
    ],
)
def test_each_kind_of_taxpayer_has_its_rates(taxpayer, rate, net, vat) -> None:
    checked(taxpayer=taxpayer, vat_rate_bp=rate, net_minor=net, vat_minor=vat)


@pytest.mark.parametrize(("taxpayer", "rate"), [(Taxpayer.GENERAL, 300), (Taxpayer.SMALL_SCALE, 600)])
def test_another_kinds_rate_is_refused(taxpayer, rate) -> None:
    with pytest.raises(VatRateUnknown):
        checked(taxpayer=taxpayer, vat_rate_bp=rate)


@pytest.mark.parametrize(
    "changes",
    [
        {"net_minor": 64_150_944, "vat_minor": 3_849_056},  # the same sum, one fen of it tax no more
        {"net_minor": 64_150_942},
        {"vat_minor": 3_849_058},
        {"net_minor": 68_000_000, "vat_minor": 0},
    ],
)
def test_an_invoice_is_exact_to_the_fen(changes) -> None:
    with pytest.raises(InvoiceAmountsDiffer) as caught:
        checked(**changes)
    assert caught.value.facts["expected_net_minor"] == "64150943"
    assert caught.value.facts["expected_vat_minor"] == "3849057"


@given(paid=st.integers(1, 10**13), taxpayer=st.sampled_from(Taxpayer), data=st.data())
def test_of_all_divisions_of_a_sum_exactly_one_is_taken(paid, taxpayer, data) -> None:
    rate = data.draw(st.sampled_from(VAT_RATES_BP[taxpayer]))
    net = (2 * paid * 10_000 + 10_000 + rate) // (2 * (10_000 + rate))  # half up, in whole numbers
    checked(paid, taxpayer=taxpayer, vat_rate_bp=rate, net_minor=net, vat_minor=paid - net)
    other = data.draw(st.integers(-3, 3).filter(bool))
    with pytest.raises(InvoiceAmountsDiffer):
        checked(
            paid, taxpayer=taxpayer, vat_rate_bp=rate, net_minor=net + other, vat_minor=paid - net - other
        )


@pytest.mark.parametrize(
    "number",
    ["", NUMBER[:-1], NUMBER + "0", "25" + NUMBER[2:], NUMBER[:-1] + "x", "２６" + NUMBER[2:], NUMBER + "\n"],
)
def test_a_number_of_another_form_is_malformed(number) -> None:
    with pytest.raises(InvoiceNumberMalformed):
        checked(invoice_no=number)


@pytest.mark.parametrize("day", [date(2026, 11, 12), date(2026, 11, 24)])
def test_an_invoice_is_dated_between_the_contract_and_today(day) -> None:
    with pytest.raises(InvoiceDateOutside):
        checked(issued_on=day)


def test_the_numbers_follow_from_the_trade_and_the_day() -> None:
    assert filing_number(TRADE, SETTLED_ON) == "BA-20261123-T616-PP01-K24N"
    assert certificate_number(TRADE, SETTLED_ON) == "JY-20261123-T616-PP01-K24N"
    assert CERTIFICATE_NUMBER.fullmatch(certificate_number(TRADE, SETTLED_ON))
    assert filing_number(TRADE[:-1] + "f", SETTLED_ON) != filing_number(TRADE, SETTLED_ON)


@pytest.mark.parametrize(
    ("settled", "invoiced", "filed"),
    [
        # an ordinary Monday
        ((2026, 11, 23, 1), (2026, 11, 30), (2026, 11, 30)),
        # after 16:00 UTC it is the next day in Shanghai
        ((2026, 11, 23, 16), (2026, 11, 30), (2026, 12, 1)),
        # before National Day: 1 to 7 October rest, Saturday 10 October is worked
        ((2026, 9, 30, 1), (2026, 9, 30), (2026, 10, 13)),
        # before the Spring Festival: 15 to 23 February rest, the Saturdays 14 and 28 February are worked
        ((2026, 2, 13, 1), (2026, 2, 28), (2026, 2, 27)),
        # December has 31 days, and the new year is one more holiday
        ((2026, 12, 31, 1), (2026, 12, 31), None),
    ],
)
def test_the_terms_of_a_settlement(settled, invoiced, filed) -> None:
    at = datetime(*settled, tzinfo=UTC)
    assert invoice_by(at) == datetime(*invoiced, 15, 59, 59, 999_000, tzinfo=UTC)
    if filed is not None:
        assert file_by(at) == datetime(*filed, 15, 59, 59, 999_000, tzinfo=UTC)


def test_a_round_finds_each_term_once_however_long_the_last_one_is_ago() -> None:
    start = datetime(2026, 9, 20, 16, tzinfo=UTC)
    steps = [datetime(2026, month, day, 16, tzinfo=UTC) for month in (9, 10, 11) for day in (1, 8, 22, 27)]
    moments = [start, *[step for step in steps if step > start]]
    piecewise = [found for since, now in itertools.pairwise(moments) for found in terms_between(since, now)]
    at_once = list(terms_between(start, moments[-1]))
    assert sorted(piecewise) == sorted(at_once)
    assert len(set(at_once)) == len(at_once)
    days = {day for day, _ in at_once}
    assert {date(2026, 9, 18), date(2026, 10, 1), date(2026, 11, 13)} <= days


def test_the_certificate_tells_no_money_and_the_filing_all_of_it() -> None:
    told = Told(
        trade_id=TRADE,
        listing_id="lst",
        product_id="prd",
        category="energy",
        level="general-2",
        parties=[{"role": "PROVIDER", "org_id": "org", "name": "粤能数科", "uscc": "x"}],
        contract_sha256="cc" * 32,
        file_sha256="ff" * 32,
        moments={"settled_at": "2026-11-23T01:00:00.000Z"},
        licence={"class": "INTERNAL_USE"},
    )
    filed = filing_document(
        told,
        filing_no="BA-1",
        filed_at="2026-11-23T02:00:00.000Z",
        amounts={"price_minor": "68000000"},
        invoice=terms().document(),
        statements=[{"event": "TRD.SETTLE", "sha256": "aa" * 32}],
        nonce="00" * 32,
    )
    certificate = certificate_document(
        told,
        certificate_no="JY-1",
        filing_no="BA-1",
        filing_sha256="bb" * 32,
        issued_at="2026-11-23T02:00:00.000Z",
        issuer={"org_id": "org_x"},
    )
    assert orjson.loads(filed)["amounts"] == {"price_minor": "68000000"}
    assert orjson.loads(filed)["invoice"]["net_minor"] == "64150943"
    assert canonical(orjson.loads(filed)) == filed
    assert canonical(orjson.loads(certificate)) == certificate
    assert b"minor" not in certificate
    assert b"68000000" not in certificate

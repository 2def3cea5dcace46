"""The register as a fold of statements: what was on a day, who is found, in which order, and what counts."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.register import DayAhead, Holder, Holding, Step, fold, moment_of
from brokers.register_conduct import KINDS, record_of
from brokers.register_search import PUBLIC_STATES, CursorUnknown, Order, Page, Wanted, search
from brokers.register_statistics import (
    MIN_TRADES,
    Month,
    Settled,
    closed_quarters,
    quarters,
    statistics,
    withheld,
)
from brokers.rules import BrokerType
from brokers.states import CertificateState
from registry.rules import Level

NOW: Final = datetime(2026, 6, 30, 4, 0, tzinfo=UTC)
SCOPE: Final = {
    "broker_type": "M",
    "grade": 2,
    "sectors": ["energy", "transport"],
    "max_level": "general-2",
    "cross_border": False,
}
ISSUED: Final = "2026-02-02 APPLY>APPLIED 2026-03-02 NOTICE>PUBLIC_NOTICE 2026-04-01 CERTIFY>ACTIVE"


def told(story: str, cert_id: str = "crt_1", org_id: str = "org_1", **says: Mapping[str, Any]) -> list[Step]:
    """Steps at 09:00 in Shanghai of the days named; a step says what stands under its event."""
    words, found, state = story.split(), [], None
    for number, (day, moved) in enumerate(zip(words[::2], words[1::2], strict=True)):
        event, _, to = moved.partition(">")
        public: dict[str, Any] = {"org_id": org_id, "from": state, "to": to, "role": "DATA_AUTHORITY"}
        if event in {"APPLY", "NOTICE", "CERTIFY", "RENEW"}:
            public |= SCOPE
        if event == "CERTIFY":
            public |= {
                "cert_no": f"GD-DB-M-2-2026-{cert_id[4:]:0>4}",
                "valid_from": "2026-04-01T01:00:00.000Z",
            }
            public |= {"valid_to": "2029-04-01T01:00:00.000Z"}
        public |= says.get(event, {})
        at = datetime.fromisoformat(f"{day}T01:00:00+00:00")
        found.append(Step(f"BRK.{event}", cert_id, at, public, f"sta_{cert_id}_{number}", number))
        state = to
    return found


def held(story: str, **says: Mapping[str, Any]) -> Holding:
    return fold(told(story, **says))["crt_1"]


def end_of(day: str) -> datetime:
    return moment_of(date.fromisoformat(day), now=NOW)


def test_a_day_has_the_state_and_the_scope_it_ended_with() -> None:
    cut = {"sectors": ["energy"], "max_level": "general-1"}
    holding = held(
        f"{ISSUED} 2026-05-01 SUSPEND>SUSPENDED 2026-05-02 REINSTATE>ACTIVE 2026-06-01 CUT_SCOPE>ACTIVE",
        CUT_SCOPE=cut,
    )
    assert holding.on(end_of("2026-02-01")) is None
    states = {}
    for day in ("2026-02-02", "2026-03-31", "2026-04-01", "2026-05-01", "2026-05-02"):
        standing = holding.on(end_of(day))
        assert standing is not None
        assert standing.sectors == ("energy", "transport")
        states[day] = (standing.state.value, standing.in_force, standing.cert_no is not None)
    assert states == {
        "2026-02-02": ("APPLIED", False, False),
        "2026-03-31": ("PUBLIC_NOTICE", False, False),
        "2026-04-01": ("ACTIVE", True, True),
        "2026-05-01": ("SUSPENDED", False, True),
        "2026-05-02": ("ACTIVE", True, True),
    }
    now = holding.on(NOW)
    assert now is not None
    assert (now.sectors, now.max_level) == (("energy",), "general-1")
    assert now.since == datetime(2026, 5, 2, 1, 0, tzinfo=UTC)  # a cut of scope is no new state


def test_what_is_past_its_end_is_in_force_no_more_although_nobody_has_stated_it() -> None:
    holding = held(ISSUED, CERTIFY={"valid_to": "2026-05-31T15:59:59.999Z"})
    last, after = (holding.on(end_of(day)) for day in ("2026-05-31", "2026-06-01"))
    assert last is not None
    assert after is not None
    assert (last.in_force, after.in_force, after.state) == (True, False, CertificateState.ACTIVE)


def test_a_certificate_dated_back_was_not_there_before_the_ledger_had_it() -> None:
    holding = held(ISSUED, CERTIFY={"valid_from": "2025-01-01T00:00:00.000Z"})
    before = holding.on(end_of("2026-03-31"))
    assert before is not None
    assert (before.in_force, before.valid_from) == (False, None)


def test_there_is_no_register_of_a_day_to_come() -> None:
    assert moment_of(date(2026, 6, 30), now=NOW) == NOW  # today lasts
    assert moment_of(date(2026, 6, 29), now=NOW) == datetime(2026, 6, 29, 15, 59, 59, 999000, tzinfo=UTC)
    with pytest.raises(DayAhead):
        moment_of(date(2026, 7, 1), now=NOW)


@pytest.mark.parametrize(
    ("story", "public"),
    [
        ("2026-02-02 APPLY>APPLIED 2026-03-01 REVIEW>UNDER_REVIEW 2026-03-02 REFUSE>REFUSED", False),
        ("2026-02-02 APPLY>APPLIED 2026-03-01 WITHDRAW>WITHDRAWN", False),
        ("2026-02-02 APPLY>APPLIED 2026-03-01 ASK_CORRECTION>CORRECTING 2026-03-21 LAPSE>LAPSED", False),
        ("2026-02-02 APPLY>APPLIED 2026-03-02 NOTICE>PUBLIC_NOTICE", True),
        (f"{ISSUED[: ISSUED.index(' 2026-04')]} 2026-03-03 OBJECT>OBJECTED 2026-03-09 UPHOLD>REFUSED", True),
        (f"{ISSUED[: ISSUED.index(' 2026-04')]} 2026-03-03 WITHDRAW>WITHDRAWN", True),
        ("2026-04-01 CERTIFY>ACTIVE", True),
    ],
)
def test_public_is_what_was_on_notice_or_certified(story: str, public) -> None:
    holding = held(story)
    assert holding.is_public(NOW) is public
    assert not holding.is_public(end_of("2026-02-28"))
    holders = {"org_1": Holder("org_1", "珠江数据经纪", "91440100MA00000080")}
    found = search([holding], holders, Wanted(), at=NOW)
    assert found.found == public
    for line in found.lines:
        assert line.standing.state in PUBLIC_STATES


# --- search


def several() -> tuple[list[Holding], dict[str, Holder]]:
    stories: list[tuple[str, str, dict[str, Any]]] = [
        ("珠江数据经纪", ISSUED, {}),
        ("Ａlpha Data", ISSUED, {"CERTIFY": {"grade": 1, "sectors": ["*"], "max_level": "general-4"}}),
        ("岭南数据", f"{ISSUED} 2026-05-01 SUSPEND>SUSPENDED", {"CERTIFY": {"broker_type": "T"}}),
        ("湾区数据", "2026-02-02 APPLY>APPLIED 2026-06-29 NOTICE>PUBLIC_NOTICE", {}),
        ("西江数据", ISSUED, {"CERTIFY": {"cross_border": True, "valid_to": "2026-12-31T00:00:00.000Z"}}),
        ("未公示", "2026-02-02 APPLY>APPLIED", {}),
    ]
    holdings, holders = [], {}
    for number, (name, story, says) in enumerate(stories, 1):
        org_id, cert_id = f"org_{number}", f"crt_{number}"
        holdings += fold(told(story, cert_id, org_id, **says)).values()
        holders[org_id] = Holder(org_id, name, f"91440100MA000000{number:02}")
    return holdings, holders


def found(wanted: Wanted, **asked: Any) -> list[str]:
    holdings, holders = several()
    return [line.standing.cert_id for line in search(holdings, holders, wanted, at=NOW, **asked).lines]


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ({}, "12354"),
        ({"text": "数据"}, "1354"),
        ({"text": "alpha data"}, "2"),
        ({"text": "2026-0003"}, "3"),
        ({"text": "91440100ma00000005 西江"}, "5"),
        ({"text": "数据 alpha"}, ""),
        ({"text": "未公示"}, ""),
        ({"broker_type": BrokerType.TECHNOLOGY}, "3"),
        ({"grade": 1}, "2"),
        ({"sector": "transport"}, "12354"),
        ({"sector": "finance"}, "2"),
        ({"level": Level.GENERAL_3}, "2"),
        ({"level": Level.GENERAL_1}, "12354"),
        ({"cross_border": True}, "5"),
        ({"state": CertificateState.SUSPENDED}, "3"),
        ({"state": CertificateState.APPLIED}, ""),
        ({"in_force": True}, "125"),
        ({"in_force": False}, "34"),
        ({"order": Order.NAME}, "23415"),
        ({"order": Order.ENDING}, "51234"),
    ],
)
def test_every_filter_narrows_and_every_order_is_its_own(asked: dict[str, Any], ids: str) -> None:
    assert found(Wanted(**asked)) == [f"crt_{one}" for one in ids]


@given(st.sampled_from(Order), st.integers(1, 6))
def test_pages_one_after_the_other_are_the_whole(order: Order, limit: int) -> None:
    holdings, holders = several()
    whole = found(Wanted(order=order))
    pages: list[str] = []
    after: str | None = None
    while True:
        page: Page = search(holdings, holders, Wanted(order=order), at=NOW, after=after, limit=limit)
        assert page.found == len(whole)
        pages += [line.standing.cert_id for line in page.lines]
        after = page.next_after
        if after is None:
            break
    assert pages == whole


def test_a_place_that_fits_no_more_is_still_a_place_and_an_unknown_one_is_none() -> None:
    assert found(Wanted(in_force=True), after="crt_3") == [
        "crt_5"
    ]  # suspended meanwhile: what follows follows
    for unknown in ("crt_6", "crt_7"):  # not public; not there
        with pytest.raises(CursorUnknown):
            found(Wanted(), after=unknown)


# --- conduct record


def test_the_conduct_record_has_each_measure_from_when_to_when() -> None:
    holding = held(
        f"{ISSUED} 2026-04-02 WARN>ACTIVE 2026-04-03 CUT_SCOPE>ACTIVE 2026-04-04 RECTIFY>RECTIFYING "
        "2026-04-05 RECTIFY_MISS>SUSPENDED 2026-04-06 REINSTATE>ACTIVE 2026-04-07 SUSPEND>SUSPENDED "
        "2026-04-08 MISS_REPORT>SUSPENDED 2026-04-09 REVOKE>REVOKED",
        WARN={"reason_code": "LATE_REPORTS"},
        RECTIFY={"rectify_by": "2026-05-04T15:59:59.999Z"},
        SUSPEND={"case_id": "cse_1", "role": "EXCHANGE_OPERATOR"},
        REVOKE={"barred_until": "2029-04-09T01:00:00.000Z"},
    )
    rows = [
        (one.kind, one.at.day, None if one.until is None else one.until.date().isoformat(), one.ended_by)
        for one in record_of(holding)
    ]
    assert rows == [
        ("WARNING", 2, None, None),
        ("SCOPE_CUT", 3, None, None),
        ("RECTIFICATION", 4, "2026-05-04", None),
        ("RECTIFICATION_MISSED", 5, None, None),
        ("SUSPENSION", 5, "2026-04-06", "BRK.REINSTATE"),
        ("SUSPENSION", 7, "2026-04-09", "BRK.REVOKE"),
        ("REPORT_MISSED", 8, None, None),
        ("REVOCATION", 9, "2029-04-09", None),
    ]
    first, *_, by_exchange, _, _ = record_of(holding)
    assert (first.reason_code, by_exchange.case_id, by_exchange.by) == (
        "LATE_REPORTS",
        "cse_1",
        "EXCHANGE_OPERATOR",
    )
    then = record_of(holding, at=end_of("2026-04-08"))
    assert (then[-2].kind, then[-2].until) == ("SUSPENSION", None)  # it stood on that day
    left = record_of(held(f"{ISSUED} 2026-04-02 EXIT_NOTICE>EXITING 2026-10-03 EXIT>EXITED"))
    assert [one.kind for one in left] == ["EXIT_NOTICE", "EXIT"]
    assert {one.kind for one in [*record_of(holding), *left]} == set(KINDS)


# --- figures


def test_figures_count_what_was_stated_until_then() -> None:
    holdings, _ = several()
    figures = statistics(holdings, at=NOW)
    assert (figures.brokers_in_force, figures.certificates) == (3, 4)
    assert figures.by_state == {"ACTIVE": 3, "SUSPENDED": 1}
    assert (figures.by_type, figures.by_grade) == ({"M": 3}, {"1": 1, "2": 2})
    assert figures.applications == {"APPLIED": 1, "CERTIFIED": 4, "PUBLIC_NOTICE": 1}
    assert figures.months == [Month("2026-04", certified=4), Month("2026-05", suspended=1)]
    days = figures.days_to_certificate
    assert (days.certificates, days.shortest, days.median, days.longest) == (4, 58, 58.0, 58)
    before = statistics(holdings, at=end_of("2026-04-30"))
    assert (before.brokers_in_force, before.by_state) == (4, {"ACTIVE": 4})
    assert before.applications == {"APPLIED": 2, "CERTIFIED": 4}


def test_a_month_is_shanghai_s_and_an_ended_emergency_is_a_reinstatement() -> None:
    late = [
        Step(step.event, step.object_id, step.at + timedelta(hours=15), step.says, step.statement_id)
        for step in told(
            "2026-03-31 CERTIFY>ACTIVE 2026-04-30 SUSPEND>SUSPENDED 2026-05-31 EMERGENCY_OVER>ACTIVE"
        )
    ]  # 00:00 of the next day in Shanghai
    months = statistics(fold(late).values(), at=NOW).months
    assert months == [
        Month("2026-04", certified=1),
        Month("2026-05", suspended=1),
        Month("2026-06", reinstated=1),
    ]


def sold(*prices: int, sellers: str = "aaaaaaaa", buyers: str = "stuvwxyz", day: int = 1) -> list[Settled]:
    at = datetime(2026, 4, day, 1, 0, tzinfo=UTC)
    return [
        Settled(f"trd_{number}", "org_b", sellers[number], buyers[number], price * 1_000_000, at)
        for number, price in enumerate(prices)
    ]


@pytest.mark.parametrize(
    ("trades", "why"),
    [
        (sold(1, 1, 1, 1), "few-trades"),
        (sold(1, 1, 1, 1, 1), None),
        (sold(1, 1, 1, 1, 4), None),
        (sold(1, 1, 1, 1, 5), "one-outweighs"),
        (sold(1, 1, 1, 1, 1, sellers="aaaab"), "others-told"),  # a takes its own away and knows b's
        (sold(1, 1, 1, 1, 1, sellers="aaabb"), "others-told"),  # a sees b's two together: too few
        (sold(1, 1, 1, 1, 1, 1, sellers="aaabbb"), None),
        (sold(1, 1, 1, 1, 1, buyers="sssst"), "others-told"),
        (sold(1, 1, 1, 1, 1, buyers="sssss"), None),  # one buyer and one seller knew it all before
    ],
)
def test_a_sum_that_would_tell_a_price_is_withheld(trades: Sequence[Settled], why: str | None) -> None:
    assert withheld(trades) == why
    (quarter,) = quarters(trades, undone=(), changed={})
    assert (quarter.quarter, quarter.trades) == ("2026-Q2", len(trades))
    assert (quarter.value_minor is None, quarter.withheld) == (why is not None, why)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.integers(1, 9)), max_size=9))
def test_whoever_knows_its_own_trades_sees_no_single_other_one(rows: list[tuple[str, str, int]]) -> None:
    trades = [
        Settled(f"trd_{number}", "org_b", seller, buyer, price, NOW)
        for number, (seller, buyer, price) in enumerate(rows)
    ]
    if withheld(trades) is None:
        assert len(trades) >= MIN_TRADES
        for party in "abcxyz":
            assert sum(party not in (one.seller_id, one.buyer_id) for one in trades) not in {1, 2}


def test_a_trade_that_was_undone_counts_for_nothing_and_hides_the_sum_if_it_was_after_the_quarter() -> None:
    trades = sold(2, 2, 2, 2, 2, 2)
    whole, in_time, late = (
        quarters(trades, undone=undone, changed=changed)[0]
        for undone, changed in (
            ((), {}),
            ({"trd_0"}, {"trd_0": datetime(2026, 6, 30, 15, 59, tzinfo=UTC)}),
            ({"trd_0"}, {"trd_0": datetime(2026, 6, 30, 16, 0, tzinfo=UTC)}),
        )
    )
    assert (whole.trades, whole.value_minor) == (6, 12_000_000)
    assert (in_time.trades, in_time.value_minor, in_time.withheld) == (5, 10_000_000, None)
    assert (late.trades, late.value_minor, late.withheld) == (5, None, "changed-since")
    cleared = quarters(trades, undone=(), changed={"trd_0": NOW + timedelta(days=9)})[0]
    assert (cleared.trades, cleared.withheld) == (6, "changed-since")


def test_sums_are_told_in_ten_thousands_and_of_quarters_that_are_over() -> None:
    odd = [Settled(f"t{n}", "b", "s", f"c{n}", 123_456_789, NOW) for n in range(5)]
    assert quarters(odd, undone=(), changed={})[0].value_minor == 617_000_000
    since, until = closed_quarters(datetime(2026, 7, 1, 15, 0, tzinfo=UTC))
    assert until == datetime(2026, 3, 31, 16, 0, tzinfo=UTC)  # a day of grace
    since, until = closed_quarters(datetime(2026, 7, 1, 16, 0, tzinfo=UTC))
    assert until == datetime(2026, 6, 30, 16, 0, tzinfo=UTC)
    assert since == datetime(2024, 6, 30, 16, 0, tzinfo=UTC)

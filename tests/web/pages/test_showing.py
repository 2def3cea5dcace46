"""How values look on a page."""

from datetime import UTC, date, datetime

import pytest

from web.pages import showing


@pytest.mark.parametrize(
    ("minor", "chinese", "english"),
    [
        (68_000_000, "¥680,000.00", "CN¥680,000.00"),
        ("1", "¥0.01", "CN¥0.01"),
        (-150, "-¥1.50", "-CN¥1.50"),
        (0, "¥0.00", "CN¥0.00"),
        (None, "–", "–"),
    ],
)
def test_money_is_yuan_with_grouping(minor, chinese, english) -> None:
    assert showing.money("zh", minor) == chinese
    assert showing.money("en", minor) == english


def test_a_time_is_beijings_with_utc_on_its_title() -> None:
    at = datetime(2026, 11, 15, 17, 30, 5, tzinfo=UTC)
    assert showing.when(at) == (
        '<time datetime="2026-11-15T17:30:05.000Z" '
        'title="2026-11-16T01:30:05+08:00 · 2026-11-15 17:30:05 UTC">2026-11-16 01:30</time>'
    )
    assert showing.when("2026-11-15T17:30:05.000Z") == showing.when(at)
    assert showing.when(None) == "–"
    assert showing.day(at) == '<time datetime="2026-11-16">2026-11-16</time>'
    assert showing.day(date(2026, 1, 2)) == '<time datetime="2026-01-02">2026-01-02</time>'
    assert showing.local_input(at) == "2026-11-16T01:30"
    assert showing.in_days(at, 5) == "2026-11-21T18:00"


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (22_145_000, "22.1 MB"), (10**15, "1000.0 TB")],
)
def test_sizes_are_decimal_and_rounded_down(count, text) -> None:
    assert showing.size(count) == text


def test_hashes_and_ids_are_short_with_the_whole_on_the_title() -> None:
    assert showing.digest("ab" * 32) == f'<code class="hash" title="{"ab" * 32}">abababababab</code>'
    assert showing.digest(bytes(32)) == showing.digest("00" * 32)
    whole = "trd_01m7hbkx40sfeg74k2nxj99k8n"
    assert showing.ident(whole) == f'<code class="id" title="{whole}">trd_…nxj99k8n</code>'
    assert showing.ident("day/2026-11-16") == '<code class="id" title="day/2026-11-16">day/2026-11-16</code>'
    assert showing.ident('<b>"&') == '<code class="id" title="&lt;b&gt;&#34;&amp;">&lt;b&gt;&#34;&amp;</code>'


def test_shares_are_per_cent_with_two_places() -> None:
    assert showing.percent_bp(4571) == "45.71 %"
    assert showing.percent_bp(5) == "0.05 %"


@pytest.mark.parametrize(
    ("codes", "chinese", "english"),
    [("CN", "中国", "China"), ("CN, SG", "中国、新加坡", "China, Singapore"), ("440000", "440000", "440000")],
)
def test_places_are_named_where_they_are_countries(codes, chinese, english) -> None:
    assert showing.place("zh", codes) == chinese
    assert showing.place("en", codes) == english

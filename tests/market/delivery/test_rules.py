"""Which bytes are asked for, which were sent, what that uses up: values only."""

import hashlib
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.delivery.errors import (
    DeliverySuspended,
    EntitlementExpired,
    EntitlementForeign,
    EntitlementRevoked,
    EntitlementUsedUp,
    GoodsDiffer,
    SpanOutside,
)
from market.delivery.rules import (
    EntitlementStatus,
    GoodsCheck,
    Placement,
    Reply,
    Right,
    Span,
    choose_bytes,
    covered,
    digest_field,
    etag,
    is_whole,
    merge,
    place,
    require_same_goods,
    require_usable,
    spans_from,
    spans_text,
)
from market.orders.scope import licence_end

NOW = datetime(2026, 11, 17, 2, 0, tzinfo=UTC)
DIGEST = hashlib.sha256(b"flights").hexdigest()
TAG = etag(DIGEST)
SIZE = 100


def reply(range_field, if_range=None, size=SIZE):
    return choose_bytes(range_field=range_field, if_range=if_range, size=size, tag=TAG)


WHOLE = Reply(Span(0, SIZE), partial=False, size=SIZE)
UNSATISFIABLE = Reply(None, partial=True, size=SIZE)


@pytest.mark.parametrize(
    ("field", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=10-19", 10, 20),
        ("bytes=10-", 10, 100),
        ("bytes=99-", 99, 100),
        ("bytes=90-200", 90, 100),
        ("bytes=0-99999999999999999999999999", 0, 100),
        ("bytes=-1", 99, 100),
        ("bytes=-100", 0, 100),
        ("bytes=-5000", 0, 100),
        ("Bytes=10-19", 10, 20),
        ("bytes= 10-19 ", 10, 20),
        ("bytes=,10-19,", 10, 20),
        ("bytes=0010-0019", 10, 20),
    ],
)
def test_one_range_is_answered_with_its_bytes(field, start, end):
    assert reply(field) == Reply(Span(start, end), partial=True, size=SIZE)


@pytest.mark.parametrize("field", ["bytes=100-", "bytes=100-120", "bytes=-0", "bytes=" + "9" * 5000 + "-"])
def test_a_range_without_a_byte_of_the_file_cannot_be_answered(field):
    assert reply(field) == UNSATISFIABLE
    assert reply(field).content_range == "bytes */100"


@pytest.mark.parametrize(
    "field",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=5-2",
        "bytes=1-2-3",
        "bytes=0x1-2",
        "bytes=٣-٤",
        "bytes=+1-2",
        "bytes=1 - 2",
        "bytes=0-9,20-29",
        "rows=0-9",
    ],
)
def test_what_may_be_ignored_is_answered_with_the_whole_file(field):
    assert reply(field) == WHOLE


def test_a_range_is_honoured_only_if_the_file_is_still_the_one_the_client_has_part_of():
    part = Reply(Span(10, 100), partial=True, size=SIZE)
    assert reply("bytes=10-", TAG) == part
    assert reply("bytes=10-", f" {TAG} ") == part
    assert reply("bytes=10-", "W/" + TAG) == WHOLE
    assert reply("bytes=10-", etag("0" * 64)) == WHOLE
    assert reply("bytes=10-", "Tue, 17 Nov 2026 02:00:00 GMT") == WHOLE


def test_an_empty_file_has_no_range():
    assert reply("bytes=0-", size=0).span is None
    assert reply(None, size=0) == Reply(Span(0, 0), partial=False, size=0)


def test_the_fields_of_an_answer_are_spelled_as_the_rfcs_spell_them():
    assert reply("bytes=10-19").content_range == "bytes 10-19/100"
    assert etag(DIGEST) == f'"{DIGEST}"'
    # the example of RFC 9530, appendix D
    world = hashlib.sha256(b'{"hello": "world"}\n').hexdigest()
    assert digest_field(world) == "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"


@given(st.text(max_size=40) | st.from_regex(r"bytes=\d{0,4}-\d{0,4}(,\d{0,3}-\d{0,3})?", fullmatch=True))
def test_whatever_is_asked_the_answer_lies_in_the_file(field):
    answer = reply(field)
    if answer.span is None:
        assert answer.partial
    else:
        assert 0 <= answer.span.start < answer.span.end <= SIZE
        assert answer.partial or answer.span == Span(0, SIZE)


spans = st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda p: Span(min(p), max(p)))


@given(st.lists(spans, max_size=12))
def test_merged_spans_hold_the_same_bytes_in_order_and_do_not_touch(some):
    merged = merge(some)
    assert bytes_of(merged) == bytes_of(some)
    assert all(a.end < b.start for a, b in pairwise(merged))
    assert all(span.length > 0 for span in merged)
    assert covered(some) == len(bytes_of(some))
    assert merge(merged) == merged
    assert spans_from(spans_text(some)) == merged


@given(st.lists(spans, max_size=12), st.randoms())
def test_the_order_in_which_bytes_were_sent_does_not_matter(some, random):
    shuffled = list(some)
    random.shuffle(shuffled)
    assert merge(shuffled) == merge(some)


@given(st.lists(spans, max_size=12), st.integers(1, 60))
def test_a_file_is_whole_when_every_byte_of_it_was_sent(some, size):
    inside = [Span(min(s.start, size), min(s.end, size)) for s in some]
    assert is_whole(inside, size) == (bytes_of(inside) == set(range(size)))


def bytes_of(some):
    return {byte for span in some for byte in range(span.start, span.end)}


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (5, 4)])
def test_a_span_runs_forward_from_zero(start, end):
    with pytest.raises(SpanOutside):
        Span(start, end)


def right(**changes):
    facts = {
        "holder_id": "org_buyer",
        "status": EntitlementStatus.ACTIVE,
        "used": 0,
        "max_downloads": 3,
        "expires_at": NOW + timedelta(days=365),
        "trade_stopped": False,
    }
    return Right(**(facts | changes))


def test_the_holder_of_a_live_right_may_receive():
    require_usable(right(), org_id="org_buyer", now=NOW)
    require_usable(right(expires_at=NOW + timedelta(milliseconds=1)), org_id="org_buyer", now=NOW)


@pytest.mark.parametrize(
    ("changes", "refusal", "code"),
    [
        ({"holder_id": "org_other"}, EntitlementForeign, "entitlement-foreign"),
        ({"status": EntitlementStatus.REVOKED}, EntitlementRevoked, "entitlement-revoked"),
        ({"status": EntitlementStatus.FROZEN}, DeliverySuspended, "delivery-suspended"),
        ({"trade_stopped": True}, DeliverySuspended, "delivery-suspended"),
        ({"status": EntitlementStatus.EXPIRED}, EntitlementExpired, "entitlement-expired"),
        ({"expires_at": NOW}, EntitlementExpired, "entitlement-expired"),
    ],
)
def test_a_right_that_is_not_live_is_refused_with_its_own_code(changes, refusal, code):
    with pytest.raises(refusal) as caught:
        require_usable(right(**changes), org_id="org_buyer", now=NOW)
    assert caught.value.code == code


def test_a_stranger_learns_nothing_of_a_right_but_that_it_is_not_theirs():
    with pytest.raises(EntitlementForeign):
        require_usable(right(status=EntitlementStatus.REVOKED), org_id="org_other", now=NOW)


def test_bytes_join_the_open_download_until_two_copies_of_the_file_were_sent():
    facts = {"size": 100, "used": 0, "max_downloads": 3}
    assert place(open_sent=None, length=100, **facts) == Placement(joins=False, spends=False)
    assert place(open_sent=60, length=40, **facts) == Placement(joins=True, spends=False)
    assert place(open_sent=100, length=100, **facts) == Placement(joins=True, spends=False)
    assert place(open_sent=101, length=100, **facts) == Placement(joins=False, spends=True)


@pytest.mark.parametrize(("open_sent", "used"), [(None, 3), (150, 2)])
def test_a_download_that_is_not_given_any_more_is_refused(open_sent, used):
    with pytest.raises(EntitlementUsedUp) as caught:
        place(open_sent=open_sent, length=60, size=100, used=used, max_downloads=3)
    assert caught.value.facts == {"used": 3, "max_downloads": 3}


@given(st.integers(1, 50), st.integers(1, 4), st.lists(st.integers(1, 50), max_size=40))
def test_a_right_never_sends_more_than_its_downloads_twice(size, max_downloads, asked):
    used, open_sent, sent = 0, None, 0
    for length in (min(n, size) for n in asked):
        try:
            step = place(
                open_sent=open_sent, length=length, size=size, used=used, max_downloads=max_downloads
            )
        except EntitlementUsedUp:
            continue
        used += step.spends
        open_sent = (open_sent or 0) + length if step.joins else length
        sent += length
    assert sent <= 2 * size * max_downloads


SOLD = GoodsCheck(DIGEST, 252_000, "f" * 64)


@pytest.mark.parametrize(
    "checked",
    [GoodsCheck(), SOLD, GoodsCheck(DIGEST), GoodsCheck(rows=252_000), GoodsCheck(None, None, "f" * 64)],
)
def test_a_buyers_check_that_agrees_wherever_it_says_anything_is_no_reason_to_refuse(checked):
    require_same_goods(checked, SOLD)


def test_what_nobody_promised_cannot_differ():
    require_same_goods(GoodsCheck(DIGEST, 5, "0" * 64), GoodsCheck(DIGEST))


@pytest.mark.parametrize(
    ("checked", "facts"),
    [
        (GoodsCheck("0" * 64), {"member": "file_sha256", "measured": "0" * 64, "sold": DIGEST}),
        (GoodsCheck(DIGEST, 251_999), {"member": "rows", "measured": 251_999, "sold": 252_000}),
        (
            GoodsCheck(report_sha256="0" * 64),
            {"member": "report_sha256", "measured": "0" * 64, "sold": "f" * 64},
        ),
    ],
)
def test_a_buyers_check_that_differs_is_no_acceptance(checked, facts):
    with pytest.raises(GoodsDiffer) as caught:
        require_same_goods(checked, SOLD)
    assert caught.value.facts == facts


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ("2026-11-17T02:00:00+00:00", 12, "2027-11-17T15:59:59.999+00:00"),
        ("2026-11-17T17:00:00+00:00", 12, "2027-11-18T15:59:59.999+00:00"),  # already the 18th in Shanghai
        ("2026-08-31T02:00:00+00:00", 6, "2027-02-28T15:59:59.999+00:00"),
        ("2027-08-31T02:00:00+00:00", 6, "2028-02-29T15:59:59.999+00:00"),
        ("2026-12-15T02:00:00+00:00", 1, "2027-01-15T15:59:59.999+00:00"),
        ("2026-11-15T02:00:00+00:00", 1, "2026-12-15T15:59:59.999+00:00"),
    ],
)
def test_a_licence_ends_with_the_day_of_the_same_number_in_shanghai(start, months, end):
    assert licence_end(datetime.fromisoformat(start), months) == datetime.fromisoformat(end)

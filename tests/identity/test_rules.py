from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.errors import Malformed
from base.signing import KeyWeak, SigningKey, check_key_strength
from identity.errors import LoginMalformed, RolesIncompatible
from identity.rules import (
    LONGEST_WAIT,
    MARKET,
    SUPERVISORS,
    Role,
    check_roles,
    has_expired,
    must_stay_apart,
    parse_login,
    parse_name,
    parse_region,
    parse_roles,
    wait_after,
    wants_fresh_proof,
)

FIELD = 2**255 - 19
D = (-121665 * pow(121666, -1, FIELD)) % FIELD
ORDER = 2**252 + 27742317777372353535851937790883648493


@pytest.mark.parametrize(
    "roles",
    [
        {"PROVIDER", "BUYER"},
        {"PROVIDER", "BUYER", "BROKER", "DATA_MERCHANT", "THIRD_PARTY"},
        {"PUBLIC_AGENCY", "BUYER"},
        {"PUBLIC_AGENCY", "DATA_AUTHORITY"},
        {"DATA_AUTHORITY", "CAC"},
        {"EXCHANGE_OPERATOR"},
        {"AUDITOR"},
    ],
)
def test_roles_that_one_organisation_may_hold_together(roles):
    check_roles(parse_roles(roles))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("EXCHANGE_OPERATOR", "PROVIDER"),
        ("EXCHANGE_OPERATOR", "DATA_MERCHANT"),
        ("EXCHANGE_OPERATOR", "DATA_AUTHORITY"),
        ("REGISTRAR", "PROVIDER"),
        ("REGISTRAR", "EXCHANGE_OPERATOR"),
        ("ESCROW", "BUYER"),
        ("ESCROW", "EXCHANGE_OPERATOR"),
        ("SAMR", "BROKER"),
        ("DATA_AUTHORITY", "OPERATING_INSTITUTION"),
        ("AUDITOR", "SAMR"),
        ("AUDITOR", "BUYER"),
        ("PUBLIC_AGENCY", "OPERATING_INSTITUTION"),
    ],
)
def test_roles_that_must_stay_apart(one, other):
    with pytest.raises(RolesIncompatible) as caught:
        check_roles(parse_roles([one, other]))
    assert caught.value.facts == {"roles": sorted([one, other])}


def test_no_supervisor_is_in_the_market():
    assert all(must_stay_apart(s, m) for s in SUPERVISORS | {Role.AUDITOR} for m in MARKET)


def test_separation_is_symmetrical():
    assert all(must_stay_apart(a, b) == must_stay_apart(b, a) for a, b in combinations(Role, 2))


@pytest.mark.parametrize("names", [[], ["KING"], ["buyer"], ["BUYER", ""]])
def test_unknown_or_no_roles_are_malformed(names):
    with pytest.raises(Malformed):
        parse_roles(names)


@pytest.mark.parametrize(
    ("event", "fresh"),
    [
        ("KEY.REGISTER", True),
        ("KEY.REVOKE", True),
        ("MND.SIGN", True),
        ("MND.ACCEPT", True),
        ("MND.REVOKE", False),
        ("TRD.SIGN", True),
        ("TRD.OFFER", False),
        ("ORD.ISSUE", True),
        ("LST.SUBMIT", False),
    ],
)
def test_keys_mandates_contracts_and_orders_ask_for_a_proof_of_their_own(event, fresh):
    assert wants_fresh_proof(event) is fresh


@pytest.mark.parametrize(
    ("failures", "wait_s"),
    [(0, 0), (4, 0), (5, 30), (6, 60), (7, 120), (9, 480), (10, 900), (11, 900), (10_000, 900)],
)
def test_the_wait_doubles_after_five_failures_and_is_bounded(failures, wait_s):
    assert wait_after(failures) == timedelta(seconds=wait_s)


@given(st.integers(0, 10**9))
def test_no_account_is_locked_for_good(failures):
    assert wait_after(failures) <= wait_after(failures + 1) <= LONGEST_WAIT


def test_a_thing_is_no_longer_good_at_the_moment_it_expires():
    at = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
    assert [has_expired(at, at + timedelta(microseconds=by)) for by in (-1, 0, 1)] == [False, True, True]


@pytest.mark.parametrize(
    ("text", "login"), [(" Li.Wei@example.com ", "li.wei@example.com"), ("ＡＢＣ", "abc"), ("a-b_9", "a-b_9")]
)
def test_a_login_has_one_form(text, login):
    assert parse_login(text) == login


@pytest.mark.parametrize("text", ["", "ab", "李伟李伟", "a b c", ".abc", "a" * 65, "abc\x00"])
def test_malformed_logins_are_refused(text):
    with pytest.raises(LoginMalformed):
        parse_login(text)


@pytest.mark.parametrize("text", ["", "   ", "a" * 201, "two\nlines", "bell\x07", "\u202edrawkcab"])
def test_names_that_people_cannot_read_are_refused(text):
    with pytest.raises(Malformed):
        parse_name(text)


def test_a_name_is_trimmed():
    assert parse_name("  粤能数科 ") == "粤能数科"


@pytest.mark.parametrize("text", ["", "44010", "4401000", "044010", "94010A", "９40100"])
def test_malformed_regions_are_refused(text):
    with pytest.raises(Malformed):
        parse_region(text)


def _x(y):
    square = (y * y - 1) * pow(D * y * y + 1, -1, FIELD) % FIELD
    root = pow(square, (FIELD + 3) // 8, FIELD)
    if root * root % FIELD != square:
        root = root * pow(2, (FIELD - 1) // 4, FIELD) % FIELD
    return root if root * root % FIELD == square else None


def _add(p, q):
    k = D * p[0] * q[0] * p[1] * q[1] % FIELD
    x = (p[0] * q[1] + p[1] * q[0]) * pow(1 + k, -1, FIELD)
    return x % FIELD, (p[1] * q[1] + p[0] * q[0]) * pow(1 - k, -1, FIELD) % FIELD


def _times(n, p):
    result = (0, 1)
    while n:
        if n & 1:
            result = _add(result, p)
        p = _add(p, p)
        n >>= 1
    return result


def test_every_point_of_small_order_is_refused_in_every_encoding():
    torsion = {_times(ORDER, (x, y))[1] for y in range(2, 60) if (x := _x(y)) is not None}
    assert len(torsion) == 5
    encoded = {y + again * FIELD for y in torsion for again in (0, 1) if y + again * FIELD < 2**255}
    assert len(encoded) == 7
    for number in encoded | {y | 1 << 255 for y in encoded}:
        with pytest.raises(KeyWeak):
            check_key_strength(number.to_bytes(32, "little"))


def test_an_ordinary_key_is_strong_enough():
    for _ in range(20):
        check_key_strength(SigningKey.generate().public)

"""Codes of RFC 6238's own vectors, the window around now, and passwords that are tried first."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import PasswordTooWeak
from identity.guessing import is_guessable
from identity.passwords import check_password
from identity.totp import address_of, code_at, matching_step, shown, step_of

SECRET = b"12345678901234567890"
NOW = datetime(2026, 11, 23, 1, 0, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at_s", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_the_vectors_of_rfc_6238(at_s: int, code: str) -> None:
    assert code_at(SECRET, at_s // 30, digits=8) == code
    assert code_at(SECRET, at_s // 30) == code[2:]


@pytest.mark.parametrize("number", [(0, "755224"), (1, "287082"), (9, "520489")])
def test_the_vectors_of_rfc_4226(number: tuple[int, str]) -> None:
    assert code_at(SECRET, number[0]) == number[1]


@given(ago=st.integers(-5, 5), used=st.integers(-6, 6) | st.none())
def test_a_code_is_good_one_step_around_now_and_behind_the_one_used_last(ago: int, used: int | None) -> None:
    here = step_of(NOW)
    code = code_at(SECRET, here + ago)
    found = matching_step(SECRET, code, now=NOW, after=None if used is None else here + used)
    if -1 <= ago <= 1 and (used is None or ago > used):
        assert found == here + ago
    else:
        assert found is None


@given(code=st.text(max_size=12))
def test_whatever_is_sent_is_a_code_or_none(code: str) -> None:
    steps = {code_at(SECRET, step_of(NOW) + n): step_of(NOW) + n for n in (-1, 0, 1)}
    assert matching_step(SECRET, code, now=NOW, after=None) == steps.get(code)


def test_what_an_app_scans() -> None:
    address = address_of(SECRET, login="wang.li", issuer="exchange.test/log")
    assert address == (
        "otpauth://totp/exchange.test%2Flog%3Awang.li"
        "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=exchange.test%2Flog&digits=6&period=30"
    )
    assert shown(SECRET) in address


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "P4$$w0rd2026!",
        "qwertyuiop123456",
        "1qaz2wsx3edc",
        "iloveyou1314520",
        "woaini5201314",
        "adminadmin123",
        "guangzhou2026",
        "zhang.wei1990",
        "abcdefghijklmnop",
        "Databourse-2026",
        "aaaaabbbbbccccc",
        "sonyericsson",
        "Needforspeed-99",
        "newproject2004",
        "q1w2e3r4t5y6",
    ],
)
def test_what_is_tried_first_is_refused(password: str) -> None:
    assert is_guessable(password, known=("zhang.wei",))
    with pytest.raises(PasswordTooWeak):
        check_password(password, login="li.na", known=("zhang.wei",))


@pytest.mark.parametrize(
    "password",
    [
        "correct horse 电池 staple",
        "a passphrase of the tests",
        "紫荆花开在珠江边上的清晨里",
        "vX9-krte-Ulm-77q",
    ],
)
def test_what_is_not_is_taken(password: str) -> None:
    check_password(password, login="li.na", known=("李娜", "粤能数科"))


@given(password=st.text(min_size=12, max_size=128), known=st.lists(st.text(max_size=20), max_size=3))
def test_every_password_is_judged(password: str, known: list[str]) -> None:
    assert is_guessable(password, known=known) in {True, False}


def test_half_a_minute_is_one_step() -> None:
    start = NOW.replace(second=0)
    assert (
        step_of(start + timedelta(seconds=29)) == step_of(start) == step_of(start + timedelta(seconds=30)) - 1
    )

"""The test behind a trace: exact for whoever is innocent, and sure of who is not."""

import math
import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.delivery.marking.code import RARE, SIGNS, MarkKeys, is_rare
from market.delivery.marking.verdict import Shown, Tally, Verdict, judge, named, tail_log10

KEYS = st.binary(min_size=32, max_size=32)


def tokens_of(count: int, seed: int = 1) -> list[bytes]:
    return [random.Random(f"{seed}/{n}").randbytes(16) for n in range(count)]


def copies(keys: list[bytes], tokens: list[bytes]) -> list[list[bool]]:
    return [[is_rare(key, token) for key in keys] for token in tokens]


def exact(rare: int, likely: int, agree: int) -> Fraction:
    """The tail by its definition, in fractions."""
    p, total = Fraction(RARE, SIGNS), Fraction(0)
    for i in range(rare + 1):
        for j in range(likely + 1):
            if i + j >= agree:
                one = math.comb(rare, i) * p**i * (1 - p) ** (rare - i)
                total += one * math.comb(likely, j) * (1 - p) ** j * p ** (likely - j)
    return total


@given(rare=st.integers(0, 9), likely=st.integers(0, 9), data=st.data())
@settings(max_examples=60, deadline=None)
def test_the_chance_is_the_binomials_to_the_last_digit(rare: int, likely: int, data: st.DataObject) -> None:
    agree = data.draw(st.integers(0, rare + likely))
    assert tail_log10(rare, likely, agree) == pytest.approx(math.log10(exact(rare, likely, agree)), abs=1e-9)


@given(key=KEYS, rare=st.lists(st.booleans(), min_size=1, max_size=150), seed=st.integers(0, 2**20))
@settings(max_examples=60, deadline=None)
def test_a_file_that_knows_no_key_names_nobody(key: bytes, rare: list[bool], seed: int) -> None:
    """Whatever a file shows: by chance a name is found once in a million files, and here never."""
    shown = [Shown(token, one) for token, one in zip(tokens_of(len(rare), seed), rare, strict=True)]
    assert not judge(key, shown, candidates=1).named


def test_the_chance_is_as_often_below_a_bound_as_it_says() -> None:
    shown = [Shown(token, is_rare(b"the leaker's", token)) for token in tokens_of(120)]
    found = [judge(n.to_bytes(32), shown, candidates=1).log10_p for n in range(400)]
    for bound in (0.3, 0.1, 0.03, 0.01):
        below = sum(p <= math.log10(bound) for p in found)
        assert below <= 400 * bound + 4 * math.sqrt(400 * bound)


def test_whoever_the_copy_was_made_for_is_named_and_nobody_else() -> None:
    tokens = tokens_of(200)
    shown = [Shown(token, is_rare(b"a" * 32, token)) for token in tokens]
    verdicts = {n: judge(n.encode() * 32, shown, candidates=1000) for n in "abcdefgh"}
    assert named(verdicts) == ["a"]
    assert verdicts["a"] == Verdict(200, 200, verdicts["a"].expected, verdicts["a"].log10_p)
    assert verdicts["a"].log10_p < -20


def test_the_more_are_asked_about_the_surer_it_must_be() -> None:
    shown = [Shown(token, is_rare(b"a" * 32, token)) for token in tokens_of(36)]
    alone, many = (judge(b"a" * 32, shown, candidates=n) for n in (1, 10**6))
    assert many.log10_p == pytest.approx(alone.log10_p + 6)
    assert alone.named
    assert not many.named


def minority(signs: list[bool], rnd: random.Random) -> bool:
    return rnd.random() < 0.5 if sum(signs) * 2 == len(signs) else sum(signs) * 2 < len(signs)


def majority(signs: list[bool], rnd: random.Random) -> bool:
    return rnd.random() < 0.5 if sum(signs) * 2 == len(signs) else sum(signs) * 2 > len(signs)


def anyone(signs: list[bool], rnd: random.Random) -> bool:
    return rnd.choice(signs)


@pytest.mark.parametrize("strategy", [minority, majority, anyone])
@pytest.mark.parametrize("together", [2, 3])
def test_those_who_put_their_copies_together_are_named(strategy, together: int) -> None:
    """They see where their copies differ, and choose there as they like; elsewhere they see nothing."""
    rnd, tokens = random.Random(3), tokens_of(1200)
    keys = {f"buyer {n}": f"{n}".encode() * 32 for n in range(9)}
    guilty = list(keys)[:together]
    shown = []
    for token, signs in zip(tokens, copies([keys[one] for one in guilty], tokens), strict=True):
        agreed = signs[0] if len(set(signs)) == 1 else strategy(signs, rnd)
        shown.append(Shown(token, agreed))
    found = named({who: judge(key, shown, candidates=len(keys)) for who, key in keys.items()})
    assert set(found) <= set(guilty)
    assert found


def test_a_tenth_of_the_places_flipped_at_random_still_names() -> None:
    rnd = random.Random(4)
    shown = [Shown(t, is_rare(b"a" * 32, t) ^ (rnd.random() < 0.1)) for t in tokens_of(400)]
    assert judge(b"a" * 32, shown, candidates=1000).named


def test_the_many_rows_of_a_place_decide_and_an_even_split_says_nothing() -> None:
    tally = Tally(2)
    for token, rare in ((b"a", True), (b"a", True), (b"a", False), (b"b", True), (b"b", False), (b"c", True)):
        tally.add(token, rare=rare)
    assert tally.shown() == [Shown(b"a", rare=True)]  # b is split, and c is one place too many


def test_keys_of_a_mark_stand_in_no_trace_of_an_error() -> None:
    assert repr(MarkKeys(b"places", b"copies")) == "MarkKeys()"

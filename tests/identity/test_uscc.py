import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from identity.errors import UsccInvalid
from identity.uscc import ALPHABET, check_character, parse_uscc, region_of
from tests.houses import some_uscc

# Codes that four well-known companies publish.
KNOWN = [
    "91330100799655058B",
    "9144030071526726XG",
    "914403001922038216",
    "91110108551385082Q",
]


@st.composite
def codes(draw):
    head = draw(st.sampled_from("123456789ANY")) + draw(st.sampled_from("12359"))
    region = draw(st.from_regex(r"[1-8][0-9]{5}", fullmatch=True))
    body = head + region + draw(st.text(ALPHABET, min_size=9, max_size=9))
    return body + check_character(body)


@pytest.mark.parametrize("code", KNOWN)
def test_published_codes_are_valid(code):
    assert parse_uscc(code) == code


def test_a_code_is_trimmed_and_put_in_capitals():
    assert parse_uscc(" 91330100799655058b\n") == "91330100799655058B"


def test_the_region_is_places_three_to_eight():
    assert region_of("91330100799655058B") == "330100"


def test_the_refusal_says_which_character_is_expected():
    with pytest.raises(UsccInvalid) as caught:
        parse_uscc("91330100799655058C")
    assert caught.value.code == "uscc-invalid"
    assert caught.value.facts == {"place": 18, "found": "C", "expected": "B"}


@given(codes())
def test_every_generated_code_is_valid(code):
    assert parse_uscc(code) == code


@given(codes(), st.integers(0, 17), st.sampled_from(string.digits + string.ascii_uppercase))
def test_every_single_wrong_character_is_caught(code, place, character):
    assume(code[place] != character)
    with pytest.raises(UsccInvalid):
        parse_uscc(code[:place] + character + code[place + 1 :])


@given(codes(), st.integers(0, 16))
def test_every_swap_of_neighbours_is_caught(code, place):
    assume(code[place] != code[place + 1])
    with pytest.raises(UsccInvalid):
        parse_uscc(code[:place] + code[place + 1] + code[place] + code[place + 2 :])


@pytest.mark.parametrize(
    ("code", "facts"),
    [
        ("", {"length": 0, "expected": 18}),
        ("91330100799655058", {"length": 17, "expected": 18}),
        ("91330100799655058BB", {"length": 19, "expected": 18}),
        ("9133010079965505I8", {"place": 17, "found": "I", "expected": ALPHABET}),
        ("９133010079965505B", {"length": 17, "expected": 18}),
        ("９1330100799655058B", {"place": 1, "found": "９", "expected": ALPHABET}),
        ("B1330100799655058B", {"place": 1, "found": "B", "expected": "123456789ANY"}),
        ("913301A0799655058B", {"place": 7, "found": "A", "expected": "0123456789"}),
    ],
)
def test_a_malformed_code_is_refused_with_the_place(code, facts):
    with pytest.raises(UsccInvalid) as caught:
        parse_uscc(code)
    assert caught.value.facts == facts


@pytest.mark.parametrize("body", ["", "9133010079965505", "9133010079965505O"])
def test_no_check_character_is_computed_over_a_malformed_body(body):
    with pytest.raises(UsccInvalid):
        check_character(body)


def test_the_tests_own_codes_are_valid_and_unlike():
    made = {some_uscc() for _ in range(50)}
    assert len(made) == 50
    assert all(parse_uscc(code) == code for code in made)

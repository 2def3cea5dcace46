"""The fast path of RFC 8785 equals the oracle, and what it cannot prove equal it refuses."""

from enum import StrEnum

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from base.canonical import MAX_SAFE, canonical, sha256_hex
from base.errors import Malformed

ascii_text = st.text(st.characters(max_codepoint=0x7F))
any_text = st.text(st.characters(exclude_categories=["Cs"]))
scalars = st.none() | st.booleans() | st.integers(-MAX_SAFE, MAX_SAFE) | any_text
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(ascii_text, inner, max_size=5),
    max_leaves=40,
)


@given(documents)
def test_the_fast_path_equals_the_oracle(document) -> None:
    assert canonical(document) == rfc8785.dumps(document)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"b": 1, "a": 2, "B": 3, "": 4}, b'{"":4,"B":3,"a":2,"b":1}'),
        ({"price": "68000000", "单位": None}, None),
        # RFC 8785 section 3.2.2
        ('€$\x0f\nA\'B"\\\\"/', bytes.fromhex("22e282ac245c75303030665c6e4127425c225c5c5c5c5c222f22")),
        ({"数": "据"}, None),
        ([True, False, None, -1, 0], b"[true,false,null,-1,0]"),
        ({"a": (1, 2)}, b'{"a":[1,2]}'),
        ("\x7f\u2028", '"\x7f\u2028"'.encode()),
    ],
)
def test_known_bytes(document, expected) -> None:
    if expected is None:
        with pytest.raises(Malformed, match="ASCII"):
            canonical(document)
    else:
        assert canonical(document) == expected


def test_integers_up_to_the_safe_limit_and_not_beyond() -> None:
    assert canonical([MAX_SAFE, -MAX_SAFE]) == b"[9007199254740991,-9007199254740991]"
    for beyond in (MAX_SAFE + 1, -MAX_SAFE - 1, 10**30):
        with pytest.raises(Malformed, match="string") as refused:
            canonical({"amount": beyond})
        assert refused.value.facts == {"value": str(beyond)}


class Colour(StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(0.5, id="float"),
        pytest.param({"a": [{"b": 1.0}]}, id="float inside"),
        pytest.param(float("nan"), id="nan"),
        pytest.param({1: "a"}, id="key that is no text"),
        pytest.param({"é": 1}, id="key beyond ASCII"),
        pytest.param("\ud800", id="lone surrogate"),
        pytest.param(b"bytes", id="bytes"),
        pytest.param({"a": {1, 2}}, id="set"),
        pytest.param([Colour.RED], id="an enum, which another encoder might write by its name"),
        pytest.param(object(), id="object"),
    ],
)
def test_what_cannot_be_proved_canonical_is_refused(document) -> None:
    with pytest.raises(Malformed) as refused:
        canonical(document)
    assert refused.value.code == "malformed"


def test_a_document_nested_without_end_is_refused_and_does_not_break_the_process() -> None:
    document: list = []
    for _ in range(100_000):
        document = [document]
    with pytest.raises(Malformed):
        canonical(document)


def test_one_document_has_one_digest_whatever_the_order_of_its_keys() -> None:
    assert canonical({"a": 1, "b": 2}) == canonical({"b": 2, "a": 1})
    assert sha256_hex(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

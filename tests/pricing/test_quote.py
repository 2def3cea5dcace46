"""A quote is the same bytes for the same facts, and knows nothing of the buyer."""

import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.errors import Malformed
from pricing.errors import MethodUnknown, PriceAboveCap, PriceOutOfBounds
from pricing.facts import parse_facts
from pricing.methods import METHODS, quote
from pricing.quote import MAX_PRICE_MINOR
from tests.pricing.facts import EXAMPLES as GOOD

PRICES = st.integers(min_value=1, max_value=MAX_PRICE_MINOR)


def test_every_method_has_an_example():
    assert set(GOOD) == set(METHODS)


@pytest.mark.parametrize("method", sorted(GOOD))
def test_the_same_facts_give_the_same_bytes_in_any_key_order(method):
    facts = GOOD[method]
    turned = dict(reversed(list(facts.items())))
    assert quote(method, facts).canonical() == quote(method, turned).canonical()


@pytest.mark.parametrize("method", sorted(GOOD))
def test_the_quote_cites_the_hash_of_its_facts(method):
    facts = GOOD[method]
    jcs = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    document = quote(method, facts).document()
    assert document["inputs_sha256"] == hashlib.sha256(jcs).hexdigest()
    assert document["seed"] == facts.get("seed")
    assert document["version"] == "1"
    assert document["reasons"]


@pytest.mark.parametrize("method", sorted(GOOD))
@pytest.mark.parametrize("who", ["buyer_id", "buyer", "willingness_minor", "credit_class"])
def test_facts_about_the_buyer_are_refused(method, who):
    with pytest.raises(Malformed) as refused:
        quote(method, {**GOOD[method], who: "org_1"})
    assert refused.value.facts["keys"] == [who]


@pytest.mark.parametrize("method", sorted(GOOD))
def test_a_blind_changes_the_hash_and_nothing_else(method):
    plain = quote(method, GOOD[method])
    blinded = quote(method, {**GOOD[method], "blind": "0f" * 32})
    assert blinded.inputs_sha256 != plain.inputs_sha256
    assert blinded.results == plain.results
    with pytest.raises(Malformed):
        quote(method, {**GOOD[method], "blind": "0F" * 32})


def test_an_unknown_method_is_not_found():
    with pytest.raises(MethodUnknown):
        quote("auction", {})


@given(price=PRICES)
def test_a_fixed_quote_is_the_list_price(price):
    result = quote("fixed", {"price_minor": price})
    assert result.mechanism == "M1"
    assert result.total_minor == price


@pytest.mark.parametrize("price", [0, MAX_PRICE_MINOR + 1])
def test_a_price_out_of_bounds_is_refused(price):
    with pytest.raises(PriceOutOfBounds):
        quote("fixed", {"price_minor": price})


@pytest.mark.parametrize("price", [-1, 1.0, "100", True, None, [1], 2**60])
def test_what_is_no_amount_is_refused(price):
    with pytest.raises(Malformed):
        quote("fixed", {"price_minor": price})


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"\xff{}",
        b'{"price_minor":NaN}',
        b'{"price_minor":1,"price_minor":2}',
        b'{"price_minor":1e',
        b"[" * 100_000,
        b'{"price_minor":' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_object_of_json_is_refused(raw):
    with pytest.raises(Malformed):
        parse_facts(raw)


def test_a_number_with_a_point_keeps_its_decimal_text():
    assert parse_facts(b'{"margin":0.06}') == {"margin": "0.06"}


@settings(deadline=None)
@given(
    facts=st.dictionaries(
        st.sampled_from(["price_minor", "cap_minor", "cost_minor", "offers", "accepted", "margin", "blind"]),
        st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2),
    ),
    method=st.sampled_from(sorted(METHODS)),
)
def test_any_facts_give_a_quote_or_a_clean_refusal(facts, method):
    try:
        results = quote(method, facts).results
    except (Malformed, PriceAboveCap):
        return
    assert results["total_minor"] == facts["price_minor"] > 0

"""What contributors agree to and are owed, without a database."""

import itertools
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.errors import Refusal
from registry.contributions.drawing import DRAWING
from registry.contributions.errors import ContributionMalformed, ContributionOpen
from registry.contributions.rules import (
    WHOLE_BP,
    Basis,
    BasisKind,
    check_all_agreed,
    check_basis,
    check_shares,
    owed,
)
from registry.contributions.states import MOVES, ContributionEvent, ContributionState, may_move
from registry.rules import Source
from supervision.audit_registry import CONTRIBUTION_MOVES

S = ContributionState


def test_every_other_step_is_refused_and_the_auditor_and_the_page_hold_the_same_table():
    for state, event in itertools.product([None, *S], ContributionEvent):
        for role in ("PROVIDER", "PUBLIC_AGENCY", "EXCHANGE_OPERATOR", "BUYER"):
            move = MOVES.get((state, event))
            if move is not None and role in move.roles:
                assert may_move(state, event, role) is move.to
            else:
                with pytest.raises(Refusal):
                    may_move(state, event, role)
    ours = {
        (at and at.value, f"CTB.{event}"): (move.roles, move.to.value) for (at, event), move in MOVES.items()
    }
    assert ours == CONTRIBUTION_MOVES
    page = Path(DRAWING.page).read_text(encoding="utf-8")
    assert DRAWING.redraw(page) == page


STATEMENT = Basis(kind=BasisKind.STATEMENT, source=Source.SELF_COLLECTED, statement_sha256="ab" * 32)


@pytest.mark.parametrize(
    ("basis", "fields"),
    [
        (Basis(kind=BasisKind.REGISTRATION), ["reference"]),
        (Basis(kind=BasisKind.REGISTRATION, reference="4" * 61), ["reference"]),
        (Basis(kind=BasisKind.REGISTRATION, reference="x", source=Source.UTILITY), ["source"]),
        (Basis(kind=BasisKind.GRANT, reference="AOG-2026-03"), ["reference"]),
        (
            Basis(kind=BasisKind.GRANT, reference="aog_0123", statement_sha256="ab"),
            ["reference", "statement_sha256"],
        ),
        (Basis(kind=BasisKind.STATEMENT, source=Source.SELF_COLLECTED), ["statement_sha256"]),
        (Basis(kind=BasisKind.STATEMENT, source=Source.FUSION, statement_sha256="ab"), ["source"]),
        (Basis(kind=BasisKind.STATEMENT, source=Source.ON_BEHALF, statement_sha256="ab"), ["source"]),
    ],
)
def test_a_basis_names_what_its_kind_asks_for_and_nothing_else(basis, fields):
    assert check_basis(STATEMENT) is STATEMENT
    with pytest.raises(ContributionMalformed) as refused:
        check_basis(basis)
    assert refused.value.facts["fields"] == fields


def test_shares_leave_the_seller_one_and_twenty_are_the_most():
    check_shares(9_999, [])
    check_shares(0, [1] * 18)
    for share, agreed in ((10_000, []), (-1, []), (5_000, [5_000]), (0, [1] * 19)):
        with pytest.raises(ContributionMalformed):
            check_shares(share, agreed)


@pytest.mark.parametrize("state", [S.ASKED, S.REFUSED, S.WITHDRAWN])
def test_one_who_has_not_agreed_holds_up_the_product_an_ask_taken_back_does_not(state):
    check_all_agreed({"a": S.AGREED, "b": S.CANCELLED})
    with pytest.raises(ContributionOpen) as refused:
        check_all_agreed({"a": S.AGREED, "b": state})
    assert refused.value.facts["contributors"] == ["b"]


def test_what_is_owed_in_figures():
    # 97.50 yuan of a price of 100: two tenths, a third of a percent, and the rest is the seller's.
    assert owed(9_750, {"b": 33, "a": 2_000}) == {"a": 1_950, "b": 32}  # 32.175
    assert owed(1, {"a": 5_000}) == {"a": 0}  # a half each: the seller's is first
    assert owed(0, {"a": 5_000}) == {"a": 0}
    assert owed(5, {}) == {}


@given(
    st.integers(0, 10**15),
    st.dictionaries(st.text("abcdefgh", min_size=1, max_size=4), st.integers(0, 526), max_size=19),
)
def test_every_part_is_within_a_fen_of_its_share_and_the_seller_keeps_the_rest(net, shares):
    parts = owed(net, shares)
    assert parts.keys() == shares.keys()
    for who, part in parts.items():
        assert abs(part - Fraction(net * shares[who], WHOLE_BP)) < 1
    assert 0 <= sum(parts.values()) <= net
    assert owed(net, dict(reversed(shares.items()))) == parts

"""The rules of sealed auctions: commit and reveal, the seed, the award. Pure."""

import re
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from base.errors import DomainError
from market.auctions.drawing import DRAWING
from market.auctions.errors import AuctionMalformed, CommitmentNotOpened, RevealedBefore
from market.auctions.rules import (
    FailReason,
    Mechanism,
    SealedBid,
    award,
    check_reserve,
    check_reveal,
    reserve_commitment,
    seed_of,
)
from pricing.bids import commitment_of
from pricing.errors import PriceOutOfBounds
from pricing.rsop import side_of

AUCTION = "auc_1"
ROOT = "ab" * 32
NONCES = st.binary(min_size=32, max_size=32).map(bytes.hex)
PRICES = st.integers(1, 12)


def sealed(name, price, *, revealed=True, salt=""):
    nonce = sha256(f"{name}{price}{salt}".encode()).hexdigest()
    bid = SealedBid(name, commitment_of(name, price, nonce, auction=AUCTION), price, nonce)
    return bid if revealed else replace(bid, price_minor=None, nonce=None)


def decided(bids, mechanism=Mechanism.SECOND_PRICE, **changes):
    second = mechanism is Mechanism.SECOND_PRICE
    said = {
        "auction_id": AUCTION,
        "units": 1 if second else None,
        "reserve_minor": 3 if second else None,
        "sealed_reserve": False,
        "root": None if second else ROOT,
        "about": {},
    }
    return award(mechanism, bids, **(said | changes))


def told(prices, silent=()):
    return [sealed(f"b{number}", price, revealed=number not in silent) for number, price in enumerate(prices)]


@given(price=PRICES, nonce=NONCES, other=PRICES, forged=NONCES, name=st.sampled_from("abc"))
def test_only_what_was_committed_to_opens_a_commitment(price, nonce, other, forged, name):
    said = {
        "auction_id": AUCTION,
        "bidder_id": "a",
        "commitment": commitment_of("a", price, nonce, auction=AUCTION),
        "revealed": False,
    }
    check_reveal(**said, price_minor=price, nonce=nonce)
    with pytest.raises(RevealedBefore):
        check_reveal(**(said | {"revealed": True}), price_minor=price, nonce=nonce)
    for changes in (
        {"price_minor": other, "nonce": nonce},
        {"price_minor": price, "nonce": forged},
        {"price_minor": price, "nonce": nonce, "bidder_id": name},
        {"price_minor": price, "nonce": nonce, "auction_id": "auc_2"},
    ):
        opening = said | changes
        if (opening["price_minor"], opening["nonce"], opening["bidder_id"], opening["auction_id"]) == (
            price,
            nonce,
            "a",
            AUCTION,
        ):
            check_reveal(**opening)
        else:
            with pytest.raises(CommitmentNotOpened):
                check_reveal(**opening)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"nonce": "ab"}, AuctionMalformed),
        ({"nonce": "AB" * 32}, AuctionMalformed),
        ({"price_minor": 0}, PriceOutOfBounds),
        ({"price_minor": 10**13 + 1}, PriceOutOfBounds),
    ],
)
def test_what_is_no_price_and_no_nonce_opens_nothing(changes, error):
    said = {"auction_id": AUCTION, "bidder_id": "a", "commitment": "0" * 64, "revealed": False}
    with pytest.raises(error):
        check_reveal(**said, **({"price_minor": 5, "nonce": "ab" * 32} | changes))


@given(reserve=st.integers(1, 10**13), other=st.integers(1, 10**13), nonce=NONCES)
def test_a_sealed_reserve_is_opened_by_itself_alone(reserve, other, nonce):
    said = {"listing_id": "lst", "commitment": reserve_commitment("lst", reserve, nonce), "told": None}
    check_reserve(**said, given=reserve, nonce=nonce)
    if other != reserve:
        with pytest.raises(CommitmentNotOpened):
            check_reserve(**said, given=other, nonce=nonce)
    with pytest.raises(CommitmentNotOpened):
        check_reserve(**(said | {"listing_id": "lst2"}), given=reserve, nonce=nonce)
    with pytest.raises(RevealedBefore):
        check_reserve(**(said | {"told": reserve}), given=reserve, nonce=nonce)


@settings(max_examples=60)
@given(
    others=st.lists(PRICES, max_size=4),
    silent=st.sets(st.integers(1, 4)),
    value=PRICES,
    units=st.integers(1, 3),
)
def test_to_commit_to_ones_value_and_reveal_it_is_best_whatever_the_others_do(others, silent, value, units):
    """Second price, by commit and reveal: over every other bid, and to say nothing."""

    def gain(bid):
        outcome = decided(told([bid, *others], silent), units=units)
        return value - outcome.payments["b0"] if "b0" in outcome.payments else 0

    best = gain(value)
    assert best >= 0  # and nobody ever pays more than was bid
    assert all(gain(bid) <= best for bid in range(1, 14))


@settings(max_examples=60)
@given(
    prices=st.lists(PRICES, min_size=1, max_size=6),
    silent=st.sets(st.integers(0, 5)),
    mechanism=st.sampled_from(Mechanism),
    data=st.data(),
)
def test_what_is_not_revealed_moves_nothing_and_no_order_does(prices, silent, mechanism, data):
    bids = told(prices, silent)
    found = decided(data.draw(st.permutations(bids)), mechanism)
    opened = [bid for bid in bids if bid.nonce is not None]
    if not opened:
        assert found.failed is FailReason.NOTHING_REVEALED
        return
    without = decided(opened, mechanism)
    assert (found.payments, found.failed) == (without.payments, without.failed)
    assert all(paid <= prices[int(name[1:])] for name, paid in found.payments.items())
    if found.failed is None:
        assert found.quote.results["withdrawn"] == [
            bid["bidder"] for bid in found.facts["bids"] if "nonce" not in bid
        ]


@settings(max_examples=40)
@given(prices=st.lists(PRICES, min_size=2, max_size=6, unique=True), data=st.data())
def test_a_second_price_asks_nobody_who_it_is(prices, data):
    names = [f"b{number}" for number in range(len(prices))]
    turned = data.draw(st.permutations(names))
    one = decided([sealed(name, price) for name, price in zip(names, prices, strict=True)])
    other = decided([sealed(name, price) for name, price in zip(turned, prices, strict=True)])
    renamed = dict(zip(names, turned, strict=True))
    assert {renamed[name]: paid for name, paid in one.payments.items()} == other.payments


@given(prices=st.lists(PRICES, min_size=2, max_size=5), root=NONCES, salt=st.sampled_from(("", "x")))
def test_the_seed_is_of_the_root_and_of_every_nonce_that_was_revealed(prices, root, salt):
    bids = told(prices)
    seed = seed_of(AUCTION, ROOT, bids)
    assert seed == seed_of(AUCTION, ROOT, bids[::-1])
    assert (seed == seed_of(AUCTION, root, bids)) is (root == ROOT)
    assert seed != seed_of("auc_2", ROOT, bids)
    other = [*bids[:-1], sealed(f"b{len(bids) - 1}", prices[-1], salt=salt)]
    assert (seed == seed_of(AUCTION, ROOT, other)) is (salt == "")


@settings(max_examples=60)
@given(prices=st.lists(PRICES, min_size=2, max_size=6), lie=PRICES)
def test_no_bid_moves_the_price_its_bidder_is_offered_where_the_sides_stay(prices, lie):
    """A bidder's nonce is fixed before the root: with it the sides are, and the price is the others'."""
    bids = told(prices)
    other = [replace(bids[0], price_minor=lie), *bids[1:]]
    seed = seed_of(AUCTION, ROOT, bids)
    assert seed == seed_of(AUCTION, ROOT, other)
    assume(len({side_of(seed, bid.bidder_id) for bid in bids}) > 1)
    other[0] = replace(
        other[0], commitment=commitment_of("b0", lie, bids[0].nonce, auction=AUCTION)
    )  # what it would have committed to with the same nonce
    found = decided(bids, Mechanism.RSOP)
    side = found.quote.results["sides"]["b0"]
    again = decided(other, Mechanism.RSOP)
    if again.quote is not None and again.quote.results["sides"] == found.quote.results["sides"]:
        assert again.quote.results["prices_minor"][side] == found.quote.results["prices_minor"][side]


@pytest.mark.parametrize(
    ("bids", "changes", "reason"),
    [
        ([], {}, FailReason.NO_BIDS),
        (told([5], {0}), {}, FailReason.NOTHING_REVEALED),
        (told([2]), {}, FailReason.RESERVE_NOT_MET),
        (told([5]), {"sealed_reserve": True, "reserve_minor": None}, FailReason.RESERVE_NOT_REVEALED),
        (told([5]), {"mechanism": Mechanism.RSOP}, FailReason.ONE_SIDED),
        (told([5]), {"mechanism": Mechanism.RSOP, "root": None}, FailReason.SEED_NOT_PUBLISHED),
    ],
)
def test_an_auction_without_a_winner_says_why(bids, changes, reason):
    found = decided(bids, **changes)
    assert (found.failed, found.payments) == (reason, {})


def test_facts_are_refused_by_the_mechanism_and_not_by_us():
    with pytest.raises(DomainError):
        decided([sealed("名", 5)])


def test_the_page_is_drawn_from_the_table_and_its_command_makes_the_commitment():
    page = (Path(__file__).parents[3] / "docs" / "auctions.md").read_text(encoding="utf-8")
    assert DRAWING.redraw(page) == page
    form = re.search(r"^printf '(.*)' \$AUCTION \$ORG \$NONCE \$PRICE \| sha256sum$", page, re.MULTILINE)[1]
    said = form.replace("\\n", "\n") % (AUCTION, "org_1", "ab" * 32, 5)
    assert sha256(said.encode()).hexdigest() == commitment_of("org_1", 5, "ab" * 32, auction=AUCTION)
    reasons = page.partition("`AUC.FAIL`: ")[2].partition(".\n")[0]
    assert re.findall(r"`([a-z-]+)`", reasons) == [reason.value for reason in FailReason]

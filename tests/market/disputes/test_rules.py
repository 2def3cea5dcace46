"""What decides a dispute and a refund: sums are kept, nothing more goes back than was paid, nobody judges
their own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.disputes.errors import (
    DisputeMalformed,
    EvidenceMissing,
    OfficerNeeded,
    RefundBeyondPaid,
    VotedBefore,
)
from market.disputes.rules import (
    DISPUTABLE,
    MAX_EVIDENCE,
    MAX_TEXT,
    REFUNDABLE,
    Award,
    Evidence,
    Fault,
    Ground,
    Outcome,
    award_of,
    check_digest,
    check_evidence,
    check_reasons,
    check_refund,
    check_voter,
    outstanding,
    parse_ground,
    returning,
    ruling,
    unused_refund,
)
from market.settlement.plan import Payee, divided, owed_back

PRICE = 68_000_000
DIGEST = "ab" * 32
prices = st.integers(min_value=2, max_value=10**15)


def votes(*refunds: int) -> list[Award]:
    return [as_award(refund) for refund in refunds]


def as_award(refund: int) -> Award:
    if refund in {0, PRICE}:
        return Award(Outcome.REFUND if refund else Outcome.ACCEPT, refund)
    return Award(Outcome.PARTIAL, refund)


@pytest.mark.parametrize(
    ("outcome", "refund_minor", "goes_back"),
    [("ACCEPT", None, 0), ("REFUND", None, PRICE), ("PARTIAL", 1, 1), ("PARTIAL", PRICE - 1, PRICE - 1)],
)
def test_an_outcome_gives_back_nothing_a_part_or_all(outcome, refund_minor, goes_back):
    assert award_of(outcome, refund_minor, price_minor=PRICE) == Award(Outcome(outcome), goes_back)


@pytest.mark.parametrize(
    ("outcome", "refund_minor", "error"),
    [
        ("PARTIAL", None, DisputeMalformed),
        ("PARTIAL", 0, DisputeMalformed),
        ("PARTIAL", -1, DisputeMalformed),
        ("PARTIAL", PRICE, RefundBeyondPaid),
        ("PARTIAL", PRICE + 1, RefundBeyondPaid),
        ("ACCEPT", 0, DisputeMalformed),
        ("REFUND", PRICE, DisputeMalformed),
        ("HALF", 5, DisputeMalformed),
        ("", None, DisputeMalformed),
    ],
)
def test_an_outcome_that_is_none_is_refused(outcome, refund_minor, error):
    with pytest.raises(error):
        award_of(outcome, refund_minor, price_minor=PRICE)


@given(price=prices, data=st.data())
def test_a_part_that_goes_back_and_what_is_left_sum_to_the_price(price, data):
    refund = data.draw(st.integers(1, price - 1))
    commission = data.draw(st.integers(0, price // 3))
    platform = data.draw(st.integers(0, price // 3))
    award = award_of("PARTIAL", refund, price_minor=price)
    parts = divided(price, commission, platform, award.refund_minor)
    assert parts.refund_minor == refund
    assert refund + parts.seller_minor + parts.commission_minor + parts.platform_fee_minor == price
    left = price - refund
    for part, whole in (
        (parts.commission_minor, commission),
        (parts.platform_fee_minor, platform),
        (parts.seller_minor, price - commission - platform),
    ):
        assert abs(part * price - whole * left) < price  # within one fen of its share


@pytest.mark.parametrize(
    ("said", "ruled"),
    [
        ((), None),
        ((PRICE,), None),
        ((PRICE, PRICE), None),
        ((0, 0, PRICE), 0),
        ((PRICE, 0, PRICE), PRICE),
        ((5, 0, 5), 5),
        ((0, 5, PRICE), 5),
        ((10, 20, 15), 15),
    ],
)
def test_three_officers_rule_by_their_majority(said, ruled):
    assert ruling(votes(*said)) == (None if ruled is None else as_award(ruled))


@given(st.lists(st.integers(0, PRICE), min_size=3, max_size=3))
def test_two_of_three_stand_behind_every_ruling_from_either_side(refunds):
    ruled = ruling(votes(*refunds))
    assert ruled is not None
    assert sum(refund >= ruled.refund_minor for refund in refunds) >= 2
    assert sum(refund <= ruled.refund_minor for refund in refunds) >= 2
    assert ruled.refund_minor in refunds


def test_an_officer_votes_once_under_whatever_login():
    assert check_voter("usr_1", logins=["usr_1", "usr_3"], voted=["usr_2"]) == "usr_1"
    for voted in (["usr_2", "usr_1"], ["usr_3"]):
        with pytest.raises(VotedBefore):
            check_voter("usr_1", logins=["usr_1", "usr_3"], voted=voted)
    with pytest.raises(OfficerNeeded):
        check_voter(None, logins=[], voted=[])


def test_who_disputes_says_or_shows_what_is_wrong():
    check_evidence("three columns are empty", [])
    check_evidence("", [Evidence("profile.json", DIGEST)])
    for text in ("", "  \n"):
        with pytest.raises(EvidenceMissing):
            check_evidence(text, [])


@pytest.mark.parametrize(
    ("text", "evidence"),
    [
        ("x" * (MAX_TEXT + 1), []),
        ("x", [Evidence(f"{n}", DIGEST) for n in range(MAX_EVIDENCE + 1)]),
        ("x", [Evidence("", DIGEST)]),
        ("x", [Evidence("a" * 201, DIGEST)]),
        ("x", [Evidence("a", DIGEST[1:])]),
        ("x", [Evidence("a", DIGEST.upper())]),
    ],
)
def test_evidence_out_of_bounds_is_refused(text, evidence):
    with pytest.raises(DisputeMalformed):
        check_evidence(text, evidence)


def test_a_ground_is_one_of_the_list():
    assert parse_ground("QUALITY", among=DISPUTABLE) is Ground.QUALITY
    assert parse_ground("REGULATOR_ORDER", among=REFUNDABLE) is Ground.REGULATOR_ORDER
    for text, among in (("REGULATOR_ORDER", DISPUTABLE), ("PAYMENT", REFUNDABLE), ("", DISPUTABLE)):
        with pytest.raises(DisputeMalformed):
            parse_ground(text, among=among)


def test_a_vote_gives_reasons_and_an_award_its_digest():
    check_reasons("the sample shows it")
    assert check_digest(DIGEST) == DIGEST
    for text in ("", " "):
        with pytest.raises(DisputeMalformed):
            check_reasons(text)
    with pytest.raises(DisputeMalformed):
        check_digest("no digest")


@pytest.mark.parametrize(
    ("fault", "gives_back"),
    [
        ((), set()),
        ((Fault.SELLER,), {"BROKER", "PLATFORM"}),
        ((Fault.BROKER,), {"BROKER", "PLATFORM"}),
        ((Fault.PLATFORM,), {"PLATFORM"}),
        ((Fault.SELLER, Fault.PLATFORM), {"BROKER", "PLATFORM"}),
    ],
)
def test_fees_go_back_where_the_fault_says_so(fault, gives_back):
    assert returning(fault) == gives_back


@given(
    seller=st.integers(1, 10**14),
    broker=st.integers(0, 10**13),
    platform=st.integers(0, 10**13),
    fault=st.sets(st.sampled_from(list(Fault))),
    data=st.data(),
)
def test_what_is_claimed_after_the_release_sums_to_the_refund(seller, broker, platform, fault, data):
    released = {Payee.SELLER: seller, Payee.BROKER: broker, Payee.PLATFORM: platform}
    total = sum(released.values())
    refund = data.draw(st.integers(1, total))
    check_refund(refund, outstanding_minor=total)
    owed = owed_back(released, refund, returning=frozenset(map(Payee, returning(fault))))
    assert sum(owed.values()) == refund
    assert min(owed.values()) > 0
    assert owed.get(Payee.BROKER, 0) <= broker
    assert owed.get(Payee.PLATFORM, 0) <= platform
    with pytest.raises(RefundBeyondPaid):
        check_refund(total + 1, outstanding_minor=total)


@given(price=st.integers(0, 10**15), bought=st.integers(1, 10**9), data=st.data())
def test_unused_quota_goes_back_within_a_fen_and_never_more_than_was_paid(price, bought, data):
    used = data.draw(st.integers(0, bought))
    refund = unused_refund(price, bought=bought, used=used)
    assert 0 <= refund <= price
    assert abs(refund * bought - price * (bought - used)) < bought
    if used == bought:
        assert refund == 0
    if used == 0:
        assert refund == price


def test_unused_quota_to_the_fen():
    assert unused_refund(PRICE, bought=100_000, used=37_500) == 42_500_000
    assert unused_refund(100, bought=3, used=1) == 67
    assert unused_refund(100, bought=3, used=2) == 33
    for used, bought in ((4, 3), (-1, 3), (0, 0)):
        with pytest.raises(DisputeMalformed):
            unused_refund(100, bought=bought, used=used)


def test_what_was_claimed_before_is_not_claimed_again():
    released = {"SELLER": 100, "BROKER": 10, "PLATFORM": 5}
    assert outstanding(released, {"SELLER": 40, "BROKER": 10}) == {"SELLER": 60, "PLATFORM": 5}
    assert outstanding(released, released) == {}
    assert outstanding(released, {"SELLER": 115}) == {}  # it gave back the fees of the others too
    assert outstanding(released, {"SELLER": 108}) == {"BROKER": 2, "PLATFORM": 5}
    for amount in (0, -1):
        with pytest.raises(DisputeMalformed):
            check_refund(amount, outstanding_minor=10)

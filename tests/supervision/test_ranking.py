"""S20: what a broker sent, held against the neutral order it was taken from."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.supervision.conduct import SECOND, mandate
from tests.supervision.statements import BROKER, BUYER, SELLER, founded, sc1
from tests.supervision.tables import Market, of_rule, on
from tests.supervision.test_evidence import tables_of

SENT = on(6, 1)
SIX = ("ours", "a", "b", "c", "d", "e")


def market(**about_mandate):
    """A broker with one seller's mandate among six sellers, and what it may be told of them."""
    made = Market("orgs", "ranking", "mandates", "holdings")
    made.only = ("S20",)
    for org in ("broker", "client", *SIX):
        made.org(org)
    return mandate(made, "m", "ours", side="PROVIDER", **about_mandate)


def send(made, number, neutral, sent):
    """One list: sellers in the neutral order, and those that were sent in theirs; a listing each."""
    for place, seller in enumerate(neutral, 1):
        made.add(
            "ranking",
            presentation_id=f"mch{number}",
            broker_id="broker",
            client_id="client",
            request_id=f"req{number}",
            listing_id=f"lst-{seller}",
            seller_id=seller,
            neutral_rank=place,
            sent_rank=sent.index(seller) + 1 if seller in sent else None,
            points=100 - place,
            rule_version="matching/1",
            sent_at=SENT + timedelta(days=number),
            seq=700 + number,
        )
    return made


LAST = ("a", "b", "c", "d", "e", "ours")
PUSHED = ("ours", "a", "b")


def pushed(made, lists=5):
    for number in range(lists):
        send(made, number, LAST, PUSHED)
    return made


def test_a_client_that_is_always_sent_first_is_found_with_its_lists(tmp_path):
    (finding,) = of_rule(pushed(market()).supervise(tmp_path), "S20")
    assert finding.rule_class.value == "screen"
    assert finding.subjects == ("broker", "ours")
    assert finding.objects == tuple(f"mch{number}" for number in range(5))
    assert finding.evidence_seqs == (700, 701, 702, 703, 704)
    assert finding.statistic["places_gained"] == 25
    assert (finding.statistic["lists_in_favour"], finding.statistic["lists_against"]) == (5, 0)
    # one of six gains five places, five lose one each: 5/30 of 30 by chance, five times
    assert finding.statistic["chance_variance"] == "25"


def neutral(made):
    for number in range(8):
        send(made, number, SIX, SIX[:3])
    return made


def for_another(made):
    for number in range(8):
        send(made, number, LAST[::-1], ("e", "ours", "d"))
    return made


def both_ways(made):
    for number in range(8):
        send(made, number, *((LAST, PUSHED) if number % 2 else (SIX, LAST[:3])))
    return made


@pytest.mark.parametrize("lists", [neutral, for_another, both_ways])
def test_who_keeps_to_the_order_or_departs_from_it_for_others_is_not(tmp_path, lists):
    assert not of_rule(lists(market()).supervise(tmp_path), "S20")


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"signed_at": SENT}, True),
        ({"signed_at": SENT + SECOND, "ends_at": SENT + SECOND}, False),
        ({"ends_at": SENT + timedelta(days=4)}, True),
        ({"ends_at": SENT - SECOND}, False),
        ({"revoked_at": SENT - SECOND}, False),
        ({"side": "BUYER"}, False),
        ({"side": None}, True),  # believed for the side on which the client stands
        ({"side": "seller"}, True),
        ({"listing_id": "lst-ours"}, True),
        ({"listing_id": "lst-a"}, False),
        ({"broker_id": "rival"}, False),
    ],
)
def test_a_tie_is_a_mandate_of_the_seller_s_that_stood_when_it_was_sent(tmp_path, changes, found):
    made = pushed(market())
    made.rows["mandates"][-1] |= changes
    assert bool(of_rule(made.supervise(tmp_path), "S20")) is found


@pytest.mark.parametrize(("share", "found"), [("0.05", True), ("0.04999", False)])
@pytest.mark.parametrize(("holder", "held"), [("broker", "ours"), ("ours", "broker")])
def test_a_share_is_a_tie_and_so_is_one_controller(tmp_path, holder, held, share, found):
    made = pushed(market(broker_id="rival"))
    assert not of_rule(made.supervise(tmp_path), "S20")
    made.add("holdings", holder_id=holder, held_id=held, share=Decimal(share))
    assert bool(of_rule(made.supervise(tmp_path), "S20")) is found


def test_one_controller_is_a_tie(tmp_path):
    made = pushed(market(broker_id="rival"))
    for row in made.rows["orgs"]:
        if row["org_id"] in {"ours", "broker"}:
            row["controller_id"] = "one"
    assert len(of_rule(made.supervise(tmp_path), "S20")) == 1


def test_few_lists_and_lists_of_one_kind_say_nothing(tmp_path):
    assert not of_rule(pushed(market(), lists=4).supervise(tmp_path), "S20")
    made = market()
    for number in range(6):
        send(made, number, ("ours",), ("ours",))
    assert not of_rule(made.supervise(tmp_path), "S20")


def test_what_was_sent_becomes_evidence_with_both_orders(tmp_path):
    ledger = founded()
    sc1(ledger)
    said = {
        "presentation_id": "mch_1",
        "request_id": "req_1",
        "broker_id": BROKER,
        "client_id": BUYER,
        "mandate_id": "mnd_1",
        "rule_version": "matching/1",
        "order_sha256": "0" * 64,
    }
    sent = {"listings": ["lst_1"], "departs": True}
    order = {
        **sent,
        "order": [["lst_2", 80], ["lst_1", 60]],
        "related": {},
        "complete": True,
        "reason": "asked for",
    }
    seq = ledger.say("MED.SEND", "mch_1", opening=order, actor=BROKER, role="BROKER", **said)
    rows = {row["listing_id"]: row for row in tables_of(ledger, tmp_path)["ranking"]}
    assert {
        listing: (row["neutral_rank"], row["sent_rank"], row["points"]) for listing, row in rows.items()
    } == {"lst_1": (2, 1, 60), "lst_2": (1, None, 80)}
    assert (rows["lst_1"]["seller_id"], rows["lst_1"]["seq"]) == (SELLER, seq)


@pytest.mark.parametrize("missing", ["presentation_id", "broker_id", "listing_id"])
def test_a_row_that_tells_no_list_or_listing_is_no_place_of_any(tmp_path, missing):
    made = pushed(market())
    for _ in range(2):  # two of them: they are not held against each other
        made.rows["ranking"].append(made.rows["ranking"][0] | {missing: None})
    (finding,) = of_rule(made.supervise(tmp_path), "S20")
    assert finding.subjects == ("broker", "ours")
    assert finding.statistic["places_gained"] == 25

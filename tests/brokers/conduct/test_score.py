"""The conduct score: every reason with its points, and what does not count (yet, or any more)."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.clock import rfc3339
from brokers.conduct.record import Standing
from brokers.conduct.score import score_on
from brokers.rule_table import in_force

AT = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)
AS_OF = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)
ME = "org_me"


@dataclass
class Said:
    """A public statement, as the fold takes it."""

    event: str
    object_id: str
    says: dict[str, Any]
    at: datetime = AT
    seq: int | None = 0
    log: str | None = None


@dataclass
class Story:
    """What was said, one after another."""

    said: list[Said] = field(default_factory=list)
    at: datetime = AT

    def say(self, event: str, object_id: str = "x", at: datetime | None = None, **says: Any) -> "Story":
        self.said.append(Said(event, object_id, says, at or self.at, len(self.said)))
        return self

    def certificate(self, event: str, at: datetime | None = None, **says: Any) -> "Story":
        facts = {"cert_id": "crt", "org_id": ME, "role": "DATA_AUTHORITY"} | says
        return self.say(f"BRK.{event}", "crt", at, **facts)

    def mandate(self, n: object, *, side: str = "PROVIDER", client: str | None = None) -> "Story":
        who = client or f"org_client{n}"
        facts = {"broker_id": ME, "client_id": who, "side": side, "listing_id": None}
        facts |= {"ends_at": rfc3339(AT + 90 * DAY)}
        return self.say("MND.SIGN", f"mnd{n}", **facts).say("MND.ACCEPT", f"mnd{n}", **facts)

    def end(self, n: object, event: str = "MND.REVOKE") -> "Story":
        return self.say(event, f"mnd{n}", broker_id=ME)

    def trade(
        self, n: object, *, seller: str | None = None, buyer: str = "org_b", settled: bool = True
    ) -> "Story":
        who = {"seller_id": seller or f"org_client{n}", "buyer_id": buyer, "broker_id": ME}
        self.say("TRD.CONTRACT", f"trd{n}", self.at + 3 * DAY, listing_id="lst", **who)
        return self.say("TRD.SETTLE", f"trd{n}", self.at + 5 * DAY, **who) if settled else self

    def served(self, count: int) -> "Story":
        for n in range(count):
            self.mandate(n).trade(n)
        return self

    def score(self, as_of: datetime = AS_OF):
        return score_on(ME, self.said, as_of=as_of, log="x", size=len(self.said))


def kinds(found):
    return [(item.kind, item.points, item.standing.value) for item in found.items]


def test_who_did_nothing_has_the_base_and_no_a():
    found = Story().score()
    assert (found.score, found.band, found.held, found.items) == (100, "B", "short-record", ())


def test_three_clients_served_make_an_a_and_no_more_than_the_base():
    found = Story().served(3).score()
    assert (found.score, found.band, found.held) == (100, "A", None)
    assert kinds(found) == [("client_served", 1, "counts")] * 3
    assert found.items[0].cites[0].event == "TRD.SETTLE"
    assert Story().served(2).score().held == "short-record"
    assert sum(item.points for item in Story().served(9).score().items) == 5


@pytest.mark.parametrize(
    ("event", "says", "kind"),
    [
        ("WARN", {}, "warned"),
        ("CUT_SCOPE", {}, "scope_cut"),
        ("SUSPEND", {}, "suspended"),
        ("REVOKE", {}, "revoked"),
        ("MISS_REPORT", {"year": 2025}, "report_missed"),
        ("ANNUAL_REPORT", {"year": 2025, "late": True}, "report_late"),
        ("ANNUAL_REPORT", {"year": 2025, "late": False}, None),
        ("RECTIFY", {"year": 2025}, "rectify"),
        ("RECTIFY_MISS", {"year": 2025}, "rectify_missed"),
        ("ANNUAL_FAIL", {"year": 2025}, "annual_failed"),
        ("SUSPEND", {"role": "EXCHANGE_OPERATOR"}, None),  # an emergency is nobody's decision
        ("WARN", {"org_id": "org_other"}, None),
    ],
)
def test_discipline_takes_what_the_table_says(event, says, kind):
    found = Story().certificate(event, **says).score()
    points = {} if kind is None else {kind: in_force(AS_OF).whole("CND-SCORE", kind)}
    assert {item.kind: -item.points for item in found.items} == points
    assert found.score == 100 - sum(points.values())


@pytest.mark.parametrize(("event", "kind"), [("CND.REPORT", "suspicion_late"), ("CND.CHANGE", "change_late")])
def test_what_is_told_late_counts_and_what_is_told_in_time_does_not(event, kind):
    story = Story().say(event, actor=ME, late=False).say(event, actor="org_other", late=True)
    assert not story.score().items
    assert [item.kind for item in story.say(event, actor=ME, late=True).score().items] == [kind]


def test_of_one_matter_only_the_heaviest_counts():
    story = Story().certificate("ANNUAL_REPORT", year=2025, late=True).certificate("MISS_REPORT", year=2025)
    assert kinds(story.score()) == [("report_late", -3, "same-matter"), ("report_missed", -15, "counts")]
    assert story.score().score == 85
    story.certificate("MISS_REPORT", year=2026)  # another year is another matter
    assert story.score().score == 70


def test_a_measure_in_an_open_case_waits_for_the_decision():
    story = Story().certificate("SUSPEND", case_id="cse")
    assert kinds(story.score()) == [("suspended", -20, "open-case")]
    assert story.score().score == 100
    decided = Story(list(story.said)).say("CSE.DECIDE", "cse", rule_id="BR4", org_ids=[ME])
    assert kinds(decided.score()) == [("suspended", -20, "counts"), ("case_confirmed", -15, "same-matter")]
    assert (decided.score().score, decided.score().band, decided.score().held) == (80, "C", "suspended")
    dropped = story.say("CSE.NO_CASE", "cse")
    assert kinds(dropped.score()) == [("suspended", -20, "no-case")]


def test_a_case_is_held_against_the_broker_from_its_publication_and_never_where_it_came_to_nothing():
    story = Story().certificate("SUSPEND", case_id="cse").say("CSE.DECIDE", "cse", outcome="PENALTY")
    assert kinds(story.score()) == [("suspended", -20, "counts")]
    published = Story(list(story.said)).say("CSE.PUBLISH", "cse", outcome="PENALTY", org_ids=[ME])
    assert kinds(published.score()) == [("suspended", -20, "counts"), ("case_confirmed", -15, "same-matter")]
    revoked = Story(list(story.said)).say("CSE.REVOKE", "cse")
    assert kinds(revoked.score()) == [("suspended", -20, "no-case")]
    none = Story().certificate("SUSPEND", case_id="cse").say("CSE.DECIDE", "cse", outcome="NONE")
    assert kinds(none.score()) == [("suspended", -20, "no-case")]


def test_a_case_that_is_decided_against_others_is_not_held_against_the_broker():
    assert not Story().say("CSE.DECIDE", "cse", rule_id="BR4", org_ids=["org_other"]).score().items
    assert not Story().say("CSE.OPEN_CASE", "cse").score().items
    assert Story().say("CSE.DECIDE", "cse", rule_id="BR4", org_ids=[ME]).score().score == 85


def test_who_was_revoked_is_in_d():
    found = Story().served(5).certificate("REVOKE").score()
    assert (found.score, found.band) == (5, "D")


@pytest.mark.parametrize(
    ("side", "event", "basis", "lost"),
    [
        ("PROVIDER", "TRD.RULE_FOR_BUYER", "PANEL", True),
        ("PROVIDER", "TRD.RULE_FOR_BUYER", "COURT", True),
        ("PROVIDER", "TRD.RULE_FOR_BUYER", "AGREED", False),
        ("PROVIDER", "TRD.RULE_FOR_SELLER", "PANEL", False),
        ("BUYER", "TRD.RULE_FOR_SELLER", "PANEL", True),
        ("BUYER", "TRD.RULE_FOR_BUYER", "PANEL", False),
    ],
)
def test_a_dispute_is_lost_where_the_brokers_own_side_lost_before_judges(side, event, basis, lost):
    story = Story().mandate(1, side=side, client="org_b" if side == "BUYER" else None)
    story.trade(1, settled=False).say(event, "trd1", basis=basis)
    assert [item.kind for item in story.score().items] == (["dispute_lost"] if lost else [])
    both = Story().mandate(1).mandate(2, side="BUYER", client="org_b").trade(1, settled=False)
    assert not both.say(event, "trd1", basis=basis).score().items  # of two clients one always loses


@pytest.mark.parametrize("event", ["TRD.VOID", "TRD.REFUND", "FLG.SET"])
def test_a_trade_that_is_void_taken_back_or_flagged_is_no_business_and_no_dispute(event):
    story = Story().mandate(1).trade(1).say("TRD.RULE_FOR_BUYER", "trd1", basis="PANEL")
    assert story.score().record.mandates.fulfilled == 1
    story.say(event, "trd1", case_id="cse")
    assert kinds(story.score()) == [("dispute_lost", -2, "trade-undone")]
    assert story.score().record.mandates.fulfilled == 0
    if event == "FLG.SET":
        story.say("FLG.CLEAR", "trd1", case_id="cse")
        assert story.score().record.mandates.fulfilled == 1


def test_a_refund_is_held_against_a_broker_at_fault_and_weighs_more_than_the_dispute():
    story = Story().mandate(1).trade(1).say("TRD.RULE_FOR_BUYER", "trd1", basis="PANEL")
    story.say("TRD.POST_REFUND", "trd1", fault=["SELLER", "BROKER"])
    assert kinds(story.score()) == [("dispute_lost", -2, "trade-undone"), ("refund_fault", -10, "counts")]
    assert not Story().mandate(1).trade(1).say("TRD.POST_REFUND", "trd1", fault=["SELLER"]).score().items


def test_too_many_mandates_that_came_to_nothing_count_once_there_are_enough():
    story = Story()
    for n in range(5):
        story.mandate(n)
    for n in range(4):
        story.end(n)
    assert story.score().score == 100  # four have ended: too few to judge
    assert story.end(4).score().score == 95
    assert Story(list(story.said)).served(5).score().score == 100  # half of ten
    for event in ("MND.HAND_OVER", "MND.FULFIL"):  # handed over is no failure
        over = Story()
        for n in range(5):
            over.mandate(n).end(n, event)
        assert (over.score().score, over.score().record.mandates.running) == (100, 0)


def test_a_mandate_is_fulfilled_only_by_a_trade_that_it_covers():
    late = Story().mandate(1)
    late.at = AT + 100 * DAY  # beyond its end
    assert late.trade(1).score().record.mandates.fulfilled == 0
    other = Story().mandate(1).trade(1, seller="org_somebody")
    assert other.score().record.mandates.fulfilled == 0
    assert Story().mandate(1).trade(1).score().document()["mandates"]["median_days_to_contract"] == 3


def test_after_the_window_it_is_forgotten_and_before_the_moment_it_is_not_known():
    story = Story().certificate("WARN")
    assert story.score(AT).score == 95
    assert story.score(AT - DAY).score == 100
    gone = datetime(2029, 6, 1, 4, 0, tzinfo=UTC)
    assert story.score(gone - timedelta(seconds=1)).score == 95
    assert kinds(story.score(gone)) == [("warned", -5, "too-old")]


def test_the_published_form_cites_every_entry_and_every_number():
    found = Story().certificate("CERTIFY").certificate("WARN").score()
    said = orjson.loads(found.published())
    assert said["items"][0]["cites"] == [{"event": "BRK.WARN", "seq": 1}]
    assert said["rules"]["CND-SCORE@1.warned"]["source_status"] == "default"
    assert (said["band"], said["score"], said["size"]) == ("B", 95, 2)


EVENTS = ["WARN", "SUSPEND", "CUT_SCOPE", "ANNUAL_FAIL", "MISS_REPORT", "RECTIFY"]


@given(st.lists(st.sampled_from(EVENTS), max_size=8), st.integers(0, 6), st.sampled_from(EVENTS))
def test_one_more_incident_never_makes_a_better_score_or_band(events, clients, more):
    story = Story().served(clients)
    for event in events:
        story.certificate(event, year=2025)
    before = story.score()
    after = story.certificate(more, year=2025).score()
    assert after.score <= before.score
    assert after.band >= before.band
    assert 0 <= after.score <= 100
    counted = sum(item.points for item in after.items if item.standing is Standing.COUNTS)
    assert after.score == max(0, min(100, 100 + counted))

"""What an exchange could state of an auction that never was, or not in this order."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from market.auctions.states import MOVES
from supervision.audit import audit
from supervision.audit_moves import AUCTION_MOVES
from tests.ledger.audited import found
from tests.ledger.make_bundle import VKEY, Log, genesis

BIDS = {"1": ("org_buyer", "a" * 64), "2": ("org_buyer", "b" * 64)}
CLOSED = "OPEN COMMIT1 CLOSE"
AWARDED = f"{CLOSED} REVEAL1 AWARD1"
TO = {"OPEN": "OPEN", "COMMIT": "OPEN", "CANCEL": "CANCELLED", "AWARD": "AWARDED", "FAIL": "FAILED"}


def steps(story: str, **changes: dict[str, Any]) -> Log:
    """Each word is an event, with the number of its bid; `changes` are members of the last statement."""
    log, state, committed = Log(), None, []
    genesis(log)
    words = story.split()
    for at, word in enumerate(words):
        event, number = word.rstrip("12"), word[len(word.rstrip("12")) :]
        to = TO.get(event, "CLOSED")
        named: dict[str, Any] = {"auction_id": "auc_1", "listing_id": "lst_1", "seller_id": "org_seller"}
        named |= {"after": to} | ({"before": state} if state else {})
        if event in {"COMMIT", "REVEAL"}:
            bidder, commitment = BIDS[number]
            named |= {"bid_id": f"bid_{number}", "bidder_id": bidder, "commitment": commitment}
        if event == "COMMIT":
            committed.append(BIDS[number][1])
        if event == "CLOSE":
            digest = sha256("\n".join(committed).encode()).hexdigest()
            named |= {"bids": len(committed), "commitments_sha256": digest}
        if event == "AWARD":
            named |= {"winners": [f"bid_{number}"], "trades": ["trd_1"]}
        named |= changes if at + 1 == len(words) else {}
        if event in {"CLOSE", "AWARD", "FAIL"}:
            log.exchange(f"AUC.{event}", "auc_1", **named)
        else:
            who = "org_buyer" if event in {"COMMIT", "REVEAL"} else "org_seller"
            log.party(who, f"AUC.{event}", "auc_1", **named)
        state = to
    return log


def test_the_steps_are_those_of_the_markets_own_table() -> None:
    table = {
        (at and at.value, f"AUC.{event.value}"): (move.roles, move.to.value)
        for (at, event), move in MOVES.items()
    }
    assert table == AUCTION_MOVES


@pytest.mark.parametrize(
    "story", [AWARDED, f"{CLOSED} REVEAL_RESERVE REVEAL1 FAIL", "OPEN FAIL", "OPEN CANCEL", f"{CLOSED} FAIL"]
)
def test_an_honest_auction_is_clean(tmp_path: Path, story: str) -> None:
    assert found(audit(steps(story).write(tmp_path / "b"), [VKEY])) == []


@pytest.mark.parametrize(
    ("story", "changes", "why"),
    [
        ("COMMIT1", {}, "that nobody opened"),
        ("OPEN OPEN", {}, "OPEN does not take AUC.OPEN"),
        ("OPEN REVEAL1", {}, "OPEN does not take AUC.REVEAL"),
        (f"{AWARDED} FAIL", {}, "AWARDED does not take AUC.FAIL"),
        (f"{CLOSED} COMMIT2", {}, "CLOSED does not take AUC.COMMIT"),
        ("OPEN COMMIT1 COMMIT2", {}, "org_buyer has bid"),
        (
            "OPEN COMMIT1 CLOSE",
            {"bids": 2},
            "closes over other bids",
        ),
        ("OPEN COMMIT1 CLOSE", {"commitments_sha256": "0" * 64}, "closes over other bids"),
        (f"{CLOSED} REVEAL1", {"commitment": "c" * 64}, "what was not committed to"),
        (f"{CLOSED} REVEAL2", {}, "what was not committed to"),
        (f"{CLOSED} REVEAL1 REVEAL1", {}, "a bid again"),
        (f"{CLOSED} AWARD1", {}, "awards what was not revealed"),
        (AWARDED, {"trades": []}, "not to each a trade"),
        (AWARDED, {"winners": ["bid_2"]}, "awards what was not revealed"),
        (AWARDED, {"after": "CLOSED"}, "leads from CLOSED to AWARDED"),
        (f"{CLOSED} FAIL", {"seller_id": "org_other"}, "another seller"),
        (f"{CLOSED} REVEAL1 WIN1", {}, "is no step of an auction"),
    ],
)
def test_a_step_that_never_was_is_found(tmp_path: Path, story: str, changes: Any, why: str) -> None:
    log = steps(story, **changes)
    report = audit(log.write(tmp_path / "b"), [VKEY])
    assert {code for code, _ in found(report)} == {"KEY"}
    assert why in " ".join(problem.why for problem in report.problems)
    assert {seq for _, seq in found(report)} == {len(log.envelopes) - 1}

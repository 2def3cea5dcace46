"""KEY: an auction goes step by step, as its table allows, and closes over exactly what was committed.

Each `AUC.*` statement says from where and to where its auction goes. So it is asked here that the steps chain
from the opening on, that nobody commits twice or in another's words, that what is revealed was committed,
that the close counts what stands, and that an award names bids that were revealed, and a trade for each.
"""

from collections.abc import Iterator
from typing import Any, Final

from base.canonical import sha256_hex
from supervision.audit_case import Case, Check
from supervision.audit_entry import Sealed
from supervision.audit_moves import AUCTION_MOVES, AUCTION_SPEAKERS
from supervision.audit_report import Code

AUCTION: Final = "AUC."
_OPEN: Final = "AUC.OPEN"
_BIDDERS: Final = frozenset({"AUC.COMMIT", "AUC.REVEAL"})
Bids = dict[str, list[Any]]
Auction = dict[str, Any]  # state, seller; bids {bid_id: [bidder, commitment, revealed]}; met


def auctions_go_step_by_step(case: Case) -> Check:
    """KEY: each step of an auction follows from the one before; see the module."""
    while (batch := (yield)) is not None:
        for said in batch.said:
            if said is None or not said.event.startswith(AUCTION):
                continue
            known: Auction | None = case.memory.trades.get(_key(said))
            found = known or _met(case, said)
            for why in _judge(found, said):
                if not case.torn and said.seq not in batch.blamed:
                    case.problem(Code.KEY, why, seq=said.seq)
            _remember(case, found or _new(said), said)


def _key(said: Sealed) -> str:
    """Where an auction is kept, beside the trades: no trade's id has a slash."""
    return f"auction/{said.object_id}"


def _new(said: Sealed) -> Auction:
    return {"state": None, "seller": said.text("seller_id"), "bids": {}}


def _met(case: Case, said: Sealed) -> Auction | None:
    """An auction as its opening begins it; or as met, where the log before is not at hand."""
    if said.event == _OPEN:
        return _new(said)
    return _new(said) | {"state": said.text("from"), "met": True} if case.memory.goes_on else None


def _judge(held: Auction | None, said: Sealed) -> Iterator[str]:
    if said.event not in AUCTION_SPEAKERS:
        yield f"{said.event} is no step of an auction"
        return
    if held is None:
        yield "a step of an auction that nobody opened"
        return
    if said.text("seller_id") != held["seller"]:
        yield f"names another seller than {held['seller']}"
    move = AUCTION_MOVES.get((held["state"], said.event))
    if move is None:
        yield f"an auction that is {held['state'] or 'not begun'} does not take {said.event}"
    elif said.text("from") != held["state"] or said.text("to") != move[1]:
        stated = f"{said.text('from')} to {said.text('to')}"
        yield f"{said.event} leads from {held['state']} to {move[1]}, and says {stated}"
    if "met" not in held:
        yield from (_by_bidders if said.event in _BIDDERS else _by_exchange)(held["bids"], said)


def _by_bidders(bids: Bids, said: Sealed) -> Iterator[str]:
    if said.event == "AUC.COMMIT":
        if any(said.text("bidder_id") == bid[0] for bid in bids.values()):
            yield f"{said.text('bidder_id')} has bid in this auction"
        if any(said.text("commitment") == bid[1] for bid in bids.values()):
            yield "repeats a commitment that stands in this auction"
    else:
        bid = bids.get(said.text("bid_id") or "")
        if bid is None or bid[:2] != [said.text("bidder_id"), said.text("commitment")]:
            yield "reveals what was not committed to"
        elif bid[2]:
            yield "reveals a bid again"


def _by_exchange(bids: Bids, said: Sealed) -> Iterator[str]:
    named = said.predicate
    if said.event == "AUC.CLOSE":
        committed = sha256_hex("\n".join(str(bid[1]) for bid in bids.values()).encode())
        if (named.get("bids"), named.get("commitments_sha256")) != (len(bids), committed):
            yield "closes over other bids than were committed"
    elif said.event == "AUC.AWARD":
        revealed = {bid_id for bid_id, bid in bids.items() if bid[2]}
        won, trades = _listed(named.get("winners")), _listed(named.get("trades"))
        if not won or len(set(won)) != len(trades) or not set(won) <= revealed:
            yield "awards what was not revealed, or not to each a trade"


def _listed(told: Any) -> list[str]:
    return [one for one in told if type(one) is str] if type(told) is list else []


def _remember(case: Case, held: Auction, said: Sealed) -> None:
    bid_id = said.text("bid_id") or ""
    if said.event == "AUC.COMMIT":
        held["bids"][bid_id] = [said.text("bidder_id"), said.text("commitment"), False]
    elif said.event == "AUC.REVEAL" and bid_id in held["bids"]:
        held["bids"][bid_id][2] = True
    held["state"] = said.text("to") or held["state"]
    if held["state"] not in {"OPEN", "CLOSED"}:
        held["bids"] = {}
    case.memory.trades.put(_key(said), held)

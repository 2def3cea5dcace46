"""One auction's facts, in ledger order, folded into its bids."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from supervision.evidence.facts import Fact, whole

PERSON: Final = "person"


def bids_of(facts: Iterable[Fact]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """A row of each bid, and of who made it, where that is told.

    `outcome` is won, lost or withdrawn (never revealed); none while it is open.

    `seq` is that of what was revealed, else of the commitment.
    """
    sold: dict[str, Any] = {}
    bids: dict[str, dict[str, Any]] = {}
    for fact in facts:
        said, opened = fact.said, fact.opened
        if fact.event == "AUC.OPEN":
            sold = {name: opened.get(name) for name in ("unit", "licence_class")}
            sold |= {"quantity": whole(opened.get("quantity")), "mechanism": said.get("mechanism")}
        elif fact.event == "AUC.COMMIT":
            names = ("auction_id", "bid_id", "listing_id", "seller_id", "bidder_id", "broker_id")
            row = {name: said.get(name) for name in names}
            bids[said["bid_id"]] = row | sold | {"committed_at": fact.at, "seq": fact.seq}
            if opened.get("made_by"):
                trace = {"quote_id": said["bid_id"], "kind": PERSON, "value_sha256": opened["made_by"]}
                yield "bid_traces", trace | {"seq": fact.seq}
        elif fact.event == "AUC.REVEAL" and said.get("bid_id") in bids:
            price = whole(opened.get("price_minor"))
            bids[said["bid_id"]] |= {"price_minor": price, "revealed_at": fact.at, "seq": fact.seq}
        elif fact.event in {"AUC.AWARD", "AUC.FAIL"}:
            won = dict(zip(said.get("winners", ()), said.get("trades", ()), strict=True))
            for bid_id, row in bids.items():
                lost = "withdrawn" if "revealed_at" not in row else "lost"
                row |= {"outcome": "won" if bid_id in won else lost, "trade_id": won.get(bid_id)}
    for row in bids.values():
        yield "bids", row

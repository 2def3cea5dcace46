"""One trade's facts, in ledger order, folded into the rows they make: request, quotes, trade, payments, use.

A trade stands in `trades` once it is contracted; before that it is a request. Its `seq` is that of the
contract's entry, and the other steps have theirs in `trade_events`.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from supervision.evidence.facts import Fact, time, whole
from supervision.evidence.using import access_of, clauses_of, usage_of

Listings = Mapping[str, Mapping[str, Any]]
TableRow = tuple[str, Mapping[str, Any]]
ESCROW: Final = "ESCROW"
_TIMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "TRD.CONTRACT": "agreed_at",
        "TRD.DELIVERED": "delivered_at",
        "TRD.ACCEPT_GOODS": "accepted_at",
        "TRD.SILENT_ACCEPT": "accepted_at",
        "TRD.SETTLE": "settled_at",
    }
)
_LEGS: Final = (
    ("seller_share", "seller_id", "seller_minor"),
    ("commission", "broker_id", "commission_minor"),
    ("platform_fee", None, "platform_fee_minor"),
)


def rows_of(
    trade_id: str, facts: list[Fact], listings: Listings, operator_id: str | None
) -> Iterator[TableRow]:
    """All rows of one trade with the names of their tables."""
    trade = _trade(trade_id, facts, listings)
    yield from _events(trade_id, facts)
    yield from _request(trade_id, facts)
    yield from _quotes(facts)
    if trade is not None:
        yield "trades", trade
    yield from _payments(trade_id, facts, operator_id)
    yield from usage_of(trade_id, facts)
    yield from access_of(trade_id, facts)
    if trade is not None:
        listing = listings.get(trade["listing_id"], {})
        yield from clauses_of(trade_id, facts, listing.get("licence_of_data"))
    yield from _flags(trade_id, facts)


def _trade(trade_id: str, facts: Iterable[Fact], listings: Listings) -> dict[str, Any] | None:
    trade: dict[str, Any] | None = None
    accepted_at: datetime | None = None
    for fact in facts:
        if fact.event == "TRD.ACCEPT":
            accepted_at = fact.at
        if fact.event == "TRD.CONTRACT":
            said, opened = fact.said, fact.opened
            listing = listings.get(said["listing_id"], {})
            trade = {
                "trade_id": trade_id,
                **{
                    name: said.get(name)
                    for name in ("listing_id", "product_id", "seller_id", "buyer_id", "broker_id")
                },
                "category": listing.get("category"),
                "geo": listing.get("geo"),
                "licence_class": opened.get("licence_class"),
                "quantity": whole(opened.get("quantity")),
                "unit": opened.get("unit"),
                "amount_minor": whole(opened.get("amount_minor")),
                "commission_minor": whole(opened.get("commission_minor")),
                "platform_fee_minor": whole(opened.get("platform_fee_minor")),
                "contract_dated_at": time(opened.get("contract_dated_at")),
                "seq": fact.seq,
                "offer_accepted_at": accepted_at,
                "broker_signed": None if said.get("broker_id") is None else not said.get("unsigned"),
            }
        if trade is not None and fact.event.startswith("TRD."):
            if fact.event in _TIMES:
                trade[_TIMES[fact.event]] = fact.at
            trade["status"] = fact.after or trade.get("status")
    return trade


def _events(trade_id: str, facts: Iterable[Fact]) -> Iterator[TableRow]:
    for fact in facts:
        yield (
            "trade_events",
            {
                "trade_id": trade_id,
                "event": fact.event,
                "at": fact.at,
                "seq": fact.seq,
                "actor": fact.actor,
                "role": fact.role,
            },
        )


def _request(trade_id: str, facts: Iterable[Fact]) -> Iterator[TableRow]:
    """The inquiry and the first answer to it; a refusal after an offer is still a refusal."""
    request: dict[str, Any] | None = None
    for fact in facts:
        if fact.event == "TRD.INQUIRE":
            request = {
                "request_id": trade_id,
                **{name: fact.said.get(name) for name in ("listing_id", "seller_id", "buyer_id")},
                "buyer_qualified": True,  # an inquiry that does not meet the listing's conditions is refused
                "asked_at": fact.at,
                "seq": fact.seq,
            }
        elif request is None:
            continue
        elif fact.event == "TRD.OFFER" and "outcome" not in request:
            request |= {"answered_at": fact.at, "outcome": "offered"}
        elif fact.event == "TRD.REFUSE":
            request.setdefault("answered_at", fact.at)
            request |= {"outcome": "refused", "reason": fact.said.get("reason_code")}
        elif fact.event == "TRD.TIMEOUT" and fact.said.get("owed_by") != "BUYER":
            request["outcome"] = "lapsed"  # the provider's silence; a buyer's is no refusal to deal
    if request is not None:
        yield "requests", request


def _quotes(facts: Iterable[Fact]) -> Iterator[TableRow]:
    quotes: dict[str, dict[str, Any]] = {}
    names = (
        "quote_id",
        "listing_id",
        "trade_id",
        "seller_id",
        "buyer_id",
        "broker_id",
        "mechanism",
        "inputs_sha256",
    )
    for fact in facts:
        said, opened = fact.said, fact.opened
        if fact.event == "QTE.QUOTE":
            version = said.get("version")
            quotes[said["quote_id"]] = {
                **{name: said.get(name) for name in names},
                "version": None if version is None else str(version),
                "quoted_at": fact.at,
                "price_minor": whole(opened.get("price_minor")),
                "quantity": whole(opened.get("quantity")),
                "unit": opened.get("unit"),
                "licence_class": opened.get("licence_class"),
                "seq": fact.seq,
            }
        elif fact.event == "TRD.CONTRACT" and said.get("quote_id") in quotes:
            quotes[said["quote_id"]]["outcome"] = "contracted"
    for quote in quotes.values():
        yield "quotes", quote


def _payments(trade_id: str, facts: Iterable[Fact], operator_id: str | None) -> Iterator[TableRow]:
    """Money in and money out as the bank confirmed it. Legs of nothing are no payments."""
    parties: Mapping[str, Any] = {}
    for fact in facts:
        said, opened = fact.said, fact.opened
        if fact.event == "TRD.CONTRACT":
            parties = {**said, "broker_id": said.get("broker_id") or said.get("reward_to")}
        elif fact.event == "TRD.FUND":
            buyer_id, amount = parties.get("buyer_id"), opened.get("amount_minor")
            yield _payment(trade_id, fact, "escrow_in", payer=buyer_id, payee=ESCROW, amount=amount)
        elif fact.event == "TRD.SETTLE":
            for purpose, party, member in _LEGS:
                payee = operator_id if party is None else parties.get(party)
                amount = opened.get(member)
                if whole(amount) != 0:
                    yield _payment(trade_id, fact, purpose, payer=ESCROW, payee=payee, amount=amount)
            if whole(opened.get("refund_minor")):
                yield _refund(trade_id, fact, parties, opened["refund_minor"])
        elif fact.event == "TRD.REFUND":
            yield _refund(trade_id, fact, parties, opened.get("amount_minor"))


def _refund(trade_id: str, fact: Fact, parties: Mapping[str, Any], amount: Any) -> TableRow:
    return _payment(trade_id, fact, "refund", payer=ESCROW, payee=parties.get("buyer_id"), amount=amount)


def _payment(
    trade_id: str, fact: Fact, purpose: str, *, payer: str | None, payee: str | None, amount: Any
) -> TableRow:
    return "payments", {
        "payment_id": f"{fact.seq}-{purpose}",
        "trade_id": trade_id,
        "payer_id": payer,
        "payee_id": payee,
        "amount_minor": whole(amount),
        "paid_at": fact.at,
        "purpose": purpose,
        "seq": fact.seq,
    }


def _flags(trade_id: str, facts: Iterable[Fact]) -> Iterator[TableRow]:
    """Flags by case: set once, cleared once; set again after that is a new row."""
    flags: dict[Any, dict[str, Any]] = {}
    for fact in facts:
        case_id = fact.said.get("case_id")
        if fact.event == "FLG.SET" and case_id not in flags:
            flags[case_id] = {"trade_id": trade_id, "case_id": case_id, "from_seq": fact.seq, "to_seq": None}
        elif fact.event == "FLG.CLEAR" and case_id in flags:
            yield "flags", flags.pop(case_id) | {"to_seq": fact.seq}
    for flag in flags.values():
        yield "flags", flag

"""KEY, SIG, OPENING: trades are what their parties said, also where the exchange states the outcome.

The exchange signs the steps that follow from others' acts. So it is asked here that each step of a trade
was said by one who may say it, that a contract names a signature of every party over that very contract,
and that what was paid in and out is what was signed for, to the fen. Trades that are over are let go.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from supervision.audit_case import Case, Check
from supervision.audit_entry import Sealed
from supervision.audit_keys import OPERATOR, SIGN
from supervision.audit_report import Code
from supervision.audit_tile import Batch

_PREFIX: Final = "TRD."
_SYSTEM: Final = frozenset({OPERATOR})
_BANK: Final = frozenset({OPERATOR, "ESCROW"})
_ANY_PARTY: Final = frozenset({"PROVIDER", "BUYER", "BROKER"})
_MAY_FREEZE: Final = frozenset({OPERATOR, "DATA_AUTHORITY", "SAMR", "CAC"})
# Who may say what of a trade (`states.md` §3.4); a test compares it with the market's own table.
SPEAKERS: Final[Mapping[str, frozenset[str]]] = {
    "TRD.INQUIRE": frozenset({"BUYER", "BROKER"}),
    "TRD.OFFER": _ANY_PARTY,
    "TRD.COUNTER_OFFER": _ANY_PARTY,
    "TRD.REFUSE": frozenset({"PROVIDER", "BROKER"}),
    "TRD.TIMEOUT": _SYSTEM,
    "TRD.ACCEPT": _ANY_PARTY,
    "TRD.PRECHECK_PASS": _SYSTEM,
    "TRD.PRECHECK_FAIL": _SYSTEM,
    "TRD.SIGN": _ANY_PARTY,
    "TRD.CONTRACT": _SYSTEM,
    "TRD.FUND": _BANK,
    "TRD.FUND_TIMEOUT": _SYSTEM,
    "TRD.START_DELIVERY": frozenset({"PROVIDER"}),
    "TRD.DELIVERED": frozenset({OPERATOR, "BUYER"}),
    "TRD.ACCEPT_GOODS": frozenset({"BUYER"}),
    "TRD.SILENT_ACCEPT": _SYSTEM,
    "TRD.SETTLE": _BANK,
    "TRD.FREEZE": _MAY_FREEZE,
    "TRD.UNFREEZE": _MAY_FREEZE,
}
_OVER: Final = frozenset({"TRD.REFUSE", "TRD.TIMEOUT", "TRD.PRECHECK_FAIL", "TRD.FUND_TIMEOUT", "TRD.SETTLE"})
_SEATS: Final = {"PROVIDER": "seller_id", "BUYER": "buyer_id", "BROKER": "broker_id"}
_AMOUNTS: Final = ("amount_minor", "commission_minor", "platform_fee_minor")


@dataclass(slots=True)
class _Trade:
    """What a trade has come to: who is in it, who signed what, and the amounts signed for."""

    seats: dict[str, str | None]
    signed: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
    amounts: dict[str, str] = field(default_factory=dict)


def trades_are_as_their_parties_said(case: Case) -> Check:
    """KEY, SIG, OPENING: steps by those who may take them; contracts signed by all; sums as signed for."""
    trades: dict[str, _Trade] = {}
    while (batch := (yield)) is not None:
        for said in batch.said:
            if said is None or not said.event.startswith(_PREFIX):
                continue
            for code, why in _judge(case, trades, batch, said):
                case.problem(code, why, seq=said.seq)
            if said.event in _OVER:
                trades.pop(said.object_id, None)


def _judge(case: Case, trades: dict[str, _Trade], batch: Batch, said: Sealed) -> Iterator[tuple[Code, str]]:
    role = said.text("role")
    speakers = SPEAKERS.get(said.event)
    if speakers is None:
        yield Code.KEY, f"{said.event} is no step of a trade"
        return
    if said.event != SIGN and role is not None and role not in speakers:
        yield Code.KEY, f"{said.event} is not for {role} to say"
    trade = trades.get(said.object_id)
    if said.event == "TRD.INQUIRE" and trade is None:
        trade = trades[said.object_id] = _Trade({seat: said.text(seat) for seat in _SEATS.values()})
    if trade is not None:
        yield from _same_parties(trade, said)
    opening = _amounts(batch.amounts.get(said.seq, {}))
    if said.event == SIGN:
        if trade is not None:
            trade.amounts = trade.amounts or opening
            org_id = case.memory.keyring.org_of(said.signatures[0].keyid)
            trade.signed[batch.envelopes[said.seq]] = org_id, said.text("contract_sha256")
        return
    if said.event == "TRD.CONTRACT" and not _damaged(case):
        yield from _signed_by_all(trade, said)
    if trade is not None and said.event in {"TRD.CONTRACT", "TRD.FUND", "TRD.SETTLE"}:
        yield from _as_signed_for(trade.amounts, opening)


def _same_parties(trade: _Trade, said: Sealed) -> Iterator[tuple[Code, str]]:
    """The parties stay who they were at the inquiry, and each speaks from its own seat."""
    for seat, org_id in trade.seats.items():
        if seat in said.predicate and said.text(seat) != org_id:
            yield Code.KEY, f"names another {seat} than the inquiry"
    own = _SEATS.get(said.text("role") or "")
    if own is not None and said.text("actor") != trade.seats[own]:
        yield Code.KEY, f"{said.text('actor')} is not the {said.text('role')} of this trade"


def _signed_by_all(trade: _Trade | None, said: Sealed) -> Iterator[tuple[Code, str]]:
    """The envelopes a contract names are there, one of each party, over this very contract."""
    named = said.predicate.get("signatures")
    signed = trade.signed if trade is not None else {}
    if type(named) is not list or not all(type(one) is str and one in signed for one in named):
        yield Code.SIG, "names signatures of the contract that are not there"
        return
    parties = {org_id for org_id in (trade.seats.values() if trade else ()) if org_id is not None}
    of_this = {signed[one][0] for one in named if signed[one][1] == said.text("contract_sha256")}
    if of_this != parties or len(named) != len(parties):
        yield Code.SIG, "not every party has signed this contract"


def _as_signed_for(signed: dict[str, str], stated: dict[str, str]) -> Iterator[tuple[Code, str]]:
    """Amounts are those of the contract, and the seller is paid what the fees leave."""
    for name in _AMOUNTS:
        if name in signed and name in stated and signed[name] != stated[name]:
            yield Code.OPENING, f"{name} is not what the parties signed for"
    if {"seller_minor", *_AMOUNTS} <= stated.keys():
        price, commission, platform_fee = (int(stated[name]) for name in _AMOUNTS)
        if int(stated["seller_minor"]) != price - commission - platform_fee:
            yield Code.OPENING, "the parts of the price do not sum to it"


def _amounts(stated: Mapping[str, str]) -> dict[str, str]:
    names = (*_AMOUNTS, "seller_minor")
    return {name: stated[name] for name in names if name in stated and stated[name].isdecimal()}


def _damaged(case: Case) -> bool:
    """Whether entries are missing or unreadable, so that a signature may be among them."""
    return bool(case.report.counts[Code.HASH] or case.report.counts[Code.GAP])

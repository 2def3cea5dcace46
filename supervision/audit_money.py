"""OPENING: what a trade takes in and pays out is what was signed for, to the fen; what goes back is too.

A settlement pays the price as the contract splits it, or the rest of it where part goes back; a refund before
release gives back all that was paid in, and one after release no more than was released. One instruction
to the bank releases money once.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from base.money import allot
from supervision.audit_report import Code

CONTRACT: Final = ("amount_minor", "commission_minor", "platform_fee_minor")
STATED: Final = (*CONTRACT, "seller_minor", "refund_minor")
SETTLE: Final = "TRD.SETTLE"
REFUND: Final = "TRD.REFUND"
PAID: Final = frozenset({"TRD.CONTRACT", "TRD.FUND", SETTLE, REFUND})
_RELEASES: Final = frozenset({SETTLE, REFUND})
_TOLD_APART: Final = 16
_PARTIAL: Final = "PARTIAL_SETTLE"
_GOES_BACK: Final = frozenset({"TRD.PARTIAL", "TRD.POST_REFUND"})

Judged = Iterator[tuple[Code, str]]
Trade = dict[str, Any]
"""Of a trade's: `amounts` that were signed for, `held` and `released` fen, `back` what is to go back;
`paid` by which instructions."""


def judge_money(trade: Trade, event: str, stated: Mapping[str, str]) -> Judged:
    """What is wrong with the amounts that a step states, as far as its opening is there."""
    if event == REFUND:
        yield from _refund(trade, stated)
    elif event == SETTLE and (trade["state"] == _PARTIAL or "refund_minor" in stated):
        yield from _divided(trade, stated)
    else:
        yield from _as_signed_for(trade.get("amounts", {}), stated)


def judge_instruction(trade: Trade, event: str, instruction_sha256: str | None) -> Judged:
    """What the bank has paid as instructed is released by that instruction once."""
    if event in _RELEASES and _short(instruction_sha256) in trade.get("paid", ()):
        yield Code.OPENING, "money is released a second time by one instruction"


def remember_instruction(trade: Trade, event: str, instruction_sha256: str | None) -> None:
    """By which instructions a trade's money was released."""
    named = _short(instruction_sha256)
    if event in _RELEASES and named is not None and named not in trade.get("paid", ()):
        trade.setdefault("paid", []).append(named)


def _short(sha256: str | None) -> str | None:
    """So much of a digest tells the few instructions of one trade apart."""
    return None if sha256 is None else sha256[:_TOLD_APART]


def remember_money(trade: Trade, event: str, stated: Mapping[str, str]) -> None:
    """What the payments to come are held against."""
    amount = int(stated["amount_minor"]) if "amount_minor" in stated else None
    if event in _GOES_BACK and "refund_minor" in stated:
        trade["back"] = int(stated["refund_minor"])
    elif amount is None:
        return
    elif event == "TRD.FUND":
        trade["held"] = amount
    elif event == SETTLE:
        trade |= {"held": 0, "released": amount - int(stated.get("refund_minor", "0"))}
        trade.pop("back", None)
    elif event == REFUND and "released" in trade:
        trade["released"] -= amount
    elif event == REFUND:
        trade["held"] = 0


def money_of(trade: Trade) -> dict[str, Any]:
    """What of a trade's money is kept when its contract is performed or undone."""
    return {name: trade[name] for name in ("held", "released", "paid") if name in trade}


def _as_signed_for(signed: Mapping[str, str], stated: Mapping[str, str]) -> Judged:
    """Amounts are those of the contract, and the seller is paid what the fees leave."""
    for name in CONTRACT:
        if name in signed and name in stated and signed[name] != stated[name]:
            yield Code.OPENING, f"{name} is not what the parties signed for"
    if {"seller_minor", *CONTRACT} <= stated.keys():
        price, commission, platform_fee = (int(stated[name]) for name in CONTRACT)
        if int(stated["seller_minor"]) != price - commission - platform_fee:
            yield Code.OPENING, "the parts of the price do not sum to it"


def _divided(trade: Trade, stated: Mapping[str, str]) -> Judged:
    """Part of the price goes back, and the rest is split as the contract splits the whole."""
    if not stated:
        return
    if trade["state"] != _PARTIAL or "refund_minor" not in stated:
        yield Code.OPENING, "part of a price goes back of a trade that is settled in part, and of no other"
        return
    signed = trade.get("amounts", {})
    if "amount_minor" in signed and stated.get("amount_minor") != signed["amount_minor"]:
        yield Code.OPENING, "amount_minor is not what the parties signed for"
    if not set(STATED) <= stated.keys():
        yield Code.OPENING, "a divided price states all its parts"
        return
    price, commission, platform, seller, back = (int(stated[name]) for name in STATED)
    if back + seller + commission + platform != price:
        yield Code.OPENING, "the parts of the price do not sum to it"
    elif back != trade.get("back", back):
        yield Code.OPENING, "refund_minor is not what was decided"
    elif set(CONTRACT) <= signed.keys():
        whole, *fees = (int(signed[name]) for name in CONTRACT)
        if [seller, commission, platform] != _pro_rata(price - back, [whole - sum(fees), *fees]):
            yield Code.OPENING, "what is left of the price is not split as the contract splits it"


def _pro_rata(total: int, weights: list[int]) -> list[int]:
    """Fen by the largest remainder, of equal ones the larger weight first."""
    order = sorted(range(len(weights)), key=lambda at: (-weights[at], at))
    if min(weights) < 0 or sum(weights) == 0:
        return []
    parts = dict(zip(order, allot(total, [weights[at] for at in order]), strict=True))
    return [parts[at] for at in range(len(weights))]


def _refund(trade: Trade, stated: Mapping[str, str]) -> Judged:
    """Before release all that was paid in goes back; after it what was decided, of what was paid out."""
    if "amount_minor" not in stated:
        return
    amount = int(stated["amount_minor"])
    if "released" in trade:
        if amount > trade["released"]:
            yield Code.OPENING, "more goes back than was paid out"
        elif amount != trade.get("back", amount):
            yield Code.OPENING, "another amount goes back than was decided"
    elif "held" in trade and amount != trade["held"]:
        yield Code.OPENING, "not what was held goes back"

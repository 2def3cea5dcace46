"""What the bank decides, without a database: the books, instructions, returns, faults."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from bank.amounts import CURRENCY
from bank.errors import InsufficientFunds, Unbalanced
from bank.messages.pain001 import Instruction, Payout
from bank.messages.pain002 import Reason


class AccountKind(StrEnum):
    """Whose account it is."""

    ESCROW = "escrow"  # held in trust for the exchange's trades
    FEE = "fee"  # the exchange's own
    CUSTOMER = "customer"
    TRANSIT = "transit"  # left the sender, not yet in escrow
    WORLD = "world"  # the other side of opening balances; the only one below zero


class MovementKind(StrEnum):
    """Why money moved."""

    OPENING = "opening"
    DEBIT = "debit"  # sender → transit
    CREDIT = "credit"  # transit → escrow
    RETURN = "return"  # transit → sender
    PAYOUT = "payout"  # escrow → payee, as instructed (or by a planted fault)
    SLIP = "slip"  # never instructed: a planted double payment, or what a credit is wrong by
    CORRECTION = "correction"  # what a slip or a wrong amount left open


class FaultKind(StrEnum):
    """What can be made to go wrong, on demand."""

    WRONG_AMOUNT = "wrong_amount"
    DOUBLE_PAYMENT = "double_payment"
    REJECT = "reject"
    DUPLICATE_NOTIFICATION = "duplicate_notification"
    DELAY = "delay"
    REORDER = "reorder"
    WRONG_NOTICE = "wrong_notice"


class Side(StrEnum):
    """Which way the money goes, as seen from escrow."""

    CREDIT = "credit"
    DEBIT = "debit"


MONEY_FAULTS: Final = frozenset({FaultKind.WRONG_AMOUNT, FaultKind.DOUBLE_PAYMENT, FaultKind.REJECT})
"""Faults of the money itself: they strike payouts, unless they are armed for credits."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One side of a movement: what the account gains (or, below zero, loses), in fen."""

    account: str
    amount_minor: int


def legs_between(*, payer: str, payee: str, amount_minor: int) -> tuple[Leg, Leg]:
    """The two legs of a movement. Refuses an amount of nothing and a movement onto itself."""
    if amount_minor <= 0 or payer == payee:
        raise Unbalanced("a movement takes something from one account to another")
    return Leg(payer, -amount_minor), Leg(payee, amount_minor)


def post(balances: Mapping[str, int], legs: Sequence[Leg], may_overdraw: str) -> dict[str, int]:
    """The balances after a movement.

    Refuses legs that do not sum to zero (Unbalanced) and any account but `may_overdraw` going below
    zero (InsufficientFunds); then nothing has moved.
    """
    if sum(leg.amount_minor for leg in legs) != 0:
        raise Unbalanced("the legs of a movement sum to zero")
    after = dict(balances)
    for leg in legs:
        after[leg.account] = after.get(leg.account, 0) + leg.amount_minor
        if leg.amount_minor < 0 and after[leg.account] < 0 and leg.account != may_overdraw:
            raise InsufficientFunds("the account does not hold the amount", account=leg.account)
    return after


@dataclass(frozen=True, slots=True)
class Standing:
    """What the bank knows when it judges an instruction.

    The exchange may also pay into escrow, out of its own fee account: then `escrow_minor` is what that holds.
    """

    escrow_account: str
    escrow_minor: int
    payable: frozenset[str]  # of the instruction's creditor accounts, those that exist and may be paid
    paid: frozenset[str]  # of its end-to-end ids, those already paid
    today: date
    fee_account: str | None = None


def objections(instruction: Instruction, standing: Standing) -> tuple[Reason, ...]:
    """Why an instruction is rejected, as ISO 20022 external status reason codes; empty: carry it out."""
    found = [*_of_group(instruction, standing), *_of_payouts(instruction.payouts, standing)]
    if not found and standing.escrow_minor < instruction.total_minor:
        found.append(Reason("AM04", "the debtor account does not hold the sum of the instruction"))
    return tuple(found)


def _of_group(instruction: Instruction, standing: Standing) -> Iterable[Reason]:
    if instruction.debtor_account not in {standing.escrow_account, standing.fee_account}:
        yield Reason("AC02", "the debtor account is neither the escrow account nor the exchange's own")
    if instruction.requested_on > standing.today:
        yield Reason("DT01", "the requested execution date is in the future")
    if any(count != len(instruction.payouts) for count in instruction.counts):
        yield Reason("AM18", "NbOfTxs is not the number of transactions")
    if any(total != instruction.total_minor for total in instruction.control_sums_minor):
        yield Reason("AM10", "CtrlSum is not the sum of the amounts")


def _of_payouts(payouts: Sequence[Payout], standing: Standing) -> Iterable[Reason]:
    seen: set[str] = set()
    for payout in payouts:
        name = payout.end_to_end_id
        if payout.currency != CURRENCY:
            yield Reason("AM03", "the account is kept in CNY", name)
        if payout.amount_minor == 0:
            yield Reason("AM01", "the amount is zero", name)
        if payout.creditor_account not in standing.payable:
            yield Reason("AC03", "no such creditor account", name)
        if name in standing.paid or name in seen:
            yield Reason("DU04", "this end-to-end id was paid already", name)
        seen.add(name)


_BY_WORD: Final = (
    ("amount", "AM09"),
    ("underfunded", "AM09"),
    ("overfunded", "AM09"),
    ("already", "AM05"),
    ("duplicate", "AM05"),
    ("not-found", "BE05"),
    ("unknown", "BE05"),
    ("payer", "BE05"),
    ("currency", "AM03"),
    ("frozen", "RR04"),
)


def return_reason(problem: Mapping[str, Any]) -> tuple[str, str]:
    """Why a credit goes back: the ISO 20022 external return reason, and words.

    The exchange's problem may name it in `reason_code`; else a word of its `code` decides; else the
    reason is MS02, "not specified, by the customer".
    """
    code = str(problem.get("code", ""))
    stated = problem.get("reason_code")
    text = str(problem.get("detail") or problem.get("title") or code or "no reason given")[:500]
    if isinstance(stated, str) and re.fullmatch(r"[A-Z]{2}[A-Z0-9]{2}", stated):
        return stated, text
    return next((reason for word, reason in _BY_WORD if word in code), "MS02"), text


def wrong_amount(instructed_minor: int, delta_minor: int) -> int:
    """What a planted wrong payment pays: `delta_minor` off, on the side that leaves something to pay."""
    return instructed_minor + (delta_minor if instructed_minor + delta_minor > 0 else abs(delta_minor))

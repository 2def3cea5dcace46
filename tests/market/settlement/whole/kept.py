"""What the model keeps of a trade, and how it counts days and shares. Pure; amounts are whole fen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any

from base.calendar import (
    add_working_days,
    at_shanghai,
    deadline_after,
    shanghai_day,
)
from base.clock import SHANGHAI

MILLISECOND = timedelta(milliseconds=1)
OPEN = time(9)
COMMISSION_BP, PLATFORM_BP = 200, 100
OVER = frozenset(
    {
        *("REFUSED", "LAPSED", "BLOCKED", "CANCELLED"),
        *("SETTLED", "FILED", "CERTIFIED", "CLOSED", "REFUNDED", "VOIDED"),
    }
)
TALKING = frozenset({"INQUIRED", "NEGOTIATING"})
UNDELIVERED = frozenset({"FUNDED", "DELIVERING", "DELIVERY_SUSPENDED"})
STOPPED = frozenset({"FROZEN", "DELIVERY_SUSPENDED", "DISPUTED"})
TAKEN_BACK = frozenset({"REFUND_PENDING", "REFUNDED", "VOIDED"})
DOWNLOADS = 3
RELEASED = frozenset({"SETTLED", "FILED", "CERTIFIED"})
OWING = frozenset({"ACCEPTED_GOODS", "PARTIAL_SETTLE", "REFUND_PENDING", "VOIDED"})
CONTRADICTIONS = frozenset(
    {"paid-after-rejection", "rejected-after-payment", "paid-otherwise", "paid-after-all", "paid-twice"}
)
NOT_MADE = "payment-not-made"
LET_GO = frozenset({"instruction-rejected", "instruction-expired", NOT_MADE})
FEE_NOT_BACK = "fee-not-back"
DOUBTS = CONTRADICTIONS | {"instruction-expired", "payment-unconfirmed"}
GIVEN_UP = frozenset({"REJECTED", "EXPIRED", "NOT_PAID"})
KINDS = (
    DOUBTS
    | LET_GO
    | {FEE_NOT_BACK}
    | {"claim-overdue", "unknown-entry", "missing-entry", "amount-differs", "other-day"}
    | {"opening-balance", "closing-balance"}
)
_TAKES = {"REFUND": ("REFUND_PENDING", "VOIDED"), "FEE_BACK": ()}
DEADLINES = ("answer_by", "fund_by", "deliver_by", "accept_by", "settle_at")
AUTHORITY, EXCHANGE = "SAMR", "EXCHANGE_OPERATOR"


class Refused(Exception):
    """The act is not allowed; the message is the code that the refusal has."""


@dataclass
class Offer:
    side: str
    price: int
    expires_at: datetime


@dataclass
class Proposal:
    side: str
    back: int
    open: bool = True


@dataclass
class Claim:
    payee: str
    amount: int
    due_at: datetime
    paid: bool = False


@dataclass
class Payment:
    """An instruction to the bank; `parts` are (end-to-end id, fen)."""

    kind: str
    parts: list[tuple[str, int]]
    at: datetime
    status: str = "INSTRUCTED"
    expires_at: datetime | None = None
    answered: bool = False
    asked: int = 0
    words: dict[str, str] = field(default_factory=dict)  # what officers have said became of it

    @property
    def total(self) -> int:
        return sum(amount for _, amount in self.parts)

    @property
    def takes(self) -> tuple[str, ...]:
        """In which states a trade takes it."""
        return _TAKES.get(self.kind, ("ACCEPTED_GOODS", "PARTIAL_SETTLE"))


@dataclass(frozen=True)
class Item:
    """What a person has to look into, and the claim, payment or entry that it is about, where it is."""

    kind: str
    claim_id: str | None = None
    payment: int | None = None
    entry_id: str | None = None


@dataclass
class Stop:
    by: str
    since: datetime
    given: int = 0


@dataclass(repr=False)
class Trade:
    trade_id: str
    answer_by: datetime | None
    state: str = "INQUIRED"
    fund_by: datetime | None = None
    deliver_by: datetime | None = None
    accept_by: datetime | None = None
    settle_at: datetime | None = None
    mediate_by: datetime | None = None
    licence_end: datetime | None = None
    stood: str | None = None
    frozen_by: str | None = None
    frozen_at: datetime | None = None
    price: int = 0
    funded: bool = False
    used: int = 0  # full downloads
    invoiced: bool = False
    stop: Stop | None = None
    held: int = 0
    back: int = 0  # of the price, where it is divided
    release_at: datetime | None = None
    offers: list[Offer] = field(default_factory=list)
    signed: set[str] = field(default_factory=set)
    proposals: list[Proposal] = field(default_factory=list)
    votes: dict[str, int] = field(default_factory=dict)
    payments: list[Payment] = field(default_factory=list)
    released: dict[str, int] = field(default_factory=dict)
    claims: dict[str, Claim] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"<{self.trade_id} {self.state}>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: FBT001 - as Hypothesis prints it
        del cycle
        printer.text(repr(self))

    @property
    def shares(self) -> tuple[int, int]:
        return share(self.price, COMMISSION_BP), share(self.price, PLATFORM_BP)

    @property
    def waits_for_a_person(self) -> bool:
        """What the bank let go, or contradicts itself about, is paid again on a person's word alone."""
        return bool((LET_GO | DOUBTS) & self.kinds)

    @property
    def kinds(self) -> set[str]:
        return {item.kind for item in self.items}

    @property
    def fees_not_back(self) -> list[str]:
        """Open claims of which everything that was to pay them was given up."""
        found = []
        for claim_id, claim in self.claims.items():
            given = self.fees(claim_id)
            if not claim.paid and given and all(one.status in GIVEN_UP for one in given):
                found.append(claim_id)
        return found

    @property
    def payable_again(self) -> bool:
        let_go = self.last_out is not None and self.last_out.status in GIVEN_UP
        return self.state in OWING and bool(let_go or self.fees_not_back) and not CONTRADICTIONS & self.kinds

    def number_of(self, payment: Payment) -> int:
        return next(number for number, one in enumerate(self.payments) if one is payment)

    def fees(self, claim_id: str) -> list[Payment]:
        """What was instructed out of the fee account for a claim; from the second on with a number."""
        given = [one for one in self.payments if one.kind == "FEE_BACK"]
        return [one for one in given if one.parts[0][0].partition("/")[0] == claim_id]

    @property
    def last_out(self) -> Payment | None:
        out = [one for one in self.payments if one.kind != "FEE_BACK"]
        return out[-1] if out else None

    def paid_already(self, payment: Payment) -> bool:
        """Whether the bank has paid it, or another one with one of its end-to-end ids."""
        names = {name for name, _ in payment.parts}
        paid = [one for one in self.payments if one.status == "PAID"]
        return any(one is payment or names & {name for name, _ in one.parts} for one in paid)

    def undecided(self, payment: Payment) -> bool:
        """Whether it is with the bank; or was never answered, and the trade waits for it still."""
        if payment.status != "EXPIRED":
            return payment.status == "INSTRUCTED"
        return (self.stood or self.state) in payment.takes and not self.paid_already(payment)

    @property
    def under_way(self) -> Payment | None:
        found = [one for one in self.payments if one.status == "INSTRUCTED" and one.kind != "FEE_BACK"]
        assert len(found) <= 1
        return found[0] if found else None


@dataclass(order=True)
class Due:
    """A job: those that are due first come first; of one moment by when it was asked for, and its kind."""

    at: datetime
    asked_for: datetime
    kind: str
    number: int
    about: str
    main: bool = field(default=False, compare=False)  # of this name there is one for each trade


@dataclass(frozen=True)
class Told:
    """A difference that has to be stated."""

    kind: str
    trade_id: str | None
    expected: int | None = None
    actual: int | None = None


Answers = Callable[[Trade, int], Sequence[str]]
"""What the bank answered, call by call, to the n-th payment of a trade: paid, rejected, or nothing."""


def share(amount: int, bp: int) -> int:
    """So many basis points, half up."""
    return (2 * amount * bp + 10_000) // 20_000


def pro_rata(total: int, weights: dict[str, int]) -> dict[str, int]:
    """By the largest remainder; of equal ones the larger weight first, then in their order."""
    whole = sum(weights.values())
    parts = {name: total * weight // whole for name, weight in weights.items()}
    by_rest = sorted(weights, key=lambda name: (-(total * weights[name] % whole), -weights[name]))
    for name in by_rest[: total - sum(parts.values())]:
        parts[name] += 1
    return parts


def opening(start: datetime, working_days: int) -> datetime:
    """When the banks open on the n-th working day after a moment."""
    return at_shanghai(add_working_days(shanghai_day(start), working_days), OPEN)


def later(deadline: datetime, days: int) -> datetime:
    """A deadline so many working days later, at its hour."""
    hour = deadline.astimezone(SHANGHAI).time()
    return at_shanghai(add_working_days(shanghai_day(deadline), days), hour)


def end_of(start: datetime, working_days: int) -> datetime:
    return deadline_after(start, working_days).at

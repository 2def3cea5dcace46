"""M3, a metered interface: usage × rate, in bills with a prepaid credit, a minimum commitment and a cap.

Events count once by their id and in any order. An event belongs to the first bill that ends after it
happened and closes after it was received: what comes late is in the next bill. Usage is rounded over all
bills together (each bill is what the sum so far has grown by), so the bills sum to the events to the fen.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pricing.errors import BillingMalformed, MeterEventConflict
from pricing.facts import Facts
from pricing.ladder import Ladder, check_total, read_ladder, whole_fen
from pricing.quote import Quote, Reason, inputs_sha256
from pricing.whole import read_whole

MECHANISM: Final = "M3"
VERSION: Final = "1"
MOST_EVENTS: Final = 100_000
MOST_BILLS: Final = 120
_ALWAYS: Final = datetime(9999, 12, 31, tzinfo=UTC)
_ONCE: Final = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class MeterEvent:
    """So many units, used at a moment and told at a moment (the first time, where it was told again)."""

    quantity: int
    at: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Bill:
    """The usage before `ends_at` that was received before `closes_at`, less what earlier bills have."""

    ends_at: datetime
    closes_at: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """What a bill charges: the rates, the least and the most of one bill in fen (None: no cap)."""

    ladder: Ladder
    commit_minor: int
    cap_minor: int | None


def metered_quote(facts: Mapping[str, Any]) -> Quote:
    """The bills of metered usage.

    Facts: `rate_minor` (fen per unit, decimal string) or `tiers` (of each bill); `events` (`event_id`,
    `quantity`, and with `bills` also `at` and optional `received_at`) or one `quantity`; optional `bills`
    (`ends_at`, optional `closes_at`), `prepaid_minor`, `commit_minor` and `cap_minor` of each bill, fee
    rates and describing keys.

    Results: `total_minor` (to pay, over all bills), `usage_minor` (Σ events), `invoices`,
    `unbilled_quantity` (used after the last bill), `prepaid_left_minor`. Raises MeterEventConflict,
    BillingMalformed, QuantityOutOfBounds, QuantityAboveTiers, TiersMalformed, PriceOutOfBounds, Malformed.
    """
    read = Facts(facts)
    plan = _read_plan(read)
    prepaid = read.amount("prepaid_minor", 0)
    bills = _read_bills(read)
    told, events = _read_events(read, timed=bool(bills))
    per_bill, unbilled = in_bills(events, bills or [Bill(_ALWAYS, _ALWAYS)])
    invoices, left = _invoices(plan, per_bill, prepaid)
    total = check_total(sum(invoice["due_minor"] for invoice in invoices))
    whole = read_whole(read, total)
    read.description()
    read.close()
    late = sum(invoice["late_quantity"] for invoice in invoices)
    return Quote(
        mechanism=MECHANISM,
        version=VERSION,
        inputs_sha256=inputs_sha256(facts),
        results={
            "total_minor": total,
            "usage_minor": sum(invoice["usage_minor"] for invoice in invoices),
            "invoices": invoices,
            "unbilled_quantity": unbilled,
            "prepaid_left_minor": left,
            **whole,
        },
        reasons=(
            Reason("metered", {"events": len(events), "invoices": len(invoices)}),
            *((Reason("told-again", {"events": told - len(events)}),) if told > len(events) else ()),
            *((Reason("late-in-next", {"quantity": str(late)}),) if late else ()),
            *_reasons(plan, invoices),
        ),
    )


def in_bills(events: Sequence[MeterEvent], bills: Sequence[Bill]) -> tuple[list[tuple[int, int]], int]:
    """Of each bill the quantity and how much of it came late; and the quantity that no bill has yet."""
    ends, closes = [bill.ends_at for bill in bills], [bill.closes_at for bill in bills]
    quantities, late, unbilled = [0] * len(bills), [0] * len(bills), 0
    for event in events:
        own = bisect_right(ends, event.at)
        due = max(own, bisect_right(closes, event.received_at))
        if due == len(bills):
            unbilled += event.quantity
            continue
        quantities[due] += event.quantity
        if due != own:
            late[due] += event.quantity
    return list(zip(quantities, late, strict=True)), unbilled


def _invoices(
    plan: Plan, per_bill: Sequence[tuple[int, int]], prepaid: int
) -> tuple[list[dict[str, int]], int]:
    """The bills in their order, and what is left of the prepaid credit."""
    invoices: list[dict[str, int]] = []
    exact = billed = 0
    for quantity, late in per_bill:
        exact += plan.ladder.graduated(quantity)
        usage = whole_fen(exact) - billed
        billed += usage
        topped = max(0, plan.commit_minor - usage)
        charge = usage + topped
        waived = 0 if plan.cap_minor is None else max(0, charge - plan.cap_minor)
        charge -= waived
        credit = min(prepaid, charge)
        prepaid -= credit
        invoices.append(
            {
                "quantity": quantity,
                "late_quantity": late,
                "usage_minor": usage,
                "topped_up_minor": topped,
                "waived_minor": waived,
                "charge_minor": charge,
                "prepaid_minor": credit,
                "due_minor": charge - credit,
            }
        )
    return invoices, prepaid


def _reasons(plan: Plan, invoices: Sequence[Mapping[str, int]]) -> tuple[Reason, ...]:
    topped, waived, credit = (
        sum(invoice[name] for invoice in invoices)
        for name in ("topped_up_minor", "waived_minor", "prepaid_minor")
    )
    return (
        *((Reason("commitment", {"topped_up_minor": str(topped)}),) if topped else ()),
        *((Reason("cap-reached", {"waived_minor": str(waived)}),) if waived else ()),
        *((Reason("prepaid-used", {"prepaid_minor": str(credit)}),) if credit else ()),
        *(() if plan.ladder.falls else (Reason("rates-rise"),)),
    )


def _read_plan(read: Facts) -> Plan:
    flat = read.has("rate_minor")
    ladder = Ladder(((None, read.unit_rate("rate_minor")),)) if flat else read_ladder(read)
    commit = read.amount("commit_minor", 0)
    cap = read.amount("cap_minor") if read.has("cap_minor") else None
    if cap is not None and commit > cap:
        raise BillingMalformed(
            "the commitment is above the cap", commit_minor=str(commit), cap_minor=str(cap)
        )
    return Plan(ladder, commit, cap)


def _read_bills(read: Facts) -> list[Bill]:
    bills: list[Bill] = []
    if not read.has("bills"):
        return bills
    for number, item in enumerate(read.objects("bills", most=MOST_BILLS), 1):
        ends_at = item.moment("ends_at")
        bill = Bill(ends_at, item.moment("closes_at") if item.has("closes_at") else ends_at)
        item.close()
        if bill.closes_at < bill.ends_at or (
            bills and (bill.ends_at <= bills[-1].ends_at or bill.closes_at < bills[-1].closes_at)
        ):
            raise BillingMalformed("bills follow one another and close no earlier than they end", bill=number)
        bills.append(bill)
    return bills


def _read_events(read: Facts, *, timed: bool) -> tuple[int, list[MeterEvent]]:
    """How many events were told, and those that count: each id once."""
    if not read.has("events"):
        return 1, [MeterEvent(read.quantity("quantity"), _ONCE, _ONCE)]
    events: dict[str, MeterEvent] = {}
    items = read.objects("events", most=MOST_EVENTS, least=0)
    for item in items:
        event_id = item.text("event_id")
        at = item.moment("at") if timed or item.has("at") else _ONCE
        event = MeterEvent(
            quantity=item.quantity("quantity"),
            at=at,
            received_at=item.moment("received_at") if item.has("received_at") else at,
        )
        item.close()
        known = events.get(event_id)
        if known is not None:
            if (known.quantity, known.at) != (event.quantity, event.at):
                raise MeterEventConflict("an event was told in two ways", event_id=event_id)
            event = min(known, event, key=lambda one: one.received_at)
        events[event_id] = event
    return len(items), list(events.values())

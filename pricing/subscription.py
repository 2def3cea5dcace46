"""M4, a subscription: a fee for a period, by the day where the period is begun, changed or left within.

A period's fee is spread over its days by largest remainder: every day costs the same but for one fen,
and the days sum to the fee. What is paid is the sum of the days that were held, each at the fee that was
in force on it. So parts always sum to the fee, and going up and down again never costs less than staying.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from pricing.errors import SubscriptionMalformed
from pricing.facts import Facts
from pricing.ladder import check_total
from pricing.quote import Quote, Reason, inputs_sha256
from pricing.whole import read_whole

MECHANISM: Final = "M4"
VERSION: Final = "1"
MOST_DAYS: Final = 3_660
MOST_CHANGES: Final = 400


@dataclass(frozen=True, slots=True)
class Change:
    """From this day on (the first of its part) the fee of a whole period is so many fen."""

    on: date
    fee_minor: int


def fee_of_days(fee_minor: int, days: int, first: int, until: int) -> int:
    """The part of a period's fee for its days `first` up to, not including, `until`, counted from 0.

    By largest remainder over single days, where equal remainders go to the earlier day: the first
    `fee % days` days cost a fen more.
    """
    each, more = divmod(fee_minor, days)
    return each * (until - first) + max(0, min(until, more) - min(first, more))


def subscription_quote(facts: Mapping[str, Any]) -> Quote:
    """The quote of a subscription.

    Facts: `fee_minor` (of one period) and either `quantity` (whole periods, 1 where left out) or
    `period` (`first_day`, `last_day`) with optional `from_day` and `to_day` (held from, up to and
    including) and `changes` (`on`, `fee_minor`); optional fee rates and describing keys.

    Results: `total_minor`; with a period also `days`, `parts` (`from_day`, `to_day`, `days`,
    `fee_minor`, `amount_minor`) and `adjustments` (of each change: credit, charge, and the difference).
    Raises SubscriptionMalformed, QuantityOutOfBounds, PriceOutOfBounds, Malformed.
    """
    read = Facts(facts)
    fee = read.amount("fee_minor")
    check_total(fee)
    results = _by_the_day(read, fee) if read.has("period") else _whole_periods(read, fee)
    total = check_total(results["total_minor"])
    whole = read_whole(read, total)
    read.description()
    read.close()
    changes = len(results.get("adjustments", ()))
    return Quote(
        mechanism=MECHANISM,
        version=VERSION,
        inputs_sha256=inputs_sha256(facts),
        results={**results, **whole},
        reasons=(
            Reason("subscription-fee", {"fee_minor": str(fee)}),
            Reason("by-the-day", {"days": results["days"], "changes": changes})
            if "days" in results
            else Reason("whole-periods", {"periods": str(results["periods"])}),
        ),
    )


def _whole_periods(read: Facts, fee: int) -> dict[str, Any]:
    periods = read.quantity("quantity") if read.has("quantity") else 1
    return {"total_minor": fee * periods, "periods": periods}


def _by_the_day(read: Facts, fee: int) -> dict[str, Any]:
    period = read.object("period")
    first, last = period.day("first_day"), period.day("last_day")
    period.close()
    start = read.day("from_day") if read.has("from_day") else first
    end = read.day("to_day") if read.has("to_day") else last
    days = (last - first).days + 1
    if not first <= start <= end <= last or days > MOST_DAYS:
        raise SubscriptionMalformed(
            f"the days held lie in a period of 1 to {MOST_DAYS} days",
            first_day=first.isoformat(),
            last_day=last.isoformat(),
        )
    spans = [Change(start, fee), *_read_changes(read, start, end)]
    ends = [(after.on - first).days for after in spans[1:]] + [(end - first).days + 1]
    parts, adjustments = [], []
    before: Change | None = None
    for span, until in zip(spans, ends, strict=True):
        begin = (span.on - first).days
        parts.append(
            {
                "from_day": span.on.isoformat(),
                "to_day": date.fromordinal(first.toordinal() + until - 1).isoformat(),
                "days": until - begin,
                "fee_minor": span.fee_minor,
                "amount_minor": fee_of_days(span.fee_minor, days, begin, until),
            }
        )
        if before is not None:
            credit = fee_of_days(before.fee_minor, days, begin, ends[-1])
            charge = fee_of_days(span.fee_minor, days, begin, ends[-1])
            adjustments.append(
                {
                    "on": span.on.isoformat(),
                    "credit_minor": credit,
                    "charge_minor": charge,
                    "due_minor": charge - credit,
                }
            )
        before = span
    return {
        "total_minor": sum(part["amount_minor"] for part in parts),
        "days": ends[-1] - (start - first).days,
        "parts": parts,
        "adjustments": adjustments,
    }


def _read_changes(read: Facts, start: date, end: date) -> list[Change]:
    changes: list[Change] = []
    if not read.has("changes"):
        return changes
    latest = start
    for item in read.objects("changes", most=MOST_CHANGES):
        change = Change(item.day("on"), item.amount("fee_minor"))
        check_total(change.fee_minor)
        item.close()
        if not latest < change.on <= end:
            raise SubscriptionMalformed("changes lie in order within the days held", on=change.on.isoformat())
        latest = change.on
        changes.append(change)
    return changes

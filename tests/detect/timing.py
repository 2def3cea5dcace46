"""Planted cases of times that the law sets: missed, met a moment late, and twins that were just in time."""

from datetime import timedelta

from tests.detect.planted import plants
from tests.supervision.tables import AS_OF, on

TICK = timedelta(milliseconds=1)
MATTERS = (
    "INC.REPORT",
    "INC.FORWARD",
    "INC.GRADE",
    "INC.SUBJECTS",
    "INC.SUMMARY",
    "WRN.ACKNOWLEDGE",
    "RKA.REPORT",
    "ICR.ANSWER",
    "SGC.SETTLE",
    "SDD.CONFIRM",
)


@plants("OVERDUE", "clocks")
def overdue(market, tag, guilty, chance):
    kind = chance.randrange(4)
    due, met = on(6, 1), None
    if kind == 0:  # done, at the last moment or the one after
        met = due + (TICK if guilty else timedelta(0))
    elif kind == 1:  # not done, and its time is over, or is over now
        due = AS_OF - (TICK if guilty else timedelta(0))
    elif kind == 2:  # done after the report was made: not done then
        due = AS_OF - TICK if guilty else AS_OF + TICK
        met = AS_OF + timedelta(days=1)
    elif not guilty:
        met = due - timedelta(days=1)
    market.add(
        "clocks",
        object_id=f"x-{tag}",
        matter=chance.choice(MATTERS),
        owed_by=f"o-{tag}",
        due_at=due,
        met_at=met,
        stated_at=due + TICK if chance.randrange(2) else None,
        seq=5,
        met_seq=None if met is None else 6,
    )

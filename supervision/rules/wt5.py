"""WT5: a price ladder in a loop. The product comes home, and each leg cost a fifth more than the one before.

The loops are WT2's; prices are unit prices. A run goes once round the ring, from any party on, in time order.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import groupby, pairwise

from supervision.context import Context, Row, Rule
from supervision.finding import Checked, Finding, Market, Severity, minor
from supervision.rules import wt2
from supervision.saying import because, tell


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding for each loop that holds such a run, of the trades on one."""
    step = context.rules.fraction("WT5", "step")
    told = set()
    for _, group in groupby(rows, key=lambda row: row["family"]):
        members = list(group)
        by_id = {row["trade_id"]: row for row in members}
        for loop in wt2.in_family(members, wt2.limits_of(context), context):
            party = "seller_id" if loop.statistic["level"] == "organisation" else "seller_group"
            legs = [by_id[trade_id] for trade_id in loop.objects]
            runs = list(_runs(loop.statistic["ring"], legs, party, step, context))
            trades = tuple(sorted({row["trade_id"] for run in runs for row in run}))
            if runs and trades not in told:
                told.add(trades)
                yield _finding(runs, [by_id[trade_id] for trade_id in trades], context)


def _runs(
    ring: Sequence[str], legs: Sequence[Row], party: str, step: Fraction, context: Context
) -> Iterator[list[Row]]:
    """Runs once round the ring, each leg not before the last and at `step` times its price or more."""
    microseconds = wt2.limits_of(context).within
    sold = {member: [row for row in legs if row[party] == member and _price(row)] for member in ring}
    for begin in range(len(ring)):
        order = [*ring[begin:], *ring[:begin]]
        stack = [[row] for row in sold[order[0]]]
        while stack:
            run = stack.pop()
            if len(run) == len(ring):
                yield run
                continue
            for row in sold[order[len(run)]]:
                took = row["made_at"] - run[0]["made_at"]
                dearer = _price(row) >= (1 + step) * _price(run[-1])
                if row["made_at"] >= run[-1]["made_at"] and took / wt2.MICROSECOND <= microseconds and dearer:
                    stack.append([*run, row])


def _price(row: Row) -> Fraction:
    quantity = 1 if row["quantity"] is None else row["quantity"]
    if row["amount_minor"] is None or quantity <= 0:
        return Fraction(0)
    return Fraction(row["amount_minor"], quantity)


def _finding(runs: Sequence[Sequence[Row]], rows: Sequence[Row], context: Context) -> Finding:
    longest = min(runs, key=lambda run: [(row["made_at"], row["trade_id"]) for row in run])
    times = [row["made_at"] for row in rows]
    steps = [_price(after) / _price(before) - 1 for before, after in pairwise(longest)]
    return tell(
        "WT5",
        context,
        zh="涉嫌循环抬价（循环交易逐笔加价）",
        en="suspected price ladder: each leg of a closed loop is dearer",
        severity=Severity.HIGH,
        market=min(Market(row["category"], row["geo"]) for row in rows),
        window=(min(times), max(times)),
        subjects=(org for row in rows for org in (row["seller_id"], row["buyer_id"])),
        objects=(row["trade_id"] for row in rows),
        statistic={
            "run": [row["trade_id"] for row in longest],
            "amounts_minor": [minor(row["amount_minor"]) for row in longest],
            "steps_bp": [int(10_000 * step) for step in steps],
        },
        cites=("WT2",),
        evidence=(row["seq"] for row in rows),
        innocent=(
            because(
                "more-for-more",
                "数量增加",
                "more was sold for more",
                Checked.RULED_OUT,  # prices are per unit
            ),
            because("value-added", "加工增值", "each party added value to the product"),
        ),
    )


RULE = Rule(
    rule_id="WT5",
    needs={
        "trades": ("trade_id", "product_id", "seller_id", "buyer_id", "amount_minor", "agreed_at"),
        "orgs": ("org_id", "controller_id"),
    },
    uses=("lineage",),
    cites=("WT2",),
    expression=wt2.expression,
    findings=findings,
)

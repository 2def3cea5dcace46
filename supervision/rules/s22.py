"""S22: exporters that crowd just below a threshold of the cross-border rules (拆分申报). A screen.

Of a calendar year's counters of persons (by group, sensitive ones apart, as XB1 adds them), how many lie in
the last fifth below a threshold, beside the fifth before and the fifth after? Where sizes thin out or rise
steadily no fifth has more than both neighbours but by chance: the greater of the two binomial chances is
what is told, with its false discovery rate over years and thresholds. Where a neighbour is empty one is
supposed to be there: none seen is not none, and of a few exporters nothing follows. That they are many says
nothing of any one of them: each is to be asked for itself (XB1 finds what was split within one group).
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from supervision.chance import at_least, unlikely
from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Confidence, Finding
from supervision.portable import total
from supervision.rules import xb1
from supervision.saying import because, tell
from supervision.shares import whole

_KINDS = ((False, "contract_from"), (False, "assessment_from"), (True, "assessment_sensitive_from"))
_FIFTH = 5


def expression(tables: Tables, context: Context) -> Any:
    """The counters: distinct persons of each group, year and kind, and when it declared them."""
    made = xb1.expression(tables, context)
    made = made.mutate(
        persons=(made.hashed.fill_null(0) > 0).ifelse(made.fresh, made.persons_declared.fill_null(0))
    )
    counted = made.group_by("year", "sensitive", "exporter_group").agg(
        persons=total(made.persons),
        exporter_id=made.exporter_id.min(),
        since=made.declared_at.min(),
        until=made.declared_at.max(),
        seq=made.seq.max(),
    )
    return counted.order_by("year", "sensitive", "persons", "exporter_group")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a year, kind and threshold."""
    counters: defaultdict[tuple[int, bool], list[Row]] = defaultdict(list)
    for row in rows:
        counters[row["year"], row["sensitive"]].append(row)
    looked_at: list[tuple[_Crowd | None, float]] = []
    for (year, sensitive), of_year in sorted(counters.items()):
        for of_kind, name in _KINDS:
            if of_kind is not sensitive:
                continue
            crowd = _Crowd(of_year, year, context.rules.whole("XB1", name))
            if crowd.neighbours or crowd.below:
                many = len(crowd.below) >= context.rules.whole("S22", "exporters_from")
                looked_at.append((crowd if many else None, crowd.by_chance))
    for crowd, chance, rate in unlikely(looked_at, context.rules.fraction("S22", "false_discoveries_below")):
        rows_below = crowd.below
        yield tell(
            "S22",
            context,
            zh="数据出境数量集中在阈值之下（线索，不涉嫌任何一家）",
            en="counters crowd below a threshold of the cross-border rules; nobody alone is suspected",
            screen=True,
            confidence=Confidence.LOW,
            window=(min(row["since"] for row in rows_below), max(row["until"] for row in rows_below)),
            subjects=(row["exporter_id"] for row in rows_below),
            objects=(row["exporter_group"] for row in rows_below),
            statistic={
                "year": crowd.year,
                "sensitive": rows_below[0]["sensitive"],
                "threshold_persons": crowd.threshold,
                "just_below": len(rows_below),
                "before_and_after": [len(one) for one in crowd.neighbours_apart],
                "by_chance_bp": whole(10_000 * chance),
                "false_discovery_rate_bp": whole(10_000 * rate),
            },
            evidence=(row["seq"] for row in rows_below),
            innocent=(
                because("planned", "依法将数量控制在阈值内", "a group keeps within the law on purpose"),
                because("size", "同类企业规模相近", "undertakings of a like size"),
            ),
            cites=("XB1",),
        )


class _Crowd:
    """The counters around one threshold: the fifth below it, and the fifths on both sides of that."""

    def __init__(self, counters: list[Row], year: int, threshold: int) -> None:
        self.year, self.threshold = year, threshold
        fifth = threshold // _FIFTH
        before, self.below, after = (
            [row for row in counters if start <= row["persons"] < start + fifth]
            for start in (threshold - 2 * fifth, threshold - fifth, threshold)
        )
        self.neighbours_apart = (before, after)

    @property
    def neighbours(self) -> int:
        return sum(map(len, self.neighbours_apart))

    @property
    def by_chance(self) -> float:
        """The greater of the chances of so many beside one neighbour, were both as dense."""
        here = len(self.below)
        return max(at_least(here, here + max(len(one), 1), 0.5) for one in self.neighbours_apart)


RULE = Rule(
    rule_id="S22",
    needs=xb1.RULE.needs,
    uses=xb1.RULE.uses,
    cites=("XB1",),
    expression=expression,
    findings=findings,
)

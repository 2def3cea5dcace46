"""The tie-out: every total against every sum of its parts, and against what was settled, to the fen."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from supervision.evidence.facts import SealedRecord, opened_entries, read_facts, whole
from supervision.statistics.facts import COUNTED, FLAGGED, GROUPINGS, PARTS, TAKEN_BACK, VOLUME_BY, Period
from supervision.statistics.figures import Figures, counted
from supervision.statistics.layers import CLASSES, by_class, layers
from supervision.statistics.places import zone_of

_SETTLED: Final = "TRD.SETTLE"
_MEMBERS: Final = ("seller_minor", "commission_minor", "platform_fee_minor")
UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class Tie:
    """Two numbers that have to be the same: what is compared, and both."""

    name: str
    here: int
    there: int

    @property
    def holds(self) -> bool:
        return self.here == self.there


@dataclass(frozen=True, slots=True)
class Stated:
    """What the ledger's statements of settlement say of a period: how many, what was paid, what is gone."""

    settlements: int
    paid: int
    openings_missing: int


def stated(records: Iterable[SealedRecord], period: Period) -> Stated:
    """Add up TRD.SETTLE of a bundle (regulator edition): no table lies between. Raises UnusableLedger."""
    settlements = paid = missing = 0
    for fact in read_facts(opened_entries(records)):
        if fact.event == _SETTLED and period.since <= fact.at < period.until:
            settlements += 1
            missing += fact.opening_missing
            paid += sum(whole(fact.opened.get(name)) or 0 for name in _MEMBERS)
    return Stated(settlements, paid, missing)


def ties(told: Figures, ledger: Stated | None = None) -> list[Tie]:
    """Every comparison that could be made, those that fail among them."""
    return [
        *_of_cells(told),
        *_of_flows(told),
        *_of_volumes(told),
        *_of_settlement(told),
        *(_of_ledger(told, ledger) if ledger is not None else ()),
        *_of_survey(told),
    ]


def _of_cells(told: Figures) -> Iterator[Tie]:
    for name in GROUPINGS:
        if name != "total":
            cells = told.cells[name].values()
            yield Tie(f"cells.{name}.trades", sum(cell.trades for cell in cells), told.total.trades)
            yield Tie(f"cells.{name}.value", sum(cell.value for cell in cells), told.total.value)


def _of_flows(told: Figures) -> Iterator[Tie]:
    """Rows and columns of each flow matrix are the cells of their own tables; zones are sums of regions."""
    for name in ("region", "zone", "industry"):
        for axis, side in enumerate(("seller", "buyer")):
            margin: Counter[str] = Counter()
            for key, cell in told.cells[f"flow_{name}"].items():
                margin[key[axis]] += cell.value
            yield from _margins(f"flow_{name}.{side}", margin, told, f"{side}_{name}")
    for side in ("seller", "buyer"):
        zones: Counter[str] = Counter()
        for key, cell in told.cells[f"{side}_region"].items():
            zones[zone_of(key[0])] += cell.value
        yield from _margins(f"zones.{side}", zones, told, f"{side}_zone")


def _margins(name: str, margin: Counter[str], told: Figures, table: str) -> Iterator[Tie]:
    cells = told.cells[table]
    differ = [key for key in margin.keys() | {a for a, _ in cells} if margin[key] != _value(told, table, key)]
    for key in sorted(differ):
        yield Tie(f"{name}.{key}", margin[key], _value(told, table, key))
    yield Tie(name, sum(margin.values()), sum(cell.value for cell in cells.values()))


def _value(told: Figures, table: str, key: str) -> int:
    cell = told.cells[table].get((key, ""))
    return 0 if cell is None else cell.value


def _of_volumes(told: Figures) -> Iterator[Tie]:
    whole_of = {unit: cell.value for (unit, _), cell in told.volumes["total"].items()}
    for name in VOLUME_BY[1:]:
        found: Counter[str] = Counter()
        for (unit, _), cell in told.volumes[name].items():
            found[unit] += cell.value
        for unit in sorted(whole_of.keys() | found.keys()):
            yield Tie(f"volumes.{name}.{unit}", found[unit], whole_of.get(unit, 0))


def _of_settlement(told: Figures) -> Iterator[Tie]:
    """What trades say is what shares and fees add up to: of those that count, and of all together."""
    here = counted(told)
    yield Tie("settlement.counted.trades", told.total.trades, here.trades)
    yield Tie("settlement.counted.value", told.total.value, here.value)
    for name in (COUNTED, FLAGGED, TAKEN_BACK):
        standing = told.standing(name)
        yield Tie(f"settlement.{name}.shares_and_fees", standing.value, standing.total_paid)
        yield Tie(f"settlement.{name}.settlements", standing.trades, standing.paid_trades)
    yield Tie("settlement.of_no_trade", 0, told.standing(UNKNOWN).total_paid)
    for row in told.mismatches:
        yield Tie(f"trade.{row['trade_id']}", int(row["value"]), int(row["paid"]))


def _of_ledger(told: Figures, ledger: Stated) -> Iterator[Tie]:
    every = told.standings.values()
    yield Tie("ledger.settlements", sum(standing.trades for standing in every), ledger.settlements)
    yield Tie("ledger.openings_missing", 0, ledger.openings_missing)
    yield Tie("ledger.paid", sum(s.paid[name] for s in every for name in PARTS), ledger.paid)


def _of_survey(told: Figures) -> Iterator[Tie]:
    for year in sorted({line.year for line in told.lines}):
        every = layers(told.lines, year=year)
        parts = every.own_use + every.for_sale
        yield Tie(f"survey.{year}.own_use_and_sale", int(parts), int(every.expenditure))
        yield Tie(f"survey.{year}.items", sum(every.items.values()), int(every.expenditure))
        for name in CLASSES:
            classes = by_class(told.lines, name, year=year).values()
            yield Tie(
                f"survey.{year}.{name}", int(sum(one.expenditure for one in classes)), int(every.expenditure)
            )

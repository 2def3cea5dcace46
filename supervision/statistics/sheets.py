"""The report as tables: what page, sheet and JSON all show. A cell is a code, a number, or withheld."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any, Final

from supervision.finding import Words
from supervision.shares import exact
from supervision.statistics.confidential import MIN_IN_MIDDLE
from supervision.statistics.editions import CELLS, VOLUMES, Edition
from supervision.statistics.facts import COUNTED, FLAGGED, PARTS, TAKEN_BACK
from supervision.statistics.figures import Count, Figures, Key
from supervision.statistics.words import Namer, word

DAY_S: Final = 86_400


class Kind(StrEnum):
    """What a column holds."""

    CODE = "code"
    TEXT = "text"
    COUNT = "count"
    FEN = "fen"
    NUMBER = "number"


class Withheld:
    """The one value of a cell that is not published."""


WITHHELD: Final = Withheld()
Value = Words | str | int | None | Withheld


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    words: Words
    kind: Kind


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the report. `drawn` names the column that is drawn as bars."""

    name: str
    words: Words
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    drawn: str | None = None
    note: Words | None = None

    def document(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "title": self.words.document(),
            "note": self.note.document() if self.note else None,
            "columns": [
                {"name": c.name, "title": c.words.document(), "kind": c.kind.value} for c in self.columns
            ],
            "rows": [[_plain(value) for value in row] for row in self.rows],
        }


def _plain(value: Value) -> Any:
    if isinstance(value, Words):
        return value.document()
    if isinstance(value, Withheld):
        return {"withheld": True}
    return str(value) if isinstance(value, int) else value


def col(name: str, zh: str, en: str, kind: Kind = Kind.COUNT) -> Column:
    """A column by its name and its words."""
    return Column(name, Words(zh, en), kind)


TRADES: Final = col("trades", "笔数", "Trades")
VALUE: Final = col("value_minor", "金额", "Value", Kind.FEN)
_BREAKDOWNS: Final = (
    ("sector", "category", "按行业类别", "By sector"),
    ("seller_region", "region", "按供方地区", "By region of the seller"),
    ("buyer_region", "region", "按需方地区", "By region of the buyer"),
    ("right", "right", "按登记权利", "By registered rights"),
    ("level", "level", "按数据级别", "By level of the data"),
    ("product_type", "product_type", "按产品类型", "By type of product"),
    ("channel", "channel", "按交易方式（经纪占比）", "By channel: the brokers' share"),
    ("public_data", "public", "公共数据产品", "Public data"),
    ("seller_industry", "section", "按供方国民经济行业", "By industry of the seller (GB/T 4754)"),
    ("buyer_industry", "section", "按需方国民经济行业", "By industry of the buyer (GB/T 4754)"),
)
_FLOWS: Final = (
    ("flow_zone", "zone", "区域流向矩阵（珠三角与粤东西北）", "Flows between zones of Guangdong"),
    ("flow_region", "region", "地区流向矩阵", "Flows between regions"),
    ("flow_industry", "section", "行业流向矩阵", "Flows between industries"),
)


@dataclass(frozen=True)
class Making:
    """One edition of one month's report in the making."""

    told: Figures
    edition: Edition
    hidden: frozenset[tuple[str, ...]]
    namer: Namer
    survey_year: int | None

    @property
    def is_public(self) -> bool:
        return self.edition is Edition.PUBLIC

    def shown(self, value: int, *name: str) -> Value:
        return WITHHELD if name in self.hidden else value

    def words(self, vocabulary: str, code: str) -> Words:
        return word(self.namer, vocabulary, code)


def tables(making: Making) -> list[Table]:
    """The tables of trades and registers, in the report's order."""
    found = [_overview(making), _standings(making)]
    found += [_breakdown(making, *one) for one in _BREAKDOWNS]
    found += [_flow(making, *one) for one in _FLOWS]
    found += [_volumes(making), _medians(making), *_registers(making)]
    return found


def _overview(making: Making) -> Table:
    told = making.told
    rows: list[tuple[Value, ...]] = []

    def say(zh: str, en: str, value: Value) -> None:
        rows.append((Words(zh, en), value))

    whole = ("total", "", "")
    say("已结算交易（笔）", "Settled trades that count", making.shown(told.total.trades, CELLS, *whole))
    say("交易金额（分）", "Their value in fen", making.shown(told.total.value, CELLS, *whole))
    mediated = told.cells["channel"].get(("mediated", ""))
    if told.total.value:
        share = Fraction(10_000 * (mediated.value if mediated else 0), told.total.value)
        name = (CELLS, "channel", "mediated", "")
        closed = name in making.hidden or (CELLS, *whole) in making.hidden
        say(
            "经纪交易金额占比（万分之）",
            "Brokers' share of the value, per 10,000",
            WITHHELD if closed else round(share),
        )
    unsaid = (CELLS, *whole) in making.hidden
    if told.wait is not None:
        few = making.is_public and (unsaid or told.wait.trades < MIN_IN_MIDDLE)
        median, mean = told.wait.median_s / DAY_S, told.wait.mean_s / DAY_S
        days = WITHHELD if few else _decimal(median), WITHHELD if few else _decimal(mean)
        say("合同至结算天数（中位数）", "Days from contract to settlement, median", days[0])
        say("合同至结算天数（平均）", "Days from contract to settlement, mean", days[1])
    for row in told.registers["quality"]:
        if row["listings"]:
            mean = Fraction(int(row["tenths"]), 10 * int(row["listings"]))
            say("在架产品质量评分均值", "Mean quality score of what is on offer", _decimal(mean))
    for row in told.registers["certificates_standing"]:
        say("有效经纪证书", "Brokers' certificates in force", int(row["in_force"]))
        used = unsaid or (CELLS, "channel", "mediated", "") in making.hidden
        shown = WITHHELD if used else int(row["used"])
        say("其中本月有结算交易", "of brokers with a trade that counts", shown)
    for row in told.registers["trade_certificates"]:  # a trade has one: they would tell how many were made
        say("签发交易凭证", "Trade certificates issued", WITHHELD if unsaid else int(row["issued"]))
    columns = (col("figure", "指标", "Figure", Kind.CODE), col("value", "数值", "Value", Kind.NUMBER))
    return Table("overview", Words("概览", "At a glance"), columns, tuple(rows))


def _decimal(value: Fraction) -> str:
    """Two places, half up."""
    hundredths = (200 * value.numerator + value.denominator) // (2 * value.denominator)
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def _standings(making: Making) -> Table:
    """What counts and what does not; the public edition says how many, and no amounts of a few trades."""
    columns = [col("standing", "类别", "Standing", Kind.CODE), TRADES]
    names = (COUNTED, FLAGGED, TAKEN_BACK)
    whole = (CELLS, "total", "", "") in making.hidden
    rows: list[tuple[Value, ...]] = []
    for name in names:
        standing = making.told.standing(name)
        trades: Value = WITHHELD if whole and name == COUNTED else standing.trades
        row: tuple[Value, ...] = (making.words("standing", name), trades)
        if not making.is_public:
            row += (standing.value, *(standing.paid[part] for part in PARTS))
        rows.append(row)
    if not making.is_public:
        columns += [VALUE, col("seller_share", "供方所得", "Sellers' shares", Kind.FEN)]
        columns += [col("commission", "经纪佣金", "Commissions", Kind.FEN)]
        columns += [col("platform_fee", "平台服务费", "Platform fees", Kind.FEN)]
    title = Words("结算交易与剔除", "Settlements of the month, and what is left out")
    return Table("standings", title, tuple(columns), tuple(rows))


def _breakdown(making: Making, name: str, vocabulary: str, zh: str, en: str) -> Table:
    columns = [
        col("code", "代码", "Code", Kind.TEXT),
        col("class", "类别", "Class", Kind.CODE),
        TRADES,
        VALUE,
    ]
    if not making.is_public:
        columns += [col("sellers", "供方数", "Sellers"), col("buyers", "需方数", "Buyers")]
    rows = []
    for key, count in _by_value(making.told.cells[name].items()):
        row: tuple[Value, ...] = (
            key[0],
            making.words(vocabulary, key[0]),
            making.shown(count.trades, CELLS, name, *key),
            making.shown(count.value, CELLS, name, *key),
        )
        rows.append(row if making.is_public else (*row, count.sellers, count.buyers))
    return Table(f"by_{name}", Words(zh, en), tuple(columns), tuple(rows), drawn="value_minor")


def _by_value(cells: Iterable[tuple[Key, Count]]) -> list[tuple[Key, Count]]:
    """By code: an order by value would tell of the withheld ones which is larger."""
    return sorted(cells, key=lambda item: item[0])


def _flow(making: Making, name: str, vocabulary: str, zh: str, en: str) -> Table:
    columns = (
        col("from_code", "供方代码", "Seller, code", Kind.TEXT),
        col("from", "供方", "From", Kind.CODE),
        col("to_code", "需方代码", "Buyer, code", Kind.TEXT),
        col("to", "需方", "To", Kind.CODE),
        TRADES,
        VALUE,
    )
    rows = tuple(
        (
            key[0],
            making.words(vocabulary, key[0]),
            key[1],
            making.words(vocabulary, key[1]),
            making.shown(count.trades, CELLS, name, *key),
            making.shown(count.value, CELLS, name, *key),
        )
        for key, count in _by_value(making.told.cells[name].items())
    )
    return Table(name, Words(zh, en), columns, rows)


def _volumes(making: Making) -> Table:
    columns = (
        col("by", "分类", "By", Kind.TEXT),
        col("code", "代码", "Code", Kind.TEXT),
        col("unit", "计量单位", "Unit", Kind.TEXT),
        col("quantity", "数量", "Quantity"),
    )
    rows = tuple(
        (grouping, key[1], key[0], making.shown(count.value, VOLUMES, grouping, *key))
        for grouping, cells in making.told.volumes.items()
        for key, count in _by_value(cells.items())
    )
    return Table("volumes", Words("交易量", "Volume, by unit"), columns, rows)


def _medians(making: Making) -> Table:
    """Median prices; the public edition rounds them to three digits, and has none of a thin market."""
    columns = (
        col("code", "代码", "Code", Kind.TEXT),
        col("class", "类别", "Class", Kind.CODE),
        col("unit", "计量单位", "Unit", Kind.TEXT),
        col("median_minor", "单价中位数（分）", "Median price of a unit, in fen", Kind.NUMBER),
    )
    rows = []
    for one in making.told.medians:
        price: Value = exact(one.price)
        if making.is_public:
            thin = (VOLUMES, "sector", one.unit, one.sector) in making.hidden
            price = WITHHELD if thin or one.trades < MIN_IN_MIDDLE else str(_three_digits(one.price))
        rows.append((one.sector, making.words("category", one.sector), one.unit, price))
    return Table("median_prices", Words("价格中位数", "Median prices"), columns, tuple(rows))


def _three_digits(price: Fraction) -> int:
    digits = len(str(int(price)))
    step = int("1" + "0" * max(digits - 3, 0))
    in_steps = price / step + Fraction(1, 2)
    return in_steps.numerator // in_steps.denominator * step


def _registers(making: Making) -> Iterator[Table]:
    told = making.told.registers
    yes = Words("是", "yes"), Words("否", "no")
    yield Table(
        "listings",
        Words("在架产品", "Listings"),
        (
            col("code", "代码", "Code", Kind.TEXT),
            col("class", "类别", "Class", Kind.CODE),
            col("public_data", "公共数据", "Public data", Kind.CODE),
            col("free", "免费", "Free", Kind.CODE),
            col("on_offer", "月末在架", "On offer at the end"),
            col("entered", "本月上架", "New in the month"),
        ),
        tuple(
            (
                row["category"],
                making.words("category", row["category"]),
                yes[not row["public_data"]],
                yes[not row["free"]],
                int(row["on_offer"]),
                int(row["entered"]),
            )
            for row in told["listings"]
        ),
    )
    for name, zh, en, key, columns in (
        ("rights", "登记权利", "Registered rights", "right", ("standing", "entered", "ended")),
        ("certificates", "经纪证书事件", "What happened to brokers' certificates", "event", ("times",)),
        (
            "exports",
            "数据出境申报（按路径）",
            "Export declarations by route",
            "route",
            ("declarations", "persons"),
        ),
        ("cases", "监管案件事件", "What happened in cases", "event", ("times",)),
    ):
        shown = columns[:1] if name == "exports" and making.is_public else columns
        yield Table(
            name,
            Words(zh, en),
            (col("class", "类别", "Class", Kind.CODE), *(_COUNTED[column] for column in shown)),
            tuple(
                (making.words(key, row[key]), *(int(row[column]) for column in shown)) for row in told[name]
            ),
        )


_COUNTED: Final = {
    "standing": col("standing", "月末有效", "Standing at the end"),
    "entered": col("entered", "本月登记", "Entered in the month"),
    "ended": col("ended", "本月终止", "Ended in the month"),
    "times": col("times", "次数", "Times"),
    "declarations": col("declarations", "申报数", "Declarations"),
    "persons": col("persons", "申报人数", "Persons declared"),
}

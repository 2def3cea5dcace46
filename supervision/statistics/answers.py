"""The survey's tables: three layers in two variants, the kinds of expenditure, and every classification."""

from collections.abc import Iterator, Sequence
from typing import Final

from supervision.finding import Words
from supervision.statistics.editions import SURVEY, told_in_all
from supervision.statistics.layers import CLASSES, ITEMS, Layers, Line, Variant, by_class, in_fen, layers
from supervision.statistics.sheets import VALUE, WITHHELD, Column, Kind, Making, Table, Value, col

_FORMED: Final = {
    Variant.ACTIVE: Words("固定资本形成（积极）", "Capital formation (active)"),
    Variant.CAUTIOUS: Words("固定资本形成（审慎）", "Capital formation (cautious)"),
}
_GDP: Final = {
    Variant.ACTIVE: Words("对地区生产总值的影响（积极）", "Effect on regional GDP (active)"),
    Variant.CAUTIOUS: Words("对地区生产总值的影响（审慎）", "Effect on regional GDP (cautious)"),
}


def survey_tables(making: Making, year: int) -> Iterator[Table]:
    """The survey of a year: its layers, its kinds of expenditure, and each classification."""
    lines = [line for line in making.told.lines if line.year <= year]
    now = [line for line in lines if line.year == year]
    every = layers(lines, year=year)
    name = Words(f"数据资产统计调查（{year}年）", f"Data-asset survey of {year}")
    columns = (
        col("figure", "指标", "Figure", Kind.CODE),
        col("value_minor", "数值（分）", "Fen", Kind.FEN),
    )
    yield Table("survey_layers", name, columns, tuple(_in_all(making, now, every)), note=_ASSUMED)
    yield Table(
        "survey_items",
        Words("数据要素支出构成", "Expenditure by kind"),
        (col("code", "代码", "Code", Kind.TEXT), col("class", "类别", "Kind", Kind.CODE), VALUE),
        tuple(
            (item, making.words("item", item), making.shown(every.items[item], SURVEY, "item", item))
            for item in ITEMS
        ),
        drawn="value_minor",
    )
    for number, kind in enumerate(CLASSES):
        yield _of_class(making, lines, kind, _CLASS_WORDS[number], year)


def _in_all(making: Making, now: Sequence[Line], every: Layers) -> Iterator[tuple[Value, ...]]:
    closed = making.is_public and (SURVEY, "total", "") in making.hidden
    spent = int(every.expenditure)

    def show(value: int, *, tells: bool = False) -> Value:
        return WITHHELD if closed or (making.is_public and tells) else value

    own, sold, staff = *in_fen([every.own_use, every.for_sale]), *in_fen([every.staff])
    apart = not told_in_all(now, lambda line: line.own_use)
    apart = apart or not told_in_all(now, lambda line: line.for_sale)
    yield Words("填报单位数", "Units that answered"), every.units
    yield Words("第一层：数据要素支出", "Layer 1: expenditure on data"), show(spent)
    tells = not told_in_all(now, lambda line: line.staff)
    yield Words("其中人员成本", "of which staff"), show(staff, tells=tells)
    yield Words("其中自用", "of which for own use"), show(own, tells=apart)
    yield Words("其中用于出售", "of which for sale"), show(sold, tells=apart)
    tells = not told_in_all(now, lambda line: line.on_exchange_minor)
    yield Words("场内销售额", "Sales on an exchange"), show(every.on_exchange, tells=tells)
    tells = not told_in_all(now, lambda line: line.off_exchange_minor)
    yield Words("场外销售额", "Sales elsewhere"), show(every.off_exchange, tells=tells)
    for layer, of, words in (
        (2, every.formation, _FORMED),
        (3, every.gdp_effect, _GDP),
        (2, every.consumption, _USED_UP),
        (2, every.stock, _STOCK),
    ):
        for variant in Variant:
            (fen,) = in_fen([of[variant]])
            tells = bool(now) and not told_in_all(now, lambda line, v=variant: line.formation(v))  # type: ignore[misc]
            said = words[variant]
            yield (
                Words(f"第{'一二三'[layer - 1]}层：{said.zh}", f"Layer {layer}: {said.en}"),
                show(fen, tells=tells),
            )


_USED_UP: Final = {
    Variant.ACTIVE: Words("固定资本消耗（积极）", "Consumption of fixed capital (active)"),
    Variant.CAUTIOUS: Words("固定资本消耗（审慎）", "Consumption of fixed capital (cautious)"),
}
_STOCK: Final = {
    Variant.ACTIVE: Words("年末资本存量（积极）", "Stock at the end of the year (active)"),
    Variant.CAUTIOUS: Words("年末资本存量（审慎）", "Stock at the end of the year (cautious)"),
}
_ASSUMED: Final = Words(
    "假设见 docs/statistics.md：自用且使用年限超过一年的采集、购买、清洗标注、分析支出"
    "（积极口径含存储）资本化；直线折旧；当年价格。",
    "Assumptions: docs/statistics.md. Capitalised is what is for own use over more than a year: collection, "
    "purchase, cleaning, analysis (active: storage, too); straight line; prices of the year.",
)
_CLASS_WORDS: Final = (
    Words("调查：按地区", "Survey by region"),
    Words("调查：按国民经济行业", "Survey by industry (GB/T 4754)"),
    Words("调查：按数据来源", "Survey by source"),
    Words("调查：按形态", "Survey by form"),
    Words("调查：按阶段", "Survey by stage"),
    Words("调查：按权利类型", "Survey by right"),
    Words("调查：按级别", "Survey by level"),
    Words("调查：是否跨境", "Survey: cross-border"),
)
_VOCABULARY: Final = {"industry": "section", "cross_border": "yes"}


def _of_class(making: Making, lines: Sequence[Line], kind: str, title: Words, year: int) -> Table:
    """Layers of each class. Fen are rounded so that each column adds up."""
    classes = {key: one for key, one in by_class(lines, kind, year=year).items() if one.lines}
    spread = {
        (layer, variant): dict(
            zip(classes, in_fen([getattr(one, layer)[variant] for one in classes.values()]), strict=True)
        )
        for layer in ("formation", "gdp_effect")
        for variant in Variant
    }
    columns = [col("code", "代码", "Code", Kind.TEXT), col("class", "类别", "Class", Kind.CODE)]
    columns += [col("expenditure_minor", "数据要素支出", "Expenditure", Kind.FEN)]
    for layer, words in (("formation", _FORMED), ("gdp_effect", _GDP)):
        columns += [Column(f"{layer}_{variant}_minor", words[variant], Kind.FEN) for variant in Variant]
    vocabulary = _VOCABULARY.get(kind, kind)
    rows = []
    for key, one in classes.items():
        name = (SURVEY, kind, key)
        values = [int(one.expenditure), *(of[key] for of in spread.values())]
        code = key[:1] if kind == "industry" else key
        shown = [making.shown(value, *name) for value in values]
        rows.append((key, making.words(vocabulary, code), *shown))
    return Table(f"survey_by_{kind}", title, tuple(columns), tuple(rows), drawn="expenditure_minor")

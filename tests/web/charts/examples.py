"""One chart of each kind, of a few facts."""

from web.charts.chart import Chart, Kind
from web.charts.exports import Abroad, exports
from web.charts.flows import Flow, flows
from web.charts.ledger import Published, growth, lag
from web.charts.offered import offered
from web.charts.offers import Offer, offers
from web.charts.parts import Line
from web.charts.prices import Outlier, Range, prices
from web.charts.quality import dimensions, scores
from web.charts.sales import Month, sales
from web.charts.shares import Share, shares
from web.charts.trend import Point, trend

ENERGY, HEALTH = "能源 · 广东", "医疗健康 · 深圳 <b>"


def say(text: str, **values: object) -> str:
    return text % values if values else text


def examples() -> dict[str, Chart]:
    """By name."""
    points = [
        Point("2026-04", ENERGY, 3814),
        Point("2026-05", ENERGY, 2100),
        Point("2026-04", HEALTH, 900),
        Point("2026-05", HEALTH, 2150),
    ]
    told = [Published("05-01 10:00", 100, 90), Published("05-02 10:00", 250, None)]
    charts = (
        trend(
            points,
            name="trend",
            title="HHI",
            says="By month.",
            kind=Kind.COUNT,
            lines=[Line(1000, "moderate"), Line(1800, "high")],
            say=say,
        ),
        shares(
            [Share("某能源集团", 5600, 114_240_000, 2), Share("Other", 4400, 89_760_000, 1)],
            name="shares",
            title="Shares",
            says="By controller.",
            lines=[Line(50, "presumption")],
            say=say,
        ),
        flows(
            [Flow("广州", "深圳", 68_000_000, 3), Flow("深圳", "珠海", 1_200_000, 1)],
            name="flows",
            title="Flows",
            says="By region.",
            sides=("Sellers in", "Buyers in"),
            say=say,
        ),
        prices(
            [Range("能源 · 条", 12, 90, 100, 110, 120, 150)],
            [Outlier("能源 · 条", "trd_1", 900, 110, "/zh/reg/findings/fnd_1?a=1&b=2")],
            name="prices",
            title="Prices",
            says="Times the median.",
            lines=[Line(2, "twice")],
            say=say,
        ),
        offers(
            [
                Offer("Ours", 2000, own=True, address="/zh/a"),
                Offer("Theirs", 1000, own=False, address="/zh/b"),
            ],
            median_minor=1500,
            title="Offers",
            says="List prices.",
            say=say,
        ),
        dimensions(
            [("完整性", 985), ("Accuracy", 700)], pass_tenths=600, title="Quality", says="Of 100.", say=say
        ),
        scores(
            [("2026-05-01", 905), ("2026-06-01", 950)],
            pass_tenths=800,
            title="Scores",
            says="By day.",
            say=say,
        ),
        exports([Abroad("SG", 2, 15, 4)], title="Exports", says="By country.", say=say),
        growth(told, title="Growth", says="Entries.", say=say),
        lag(told, title="Lag", says="Not witnessed.", say=say),
        sales(
            [Month("2026-04", 0, 0), Month("2026-05", 12_345_678, 3)],
            title="Sales",
            says="By month.",
            say=say,
        ),
        offered([("能源", 7, "/zh/products?category=energy")], title="Offered", says="By category.", say=say),
    )
    return {chart.name: chart for chart in charts}

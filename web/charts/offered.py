"""How many products each category has on offer. Pure."""

from collections.abc import Sequence

from web.charts.chart import Chart, Column, Kind, Say
from web.charts.parts import bars


def offered(found: Sequence[tuple[str, int, str]], *, title: str, says: str, say: Say) -> Chart:
    """How many products of each category are on offer; a category leads to its products."""
    return Chart(
        name="offered",
        title=title,
        says=says,
        columns=(
            Column("category", say("Category")),
            Column("count", say("Products on offer"), Kind.COUNT),
            Column("address", "", Kind.LINK),
        ),
        rows=tuple(found),
        marks=bars("category", "count", link="address", step=28, whole=True),
    )

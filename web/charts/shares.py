"""Shares of one market by controller, the largest first. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from web.charts.chart import Chart, Column, Kind, Say
from web.charts.parts import Line, bars


@dataclass(frozen=True, slots=True)
class Share:
    """What one undertaking sold."""

    undertaking: str
    share_bp: int
    amount_minor: int
    trades: int


def shares(
    found: Sequence[Share], *, name: str, title: str, says: str, lines: Sequence[Line], say: Say
) -> Chart:
    """Bars up to 100 %."""
    return Chart(
        name=name,
        title=title,
        says=says,
        columns=(
            Column("undertaking", say("Undertaking")),
            Column("share", say("Share"), Kind.SHARE),
            Column("amount", say("Sales"), Kind.FEN),
            Column("trades", say("Trades"), Kind.COUNT),
        ),
        rows=tuple((one.undertaking, one.share_bp, one.amount_minor, one.trades) for one in found),
        marks=bars("undertaking", "share", lines=lines, top=100, title="%"),
    )

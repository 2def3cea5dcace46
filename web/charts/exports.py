"""What was declared to go abroad, by destination. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from web.charts.chart import Chart, Column, Kind, Say
from web.charts.parts import bars


@dataclass(frozen=True, slots=True)
class Abroad:
    """One destination: declarations, and the persons in them and in what has gone."""

    country: str
    declarations: int
    persons_declared: int
    persons_sent: int


def exports(found: Sequence[Abroad], *, title: str, says: str, say: Say) -> Chart:
    """Bars of the persons declared; the table has the rest."""
    return Chart(
        name="exports",
        title=title,
        says=says,
        columns=(
            Column("country", say("Destination")),
            Column("persons", say("Persons declared"), Kind.COUNT),
            Column("sent", say("Persons sent"), Kind.COUNT),
            Column("declarations", say("Declarations"), Kind.COUNT),
        ),
        rows=tuple((one.country, one.persons_declared, one.persons_sent, one.declarations) for one in found),
        marks=bars("country", "persons", whole=True),
    )

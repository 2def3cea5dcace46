"""A month's report as files: HTML in both languages, a CSV for every table, and JSON for programs."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from base.canonical import canonical
from base.clock import rfc3339
from supervision.statistics.answers import survey_tables
from supervision.statistics.drawing import page
from supervision.statistics.editions import Edition, hidden
from supervision.statistics.figures import Figures
from supervision.statistics.sheets import Kind, Making, Table, Value, Withheld, tables
from supervision.statistics.ties import Tie
from supervision.statistics.words import Namer

FIGURES: Final = "figures.json"
_WITHHELD: Final = "withheld"
_FORMULA: Final = tuple("=+-@\t\r")
_BOM: Final = "\ufeff"


@dataclass(frozen=True)
class Report:
    """One edition of a month's figures. `ties` are all comparisons that were made."""

    month: str
    edition: Edition
    head: Mapping[str, Any]
    tables: Sequence[Table]
    ties: Sequence[Tie]

    @property
    def failed(self) -> list[Tie]:
        return [tie for tie in self.ties if not tie.holds]

    def document(self) -> dict[str, Any]:
        """The content of `figures.json`."""
        return dict(self.head) | {"tables": [table.document() for table in self.tables]}

    def files(self) -> dict[str, bytes]:
        """Every file of the report by its name."""
        found = {FIGURES: canonical(self.document()) + b"\n"}
        for language in ("zh", "en"):
            found[f"report.{language}.html"] = page(dict(self.head), self.tables, language).encode()
        for table in self.tables:
            found[f"{table.name}.csv"] = sheet(table)
        found["ties.csv"] = _sheet(
            ("comparison", "here", "there", "holds"),
            [(tie.name, *self._numbers(tie), "true" if tie.holds else "false") for tie in self.ties],
        )
        return found

    def _numbers(self, tie: Tie) -> tuple[str, str]:
        """The two numbers, for who may see them: in public they would tell what is withheld."""
        if self.edition is Edition.PUBLIC:
            return (_WITHHELD, _WITHHELD)
        return (str(tie.here), str(tie.there))


def make_report(
    told: Figures,
    ties: Sequence[Tie],
    *,
    edition: Edition,
    namer: Namer,
    survey_year: int | None,
) -> Report:
    """An edition of the figures. `survey_year` is the year whose survey is in it, None for none."""
    making = Making(told, edition, hidden(told, edition, year=survey_year), namer, survey_year)
    made = tables(making)
    if survey_year is not None:
        made += survey_tables(making, survey_year)
    failed = [tie for tie in ties if not tie.holds]
    public = edition is Edition.PUBLIC
    head = {
        "month": told.month,
        "edition": edition.value,
        "from": rfc3339(told.period.since),
        "to": rfc3339(told.period.until),
        "survey_year": survey_year,
        "without": list(told.without),
        "ties": len(ties),
        "ties_failed": [
            {
                "name": tie.name,
                "here": _WITHHELD if public else str(tie.here),
                "there": _WITHHELD if public else str(tie.there),
            }
            for tie in failed
        ],
    }
    return Report(told.month, edition, head, made, ties)


def newest_survey(told: Figures) -> int | None:
    """The last year before the month's own that was answered; None without any."""
    years = {line.year for line in told.lines if line.year < told.period.since.year + 1}
    return max(years, default=None)


def sheet(table: Table) -> bytes:
    """A table as CSV: UTF-8 with a mark for spreadsheets; words in both languages, amounts in fen."""
    header: list[str] = []
    for column in table.columns:
        header += [f"{column.name}_zh", f"{column.name}_en"] if column.kind is Kind.CODE else [column.name]
    rows = []
    for row in table.rows:
        cells: list[str] = []
        for value, column in zip(row, table.columns, strict=True):
            cells += _cells(value, column.kind)
        rows.append(cells)
    return _sheet(header, rows)


def _cells(value: Value, kind: Kind) -> list[str]:
    if isinstance(value, Withheld):
        return [_WITHHELD]
    if kind is Kind.CODE:
        said = value.document() if value is not None and not isinstance(value, (str, int)) else {}
        return [_plain(said.get("zh", "")), _plain(said.get("en", ""))]
    return [str(value)] if isinstance(value, int) else [_plain(str(value or ""))]


def _plain(text: str) -> str:
    """Text that no spreadsheet takes for a formula: units and classes are words of members."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _sheet(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return (_BOM + file.getvalue()).encode()

"""A month's statistics made by the node itself: export, evidence, both editions, in child processes."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from typing import Any, Final

import orjson

from base.calendar import at_shanghai
from base.errors import Malformed, NotFound
from web.supervising import RunState, Supervising

EDITIONS: Final = ("regulator", "public")
STAGE: Final = "statistics"
FIGURES: Final = "figures.json"
_FILE: Final = re.compile(r"[a-z_]{2,40}\.(csv|json|zh\.html|en\.html)")
_MONTH: Final = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])")
_MOST: Final = 64 * 1024 * 1024


class StatisticsUnknown(NotFound):
    """The month's report was not made yet, or has no such file."""

    code = "statistics-unknown"
    title = "No statistics of this month yet"


class MonthMalformed(Malformed):
    code = "month-malformed"
    title = "Not a month that is over or running"


@dataclass
class Compiling(Supervising):
    """The statistics of one node, month by month; one run at a time, as of supervision."""

    month: str = ""

    @property
    def folder(self) -> Path:
        """Where reports and the state of the run are kept."""
        return self.settings.data_dir / "statistics"

    def begin(self, month: str) -> RunState:
        """Make the reports of a month, in the background. Raises MonthMalformed, SupervisionRunning."""
        told = _MONTH.fullmatch(month)
        if told is None or at_shanghai(date(int(month[:4]), int(told[1]), 1), time()) > self.clock.now():
            raise MonthMalformed("a month as 2026-05, not one to come", month=month)
        state = self.start()
        self.month = month
        return state

    def months(self) -> list[str]:
        """The months that have a report, the newest first."""
        if not self.folder.is_dir():
            return []
        return sorted(
            (path.name for path in self.folder.iterdir() if _MONTH.fullmatch(path.name)), reverse=True
        )

    def files(self, month: str, edition: str) -> list[str]:
        """The names of a report's files. Raises StatisticsUnknown."""
        folder = self._report(month, edition)
        return sorted(path.name for path in folder.iterdir() if _FILE.fullmatch(path.name))

    def file(self, month: str, edition: str, name: str) -> bytes:
        """A file of a report. Raises StatisticsUnknown."""
        path = self._report(month, edition) / name
        if _FILE.fullmatch(name) is None or not path.is_file():
            raise StatisticsUnknown("the report has no such file", month=month)
        with path.open("rb") as file:
            return file.read(_MOST)

    def figures(self, month: str, edition: str) -> dict[str, Any]:
        """The figures of a month. Raises StatisticsUnknown."""
        told: dict[str, Any] = orjson.loads(self.file(month, edition, FIGURES))
        return told

    def _report(self, month: str, edition: str) -> Path:
        folder = self.folder / month / edition
        if _MONTH.fullmatch(month) is None or edition not in EDITIONS or not folder.is_dir():
            raise StatisticsUnknown("no report of this month", month=month)
        return folder

    def _stages(self, work: Path) -> Iterator[tuple[str, Sequence[str]]]:
        bundle, evidence = work / "bundle", work / "evidence"
        yield "export", ("export", "--out", str(bundle), "--edition", "regulator")
        yield "evidence", ("evidence", str(bundle), "--out", str(evidence))
        for edition in EDITIONS:
            out = self.folder / self.month / edition
            told = ("--month", self.month, "--out", str(out), "--edition", edition)
            yield STAGE, ("statistics", str(evidence), *told, "--bundle", str(bundle))

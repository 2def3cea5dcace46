"""What was counted in a file: everything a quality score depends on, and nothing else."""

from dataclasses import dataclass
from datetime import datetime

from registry.declared import ColumnType, DeclaredColumn


@dataclass(frozen=True, slots=True)
class Column:
    """What was counted in one column. Cells are counted by rows, `distinct` by trimmed values.

    `form` is the form the cells were judged by: the declared one, else the dominant one. `faulty` cells
    have any fault (each cell once); `off_form` cells of a column that is no text do not have its dominant
    form. `position` is None for a declared column that the file does not have.
    """

    name: str
    position: int | None
    declared: DeclaredColumn | None
    inferred: ColumnType
    form: ColumnType
    present: int = 0
    missing: int = 0
    distinct: int = 0
    wrong_type: int = 0
    wrong_pattern: int = 0
    out_of_range: int = 0
    unreadable: int = 0
    faulty: int = 0
    off_form: int = 0
    minimum: str | None = None
    maximum: str | None = None
    shortest: int | None = None
    longest: int | None = None
    latest: datetime | None = None  # when the last period that began before `as_of` ends
    later: int = 0  # cells after `as_of`


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How often a declared cross-field rule could be asked, and held. `known`: both columns exist."""

    left: str
    op: str
    right: str
    known: bool
    checked: int
    passed: int


@dataclass(frozen=True, slots=True)
class Profile:
    """Everything a score depends on. `ragged` records have too few or too many fields; not in `rows`."""

    rows: int
    ragged: int
    duplicates: int
    columns: tuple[Column, ...]
    rules: tuple[RuleCount, ...]
    reads: int
    reads_alike: int

    def times(self) -> dict[str, datetime]:
        """The newest time of each column that has one."""
        return {column.name: column.latest for column in self.columns if column.latest is not None}

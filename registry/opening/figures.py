"""The figures of opening, purely: of a plan how much was done, of the list how much is true.

The yearly evaluation of agencies reads them. Nothing is rounded; a share of nothing is None.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Fulfilment:
    """Of the planned entries: which were opened in time, which not. `share` is None of an empty plan."""

    done: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def share(self) -> Fraction | None:
        planned = len(self.done) + len(self.missing)
        return Fraction(len(self.done), planned) if planned else None


def fulfilment(planned: Collection[str], opened: Mapping[str, datetime], *, until: datetime) -> Fulfilment:
    """How much of a plan was done by a moment.

    `planned` are ids of data entries, `opened` says when each was first opened (in whatever mode). An entry
    that is planned twice counts once.
    """
    ids = sorted(set(planned))
    done = tuple(one for one in ids if one in opened and opened[one] <= until)
    return Fulfilment(done=done, missing=tuple(one for one in ids if one not in done))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTruth:
    """Counts of one check of the open list (`checking`)."""

    standing: int
    downloadable: int
    by_interface: int = 0
    closed_level: int
    stale: int

    @property
    def downloadable_share(self) -> Fraction | None:
        files = self.standing - self.by_interface
        return Fraction(self.downloadable, files) if files else None

    @property
    def fresh_share(self) -> Fraction | None:
        return Fraction(self.standing - self.stale, self.standing) if self.standing else None

    @property
    def holds(self) -> bool:
        """R19: all that is a file downloads, and nothing is open that its level keeps closed."""
        return self.downloadable + self.by_interface == self.standing and self.closed_level == 0

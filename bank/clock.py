"""The bank's time: the machine's, or a simulated one that follows the messages and survives a restart."""

import sqlite3
from datetime import UTC, date, datetime
from typing import Final

from bank.errors import ClockIsReal
from bank.store import Store
from base.clock import SHANGHAI, SimulatedClock, SystemClock, parse_rfc3339, rfc3339

BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Where a simulated clock stands before it has heard of any time."""


class BankClock:
    """Tells aware UTC times; a simulated one never goes back."""

    def __init__(self, store: Store, *, simulated: bool) -> None:
        self._clock: SystemClock | SimulatedClock = SystemClock()
        if simulated:
            with store.read() as db:
                rows = db.execute(
                    "SELECT value FROM meta WHERE key = 'clock'"
                    " UNION ALL SELECT MAX(booked_at) FROM movements"
                ).fetchall()
            heard = [parse_rfc3339(row["value"]) for row in rows if row["value"]]
            self._clock = SimulatedClock(max(heard, default=BEGINNING))

    @property
    def simulated(self) -> bool:
        return self._clock.simulated

    def now(self) -> datetime:
        return self._clock.now()

    def today(self) -> date:
        """The banking day: the calendar day in Shanghai."""
        return self.now().astimezone(SHANGHAI).date()

    def observe(self, db: sqlite3.Connection, at: datetime) -> None:
        """A verified message says it was made at `at`: a simulated clock follows, never back."""
        if isinstance(self._clock, SimulatedClock) and at > self._clock.now():
            self._clock.move_to(at)
            db.execute(
                "INSERT INTO meta (key, value) VALUES ('clock', ?) "
                "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (rfc3339(at),),
            )

    def set(self, db: sqlite3.Connection, at: datetime) -> datetime:
        """Move a simulated clock forward to `at`. Refused on the machine's clock."""
        if not self.simulated:
            raise ClockIsReal("the bank runs on the machine's clock")
        self.observe(db, at)
        return self.now()

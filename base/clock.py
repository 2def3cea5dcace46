"""The one source of "now". Statements made under a simulated clock say so."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


class Clock(Protocol):
    """Tells aware UTC times."""

    @property
    def simulated(self) -> bool: ...

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    simulated = False

    def now(self) -> datetime:
        return datetime.now(UTC)


class SimulatedClock:
    """A clock that moves only when told, and never back (demo and tests).

    Once it is told to `run`, it also goes on by itself, second for second.
    """

    simulated = True

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)
        self._running_since: float | None = None

    def now(self) -> datetime:
        if self._running_since is None:
            return self._now
        return self._now + timedelta(seconds=time.monotonic() - self._running_since)

    def run(self) -> None:
        """Go on by itself from now on."""
        self._now, self._running_since = self.now(), time.monotonic()

    def advance(self, by: timedelta) -> datetime:
        """Move forward by `by` and return the new time."""
        return self.move_to(self.now() + by)

    def move_to(self, at: datetime) -> datetime:
        """Move forward to `at`; a time that has passed already leaves the clock where it is."""
        self._now = max(self.now(), at.astimezone(UTC))
        if self._running_since is not None:
            self._running_since = time.monotonic()
        return self._now


def rfc3339(at: datetime) -> str:
    """An aware time as RFC 3339 in UTC with milliseconds: `2026-11-23T01:00:00.000Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def stored_moment(at: datetime | None) -> str | None:
    """What `base.db.UtcDateTime` writes into SQLite, made quickly. Raises ValueError without an offset."""
    if at is None:
        return None
    if at.tzinfo is None:
        raise ValueError("a naive time cannot be stored")
    return at.astimezone(UTC).isoformat(" ", "microseconds").removesuffix("+00:00")


def parse_rfc3339(text: str) -> datetime:
    """The reverse of `rfc3339`. Raises ValueError on anything without an offset."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"no offset in {text!r}")
    return at.astimezone(UTC)

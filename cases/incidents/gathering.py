"""What the exchange reads of itself, once a window: each signal by the room that knows it."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Final

from base.db import ReadSession
from cases.incidents.signals import Signal
from cases.incidents.terms import term
from identity.failing import failing_sign_ins
from ledger.reader import newest_of, witnessing
from market.customs.watching import declared_shares, left_between
from market.delivery.gateway.repository import failing_calls

REFUSED: Final = "REF.REFUSE"
Read = Callable[[ReadSession, datetime, datetime], Awaitable[int | None]]


async def _sign_in_failures(s: ReadSession, since: datetime, until: datetime) -> int:
    return (await failing_sign_ins(s, since=since, until=until))[0]


async def _sign_in_accounts(s: ReadSession, since: datetime, until: datetime) -> int:
    """At how many logins, known or not: many with few tries each are somebody who sprays passwords."""
    return (await failing_sign_ins(s, since=since, until=until))[1]


async def _refused(s: ReadSession, since: datetime, until: datetime) -> int:
    """Refusals on the ledger so far: the same one within an hour is one."""
    del since, until
    count, _ = await newest_of(s, events=[REFUSED])
    return count


async def _witness_lag(s: ReadSession, since: datetime, until: datetime) -> int | None:
    del since, until
    found = await witnessing(s)
    return None if found.witnessed is None else found.lag


async def _split_view(s: ReadSession, since: datetime, until: datetime) -> int:
    """The log is halted where witnesses saw another one: 1, else 0."""
    del since, until
    return int((await witnessing(s)).halted is not None)


READS: Final[Mapping[Signal, Read]] = {
    Signal.SIGN_IN_FAILURES: _sign_in_failures,
    Signal.SIGN_IN_ACCOUNTS: _sign_in_accounts,
    Signal.REFUSED_ACCESSES: _refused,
    Signal.EGRESS_VOLUME: lambda s, since, until: left_between(s, since=since, until=until),
    Signal.GATEWAY_FAILURES: lambda s, since, until: failing_calls(s, since=since, until=until),
    Signal.WITNESS_LAG: _witness_lag,
    Signal.SPLIT_VIEW: _split_view,
}
"""None where there is nothing to read: no witnesses, no calls."""
COUNTED_UP: Final = frozenset({Signal.REFUSED_ACCESSES})
"""What is read as a total: a reading is by how much it grew since the last one."""


async def fullest(s: ReadSession, at: datetime) -> dict[str, int]:
    """Each live clearance that comes near what was declared, by its id."""
    least = term(f"WRN-{Signal.EGRESS_DECLARED.value}", "blue", at).whole
    return await declared_shares(s, least=least)

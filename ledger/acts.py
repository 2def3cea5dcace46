"""The one way to carry out an act: `perform`.

One act, one transaction. A refusal is a decision of the exchange: what the verb began is rolled back
to a savepoint, the refusal is recorded in its place, committed, and only then raised to the caller.

A party's act locks its trade before the jobs of that trade; a job that falls due its own row before the
trade. Where two wait for each other the database takes one of them back whole: the act is then done again.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from base.clock import Clock
from base.db import Database, WriteSession, lost_to_another
from base.errors import Busy, Refusal
from base.ids import Seed
from ledger.recording import Act, Actor, Exchange, Pen, exchange_act, record_refusal

TRIES: Final = 5
Result = TypeVar("Result")
Verb = Callable[[WriteSession, Act], Awaitable[Result]]


@dataclass(frozen=True, slots=True)
class House:
    """What every act needs: the database, the clock, and the exchange as an actor."""

    database: Database
    clock: Clock
    exchange: Exchange

    def act(self, actor: Actor, role: str, pen: Pen, *, seed: Seed | None = None) -> Act:
        """An act of a party that begins now."""
        now = self.clock.now()
        return Act(
            actor=actor,
            role=role,
            occurred_at=now,
            now=now,
            simulated=self.clock.simulated,
            seed=seed or Seed(),
            pen=pen,
            exchange=self.exchange,
        )

    def exchange_act(self) -> Act:
        """An act that the exchange itself begins now."""
        return exchange_act(self.exchange, self.clock)


class Once:
    """A hook into the transaction for idempotent callers (`base.idempotency` behind `web`).

    `before` may raise to answer with what was remembered; `after` and `refused` remember.
    """

    async def before(self, s: WriteSession) -> None:
        """Look up the key; raise to answer without acting again."""

    async def after(self, s: WriteSession, result: object) -> None:
        """Remember the result in the act's own transaction."""

    async def refused(self, s: WriteSession, refusal: Refusal) -> None:
        """Remember the refusal in the transaction that records it."""


async def perform(
    house: House,
    act: Act,
    verb: Verb[Result],
    *,
    attempted: str,
    object_id: str,
    once: Once | None = None,
) -> Result:
    """Run a verb in its own transaction; record its refusal if it refuses.

    `attempted` is the event the verb would have stated, `object_id` what it is about. Raises what
    the verb raises; after a Refusal nothing but the refusal's record (and the idempotency result)
    has been stored. What the database takes back in favour of another transaction is done again, with the
    same ids and nonces, up to TRIES times; then Busy is raised, and nothing has been stored.
    """
    place = act.seed.place
    for _ in range(TRIES):
        act.seed.go_back(place)
        try:
            return await _perform_once(house, act, verb, attempted=attempted, object_id=object_id, once=once)
        except Exception as error:
            if not lost_to_another(error):
                raise
    raise Busy("others are at work on the same thing: nothing was begun", retry_after_s=1)


async def _perform_once(
    house: House,
    act: Act,
    verb: Verb[Result],
    *,
    attempted: str,
    object_id: str,
    once: Once | None,
) -> Result:
    async with house.database.write() as s:
        if once is not None:
            await once.before(s)
        savepoint = await s.begin_nested()
        try:
            result = await verb(s, act)
            await s.flush()
        except Refusal as refusal:
            await savepoint.rollback()
            s.expunge_all()
            await record_refusal(s, act, refusal, attempted=attempted, object_id=object_id)
            if once is not None:
                await once.refused(s, refusal)
            refused = refusal
        else:
            await savepoint.commit()
            if once is not None:
                await once.after(s, result)
            return result
    raise refused

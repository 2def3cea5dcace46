"""The seeded year: a market that lives, day after day, through the same services as everybody's trades."""

import heapq
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Final

from base.calendar import is_working_day
from base.clock import SHANGHAI
from cli.demo.deal import SLOTS, Deal
from cli.demo.stall import Stall
from cli.demo.world import Member, World
from ledger.batch import MOST, write_batch
from market.orders.errors import RewardFallen

_BANKS_OPEN: Final = time(9, 5)
_UNIT_MINOR: Final = 10_000  # prices are whole hundreds of yuan


@dataclass
class Year:
    """Runs deals and the clock's work together, in the order of time."""

    world: World
    rng: random.Random
    tell: Callable[[str], None]
    due: list[tuple[datetime, int, Deal]] = field(default_factory=list)
    settled: int = 0
    serial: int = 0
    on_day: Callable[[datetime], object] | None = None

    def add(self, deal: Deal, at: datetime) -> None:
        """Let a deal begin, or go on, at a moment."""
        self.serial += 1
        heapq.heappush(self.due, (at, self.serial, deal))

    async def run(self, until: datetime) -> None:
        """Play everything that happens before `until`."""
        day = self.world.clock.now().astimezone(SHANGHAI).date()
        while True:
            morning = datetime.combine(day, _BANKS_OPEN, SHANGHAI)
            if morning >= until:
                break
            if morning > self.world.clock.now():
                await self.world.move_to(morning)
            await self.world.work()
            await self._play_before(min(until, morning + timedelta(days=1)))
            day += timedelta(days=1)
        await self._play_before(until)
        if until > self.world.clock.now():
            await self.world.move_to(until)
        await self.world.work()

    async def _play_before(self, end: datetime) -> None:
        while self.due and self.due[0][0] < end:
            moment = self.due[0][0]
            together: list[Deal] = []
            while self.due and self.due[0][0] == moment and len(together) < MOST:
                together.append(heapq.heappop(self.due)[2])
            self.world.clock.move_to(moment)
            await self._step(together)

    async def _step(self, deals: Sequence[Deal]) -> None:
        commands = [(deal, deal.command()) for deal in deals]
        batch = [(deal, command) for deal, command in commands if command is not None]
        if batch:
            node = self.world.node
            outcomes = await write_batch(node.database, node.clock, [command for _, command in batch])
            for (deal, _), outcome in zip(batch, outcomes, strict=True):
                if isinstance(outcome, RewardFallen):
                    self.add(deal, deal.signed_anew(self.world.clock.now()))
                elif isinstance(outcome, Exception):
                    raise outcome
        waiting = {id(deal) for _, _, deal in self.due}
        for deal in deals:
            if id(deal) in waiting:
                continue
            if deal.pays:
                await self._pay(deal)
            deal.stage += 1
            if not deal.finished:
                self.add(deal, deal.next_slot(self.world.clock.now()))

    async def _pay(self, deal: Deal) -> None:
        deal.pays = False
        await self.world.move_to(self.world.clock.now())
        paid = await self.world.bank.pay(deal.buyer, amount_minor=deal.prices[-1], reference=deal.trade_id)
        if paid["status"] != "booked":
            raise RuntimeError(f"the bank did not book a payment: {paid}")


def spread(rng: random.Random, count: int, start: datetime, end: datetime) -> list[datetime]:
    """`count` moments of business on working days between two times, in order."""
    days = []
    day = start.astimezone(SHANGHAI).date()
    while day < end.astimezone(SHANGHAI).date():
        if is_working_day(day):
            days.append(day)
        day += timedelta(days=1)
    moments = []
    for _ in range(count):
        hour, minute = rng.choice(SLOTS)
        moments.append(datetime.combine(rng.choice(days), time(hour, minute), SHANGHAI))
    return sorted(moments)


def negotiated(rng: random.Random, list_price: int) -> list[int]:
    """The prices of a negotiation: an opening offer, and often an answer and a last word."""
    opening = _rounded(list_price * rng.uniform(1.0, 1.15))
    if rng.random() < 0.35:  # noqa: PLR2004 - a third of the buyers take the first offer
        return [opening]
    counter = _rounded(list_price * rng.uniform(0.82, 0.95))
    last = _rounded(list_price * rng.uniform(0.94, 1.04))
    return [opening, counter, last]


def _rounded(price: float) -> int:
    return int(price) // _UNIT_MINOR * _UNIT_MINOR


def plan_deals(
    year: Year,
    stalls: Sequence[tuple[Stall, int]],
    buyers: Sequence[Member],
    brokers: Sequence[Member],
    *,
    count: int,
    end: datetime,
) -> None:
    """Let `count` deals begin over the year; a stall is chosen by its weight."""
    rng = year.rng
    choices = [stall for stall, _ in stalls]
    weights = [weight for _, weight in stalls]
    for moment in spread(rng, count, year.world.clock.now(), end):
        stall = rng.choices(choices, weights)[0]
        broker = rng.choice(brokers) if rng.random() < 0.45 else None  # noqa: PLR2004 - under half
        deal = Deal(
            year.world,
            stall,
            rng.choice(buyers),
            broker,
            negotiated(rng, stall.price_minor),
            random.Random(rng.random()),  # noqa: S311 - the demo's dice
        )
        year.add(deal, moment)

"""After the story the pages stay open: whoever is there needs neither a tool nor a bank to go on.

Members that signed at home so far get a second key, kept by the exchange, so that a form is an act at once;
the key of their own is left beside the artefacts for `databourse sign`. The bank's customers pay what they
have signed for. Enter lets the next working day come.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import time
from pathlib import Path
from typing import Final

from base.calendar import at_shanghai, next_working_day, shanghai_day
from cli.demo.world import Member, World
from cli.keys import write_key_file
from identity.keys import register_key
from market.orders.repository import trades_of
from market.orders.states import TradeState

_LOOK_EVERY_S: Final = 5
_MORNING: Final = time(9, 30)


async def hand_over(world: World, folder: Path) -> list[Member]:
    """The members that may sign in, each with a key that the exchange keeps; own keys in `folder`/keys."""
    members = [member for member in _apart(world) if member.login is not None]
    keys = folder / "keys"
    keys.mkdir(mode=0o700, exist_ok=True)
    for member in members:
        if member.key is None:
            continue
        path = keys / f"{member.login}.key"
        path.unlink(missing_ok=True)
        write_key_file(path, member.key)
        await member.do(
            register_key,
            min(member.roles),
            about=member.org_id,
            attempted="KEY.REGISTER",
            safe=world.node.safe,
            org_id=member.org_id,
            custody="custodial",
        )
    return members


async def pay_what_is_signed(world: World) -> int:
    """Let every buyer's bank pay the contracts that wait for their price; returns how many were paid."""
    paid = 0
    for member in _apart(world):
        if not member.account_token:
            continue
        async with world.node.database.read() as s:
            trades = await trades_of(s, org_id=member.org_id)
        for trade in trades:
            waits = trade.buyer_id == member.org_id and trade.status is TradeState.CONTRACTED
            if waits and trade.price_minor is not None:
                await world.bank.pay(member, amount_minor=trade.price_minor, reference=trade.trade_id)
                paid += 1
    return paid


async def let_a_day_pass(world: World) -> None:
    """The next working day comes, for the exchange and for the bank, with all that falls due."""
    morning = at_shanghai(next_working_day(shanghai_day(world.clock.now())), _MORNING)
    await world.move_to(morning)
    await world.work()


@asynccontextmanager
async def going_on(world: World, tell: Callable[[str], None]) -> AsyncIterator[None]:
    """Pay what is signed, and let a day pass at each line that is typed, while the block lasts."""
    pressed = asyncio.Event()
    loop = asyncio.get_running_loop()
    listening = _listen(loop, pressed)
    tasks = [asyncio.create_task(_paying(world)), asyncio.create_task(_passing(world, pressed, tell))]
    try:
        yield
    finally:
        if listening:
            loop.remove_reader(sys.stdin)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _apart(world: World) -> list[Member]:
    """Each member once: the world knows some by two names."""
    return list({member.org_id: member for member in world.members.values()}.values())


def _listen(loop: asyncio.AbstractEventLoop, pressed: asyncio.Event) -> bool:
    """Whether there is a terminal (or a pipe) to hear Enter from."""

    def heard() -> None:
        if sys.stdin.readline():
            pressed.set()
        else:
            loop.remove_reader(sys.stdin)

    try:
        loop.add_reader(sys.stdin, heard)
    except (OSError, ValueError):  # no terminal: a file, or nothing at all
        return False
    return True


async def _paying(world: World) -> None:
    while True:
        await pay_what_is_signed(world)
        await asyncio.sleep(_LOOK_EVERY_S)


async def _passing(world: World, pressed: asyncio.Event, tell: Callable[[str], None]) -> None:
    while True:
        await pressed.wait()
        pressed.clear()
        await let_a_day_pass(world)
        tell(f"  it is {shanghai_day(world.clock.now()):%Y-%m-%d}")

"""`databourse demo`: a data exchange does its whole job on real data, while you watch."""

import asyncio
import gc
import random
import signal
import socket
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import httpx
import typer

from base.clock import SHANGHAI
from base.money import yuan
from cli.demo import closing
from cli.demo.certified import certify
from cli.demo.market import open_market
from cli.demo.public import Public, begin_public, finish_public
from cli.demo.regulator import act_on
from cli.demo.ring import Ring, plant_ring
from cli.demo.staying import going_on, hand_over
from cli.demo.story import Stage, play, set_stage
from cli.demo.ways import play_ways
from cli.demo.world import PASSWORD, Member, World, open_world
from cli.demo.year import Year, plan_deals
from cli.running import complete, log_plainly
from cli.server import give_back
from ledger.balances import totals
from market.settlement.repository import entries_known, open_work_items
from web.node import sequencing

TRADES: Final = 400
_START: Final = datetime(2025, 11, 17, 9, 0, tzinfo=SHANGHAI)
_WRONG_PAYMENT: Final = datetime(2026, 6, 1, 8, 0, tzinfo=SHANGHAI)
_A_WEEK: Final = timedelta(days=7)
_RING: Final = datetime(2026, 10, 8, 9, 0, tzinfo=SHANGHAI)
_STORY: Final = datetime(2026, 11, 7, 9, 0, tzinfo=SHANGHAI)
_WRONG_BY_MINOR: Final = -12_300  # too little: that much the escrow account always covers
_COLLECT_AFTER: Final = 50_000
_ENDED: Final = 128 + signal.SIGTERM
_LAST_DEAL: Final = timedelta(days=20)  # every seeded deal ends before the story begins


def demo(
    out: Annotated[
        Path | None, typer.Option("--out", help="Leave the artefacts of the trade in this folder")
    ] = None,
    port: Annotated[int, typer.Option(help="Where the pages are served")] = 8000,
    seed: Annotated[int, typer.Option(help="The dice of the seeded year")] = 7,
    trades: Annotated[int, typer.Option(help="How many trades the seeded year has", min=1)] = TRADES,
    *,
    exit_: Annotated[bool, typer.Option("--exit", help="End instead of leaving the pages open")] = False,
) -> None:
    """Run the whole exchange on real data: a year of trades, then one trade step by step."""
    log_plainly()  # and never what a variable held
    give_back()
    gc.set_threshold(_COLLECT_AFTER)  # a year of rows comes and goes; collecting less often is faster
    try:
        code = complete(_demo(out, port, seed, trades, stay=not exit_))
    except asyncio.CancelledError:  # it was told to end, and has
        code = _ENDED
    raise typer.Exit(code)


async def _demo(out: Path | None, port: int, seed: int, trades: int, *, stay: bool) -> int:
    telling = Telling()
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)  # its bank ends with it
    with tempfile.TemporaryDirectory(prefix="databourse-demo-") as folder:
        kept = Path(folder) / "out" if out is None else out
        kept.mkdir(parents=True, exist_ok=True)
        chosen = port if stay else _free_port(port)
        async with (
            open_world(Path(folder) / "node", _START, port=chosen) as world,
            httpx.AsyncClient(base_url=world.url) as http,
        ):
            telling.head("1. A market of real data")
            rng = random.Random(seed)  # noqa: S311 - the demo's dice
            year = Year(world, rng, telling.line)
            ring, public = await _live(world, http, year, telling, trades)
            telling.head("3. Public data below the market: registered, opened, operated, certified, declared")
            registered = await finish_public(public)
            await certify(public)
            telling.head("4. One clean trade, step by step (scenario SC-1)")
            stage = await set_stage(world, http, telling.line)
            stage.below = public.story
            await play(stage)
            telling.head("5. One product, three more ways: a share, calls, questions")
            await play_ways(stage, registered)
            code = await _close(world, kept, stage, ring, telling)
            members = await hand_over(world, kept)
            if stay and code == 0:
                await _stay(world, members, kept, telling)
    return code


async def _live(
    world: World, http: httpx.AsyncClient, year: Year, telling: "Telling", trades: int
) -> tuple[Ring, Public]:
    market = await open_market(world, year.rng, telling.line, trades=trades)
    telling.head(f"2. A year of {trades} trades, a bank that errs once, and a ring")
    plan_deals(year, market.stalls, market.buyers, market.brokers, count=trades, end=_STORY - _LAST_DEAL)
    await year.run(_WRONG_PAYMENT)
    telling.line(f"until {_WRONG_PAYMENT:%Y-%m-%d}: {await _size(world)} entries in the ledger")
    fault = {"kind": "wrong_amount", "times": 1, "delta_minor": _WRONG_BY_MINOR}
    await world.bank.control("faults", fault)
    await _mend(world, year, telling)
    await year.run(_RING)
    ring = await plant_ring(world, year)
    telling.line("a ring of three companies under one controller lists one product")
    public = await begin_public(world, http, telling.line)
    await year.run(_STORY)
    telling.line(f"until {_STORY:%Y-%m-%d}: {await _size(world)} entries in the ledger")
    return ring, public


async def _mend(world: World, year: Year, telling: "Telling") -> None:
    """Let the year go on until reconciliation catches the bank's error; the bank corrects it when told."""
    wrong = None
    until = _WRONG_PAYMENT
    while wrong is None and until < _RING - _A_WEEK:
        until += _A_WEEK
        await year.run(until)
        async with world.node.database.read() as s:
            items = await open_work_items(s)
            wrong = next((item for item in items if item.kind == "amount-differs"), None)
            known = await entries_known(s, entry_ids=[wrong.facts["entry_id"]] if wrong else [])
    if wrong is None:
        raise RuntimeError("reconciliation did not catch the bank's wrong payment")
    paid, due = abs(int(wrong.facts["actual_minor"])), abs(int(wrong.facts["expected_minor"]))
    telling.line(f"reconciliation catches a payment of ¥{yuan(paid)} instead of ¥{yuan(due)}")
    await world.bank.control("corrections", {"end_to_end_id": known[0].end_to_end_id})


async def _size(world: World) -> int:
    return await closing.seal(world)


async def _close(world: World, out: Path, stage: Stage, ring: Ring, telling: "Telling") -> int:
    story = stage.story
    telling.head("6. The ledger is exported, audited offline and supervised")
    await closing.seal(world)
    await closing.state_account(out, stage.provider)
    size = await closing.seal(world)
    for told in (stage.below, story):
        await closing.with_seqs(world, told)
    await closing.write_bundle(world, out)
    audit = await closing.audited(world, out)
    telling.line(audit.text.strip().replace("\n", "\n        "))
    if not audit.clean:
        return 1
    telling.line(await closing.checked_account(out))
    report = await closing.supervised(world, out)
    for finding in report["findings"]:
        telling.line(_finding(finding))
    touched, of_parties = closing.touching(out, story, [stage.provider, stage.buyer, stage.broker])
    telling.line(f"findings that touch the clean trade: {touched}; its parties: {of_parties}")
    await closing.take_home(world, out, story, stage.buyer)
    await closing.write_provenance(out, story)
    async with world.node.database.read() as s:
        bank, held = await totals(s)
    telling.line(f"money: the bank holds ¥{yuan(bank)}, owed on trades ¥{yuan(-held)}")
    telling.head("7. The regulator acts, and it bites")
    await act_on(world, report, ring, telling.line)
    said = await closing.write_credential(world, out, stage.broker)
    telling.line("the clean trade's broker, by its credential: " + said.replace("\n", "\n        "))
    telling.head("8. Every step and its number in the ledger")
    for step in (*stage.below.steps, *story.steps):
        seqs = ", ".join(str(seq) for seq in step["seqs"]) or "-"
        telling.plain(f"  {step['at'][:16]}  {step['who']:<9} {step['step'][:66]:<66} seq {seqs}")
    peak, child = closing.memory_mib()
    serving = closing.serving_mib()
    telling.line(f"memory: peak {peak} MiB, largest child {child} MiB, serving now {serving} MiB")
    closing.write_summary(
        world,
        out,
        story,
        {
            "entries": size,
            "findings": len(report["findings"]),
            "below": stage.below.steps,
            "memory_mib": {"peak": peak, "child": child, "serving": serving},
        },
    )
    telling.line(f"artefacts: {out}")
    return 0 if not touched else 1


def _finding(finding: dict[str, Any]) -> str:
    market = finding.get("market") or {}
    where = f" in {market.get('category')}" if market else ""
    seqs = ", ".join(str(seq) for seq in finding["evidence_seqs"][:6])
    more = " …" if len(finding["evidence_seqs"]) > 6 else ""  # noqa: PLR2004 - as many as fit a line
    return f"suspected {finding['rule_id']}@{finding['rule_version']}{where}: evidence seq {seqs}{more}"


async def _stay(world: World, members: Sequence[Member], out: Path, telling: "Telling") -> None:
    """Leave the pages open until Ctrl-C."""
    world.clock.run()
    telling.head("The exchange stays open")
    telling.plain(f"  {world.url}/zh/    {world.url}/en/")
    for member in members:
        roles = ", ".join(sorted(member.roles))
        telling.plain(f"  {member.login:<10} {PASSWORD}   {member.name} ({roles})")
        for login in sorted({*member.colleagues} - {member.login}):
            telling.plain(f"  {login:<12} {PASSWORD}   another person of theirs")
    telling.plain("  Every sign-in acts at once, with a key that the exchange keeps for it.")
    telling.plain(f"  Keys of their own, to sign at home with `databourse sign`: {out / 'keys'}")
    telling.plain("  A signed contract is paid by the buyer's bank within some seconds.")
    telling.plain("  Enter lets the next working day come (deadlines, settlement); then sign in again.")
    telling.plain("  Ctrl-C ends the exchange; nothing of it stays.")
    async with sequencing(world.node), going_on(world, telling.plain):
        await asyncio.Event().wait()


def _free_port(wanted: int) -> int:
    """The wanted port, or another free one when it is taken."""
    for port in (wanted, 0):
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(one.getsockname()[1])
    return wanted


class Telling:
    """Prints what happens, with the seconds it took."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def head(self, text: str) -> None:
        typer.echo(f"\n{text}")

    def line(self, text: str) -> None:
        typer.echo(f"{time.monotonic() - self._began:6.1f}s {text}")

    def plain(self, text: str) -> None:
        typer.echo(text)

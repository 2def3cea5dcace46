"""Whatever anybody does in whatever order: model, rows, ledger, books and bank say the same, to the fen."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from base.db import Database
from cli.audit_database import rows_of
from cli.exporting import export_bundle
from ledger.bundle import Bundle, Edition
from ledger.publisher import Publisher
from ledger.sequencer import create_log, seal_all
from supervision.audit import audit
from supervision.context import Context
from supervision.evidence.derive import derive
from supervision.evidence.facts import opened_entries
from supervision.plan import make_plan
from supervision.rule_table import in_force
from supervision.rules import s30, s30b
from supervision.runner import carry_out
from tests.copies import Copies, quick_folder
from tests.houses import ORIGIN
from tests.market.settlement.whole.bank import HostileBank
from tests.market.settlement.whole.driving import World, reproducible
from tests.market.settlement.whole.machine import DAY, WholeTrade, walk
from tests.market.settlement.whole.model import Model
from tests.market.trade.scene import MORNING, PRICE, furnish

STEPS = 30
BALANCES = {"opening-balance", "closing-balance"}


async def make_world(database: Database) -> World:
    """A market with trades in several states, everything of it foretold by the model."""
    with reproducible(0):
        return await _made(database)


async def _made(database: Database) -> World:
    scene = await furnish(database)
    scene.clock.move_to(MORNING)
    async with database.write() as s:
        await create_log(s, origin=ORIGIN, at=scene.clock.now())
    scene.bank = HostileBank(scene.bank.key, now=scene.clock.now)
    world = World(scene, Model(scene.clock.now()))
    await world.investigate()
    for state in ("ACCEPTED_GOODS", "CONTRACTED", "DELIVERED"):
        await walk(world, state, PRICE)
    world.pass_time(DAY)
    await world.run_jobs()
    for letter in list(world.bank.letters):
        if not letter.answered:
            await world.deliver(letter)
    for state in ("ACCEPTED_GOODS", "FUNDED"):
        await walk(world, state, 100_003)
    await world.check()
    return world


@pytest.fixture(scope="session")
def worlds() -> Iterator[Copies[World]]:
    with quick_folder() as folder:
        yield Copies(folder, "whole", make_world)


class Market:
    """Fresh worlds for a machine, one after the other, some of them audited when they are left."""

    def __init__(self, worlds: Copies[World], where: Any, folder: Path) -> None:
        self.worlds, self.where, self.folder = worlds, where, folder
        self.opened = self.steps = self.audited = 0
        self.states: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self._copy: Any = None

    async def open(self) -> World:
        if isinstance(self.where, Path):
            self._copy = self.worlds.on_sqlite(self.where)
        else:
            self._copy = self.worlds.on_postgresql(self.where)
        database, made = await self._copy.__aenter__()
        self.opened += 1
        return made.on(database)

    async def close(self, world: World, *, audited: bool) -> None:
        try:
            self.states.update(trade.state for trade in world.trades.values())
            self.kinds.update(one.kind for one in world.model.told)
            if audited:
                await ended(world, self.folder / str(self.opened))
                self.audited += 1
        finally:
            await world.scene.database.dispose()
            await self._copy.__aexit__(None, None, None)


async def ended(world: World, folder: Path) -> None:
    """In the end all is paid that can be; the log is exported, and audited by one who has nothing else."""
    await world.calm_down()
    await world.check()
    await world.check_totals()
    house, database = world.scene.house, world.scene.database
    publisher = Publisher(database, house.clock, (house.log_key,), folder / "log")
    node: Any = SimpleNamespace(
        publisher=publisher,
        publish=publisher.publish,
        seal=lambda: seal_all(database, house.clock),
        database=database,
    )
    size = await export_bundle(node, folder / "bundle", Edition.REGULATOR)
    rows, moved = await rows_of(database.url, size=size)
    report = audit(folder / "bundle", [house.log_key.vkey], rows=rows)
    assert (report.clean, report.pinned, moved) == (True, True, 0), report.document()
    found(world, folder)


def found(world: World, folder: Path) -> None:
    """The findings about money are the differences that the bank was told to make, each once."""
    with Bundle(folder / "bundle") as bundle:
        derive(opened_entries(bundle.records()), folder / "evidence")
    at = world.scene.clock.now()
    plan = make_plan(Context(as_of=at, rules=in_force(at)), rules=(s30.RULE, s30b.RULE))
    findings = carry_out(plan, folder / "evidence").findings
    assert {one.rule_id for one in findings} <= {"S30B"}
    said = Counter((one.statistic["kind"], next(iter(sorted(one.objects, reverse=True)))) for one in findings)
    told: Counter[tuple[str, str]] = Counter()
    balances = set()
    for one in world.model.told:
        if one.kind in BALANCES:
            assert one.actual is not None
            assert one.expected is not None
            balances.add(one.actual - one.expected)
        elif one.expected is None or one.expected != one.actual:
            told[one.kind, one.trade_id or ""] += 1
    for (kind, _), count in said.items():
        assert kind in BALANCES or count >= 1
    by_kind = Counter(kind for kind, _ in told.elements())
    assert Counter(kind for kind, _ in said.elements() if kind not in BALANCES) == by_kind
    assert sum(1 for kind, _ in said.elements() if kind in BALANCES) == len(balances)


def play(market: Market, *, examples: int, steps: int, number: int | None = None) -> None:
    class Played(WholeTrade):
        opened = staticmethod(market.open)  # type: ignore[assignment]
        closed = staticmethod(market.close)  # type: ignore[assignment]

    machine = Played if number is None else seed(number)(Played)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=number is None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_model_rows_ledger_books_and_bank_agree_after_every_act(worlds, sqlite_template, tmp_path):
    market = Market(worlds, sqlite_template, tmp_path)
    play(market, examples=5, steps=STEPS)
    assert market.audited


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def market(request, worlds, sqlite_template, tmp_path) -> Market:
    at = sqlite_template if request.param == "sqlite" else request.getfixturevalue("postgres")
    return Market(worlds, at, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("number", range(int(os.environ.get("WHOLE_TRADE_SEEDS", "4"))))
def test_thousands_of_acts(market, number):
    play(market, examples=40, steps=100, number=number)

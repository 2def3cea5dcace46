"""The process that funds, instructs, settles and refunds, killed with SIGKILL at every statement it makes.

What was killed is started again on what the database holds: the trade is funded and settled once, the bank
has paid once, and money, books and ledger agree. Every kill is a real one, of a process of its own; its bank
is a file, which outlives it.
"""

import asyncio
import base64
import os
import signal
import traceback
import warnings
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import orjson
import pytest
from sqlalchemy import func
from sqlmodel import col, select

from bank.messages import pain001
from base.db import Database
from base.signing import Envelope, parse_envelope
from ledger.balances import totals
from ledger.reader import tree_head
from ledger.sequencer import create_log, seal_all
from ledger.tables import EntryRow, PostingBatchRow, PostingRow, StatementRow
from ledger.tree import leaf_hash, root_of
from market.orders.rules import TradeState
from market.settlement.repository import claims_of, instructions_of
from market.settlement.tables import Claim
from tests.houses import ORIGIN
from tests.ledger.faults import Faults, Kind
from tests.market.settlement.bank_side import BankSide, credit_entry, debit_entries
from tests.market.settlement.batch import Batch
from tests.market.settlement.going_back import claim_back, fail
from tests.market.trade.scene import PRICE, Scene

DUE: Final = datetime(2026, 11, 17, 1, 30, tzinfo=UTC)  # T+1 of what was accepted on the 16th
LATER: Final = DUE + timedelta(hours=2)  # every lease of a dead process is over
STRIDE: Final = 17


@dataclass
class FiledBank(BankSide):
    """A bank whose post is a file: what reached it is there, however the exchange ended."""

    post: Path = field(default=Path())

    def _answer(self, request: httpx.Request, exchange_public: bytes) -> httpx.Response:
        if request.url.path == "/instructions":
            with self.post.open("ab") as file:
                file.write(base64.b64encode(request.content) + b"\n")
        return super()._answer(request, exchange_public)

    def book(self, notification: Envelope) -> None:
        """Its books do not wait for what the exchange has heard."""

    def instructed(self) -> list[pain001.Instruction]:
        """The instructions that came, each once."""
        if not self.post.exists():
            return []
        lines = self.post.read_bytes().splitlines()
        came = [parse_envelope(orjson.loads(base64.b64decode(line))).payload for line in lines]
        read = [pain001.read(payload) for payload in came]
        return list({one.message_id: one for one in read}.values())

    def says_funded(self, trade_id: str) -> Envelope:
        """The same message whenever it is asked for."""
        entry = credit_entry(trade_id, PRICE, on="2026-11-16", entry_id="trf_once")
        if entry not in self.booked:
            self.booked.append(entry)  # also when the exchange died before it heard of it
        return self.notification([entry], at=DUE, message_id="ntf_funded")

    def says_returned(self, claim: Claim) -> Envelope:
        """Who was paid pays back."""
        name = f"trf_{claim.payee}"
        entry = credit_entry(claim.claim_id, claim.amount_minor, on="2026-11-17", entry_id=name)
        if entry not in self.booked:
            self.booked.append(entry)
        return self.notification([entry], at=DUE, message_id=f"ntf_{claim.payee}")

    def says_paid(self, instruction: Any) -> Envelope:
        paid = [
            replace(entry, entry_id=f"pay_{number}")
            for number, entry in enumerate(debit_entries(instruction, on="2026-11-17"))
        ]
        return self.notification(paid, at=DUE, message_id="ntf_paid")


Work = Callable[[Scene], Awaitable[None]]


async def fund(scene: Scene) -> None:
    """The buyer's money comes in."""
    await scene.hear(scene.bank.says_funded(scene.trades["CONTRACTED"]))


async def pay(scene: Scene, trade_id: str, *, batched: bool = False) -> None:
    """What is due is instructed and sent, and the bank says that it has paid."""
    await scene.run_jobs(max(DUE, scene.clock.now()))
    async with scene.database.read() as s:
        found = await instructions_of(s, trade_id=trade_id)
    found = [one for one in found if one.instructed_at >= DUE]
    sent = {one.message_id for one in scene.bank.instructed()}
    assert [one.message_id for one in found if one.message_id in sent] == [one.message_id for one in found]
    await scene.hear(scene.bank.says_paid(found[-1]), batch=Batch(scene) if batched else None)


async def pay_alone(scene: Scene) -> None:
    await pay(scene, scene.trades["ACCEPTED_GOODS"])


async def pay_in_a_batch(scene: Scene) -> None:
    await pay(scene, scene.trades["ACCEPTED_GOODS"], batched=True)


async def give_back(scene: Scene) -> None:
    await pay(scene, scene.trades["FUNDED"])


async def undeliver(scene: Scene) -> None:
    """Nothing was delivered: what is held goes back."""
    await fail(scene, scene.trades["FUNDED"])


async def take_back(scene: Scene) -> None:
    """The platform's fee and what seller and broker owe come in; then the buyer is paid."""
    await scene.run_jobs(max(DUE, scene.clock.now()))
    trade_id = scene.trades["SETTLED"]
    async with scene.database.read() as s:
        claims = await claims_of(s, trade_id=trade_id)
    for claim in claims:
        await scene.hear(scene.bank.says_returned(claim))
    await pay(scene, trade_id)


async def reclaim(scene: Scene) -> None:
    """After the release all of it is claimed back."""
    await claim_back(scene, scene.trades["SETTLED"], PRICE, LATER + timedelta(days=10))


async def nothing(scene: Scene) -> None:
    """As the market stands."""


@dataclass(frozen=True)
class Story:
    """A piece of work, on which trade of the market, and what has come of it when it is done once."""

    work: Work
    trade: str
    ends: TradeState
    held: int
    said: dict[str, int]
    before: Work = nothing
    stride: int = STRIDE

    @property
    def name(self) -> str:
        return self.work.__name__


_PAID: Final = {"TRD.FUND": 1, "PAY.INSTRUCT": 1, "PAY.MISMATCH": 0}
STORIES: Final = [
    Story(fund, "CONTRACTED", TradeState.FUNDED, PRICE, _PAID | {"PAY.INSTRUCT": 0}),
    Story(pay_alone, "ACCEPTED_GOODS", TradeState.SETTLED, 0, _PAID | {"TRD.SETTLE": 1}),
    Story(pay_in_a_batch, "ACCEPTED_GOODS", TradeState.SETTLED, 0, _PAID | {"TRD.SETTLE": 1}),
    Story(give_back, "FUNDED", TradeState.REFUNDED, 0, _PAID | {"TRD.REFUND": 1}, undeliver, 37),
    Story(
        take_back,
        "SETTLED",
        TradeState.REFUNDED,
        0,
        _PAID | {"PAY.INSTRUCT": 3, "TRD.SETTLE": 1, "TRD.REFUND": 1},
        reclaim,
        97,
    ),
]


def killed(scene: Scene, work: Work, at: int) -> int | None:
    """Do the work in a process of its own that is killed at its `at`-th point (0: not at all).

    Answers how many points there were, or None when it was killed. The parent holds no connection.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the child runs nothing of the parent's threads
        pid = os.fork()
    if pid == 0:
        _do(scene, work, at)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code == -signal.SIGKILL:
        return None
    assert code == 0, f"the child failed with {code}"
    return int(scene.bank.post.with_suffix(".points").read_text())


def _do(scene: Scene, work: Work, at: int) -> None:
    """In the child: does not return."""
    code = 1
    try:
        faults = Faults()
        faults.at_crash = lambda: os.kill(os.getpid(), signal.SIGKILL)

        async def run() -> None:
            database = Database(scene.database.url)
            here = on(scene, database)
            faults.watch(database)
            if at:
                faults.arm(Kind.CRASH, at)
            with faults.past_the_compiler():
                await work(here)
            await database.dispose()

        asyncio.run(run())
        scene.bank.post.with_suffix(".points").write_text(str(faults.count))
        code = 0
    except BaseException:  # noqa: BLE001 - nothing of the child may reach the parent's code
        traceback.print_exc()
    finally:
        os._exit(code)


def on(scene: Scene, database: Database) -> Scene:
    """The scene on another connection to its database, with its bank's post."""
    moved = scene.on(database)
    moved.bank = scene.bank
    return moved


async def started_again(scene: Scene, work: Work) -> Scene:
    """A new process does what is left to do, more than once."""
    again = on(scene, Database(scene.database.url))
    again.clock.move_to(LATER)
    for _ in range(2):
        await work(again)
        await again.run_jobs()
    return again


async def check(scene: Scene, story: Story) -> None:
    """Bank, books, states and ledger say the same; everything is there once."""
    trade_id = scene.trades[story.trade]
    instructed = [one for one in scene.bank.instructed() if one.payouts[0].reference == trade_id]
    assert len(instructed) == (0 if story.held else 1)
    trade = await scene.trade(trade_id)
    assert trade.status is story.ends
    said = Counter(await scene.events(trade_id))
    assert {event: said[event] for event in story.said} == story.said
    async with scene.database.read() as s:
        of = (
            select(PostingRow.batch_id)
            .group_by(PostingRow.batch_id)
            .having(func.sum(PostingRow.amount_minor) != 0)
        )
        assert (await s.exec(of)).all() == []
        resolved = [one for one in (await s.exec(select(PostingBatchRow.resolves))).all() if one]
        assert len(resolved) == len(set(resolved))
        cash, held = await totals(s)
        statements = (await s.exec(select(func.count()).select_from(StatementRow))).one()
    assert cash == -held
    assert await scene.held(trade_id) == story.held
    await seal_all(scene.database, scene.clock)
    async with scene.database.read() as s:
        head = await tree_head(s)
        kept = (await s.exec(select(EntryRow).order_by(col(EntryRow.seq)))).all()
    assert [one.seq for one in kept] == list(range(head.size))
    assert head.size == statements
    assert head.root == root_of(leaf_hash(one.entry) for one in kept).hex()


async def every(scene_of: Any, story: Story, *, stride: int, tmp_path: Path) -> tuple[int, int]:
    """Kill at every `stride`-th point on a fresh copy of the market each; answers (points, kills)."""
    points, kills, at = None, 0, 0
    while points is None or at <= points:
        async with scene_of() as scene:
            scene.bank = FiledBank(
                **{one.name: getattr(scene.bank, one.name) for one in fields(BankSide)},
                post=tmp_path / f"post-{at}",
            )
            async with scene.database.write() as s:
                await create_log(s, origin=ORIGIN, at=scene.clock.now())
            await story.before(scene)
            await scene.database.dispose()
            ended = killed(scene, story.work, at)
            again = await started_again(scene, story.work)
            try:
                await check(again, story)
            finally:
                await again.database.dispose()
        if at == 0:
            assert ended is not None
            points = ended
        else:
            assert ended is None, at
            kills += 1
        at += 1 if at == 0 else stride
    return points, kills


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
async def test_a_process_killed_while_money_moves_moves_it_once(scene_of, story, tmp_path):
    points, kills = await every(scene_of, story, stride=story.stride, tmp_path=tmp_path)
    assert kills == -(-points // story.stride)


@pytest.mark.soak
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
async def test_at_every_single_statement(scene_of, story, tmp_path):
    points, kills = await every(scene_of, story, stride=1, tmp_path=tmp_path)
    assert kills == points

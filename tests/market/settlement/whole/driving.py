"""The exchange and the model side by side: each act is done on both, and both have to say the same."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from types import SimpleNamespace
from typing import Any, Final

import orjson
from sqlalchemy import func
from sqlmodel import col, select

from bank.messages.entries import Entry
from bank.messages.writing import day_of
from base import ids
from base.db import Database
from base.errors import DomainError
from base.jobs import JobRow, run_due
from base.signing import parse_envelope
from cases.ordering import confirm_order, propose_order
from cases.rules import Measure
from ledger.acts import perform
from ledger.balances import totals
from ledger.tables import PostingBatchRow, PostingRow, StatementRow
from market.delivery.access import Declared
from market.delivery.downloads import count_sent, download_act, open_download
from market.delivery.repository import entitlement_of
from market.orders.scope import licence_end
from market.orders.states import MOVES as OURS
from market.orders.states import TradeEvent, TradeState
from market.orders.tables import Trade as TradeRow
from market.settlement.ascertaining import InDoubt, ascertain, in_doubt
from market.settlement.instructing import note_status
from market.settlement.mending import Resolution, close_work_item, pay_again
from market.settlement.tables import Claim, Found, Instruction, WorkItem
from market.trade.clockwork import handlers
from supervision.audit_moves import MOVES as AUDITED
from tests.cases.opening import investigate
from tests.cases.test_two_officers import FINDING, by, staffed
from tests.houses import Party
from tests.market.disputes.staging import as_officer
from tests.market.settlement.bank_side import ESCROW
from tests.market.settlement.batch import Batch
from tests.market.settlement.whole.bank import HostileBank, Letter, signed
from tests.market.settlement.whole.books import Books, Movement
from tests.market.settlement.whole.clock import Clockwork
from tests.market.settlement.whole.kept import (
    DEADLINES,
    DOUBTS,
    KINDS,
    Item,
    Payment,
    Refused,
    Trade,
)
from tests.market.settlement.whole.model import Model, Seen
from tests.market.trade.scene import Scene

MONTHS: Final = 1
NOT_STEPS: Final = frozenset({"TRD.SIGN"})
OUTCOMES: Final = ("funded", "claim-paid", "settled", "refunded", "mismatch", "known")


@contextmanager
def reproducible(seed: int) -> Iterator[None]:
    """While the block lasts, ids and nonces come from a seed: what falls due at one moment goes by them."""
    really, dice = ids.secrets, Random(seed)
    ids.secrets = SimpleNamespace(token_bytes=dice.randbytes)  # type: ignore[assignment]
    try:
        yield
    finally:
        ids.secrets = really


def same(ours: Any, foretold: Any) -> None:
    """What the exchange has is what the model, or the bank, says."""
    assert ours == foretold, (ours, foretold)


def _is_of(item: Item, facts: dict[str, Any], number: int | None) -> bool:
    """Whether an item of the model is the one that the exchange has with these facts."""
    told = (facts.get("claim_id"), number, facts.get("entry_id"))
    kept = (item.claim_id, item.payment, item.entry_id)
    return all(one is None or one == other for one, other in zip(kept, told, strict=True))


async def _ascertain(s: Any, act: Any, *, trade_id: str, **said: Any) -> Any:
    del trade_id
    return await ascertain(s, act, note="按银行对账单核对", **said)


@dataclass
class Read:
    """How far the ledger was read, and where each trade stands by it."""

    upto: int = 0
    states: dict[str, str | None] = field(default_factory=dict)
    stood: dict[str, str] = field(default_factory=dict)
    mismatches: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    settles: Counter[str] = field(default_factory=Counter)


@dataclass
class World:
    """A market, its model, and the bank between them."""

    scene: Scene
    model: Model
    books: Books = field(default_factory=Books)
    seen: Read = field(default_factory=Read)
    decided: dict[str, str] = field(default_factory=dict)
    instructions: dict[str, tuple[str, int]] = field(default_factory=dict)
    heard: int = 0
    case_id: str = ""

    @property
    def bank(self) -> HostileBank:
        bank = self.scene.bank
        assert isinstance(bank, HostileBank)
        return bank

    @property
    def trades(self) -> dict[str, Trade]:
        return self.model.trades

    def on(self, database: Database) -> "World":
        """The same world on a copy of its database; nothing that is done there is seen here."""
        scene = self.scene.on(database)
        bank = self.bank.copy()
        bank.now = scene.clock.now
        scene.bank = bank
        kept = ("model", "books", "seen", "decided", "instructions")
        return World(
            scene,
            **{name: deepcopy(getattr(self, name)) for name in kept},
            heard=self.heard,
            case_id=self.case_id,
        )

    async def restart(self) -> None:
        """The process ends, and another one begins on what the database holds."""
        url, bank = self.scene.database.url, self.bank
        await self.scene.database.dispose()
        self.scene = self.scene.on(Database(url))
        bank.now = self.scene.clock.now
        self.scene.bank = bank

    def pass_time(self, by: timedelta) -> None:
        self.scene.clock.advance(by)
        self.model.now = self.scene.clock.now()

    async def both(self, ours: Awaitable[Any], theirs: Callable[[], None]) -> Any:
        """An act on the exchange and in the model: the same answer, or the same refusal."""
        self.model.now = self.scene.clock.now()
        try:
            answer, code = await ours, "allowed"
        except DomainError as error:
            answer, code = error, error.code
        try:
            theirs()
            said = "allowed"
        except Refused as refused:
            said = str(refused)
        assert code == said, (code, said, answer)
        self.pass_time(timedelta(milliseconds=1))  # nothing is said twice at one moment
        return answer

    # -- what the bank tells

    async def deliver(self, letter: Letter, *, lost: bool = False) -> str:
        """A letter of the bank reaches the exchange, every second one the batch writer."""
        message_id = self._message_id(letter)
        self.heard += 1
        self.model.now = self.scene.clock.now()
        said = self._foretold(letter, message_id)
        batch = Batch(self.scene) if self.heard % 2 else None
        try:
            outcome = str((await self.scene.hear(letter.envelope, batch=batch))["outcome"])
        except DomainError as error:
            outcome = error.code
        assert outcome == said, (outcome, said)
        self.bank.hears(letter, outcome if outcome in OUTCOMES else "refused", lost=lost)
        self.pass_time(timedelta(milliseconds=1))
        return outcome

    def _message_id(self, letter: Letter) -> str:
        name = "MsgId>"
        text = letter.envelope.payload.decode()
        return text.partition(name)[2].partition("<")[0]

    def _foretold(self, letter: Letter, message_id: str) -> str:
        if message_id in self.decided:
            return self.decided[message_id]
        known = [entry for entry in letter.entries if self._is_known(entry)]
        try:
            if letter.credit:
                (entry,) = letter.entries
                outcome = self.model.credit(entry, known=entry.entry_id in self.books.heard)
            else:
                outcome = self._debit(letter, known=len(known))
        except Refused as refused:
            if letter.credit:
                self.decided[message_id] = str(refused)
            return str(refused)
        self.decided[message_id] = outcome
        if outcome not in {"mismatch", "known"}:
            for entry in letter.entries:
                about = self._about(entry.reference or "")
                day = max(entry.booked_on, day_of(self.model.now)) if entry.credit else entry.booked_on
                movement = Movement(day, signed(entry), about, entry.end_to_end_id)
                self.books.ask(self.model, entry.booked_on)
                self.books.note(self.model, entry.entry_id, movement)
        return outcome

    def _is_known(self, entry: Entry) -> bool:
        return entry.entry_id in self.books.heard

    def _about(self, reference: str) -> str:
        """The trade of a payment reference: its own, or a claim's."""
        return next((one.trade_id for one in self.trades.values() if reference in one.claims), reference)

    def _debit(self, letter: Letter, *, known: int) -> str:
        (named,) = {entry.message_id for entry in letter.entries}
        found = self.instructions.get(named or "")
        if found is None:
            raise Refused("settlement-not-instructed")
        trade = self.trades[found[0]]
        parts = [(entry.end_to_end_id, entry.amount_minor) for entry in letter.entries]
        return self.model.debit(trade, trade.payments[found[1]], parts, known=known)

    async def reject(self, message_id: str) -> None:
        """The bank reports that it rejects an instruction, whatever it said or did before."""
        async with self.scene.database.read() as s:
            given = await s.get(Instruction, message_id)
        assert given is not None
        report = self.bank.report(given.xml, "AM04", at=self.scene.clock.now())
        trade_id, number = self.instructions[message_id]
        trade = self.trades[trade_id]
        ours = self.scene.house.operator.do(note_status, message_id=message_id, envelope=report)
        await self.both(ours, lambda: self.model.rejected(trade, trade.payments[number]))

    # -- the clock

    async def run_jobs(self) -> None:
        """Everything that is due happens, on both sides."""
        house, bank = self.scene.house, self.bank.client(self.scene.house.exchange_key)
        self.model.now = self.scene.clock.now()
        await run_due(self.scene.database, self.model.now, handlers(house.house, bank, ESCROW))
        await self._look_at_instructions()
        names = {place: name for name, place in self.instructions.items()}

        def answers(trade: Trade, number: int) -> Sequence[str]:
            name = names.get((trade.trade_id, number))
            assert name is not None, (trade.trade_id, number, "was not instructed")
            return self.bank.said.get(name, [])

        books = self.books
        Clockwork(
            self.model, answers, lambda day: books.reconcile(self.model, self.bank, day), books.stated
        ).run()
        self.pass_time(timedelta(milliseconds=1))

    async def _look_at_instructions(self) -> None:
        async with self.scene.database.read() as s:
            query = select(Instruction.message_id, Instruction.trade_id)
            query = query.where(col(Instruction.trade_id).in_(self.trades))
            found = (await s.exec(query.order_by(col(Instruction.number)))).all()
        numbers: Counter[str] = Counter()
        self.instructions = {}
        for message_id, trade_id in found:
            self.instructions[message_id] = (trade_id, numbers[trade_id])
            numbers[trade_id] += 1

    # -- acts that need more than one word

    async def inquire(self) -> str:
        trade = await self.scene.inquire()
        self.model.now = self.scene.clock.now()
        self.model.inquire(trade.trade_id)
        self.pass_time(timedelta(milliseconds=1))
        return trade.trade_id

    async def offer(self, trade: Trade, who: Party, price: int, stands: timedelta) -> None:
        expires_at = self.scene.clock.now() + stands
        side = "BUYER" if who is self.scene.buyer else "PROVIDER"
        ours = self.scene.offer(trade.trade_id, who, price, expires_at=expires_at, term_months=MONTHS)
        await self.both(ours, lambda: self.model.offer(trade, side, price, expires_at))

    async def start_delivery(self, trade: Trade) -> None:
        end = licence_end(self.scene.clock.now(), MONTHS)
        ours = self.scene.start_delivery(trade.trade_id)
        await self.both(ours, lambda: self.model.start_delivery(trade, end))

    async def download(self, trade: Trade, who: Party, purpose: str) -> None:
        """Somebody takes the whole file, by the policy of the contract."""
        async with self.scene.database.read() as s:
            right = await entitlement_of(s, trade_id=trade.trade_id)
        if right is None:
            return
        entitlement_id = right.entitlement_id

        async def taken(s: Any, act: Any) -> Any:
            opened = await open_download(s, act, entitlement_id=entitlement_id, declared=Declared(purpose))
            span = opened.reply.span
            assert span is not None
            assert opened.download_id is not None
            return await count_sent(s, act, download_id=opened.download_id, reserved=span, sent_to=span.end)

        house = self.scene.house.house
        act = download_act(house, who.actor)
        ours = perform(house, act, taken, attempted="DLV.DOWNLOAD", object_id=entitlement_id)
        said = {
            "for_another_purpose": purpose != "INTERNAL_USE",
            "by_the_buyer": who.org_id == self.scene.buyer.org_id,
        }
        await self.both(ours, lambda: self.model.download(trade, **said))

    async def investigate(self) -> None:
        """The regulator has officers, and an investigation in which it may order something."""
        await staffed(self.scene)
        case = await self.scene.samr.do(investigate, attempted="CSE.FILE", finding=FINDING)
        self.case_id = case.case_id
        self.pass_time(timedelta(milliseconds=1))

    async def order(self, trade: Trade, measure: Measure, second: str, theirs: Callable[[], None]) -> None:
        """One officer proposes an order in a case, which moves nothing; another one puts it into force.

        What the trade does not take as it stands is refused to whoever proposes it.
        """
        said = {"measure": measure, "object_id": trade.trade_id, "reason_code": "WT1"}
        try:
            proposal = await by(self.scene, "usr_one", propose_order, case_id=self.case_id, **said)
        except DomainError as refused:
            await self.both(_raising(refused), theirs)
            return
        self.pass_time(timedelta(milliseconds=1))
        await self.check()

        def foretold() -> None:
            if second == "usr_one":
                raise Refused("order-same-officer")
            theirs()

        await self.both(by(self.scene, second, confirm_order, order_id=proposal.order_id), foretold)

    async def claiming(self, trade: Trade, act: Awaitable[Any], theirs: Callable[..., None]) -> None:
        """An act that claims money back: the ids of the claims are the exchange's to choose."""
        made: list[tuple[str, str]] = []

        async def done() -> None:
            await act
            async with self.scene.database.read() as s:
                rows = (await s.exec(select(Claim).where(Claim.trade_id == trade.trade_id))).all()
            made.extend((row.payee, row.claim_id) for row in rows if row.claim_id not in trade.claims)

        def named() -> Iterator[tuple[str, str]]:
            return iter(made)

        await self.both(done(), lambda: theirs(named))

    async def resolve(self, trade: Trade, kind: str) -> None:
        """A person says what came of a difference."""
        async with self.scene.database.read() as s:
            query = select(WorkItem).where(WorkItem.trade_id == trade.trade_id, WorkItem.kind == kind)
            items = (await s.exec(query.where(col(WorkItem.closed_at).is_(None)))).all()
        said = {"resolution": Resolution.EXPLAINED, "note": "已核对"}
        ours = self.scene.house.operator.do(close_work_item, item_id=items[0].item_id, **said)
        facts = items[0].facts
        _, number = self.instructions.get(facts.get("instruction_id"), (None, None))
        payment = None if number is None else trade.payments[number]
        closed = next(item for item in trade.items if item.kind == kind and _is_of(item, facts, number))
        await self.both(ours, lambda: self.model.resolve(trade, closed, payment))

    # -- payments in doubt

    def undecided(self) -> Iterator[Trade]:
        """Trades with a payment of which nobody knows what became."""
        for trade in self.trades.values():
            if DOUBTS & trade.kinds or any(one.status == "EXPIRED" for one in trade.payments):
                yield trade

    async def in_doubt(self) -> list[InDoubt]:
        """The payments of which the exchange has statements that show something by now."""
        async with self.scene.database.read() as s:
            return [one for one in await in_doubt(s) if one.shown is not None]

    async def ascertain(self, doubt: InDoubt, officer: str, found: Found) -> None:
        """An officer says what became of a payment; what the statements show is what the bank has booked."""
        name = doubt.instruction.message_id
        trade_id, number = self.instructions[name]
        trade = self.trades[trade_id]
        payment, seen = trade.payments[number], self._booked_of(name, trade.payments[number])
        assert doubt.shown is not None
        assert doubt.statement is not None
        same(doubt.shown.value, seen.found)
        ours = as_officer(
            self.scene,
            officer,
            _ascertain,
            trade_id=trade_id,
            instruction_id=name,
            found=found,
            statement_sha256=doubt.statement.sha256,
        )
        decided = []
        await self.both(
            ours,
            lambda: decided.append(self.model.ascertain(trade, payment, officer, found.value, seen)),
        )
        if decided == [True] and found is Found.PAID:
            for entry_id, (end_to_end_id, amount, day) in seen.entries.items():
                self.books.note(self.model, entry_id, Movement(day, amount, trade_id, end_to_end_id))

    def _booked_of(self, name: str, payment: Payment) -> Seen:
        """What the bank has booked by the name of an instruction, on the days that were compared."""
        booked = [one for one in self.bank.booked if one.message_id == name]
        booked = [one for one in booked if one.booked_on in self.books.done]
        sums: Counter[str] = Counter()
        entries: dict[str, tuple[str, int, str]] = {}
        for one in booked:
            sums[one.end_to_end_id] += signed(one)
            _, so_far, day = entries.get(one.entry_id, ("", 0, one.booked_on))
            entries[one.entry_id] = (one.end_to_end_id, so_far + signed(one), min(day, one.booked_on))
        paid = {e2e: -amount for e2e, amount in sums.items() if amount}
        found = "NOT_PAID" if not paid else "PAID" if paid == dict(payment.parts) else "OTHERWISE"
        left = {entry_id: told for entry_id, told in entries.items() if told[1]}
        return Seen(found, left, any(entry_id in self.books.heard for entry_id in left))

    def explained(self) -> Iterator[tuple[Trade, str]]:
        """What can be said to be as it should: nothing of the payment has left, or all of it is known."""
        for trade in self.trades.values():
            for kind in sorted(trade.kinds):
                if kind not in DOUBTS or not self.paid_unheard(trade):
                    yield trade, kind

    async def pay_claims(self, trade: Trade) -> None:
        """Everybody who was paid out of a trade pays back what it owes."""
        for name, claim in trade.claims.items():
            if not claim.paid and claim.payee != "PLATFORM":
                await self.deliver(self.bank.transfer(name, claim.amount))

    async def calm_down(self) -> None:
        """The bank behaves, everybody does what it owes, and what waits for a person is looked after."""
        self.bank.away = False
        self.bank.tricks.clear()
        for _ in range(3):
            for letter in [one for one in self.bank.letters if not one.answered]:
                await self.deliver(letter)
            for trade, kind in list(self.explained()):
                await self.resolve(trade, kind)
            for trade in self.trades.values():
                await self.pay_claims(trade)
                if trade.payable_again:
                    said = {"attempted": "PAY.REQUEUE", "object_id": trade.trade_id}
                    ours = self.scene.house.operator.do(pay_again, **said, trade_id=trade.trade_id)
                    await self.both(ours, lambda trade=trade: self.model.pay_again(trade))  # type: ignore[misc]
            for _ in range(2):
                self.pass_time(timedelta(days=4))
                await self.run_jobs()
        for trade in self.trades.values():
            self._has_gone_on(trade)

    def _has_gone_on(self, trade: Trade) -> None:
        """What is owed was paid, unless an order, a debtor or an open doubt stands in its way."""
        if any(due is not None and due > self.model.now for due in (trade.settle_at, trade.release_at)):
            return
        if trade.waits_for_a_person or any(not one.paid for one in trade.claims.values()):
            return
        if trade.last_out is not None and trade.last_out.status != "PAID":
            return
        assert trade.state not in {"ACCEPTED_GOODS", "PARTIAL_SETTLE"}, trade
        assert trade.state not in {"REFUND_PENDING", "VOIDED"} or not trade.held, trade

    # -- what must hold

    async def check(self) -> None:
        """The exchange's books, states and ledger are the model's, and the bank's."""
        async with self.scene.database.read() as s:
            rows = (await s.exec(select(TradeRow).where(col(TradeRow.trade_id).in_(self.trades)))).all()
            for row in rows:
                self._same(row, self.trades[row.trade_id])
            await self._books(s)
            query = select(WorkItem).where(col(WorkItem.closed_at).is_(None))
            items = (await s.exec(query.where(col(WorkItem.trade_id).is_not(None)))).all()
            query = select(Instruction).where(col(Instruction.trade_id).in_(self.trades))
            paid = (await s.exec(query.order_by(col(Instruction.number)))).all()
            query = select(PostingBatchRow.resolves).where(col(PostingBatchRow.resolves).is_not(None))
            resolved = set((await s.exec(query)).all())
            bad = (await s.exec(select(JobRow).where(col(JobRow.last_error).is_not(None)))).all()
            await self._replay(s)
        assert [(job.kind, job.key, job.last_error) for job in bad] == []
        open_ones = Counter((item.trade_id, item.kind) for item in items if item.kind in KINDS)
        same(open_ones, self.model.open_items())
        for one in paid:  # a reservation stands as long as its instruction does
            assert not one.batch_id or (one.batch_id in resolved) == (one.status != "INSTRUCTED"), one
        for trade in self.trades.values():
            ours = [
                (
                    one.kind.value,
                    one.status.value,
                    [(p["end_to_end_id"], int(p["amount_minor"])) for p in one.payouts],
                )
                for one in paid
                if one.trade_id == trade.trade_id
            ]
            same(ours, [(one.kind, one.status, one.parts) for one in trade.payments])
        for row in rows:
            same(self.seen.states[row.trade_id], row.status.value)
        same(self.seen.mismatches, Counter((one.kind, one.trade_id) for one in self.model.told))
        assert max(self.seen.settles.values(), default=0) <= 1
        self._bank_agrees()

    def _same(self, row: TradeRow, trade: Trade) -> None:
        ours = {name: getattr(row, name) for name in DEADLINES}
        assert (row.status.value, row.frozen_from, row.frozen_by) == (
            trade.state,
            trade.stood,
            trade.frozen_by,
        )
        same(ours, {name: getattr(trade, name) for name in DEADLINES})

    async def _books(self, s: Any) -> None:
        """Σ of every batch, of every trade, and of everything is zero; nothing held is below it."""
        sums = select(PostingRow.account, PostingRow.booked, func.sum(PostingRow.amount_minor))
        accounts = (await s.exec(sums.group_by(PostingRow.account, PostingRow.booked))).all()
        crooked = select(PostingRow.batch_id).group_by(PostingRow.batch_id, PostingRow.currency)
        assert (await s.exec(crooked.having(func.sum(PostingRow.amount_minor) != 0))).all() == []
        held = {
            name[5:]: -int(total) for name, booked, total in accounts if booked and name.startswith("held:")
        }
        assert all(total >= 0 for total in held.values())
        assert {name: total for name, total in held.items() if total} == {
            one.trade_id: one.held for one in self.trades.values() if one.held
        }
        cash = sum(int(total) for name, booked, total in accounts if booked and not name.startswith("held:"))
        same((cash, sum(held.values())), (self.books.at_bank,) * 2)

    async def check_totals(self) -> None:
        """The roll-ups say the same, and no reservation was resolved twice."""
        async with self.scene.database.read() as s:
            same(await totals(s), (self.books.at_bank, -self.books.at_bank))
            query = select(PostingBatchRow.resolves).where(col(PostingBatchRow.resolves).is_not(None))
            resolved = (await s.exec(query)).all()
        assert len(resolved) == len(set(resolved))

    async def _replay(self, s: Any) -> None:
        """The ledger, read on from where it was read to: by the auditor's table, and by the market's own."""
        query = select(StatementRow.id, StatementRow.event, StatementRow.object_id, StatementRow.envelope)
        found = (
            await s.exec(query.where(col(StatementRow.id) > self.seen.upto).order_by(col(StatementRow.id)))
        ).all()
        for row_id, event, object_id, envelope in found:
            self.seen.upto = row_id
            if event == "PAY.MISMATCH":
                said = orjson.loads(parse_envelope(orjson.loads(envelope)).payload)["predicate"]
                self.seen.mismatches[said["kind"], said["trade_id"]] += 1
            if event.startswith("TRD.") and object_id in self.trades:
                said = orjson.loads(parse_envelope(orjson.loads(envelope)).payload)["predicate"]
                self._step(object_id, event, said)

    def _step(self, trade_id: str, event: str, said: dict[str, Any]) -> None:
        before = self.seen.states.get(trade_id)
        roles, after = AUDITED[before, event]
        move = OURS[before and TradeState(before), TradeEvent(event[4:])]
        assert (move.roles, move.to and move.to.value) == (roles, after)
        if event not in NOT_STEPS:
            assert said["role"] in roles
            if event == "TRD.FREEZE" and before != "FROZEN":
                self.seen.stood[trade_id] = before or ""
            after = after or self.seen.stood[trade_id]
            assert (said.get("from"), said["to"]) == (before, after)
        self.seen.states[trade_id] = after
        self.seen.settles[trade_id] += event == "TRD.SETTLE"

    def _bank_agrees(self) -> None:
        """The bank's books are ours, but for what is on its way and what it was made to do wrongly."""
        under_way = sum(
            sum(map(signed, letter.entries))
            for letter in self.bank.letters
            if letter.credit and letter.decided in {"funded", "claim-paid"} and not letter.answered
        )
        unheard = sum(entry.amount_minor for entry in self._unheard())
        same(self.bank.balance, self.books.at_bank - under_way - unheard + self.bank.planted)

    def _unheard(self) -> list[Entry]:
        """What the bank has paid as it was told to, and the exchange has not taken its word for yet."""
        heard = {one.end_to_end_id for one in self.books.heard.values() if one.signed < 0}
        return [one for one in self.bank.true if not one.credit and one.end_to_end_id not in heard]

    def paid_unheard(self, trade: Trade) -> bool:
        return any(one.reference == trade.trade_id for one in self._unheard())


async def _raising(refused: DomainError) -> None:
    raise refused

"""The bank's file under random use: in balance after every step, and insert-only."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bank import transfers
from bank.accounts import open_account, open_house
from bank.clock import BankClock
from bank.control import arm, books, correct
from bank.errors import InsufficientFunds, NothingToCorrect
from bank.instructions import Desk, receive
from bank.repository import balance_of
from bank.rules import FaultKind
from bank.store import Store
from base.signing import SigningKey
from tests.bank.wire import Payout, pain001, sealed

KEY = SigningKey.generate()


class Books(RuleBasedStateMachine):
    """Customers pay in, the exchange accepts or refuses and pays out, faults strike and are cured."""

    def __init__(self):
        super().__init__()
        store = Store(Path(":memory:"))
        clock = BankClock(store, simulated=False)
        with store.write() as db:
            self.house = open_house(db, clock)
            self.accounts = [
                open_account(db, self.house, clock, holder="A", opening_minor=10_000).number for _ in range(3)
            ]
        self.desk = Desk(store, self.house, clock, KEY, KEY.public)
        self.pending, self.paid, self.count = [], [], 0

    def teardown(self):
        self.desk.store.close()

    def serial(self):
        self.count += 1
        return f"x-{self.count}"

    @rule(who=st.integers(0, 2), amount=st.integers(1, 6_000))
    def pay_in(self, who, amount):
        name = self.serial()
        order = transfers.Order(self.accounts[who], "escrow", amount, name, name)
        try:
            with self.desk.store.write() as db:
                self.pending.append(transfers.start(db, self.house, self.desk.clock, KEY, order))
        except InsufficientFunds:
            with self.desk.store.read() as db:
                assert balance_of(db, self.accounts[who]) < amount

    @rule(accepted=st.booleans(), again=st.booleans())
    def decide(self, accepted, again):
        if self.pending:
            transfer_id = self.pending[0] if again else self.pending.pop(0)
            with self.desk.store.write() as db:
                problem = None if accepted else {"code": "wrong-amount"}
                transfers.conclude(db, self.house, self.desk.clock, transfer_id, problem)

    @rule(amounts=st.lists(st.integers(0, 4_000), min_size=1, max_size=3), off=st.integers(0, 1))
    def pay_out(self, amounts, off):
        payouts = [
            Payout(self.serial(), f"{amount // 100}.{amount % 100:02d}", self.accounts[serial])
            for serial, amount in enumerate(amounts)
        ]
        total = sum(amounts) + off
        xml = pain001(
            message_id=self.serial(),
            escrow=self.house.escrow,
            payouts=payouts,
            control_sum=f"{total // 100}.{total % 100:02d}",
        )
        with self.desk.store.read() as db:
            before = balance_of(db, self.house.escrow)
        answer = receive(self.desk, sealed(xml, KEY))
        assert receive(self.desk, sealed(xml, KEY)) == answer
        with self.desk.store.read() as db:
            after = balance_of(db, self.house.escrow)
        if off or 0 in amounts or sum(amounts) > before:
            assert after == before
        elif after != before:
            self.paid += [payout.end_to_end_id for payout in payouts]

    @rule(kind=st.sampled_from(FaultKind), delta=st.integers(-500, 500).filter(bool))
    def break_something(self, kind, delta):
        with self.desk.store.write() as db:
            arm(db, kind=kind, times=1, pattern="", delta_minor=delta)

    @rule()
    def put_right(self):
        for name in self.paid:
            try:
                with self.desk.store.write() as db:
                    correct(db, self.house, self.desk.clock, name)
            except (NothingToCorrect, InsufficientFunds):
                continue

    @invariant()
    def in_balance(self):
        with self.desk.store.read() as db:
            totals = books(db)
            assert totals["sum_of_legs_minor"] == 0
            assert totals["unbalanced_movements"] == 0
            held = totals["held_minor"]
            assert held["world"] == -30_000
            assert min(held[kind] for kind in ("escrow", "fee", "customer", "transit")) >= 0
            waiting = db.execute(
                "SELECT COALESCE(SUM(amount_minor), 0) FROM transfers WHERE status = 'pending'"
            )
            assert held["transit"] == waiting.fetchone()[0]


TestBooks = Books.TestCase
TestBooks.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)


@pytest.mark.parametrize("table", ["movements", "legs", "payouts", "instructions", "statements"])
@pytest.mark.parametrize("verb", ["UPDATE", "DELETE"])
def test_what_happened_cannot_be_changed(tmp_path, table, verb):
    store = Store(tmp_path / "bank.sqlite")
    with store.write() as db:
        triggers = db.execute(
            "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", (table,)
        )
        assert any(f"BEFORE {verb} ON {table}" in row["sql"] for row in triggers)
    store.close()


def test_a_booked_leg_cannot_be_changed_or_deleted(tmp_path):
    store = Store(tmp_path / "bank.sqlite")
    clock = BankClock(store, simulated=False)
    with store.write() as db:
        open_account(db, open_house(db, clock), clock, holder="A", opening_minor=100)
    for statement in ("UPDATE legs SET amount_minor = 1", "DELETE FROM legs", "DELETE FROM movements"):
        with pytest.raises(sqlite3.IntegrityError, match="insert-only"), store.write() as db:
            db.execute(statement)
    with store.read() as db:
        assert books(db)["held_minor"]["customer"] == 100
    store.close()


def test_a_failed_transaction_leaves_nothing(tmp_path):
    store = Store(tmp_path / "bank.sqlite")
    clock = BankClock(store, simulated=False)
    with store.write() as db:
        house = open_house(db, clock)
    with pytest.raises(RuntimeError), store.write() as db:
        open_account(db, house, clock, holder="A", opening_minor=100)
        raise RuntimeError
    with store.read() as db:
        assert books(db)["legs"] == 0
    store.close()


def test_the_file_is_durable(tmp_path):
    store = Store(tmp_path / "bank.sqlite")
    with store.read() as db:
        assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert db.execute("PRAGMA synchronous").fetchone()[0] == 2
        assert db.execute("PRAGMA foreign_keys").fetchone()[0] == 1
    store.close()

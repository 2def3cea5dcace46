"""The day's reconciliation as the model sees it: what was heard against what the bank has booked."""

from dataclasses import dataclass, field, replace
from datetime import date, time, timedelta

from base.calendar import at_shanghai
from tests.market.settlement.whole.bank import HostileBank, signed
from tests.market.settlement.whole.model import Model

A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Movement:
    day: str
    signed: int
    trade_id: str
    end_to_end_id: str


@dataclass
class Books:
    """Entries by the bank's reference, and the days that are compared already."""

    heard: dict[str, Movement] = field(default_factory=dict)
    asked_for: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)

    @property
    def at_bank(self) -> int:
        return sum(one.signed for one in self.heard.values())

    def note(self, model: Model, entry_id: str, movement: Movement) -> None:
        assert entry_id not in self.heard
        self.heard[entry_id] = movement
        self.ask(model, movement.day)

    def stated(self, day: str) -> bool:
        """Whether the bank's statement of a day is here; before the first movement no day is compared."""
        return day in self.done or not any(one.day <= day for one in self.heard.values())

    def ask(self, model: Model, day: str) -> None:
        if day not in self.asked_for:
            self.asked_for.add(day)
            model.due(at_shanghai(date.fromisoformat(day) + A_DAY, time(1)), "settlement.reconcile", day)

    def reconcile(self, model: Model, bank: HostileBank, day: str) -> None:
        """State every difference of a day, and look at the next one."""
        theirs: dict[str, int] = {}
        named: dict[str, str | None] = {}
        for entry in bank.booked:
            if entry.booked_on == day:
                theirs[entry.entry_id] = theirs.get(entry.entry_id, 0) + signed(entry)
                named[entry.entry_id] = entry.reference
        self.done.add(day)
        self._credits_of(day, theirs)
        for entry_id, amount in theirs.items():
            self._look_at(model, entry_id, amount, day, named[entry_id])
        ours = {entry_id: one for entry_id, one in self.heard.items() if one.day == day}
        for entry_id, mine in ours.items():
            if entry_id not in theirs:
                self._differs(model, "missing-entry", mine.trade_id, mine.signed, 0)
        expected = sum(one.signed for one in self.heard.values() if one.day <= day)
        moved = sum(one.signed for one in ours.values())
        before = sum(signed(entry) for entry in bank.booked if entry.booked_on < day)
        for kind, ours_then, theirs_then in (
            ("opening-balance", expected - moved, before),
            ("closing-balance", expected, before + sum(theirs.values())),
        ):
            if ours_then != theirs_then:
                self._differs(model, kind, None, ours_then, theirs_then)
        self.ask(model, (date.fromisoformat(day) + A_DAY).isoformat())

    def _credits_of(self, day: str, theirs: dict[str, int]) -> None:
        """A credit that was booked before we said yes: the bank's day counts."""
        for entry_id, amount in theirs.items():
            mine = self.heard.get(entry_id)
            if mine is not None and mine.signed == amount > 0 and mine.day > day:
                self.heard[entry_id] = replace(mine, day=day)

    def _look_at(self, model: Model, entry_id: str, amount: int, day: str, name: str | None) -> None:
        mine = self.heard.get(entry_id)
        if mine is None:
            self._differs(model, "unknown-entry", name, 0, amount, entry_id=entry_id)
        elif mine.day != day:
            self._differs(model, "other-day", mine.trade_id, 0, amount)
        elif mine.signed != amount:
            self._differs(model, "amount-differs", mine.trade_id, mine.signed, amount)

    @staticmethod
    def _differs(
        model: Model, kind: str, name: str | None, *amounts: int, entry_id: str | None = None
    ) -> None:
        """A reference that is no trade's is not repeated."""
        model.differs(kind, model.trades.get(name or ""), *amounts, entry_id=entry_id)

"""A bank with books of its own, that does what it is told and worse.

Its letters wait until somebody delivers them: in any order, late, twice, or so that the answer is lost. What
it has booked is the truth about the money; what it says of it may be another thing.
"""

from collections import deque
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

import httpx
import orjson

from bank.messages import pain001
from bank.messages.entries import Entry
from bank.messages.writing import day_of
from base.signing import Envelope, envelope_signed_by, parse_envelope
from tests.market.settlement.bank_side import ESCROW, PAYER, BankSide, credit_entry, serial

PAID: Final = "paid"
REJECTED: Final = "rejected"
NOTHING: Final = "nothing"
A_LITTLE: Final = 100


class Trick(StrEnum):
    """What it does with one instruction."""

    PAYS = "pays"
    REJECTS = "rejects"
    TAKES_NOT = "does not take"
    IS_DOWN = "is down"
    LOSES_ITS_ANSWER = "loses its answer"
    NEVER_PAYS = "accepts and never pays"
    PAYS_OTHERWISE = "pays less, and says what was instructed"
    PAYS_TWICE = "pays twice, and says it once"
    SAYS_OTHERWISE = "pays rightly, and says more"
    NAMES_ANOTHER = "pays, and names an instruction nobody gave"
    LIES = "rejects, and pays"


def signed(entry: Entry) -> int:
    """Into escrow positive."""
    return entry.amount_minor if entry.credit else -entry.amount_minor


@dataclass(repr=False)
class Letter:
    """A notification. `entries` is what it says; `accepted` once the exchange has said so and was heard."""

    envelope: Envelope
    entries: list[Entry]
    credit: bool
    decided: str | None = None
    answered: bool = False

    def __repr__(self) -> str:
        told = [f"{'+' if one.credit else '-'}{one.amount_minor} {one.reference}" for one in self.entries]
        return f"<{', '.join(told)}: {self.decided}>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: FBT001 - as Hypothesis prints it
        del cycle
        printer.text(repr(self))


@dataclass
class HostileBank(BankSide):
    """`tricks` are for the instructions to come, one each; after them it pays."""

    now: Callable[[], datetime] = field(default=lambda: datetime.min.replace(tzinfo=UTC), repr=False)
    tricks: deque[Trick] = field(default_factory=deque)
    letters: list[Letter] = field(default_factory=list)
    said: dict[str, list[str]] = field(default_factory=dict)  # by instruction, call by call
    reports: dict[str, Envelope] = field(default_factory=dict)
    away: bool = False  # for as long as nobody says otherwise
    once: set[str] = field(default_factory=set)  # each end-to-end id is paid once for ever
    true: list[Entry] = field(default_factory=list)  # of what it has booked: what it should have
    planted: int = 0  # fen that it booked beside that

    def copy(self) -> "HostileBank":
        return replace(
            self,
            booked=list(self.booked),
            true=list(self.true),
            tricks=deque(self.tricks),
            letters=deepcopy(self.letters),
            said={name: list(told) for name, told in self.said.items()},
            reports=dict(self.reports),
            once=set(self.once),
            told={},
        )

    @property
    def balance(self) -> int:
        return sum(map(signed, self.booked))

    def book(self, notification: Envelope) -> None:
        """Its books do not follow what the exchange says."""

    def write(self, entries: list[Entry], *, credit: bool) -> Letter:
        letter = Letter(self.notification(entries, at=self.now()), entries, credit)
        self.letters.append(letter)
        return letter

    def transfer(
        self, reference: str | None, amount: int, *, account: str = PAYER, end_to_end_id: str = "buyer-1"
    ) -> Letter:
        """A customer pays in; it is booked when the exchange takes it."""
        entry = replace(
            credit_entry(reference, amount, on=day_of(self.now())),
            party_account=account,
            end_to_end_id=end_to_end_id,
        )
        return self.write([entry], credit=True)

    def retold(self, letter: Letter, *, anew: bool) -> Letter:
        """What a letter says, in another one; with new references if it is told as of another payment."""
        entries = [replace(one, entry_id=serial("pay")) if anew else one for one in letter.entries]
        return self.write(entries, credit=letter.credit)

    def hears(self, letter: Letter, outcome: str, *, lost: bool) -> None:
        """What the exchange answered to a letter, unless that was lost on the way."""
        assert letter.decided in {None, outcome} or not letter.credit, (letter.decided, outcome)
        letter.decided = outcome
        if lost or letter.answered:
            return
        letter.answered = letter.credit or outcome != "refused"
        if letter.credit and outcome != "refused":
            self._book([replace(one, booked_on=day_of(self.now())) for one in letter.entries])

    def _book(self, entries: list[Entry]) -> None:
        self.booked += entries
        self.true += entries

    def plant(self, entry: Entry, amount: int) -> None:
        """Book something that nobody told it to."""
        self.booked.append(
            replace(entry, credit=amount > 0, amount_minor=abs(amount), booked_on=day_of(self.now()))
        )
        self.planted += amount

    def _answer(self, request: httpx.Request, exchange_public: bytes) -> httpx.Response:
        if request.url.path.startswith("/statements/"):
            return super()._answer(request, exchange_public)
        envelope = parse_envelope(orjson.loads(request.content))
        assert envelope_signed_by(envelope, exchange_public)
        instruction = pain001.read(envelope.payload)
        calls = self.said.setdefault(instruction.message_id, [])
        if self.away:
            calls.append(NOTHING)
            raise httpx.ConnectError("nobody at home")
        known = self.reports.get(instruction.message_id)
        if known is not None:
            calls.append(PAID)
            return httpx.Response(200, json=known.document())
        trick = self.tricks.popleft() if self.tricks else Trick.PAYS
        if trick is Trick.IS_DOWN:
            calls.append(NOTHING)
            raise httpx.ConnectError("nobody at home")
        if trick is Trick.TAKES_NOT:
            calls.append(REJECTED)
            problem = {"content-type": "application/problem+json"}
            return httpx.Response(422, json={"code": "malformed"}, headers=problem)
        return self._decided(envelope.payload, instruction, trick, calls)

    def _decided(self, xml: bytes, instruction: Any, trick: Trick, calls: list[str]) -> httpx.Response:
        from_fees = instruction.debtor_account == ESCROW.fee_account
        total = sum(one.amount_minor for one in instruction.payouts)
        codes: list[str] = []
        if self.once & {one.end_to_end_id for one in instruction.payouts}:
            codes = ["DU04"]
        elif not from_fees and total > self.balance:
            codes = ["AM04"]
        elif trick in {Trick.REJECTS, Trick.LIES}:
            codes = ["MS03"]
        report = self.report(xml, *codes, at=instruction.created_at)
        if not codes or (trick is Trick.LIES and codes == ["MS03"]):
            self._pay(instruction, Trick.PAYS if from_fees and trick is not Trick.NEVER_PAYS else trick)
        if not codes:
            self.reports[instruction.message_id] = report
        if trick is Trick.LOSES_ITS_ANSWER and not codes:
            calls.append(NOTHING)
            raise httpx.ReadTimeout("the answer is lost")
        calls.append(REJECTED if codes else PAID)
        return httpx.Response(200, json=report.document())

    def _pay(self, instruction: Any, trick: Trick) -> None:
        if trick is Trick.NEVER_PAYS:
            return
        on = day_of(self.now())
        self.once |= {one.end_to_end_id for one in instruction.payouts}
        if instruction.debtor_account == ESCROW.fee_account:
            for one in instruction.payouts:
                self.transfer(
                    one.reference,
                    one.amount_minor,
                    account=ESCROW.fee_account,
                    end_to_end_id=one.end_to_end_id,
                )
            return
        entries = [
            Entry(
                entry_id=serial("pay"),
                credit=False,
                amount_minor=one.amount_minor,
                booked_on=on,
                valued_on=on,
                end_to_end_id=one.end_to_end_id,
                party_name="payee",
                party_account=one.creditor_account,
                reference=one.reference,
                message_id=instruction.message_id,
            )
            for one in instruction.payouts
        ]
        self._book(entries)
        first, *others = entries
        less = min(A_LITTLE, first.amount_minor - 1)
        if trick is Trick.PAYS_OTHERWISE and less:
            self.plant(first, less)
        elif trick is Trick.PAYS_TWICE and first.amount_minor <= self.balance:
            self.plant(first, -first.amount_minor)
        elif trick is Trick.SAYS_OTHERWISE:
            entries = [replace(first, amount_minor=first.amount_minor + A_LITTLE), *others]
        elif trick is Trick.NAMES_ANOTHER:
            another = serial("ins")
            entries = [replace(one, message_id=another) for one in entries]
        self.write(entries, credit=False)

"""The bank's side of the wire, in this process: it reads and writes with the bank's own message code.

It has no books (those are the bank process's, `tests/bank`); what it answers is what a test tells it to.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import count
from typing import Final

import httpx
import orjson

from bank.amounts import account_number
from bank.messages import camt053, camt054, pain001, pain002
from bank.messages.entries import Entry
from bank.messages.writing import day_of
from base.calendar import end_of_day_shanghai
from base.canonical import sha256_hex
from base.signing import (
    Envelope,
    SigningKey,
    envelope_signed_by,
    parse_envelope,
    sign_envelope,
)
from market.settlement.bank import BankClient
from market.settlement.instructing import Escrow
from market.settlement.tables import Instruction

ESCROW: Final = Escrow(account_number(1), account_number(2))
PAYER: Final = account_number(10)
_serials = count(1)


class Mood(StrEnum):
    """What the bank does with the next instructions."""

    PAYS = "pays"
    REJECTS = "rejects"
    DOES_NOT_TAKE = "does not take"
    IS_DOWN = "is down"


def serial(prefix: str) -> str:
    """A reference of the bank's that was not used yet."""
    return f"{prefix}_{next(_serials):026d}"


def credit_entry(reference: str | None, amount_minor: int, *, on: str, entry_id: str | None = None) -> Entry:
    """Money into escrow."""
    return Entry(
        entry_id=entry_id or serial("trf"),
        credit=True,
        amount_minor=amount_minor,
        booked_on=on,
        valued_on=on,
        end_to_end_id="buyer-1",
        party_name="湾区普惠银行",
        party_account=PAYER,
        reference=reference,
    )


def debit_entries(instruction: Instruction, *, on: str) -> list[Entry]:
    """Money out of escrow, exactly as it was instructed."""
    return [
        Entry(
            entry_id=serial("pay"),
            credit=False,
            amount_minor=int(payout["amount_minor"]),
            booked_on=on,
            valued_on=on,
            end_to_end_id=payout["end_to_end_id"],
            party_name="payee",
            party_account=payout["account"],
            reference=instruction.trade_id,
            message_id=instruction.message_id,
        )
        for payout in instruction.payouts
    ]


@dataclass
class BankSide:
    """A bank that signs. `received` are the bodies of the instructions, in order.

    `booked` is what its statements say; a day in `days` is answered with that instead.
    """

    key: SigningKey = field(repr=False)
    mood: Mood = Mood.PAYS
    received: list[bytes] = field(default_factory=list)
    answers: dict[str, tuple[str, Envelope]] = field(default_factory=dict)
    booked: list[Entry] = field(default_factory=list)
    days: dict[date, Envelope] = field(default_factory=dict)
    told: dict[bytes, list[Entry]] = field(default_factory=dict, repr=False)

    def sealed(self, message: str, xml: bytes) -> Envelope:
        return sign_envelope(f"application/xml; message={message}", xml, self.key)

    def copy(self) -> "BankSide":
        """A bank with the same key and books."""
        return BankSide(self.key, booked=list(self.booked))

    def book(self, notification: Envelope) -> None:
        """What a notification told is booked: the exchange has accepted it."""
        self.booked += self.told.pop(notification.payload, [])

    def notification(
        self,
        entries: Sequence[Entry],
        *,
        at: datetime,
        message_id: str | None = None,
        escrow: str | None = None,
    ) -> Envelope:
        xml = camt054.notification(
            message_id=message_id or serial("ntf"),
            at=at,
            escrow=escrow or ESCROW.account,
            entries=list(entries),
        )
        self.told[xml] = list(entries)
        return self.sealed(camt054.MESSAGE, xml)

    def credit(
        self,
        reference: str | None,
        amount_minor: int,
        *,
        at: datetime,
        message_id: str | None = None,
        entry_id: str | None = None,
        escrow: str | None = None,
    ) -> Envelope:
        """A camt.054 about money that comes in."""
        entry = credit_entry(reference, amount_minor, on=day_of(at), entry_id=entry_id)
        return self.notification([entry], at=at, message_id=message_id, escrow=escrow)

    def debit(self, instruction: Instruction, *, at: datetime, message_id: str | None = None) -> Envelope:
        """A camt.054 about an instruction that was paid as it was given."""
        return self.notification(debit_entries(instruction, on=day_of(at)), at=at, message_id=message_id)

    def debit_otherwise(self, instruction: Instruction, *, at: datetime, delta_minor: int) -> Envelope:
        """A camt.054 in which the first payee got so much more than instructed."""
        first, *others = debit_entries(instruction, on=day_of(at))
        wrong = replace(first, amount_minor=first.amount_minor + delta_minor)
        return self.notification([wrong, *others], at=at)

    def report(self, instruction_xml: bytes, *codes: str, at: datetime) -> Envelope:
        """A pain.002: paid, or rejected for the reasons."""
        xml = pain002.status_report(
            message_id=serial("psr"),
            at=at,
            instruction=pain001.read(instruction_xml),
            reasons=tuple(pain002.Reason(code, "told to") for code in codes),
        )
        return self.sealed(pain002.MESSAGE, xml)

    def statement(
        self,
        day: date,
        entries: Sequence[Entry],
        *,
        opening_minor: int = 0,
        running: bool = False,
        escrow: str | None = None,
    ) -> Envelope:
        """A camt.053 of a day that is over, or of the running day at noon."""
        ends_at = end_of_day_shanghai(day) + timedelta(milliseconds=1)
        until = ends_at - timedelta(hours=12) if running else ends_at
        told = camt053.Day(day, ends_at - timedelta(days=1), until, opening_minor, tuple(entries))
        xml = camt053.statement(message_id=serial("stm"), at=until, escrow=escrow or ESCROW.account, day=told)
        return self.sealed(camt053.MESSAGE, xml)

    def day_of(self, day: date) -> Envelope:
        """The camt.053 that the books give for a day."""
        before = [entry for entry in self.booked if entry.booked_on < day.isoformat()]
        on_day = [entry for entry in self.booked if entry.booked_on == day.isoformat()]
        opening = sum(entry.amount_minor if entry.credit else -entry.amount_minor for entry in before)
        return self.statement(day, on_day, opening_minor=opening)

    def client(self, exchange_key: SigningKey) -> BankClient:
        """The exchange's way to this bank."""

        def answer(request: httpx.Request) -> httpx.Response:
            return self._answer(request, exchange_key.public)

        http = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://bank.example")
        return BankClient(http, exchange_key, self.key.public)

    def _answer(self, request: httpx.Request, exchange_public: bytes) -> httpx.Response:
        if self.mood is Mood.IS_DOWN:
            raise httpx.ConnectError("nobody at home")
        if request.url.path.startswith("/statements/"):
            day = date.fromisoformat(request.url.path.rpartition("/")[2])
            return httpx.Response(200, json=(self.days.get(day) or self.day_of(day)).document())
        assert request.url.path == "/instructions"
        self.received.append(request.content)
        if self.mood is Mood.DOES_NOT_TAKE:
            return httpx.Response(
                422, json={"code": "malformed"}, headers={"content-type": "application/problem+json"}
            )
        envelope = parse_envelope(orjson.loads(request.content))
        assert envelope_signed_by(envelope, exchange_public)
        instruction = pain001.read(envelope.payload)
        digest = sha256_hex(envelope.payload)
        if instruction.message_id not in self.answers:
            codes = ("MS03",) if self.mood is Mood.REJECTS else ()
            report = self.report(envelope.payload, *codes, at=instruction.created_at)
            self.answers[instruction.message_id] = (digest, report)
        known, report = self.answers[instruction.message_id]
        assert known == digest, "one message id, two messages"
        return httpx.Response(200, json=report.document())

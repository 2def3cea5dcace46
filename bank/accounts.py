"""Accounts: the bank's standing ones, and those of organisations."""

import hashlib
import hmac
import secrets
import sqlite3
from dataclasses import dataclass
from typing import Final

from bank.amounts import account_number
from bank.clock import BankClock
from bank.errors import WrongToken
from bank.repository import House, Movement, account_row, balance_of, book, standing_account
from bank.rules import AccountKind, MovementKind
from base.clock import rfc3339

ESCROW_HOLDER: Final = "Databourse escrow"  # in trust for the trades of the exchange
_STANDING: Final = (
    (AccountKind.ESCROW, ESCROW_HOLDER),
    (AccountKind.FEE, "Exchange, fee account"),
    (AccountKind.TRANSIT, "In transit"),
    (AccountKind.WORLD, "Opening balances"),
)


@dataclass(frozen=True, slots=True)
class Opened:
    """A new account. The token is told once; the bank keeps its digest only."""

    number: str
    token: str


def open_house(db: sqlite3.Connection, clock: BankClock) -> House:
    """The bank's standing accounts, opened at the first start: escrow is always serial 1, fees serial 2."""
    if db.execute("SELECT count(*) FROM accounts").fetchone()[0] == 0:
        for kind, holder in _STANDING:
            _insert(db, clock, kind=kind, holder=holder, token=None)
    return House(
        escrow=standing_account(db, AccountKind.ESCROW),
        fee=standing_account(db, AccountKind.FEE),
        transit=standing_account(db, AccountKind.TRANSIT),
        world=standing_account(db, AccountKind.WORLD),
    )


def open_account(
    db: sqlite3.Connection, house: House, clock: BankClock, *, holder: str, opening_minor: int
) -> Opened:
    """An account of an organisation with an opening balance in fen (play money, from outside the bank)."""
    token = secrets.token_urlsafe(32)
    number = _insert(db, clock, kind=AccountKind.CUSTOMER, holder=holder, token=token)
    if opening_minor > 0:
        opening = Movement(
            kind=MovementKind.OPENING,
            payer=house.world,
            payee=number,
            amount_minor=opening_minor,
            entry_id=f"opn_{number}",
            end_to_end_id="NOTPROVIDED",
            party_account=number,
        )
        book(db, house, opening, clock.now())
    return Opened(number, token)


def authorise(db: sqlite3.Connection, number: str, token: str) -> None:
    """Refuses (WrongToken) unless the token is this account's; unknown accounts take as long."""
    row = db.execute("SELECT token_sha256 FROM accounts WHERE number = ?", (number,)).fetchone()
    kept = row["token_sha256"] if row is not None and row["token_sha256"] else _digest("")
    if not hmac.compare_digest(kept, _digest(token)) or not token:
        raise WrongToken("no account answers to this token")


def balance(db: sqlite3.Connection, number: str) -> dict[str, str | int]:
    """The account's number, holder and balance in fen."""
    row = account_row(db, number)
    return {"account": number, "holder": row["holder"], "balance_minor": balance_of(db, number)}


def _insert(
    db: sqlite3.Connection, clock: BankClock, *, kind: AccountKind, holder: str, token: str | None
) -> str:
    serial = int(db.execute("SELECT COALESCE(MAX(serial), 0) + 1 FROM accounts").fetchone()[0])
    number = account_number(serial)
    db.execute(
        "INSERT INTO accounts (serial, number, holder, kind, token_sha256, opened_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (serial, number, holder, kind, _digest(token) if token else None, rfc3339(clock.now())),
    )
    return number


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()

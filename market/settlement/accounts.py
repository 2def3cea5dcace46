"""Statements of account: what an organisation, the platform or the house paid in and was paid, and the proof.

Out of the insert-only postings: a balance before the period, every movement with the statement, entry and
opening that prove it, and the balance after. The canonical document is what the exchange signs for
(ACC.STATEMENT); who holds it and a bundle of the log recomputes it (`databourse account`).
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final

import orjson
from sqlalchemy import or_
from sqlmodel import col, select

from base.calendar import at_shanghai, shanghai_day
from base.canonical import canonical, sha256_hex
from base.clock import rfc3339
from base.db import ReadSession, WriteSession
from ledger.accounts import escrow_of, platform_fee
from ledger.balances import Booked, balance_before, movements
from ledger.recording import Act, record
from ledger.statement import Draft
from market.orders.tables import Trade
from market.settlement.errors import (
    AccountNotSealed,
    AccountStatementUnknown,
    PeriodMalformed,
    PeriodTooLong,
)
from market.settlement.tables import AccountStatement

FORM: Final = "databourse/statement-of-account/v2"
COMMISSION: Final = "commission:"
MAX_LINES: Final = 10_000
_A_DAY: Final = timedelta(days=1)
_TICK: Final = timedelta(milliseconds=1)  # what was booked at this very moment is there
_EARLIEST: Final = date(2000, 1, 1)
_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_PARTS: Final = ("amount_minor", "commission_minor", "platform_fee_minor")
COLUMNS: Final = (
    *("at", "kind", "trade_id", "paid_in", "paid_out", "balance", "price", "commission", "platform_fee"),
    *("currency", "event", "statement_id", "seq", "envelope_sha256"),
)


async def statement_of_account(
    s: ReadSession, *, account: str, since: date, until: date, now: datetime
) -> dict[str, Any]:
    """The document of an account for days in Shanghai, both included; of the running day as far as `now`.

    Amounts are strings of fen. `paid_in` is into escrow, `paid_out` out of it, the balance what was paid in
    less what was paid out. Raises PeriodMalformed, PeriodTooLong.
    """
    if not _EARLIEST <= since <= until <= shanghai_day(now):
        raise PeriodMalformed(
            "a period is of days that have begun", since=since.isoformat(), until=until.isoformat()
        )
    start, end = at_shanghai(since, time()), min(at_shanghai(until + _A_DAY, time()), now + _TICK)
    booked, about = _booked_on(account)
    moved = await movements(s, booked, since=start, until=end, limit=MAX_LINES + 1, about=about)
    if len(moved) > MAX_LINES:
        raise PeriodTooLong("too many movements", limit=MAX_LINES)
    opening = await balance_before(s, booked, moment=start, about=about)
    lines, balance = [], opening
    trades = await _trades(s, moved)
    for one in moved:
        balance += one.amount_minor
        lines.append(_line(account, one, trades.get(one.object_id), balance))
    return {
        "form": FORM,
        "account": account,
        "currency": "CNY",
        "from": since.isoformat(),
        "to": until.isoformat(),
        "until": rfc3339(end),
        "opening_minor": str(opening),
        "paid_in_minor": str(sum(one.amount_minor for one in moved if one.amount_minor > 0)),
        "paid_out_minor": str(-sum(one.amount_minor for one in moved if one.amount_minor < 0)),
        "closing_minor": str(balance),
        "lines": lines,
    }


def commission_of(org_id: str) -> str:
    """A broker's commission by itself: of its account what is booked on the trades that it mediated."""
    return f"{COMMISSION}{org_id}"


def _booked_on(account: str) -> tuple[str, Any]:
    """The account of the books, and the trades of which alone it is asked (None: of all).

    A broker is no party of the trade it mediates (BR5), so what it was paid there is commission, and what it
    pays back of such a trade is commission given back.
    """
    if not account.startswith(COMMISSION):
        return account, None
    org_id = account.removeprefix(COMMISSION)
    return escrow_of(org_id), select(Trade.trade_id).where(
        or_(col(Trade.broker_id) == org_id, col(Trade.reward_to) == org_id)
    )


def _line(account: str, one: Booked, trade: Trade | None, balance: int) -> dict[str, Any]:
    opened: Mapping[str, Any] = orjson.loads(one.opening) if one.opening is not None else {}
    kind = kind_of(_booked_on(account)[0], one.event, trade)
    told = "COMMISSION" if account.startswith(COMMISSION) else "SELLER"
    whole = kind == told and set(_PARTS) <= opened.keys()
    return {
        "at": rfc3339(one.booked_at),
        "kind": kind,
        "event": one.event,
        "trade_id": one.object_id,
        "paid_in_minor": str(max(one.amount_minor, 0)),
        "paid_out_minor": str(max(-one.amount_minor, 0)),
        "balance_minor": str(balance),
        "price_minor": str(opened["amount_minor"]) if whole else None,
        "commission_minor": str(opened["commission_minor"]) if whole else None,
        "platform_fee_minor": str(opened["platform_fee_minor"]) if whole else None,
        "statement_id": one.statement_id,
        "envelope_sha256": one.envelope_sha256,
        "seq": one.seq,
        "opening": one.opening.decode() if one.opening is not None else None,
    }


def kind_of(account: str, event: str, trade: Trade | None) -> str:
    """What a movement is: FUNDED, SELLER, COMMISSION, PLATFORM_FEE, REFUNDED, CLAIM; SETTLED as a whole."""
    if event == "TRD.SETTLE":
        if account == platform_fee():
            return "PLATFORM_FEE"
        if trade is not None:
            sides = {trade.seller_id: "SELLER", trade.commission_to: "COMMISSION", trade.buyer_id: "REFUNDED"}
            for org_id, kind in sides.items():
                if org_id is not None and account == escrow_of(org_id):
                    return kind
        return "SETTLED"
    named = {"TRD.FUND": "FUNDED", "TRD.REFUND": "REFUNDED", "PAY.CLAIM_PAID": "CLAIM"}
    return named.get(event, "OTHER")


async def _trades(s: ReadSession, moved: Sequence[Booked]) -> dict[str, Trade]:
    found: dict[str, Trade] = {}
    ids = sorted({one.object_id for one in moved})
    for start in range(0, len(ids), 500):  # SQLite bounds the parameters of one statement
        query = select(Trade).where(col(Trade.trade_id).in_(ids[start : start + 500]))
        found |= {trade.trade_id: trade for trade in (await s.exec(query)).all()}
    return found


async def sign_statement(
    s: WriteSession, act: Act, *, account: str, since: date, until: date
) -> AccountStatement:
    """Have the exchange stand for a statement of account (ACC.STATEMENT: the digest of its canonical form).

    What is signed has a nonce beside what is shown: the digest is public, and a balance that did not move is
    soon guessed. The same account, period and lines again are the same statement. Raises AccountNotSealed
    while a line has no entry yet, PeriodMalformed, PeriodTooLong.
    """
    document = await statement_of_account(s, account=account, since=since, until=until, now=act.now)
    waiting = [line["statement_id"] for line in document["lines"] if line["seq"] is None]
    if waiting:
        raise AccountNotSealed("a movement is not sealed yet", statement_ids=waiting[:10])
    known = await _signed_before(s, account=account, since=since, until=until, document=document)
    if known is not None:
        return known
    text = canonical(document | {"nonce": act.nonce()})
    digest = sha256_hex(text)
    stated_id = act.new_id("acs")
    recorded = await record(
        s,
        act,
        Draft(
            "ACC.STATEMENT",
            stated_id,
            public={
                "account": account,
                "from": document["from"],
                "to": document["to"],
                "statement_sha256": digest,
            },
            opening={
                "opening_minor": document["opening_minor"],
                "closing_minor": document["closing_minor"],
                "lines": len(document["lines"]),
            },
            subjects={"statement-of-account": digest},
        ),
    )
    row = AccountStatement(
        stated_id=stated_id,
        account=account,
        from_day=since,
        to_day=until,
        document=text.decode(),
        sha256=digest,
        stated_at=act.now,
        statement_id=recorded.statement_id,
    )
    s.add(row)
    await s.flush()
    return row


async def _signed_before(
    s: ReadSession, *, account: str, since: date, until: date, document: Mapping[str, Any]
) -> AccountStatement | None:
    """The statement that says the same of the same days, whatever its nonce."""
    query = select(AccountStatement).where(
        AccountStatement.account == account,
        AccountStatement.from_day == since,
        AccountStatement.to_day == until,
    )
    for row in (await s.exec(query.order_by(col(AccountStatement.stated_id).desc()))).all():
        said = orjson.loads(row.document)
        if said.pop("nonce", None) is not None and said == document:
            return row
    return None


async def signed_statement(s: ReadSession, *, stated_id: str, accounts: Sequence[str]) -> AccountStatement:
    """A signed statement of one of these accounts. Raises AccountStatementUnknown, also for another's."""
    row = await s.get(AccountStatement, stated_id)
    if row is None or row.account not in accounts:
        raise AccountStatementUnknown("no such statement of account", stated_id=stated_id)
    return row


async def signed_statements(s: ReadSession, *, account: str, limit: int = 50) -> Sequence[AccountStatement]:
    """The signed statements of an account, newest first."""
    query = select(AccountStatement).where(AccountStatement.account == account)
    return (await s.exec(query.order_by(col(AccountStatement.stated_id).desc()).limit(limit))).all()


def as_csv(document: Mapping[str, Any]) -> str:
    """The document as CSV (RFC 4180): an opening and a closing row around the lines, amounts in yuan.

    No cell begins as a formula would: a text that a spreadsheet could calculate with is quoted by `'`.
    """
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\r\n")
    rows.writerow(COLUMNS)
    first = {"at": document["from"], "kind": "OPENING", "balance_minor": document["opening_minor"]}
    last = {
        "at": document["to"],
        "kind": "CLOSING",
        "paid_in_minor": document["paid_in_minor"],
        "paid_out_minor": document["paid_out_minor"],
        "balance_minor": document["closing_minor"],
    }
    for line in (first, *document["lines"], last):
        rows.writerow([_cell(line, name, document["currency"]) for name in COLUMNS])
    return written.getvalue()


def _cell(line: Mapping[str, Any], name: str, currency: str) -> str:
    if name == "currency":
        return currency
    value = line.get(name)
    if value is None and line.get(f"{name}_minor") is not None:
        minor = int(line[f"{name}_minor"])
        whole, fen = divmod(abs(minor), 100)
        return f"{'-' if minor < 0 else ''}{whole}.{fen:02d}"
    return plain_cell("" if value is None else str(value))


def plain_cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula; numbers stay as they are."""
    if text and text[0] in "=+-@\t\r\n" and _NUMBER.fullmatch(text) is None:
        return f"'{text}"
    return text

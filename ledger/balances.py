"""What the accounts hold: asked by anyone, posted by settlement alone (`ledger.posting`).

Balances are sums of booked postings. When a day is over it is rolled up: what each account held at its end
is kept, so that a sum is taken over what came since, however many postings there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, case, func, text
from sqlalchemy import select as plain_select
from sqlmodel import col, select

from base.calendar import at_shanghai, shanghai_day
from base.db import ReadSession, WriteSession
from ledger.accounts import HELD, Leg, bank_cash, every_trade
from ledger.tables import (
    DayBalanceRow,
    EntryRow,
    OpeningRow,
    PastEntryRow,
    PostingBatchRow,
    PostingRow,
    StatementRow,
)

_A_DAY: Final = timedelta(days=1)
_AT_ONCE: Final = 1000
_ON_TRADES: Final = col(PostingRow.account).startswith(HELD, autoescape=True)
_BOOKED: Final = col(PostingRow.booked).is_(True)
_SUM: Final = func.coalesce(func.sum(PostingRow.amount_minor), 0)

_MOVED: Final[Sequence[Any]] = (
    func.sum(PostingRow.amount_minor),
    PostingBatchRow.booked_at,
    PostingBatchRow.object_id,
    StatementRow.statement_id,
    StatementRow.event,
    StatementRow.envelope_sha256,
    OpeningRow.document,
    func.max(func.coalesce(EntryRow.seq, PastEntryRow.seq)),
)


@dataclass(frozen=True, slots=True)
class Booked:
    """What one batch moved on an account, in fen, and the statement that says why."""

    amount_minor: int
    booked_at: datetime
    object_id: str
    statement_id: str
    event: str
    envelope_sha256: str
    opening: bytes | None
    seq: int | None


async def balance(s: ReadSession, account: str) -> int:
    """The booked balance of an account in fen.

    `bank:escrow` is a roll-up: everything that is not held on a trade. `held` is the other side of it.
    """
    return await balance_before(s, account, moment=None)


async def balance_before(s: ReadSession, account: str, *, moment: datetime | None, about: Any = None) -> int:
    """The booked balance of an account, or a roll-up, before a moment (None: now), in fen.

    It starts at the last day that was rolled up and was over by then. `about`, a question that answers ids,
    leaves out what is booked about anything else.
    """
    low, since, start = await _rolled_up(s, account, moment) if about is None else (0, None, 0)
    query = select(_SUM).where(_of(account), _BOOKED, col(PostingRow.id) > low)
    if about is not None:
        query = query.where(col(PostingBatchRow.object_id).in_(about))
    if since is not None or moment is not None or about is not None:
        query = query.join(PostingBatchRow, col(PostingBatchRow.batch_id) == col(PostingRow.batch_id))
    if since is not None:
        query = query.where(PostingBatchRow.booked_at >= since)
    if moment is not None:
        query = query.where(PostingBatchRow.booked_at < moment)
    return start + int((await s.exec(query)).one())


async def movements(
    s: ReadSession, account: str, *, since: datetime, until: datetime, limit: int, about: Any = None
) -> Sequence[Booked]:
    """What was booked on an account (or a roll-up) from a moment on and before another, in order.

    `about` as for `balance_before`.
    """
    low, _, _ = await _rolled_up(s, account, since)
    query: Any = (
        plain_select(*_MOVED)
        .join(PostingBatchRow, col(PostingBatchRow.batch_id) == col(PostingRow.batch_id))
        .join(StatementRow, col(StatementRow.statement_id) == col(PostingBatchRow.statement_id))
        .outerjoin(OpeningRow, col(OpeningRow.sha256) == col(StatementRow.opening_sha256))
        .outerjoin(EntryRow, col(EntryRow.statement_row) == col(StatementRow.id))
        .outerjoin(PastEntryRow, col(PastEntryRow.statement_row) == col(StatementRow.id))
        .where(_of(account), _BOOKED, col(PostingRow.id) > low)
        .where(col(PostingBatchRow.booked_at) >= since, col(PostingBatchRow.booked_at) < until)
        .where(*([] if about is None else [col(PostingBatchRow.object_id).in_(about)]))
        .group_by(col(PostingBatchRow.batch_id), *_MOVED[1:-1])
        .having(func.sum(PostingRow.amount_minor) != 0)
        .order_by(col(PostingBatchRow.booked_at), func.min(PostingRow.id))
        .limit(limit)
    )
    found = (await (await s.connection()).execute(query)).all()
    return [Booked(int(amount), *rest) for amount, *rest in found]


async def roll_up(s: WriteSession, *, day: date) -> int:
    """Keep what every account of money held when a day (Shanghai) was over, and both roll-ups.

    Once for a day, in the order of the days; returns how many accounts moved since the last one. What is
    booked is booked now, so nothing comes into a day that is over; on PostgreSQL it waits for every
    transaction that has posted and not committed. (On SQLite the one writer is alone already.)
    """
    if s.get_bind().dialect.name == "postgresql":
        await (await s.connection()).execute(text("LOCK TABLE ledger_postings IN SHARE MODE"))
    last = await _last_day(s, None)
    if last is not None and last.day >= day:
        return 0
    end = _end(day)
    low = last.upto_id if last is not None else 0
    amount = col(PostingRow.amount_minor)
    account = case((_ON_TRADES, every_trade()), else_=col(PostingRow.account)).label("account")
    query = (
        plain_select(
            account,
            _SUM,
            func.coalesce(func.sum(case((amount > 0, amount), else_=0)), 0),
            func.coalesce(func.sum(case((amount < 0, -amount), else_=0)), 0),
            func.count(),
        )
        .join(PostingBatchRow, col(PostingBatchRow.batch_id) == col(PostingRow.batch_id))
        .where(_BOOKED, col(PostingRow.id) > low, col(PostingBatchRow.booked_at) < end)
        .group_by(account)
    )
    if last is not None:
        query = query.where(col(PostingBatchRow.booked_at) >= _end(last.day))
    moved: dict[str, list[int]] = {
        name: [int(figure) for figure in figures]
        for name, *figures in (await (await s.connection()).execute(query)).all()
    }
    own = [figures for name, figures in moved.items() if name != every_trade()]
    moved[bank_cash()] = [sum(figures[at] for figures in own) for at in range(4)]
    moved.setdefault(every_trade(), [0] * 4)
    upto = await _upto(s, end)
    held = await _held_last(s, sorted(moved))
    s.add_all(
        DayBalanceRow(
            account=name,
            day=day,
            upto_id=upto,
            balance_minor=held.get(name, 0) + total,
            paid_in_minor=paid_in,
            paid_out_minor=paid_out,
            movements=count,
        )
        for name, (total, paid_in, paid_out, count) in sorted(moved.items())
    )
    await s.flush()
    return len(moved)


async def day_balances(s: ReadSession, *, account: str, limit: int = 100) -> Sequence[DayBalanceRow]:
    """The rolled-up days of an account, newest first."""
    query = select(DayBalanceRow).where(DayBalanceRow.account == account)
    return (await s.exec(query.order_by(col(DayBalanceRow.day).desc()).limit(limit))).all()


async def reserved_legs(s: ReadSession, *, batch_id: str) -> tuple[Leg, ...]:
    """The legs of a reservation, as they were written."""
    query = select(PostingRow).where(PostingRow.batch_id == batch_id).order_by(col(PostingRow.id))
    return tuple(Leg(row.account, row.amount_minor, row.currency) for row in (await s.exec(query)).all())


async def totals(s: ReadSession) -> tuple[int, int]:
    """(what the bank holds, what is held on trades), both in fen: their sum is always zero."""
    return await balance(s, bank_cash()), await balance(s, every_trade())


async def _rolled_up(
    s: ReadSession, account: str, moment: datetime | None
) -> tuple[int, datetime | None, int]:
    """Where a sum may start: behind which posting, from which moment on, and at how many fen.

    What is held on one trade is a handful of postings, and rolled up in no row of its own.
    """
    if account.startswith(HELD):
        return 0, None, 0
    last = await _last_day(s, None, moment)
    if last is None:
        return 0, None, 0
    own = await _last_day(s, account, moment)
    return last.upto_id, _end(last.day), own.balance_minor if own is not None else 0


async def _last_day(
    s: ReadSession, account: str | None, moment: datetime | None = None
) -> DayBalanceRow | None:
    """The newest day that was rolled up and was over at a moment; of an account, or of the house."""
    query = select(DayBalanceRow).where(DayBalanceRow.account == (account or bank_cash()))
    if moment is not None:
        query = query.where(DayBalanceRow.day <= _day_over(moment))
    return (await s.exec(query.order_by(col(DayBalanceRow.day).desc()).limit(1))).first()


async def _held_last(s: ReadSession, accounts: Sequence[str]) -> dict[str, int]:
    """What accounts held when they were rolled up last, in fen; of some that never were, nothing.

    Asked of many at once: nobody posts meanwhile.
    """
    held: dict[str, int] = {}
    for at in range(0, len(accounts), _AT_ONCE):
        newest = (
            plain_select(col(DayBalanceRow.account), func.max(DayBalanceRow.day).label("day"))
            .where(col(DayBalanceRow.account).in_(accounts[at : at + _AT_ONCE]))
            .group_by(col(DayBalanceRow.account))
            .subquery()
        )
        query = plain_select(col(DayBalanceRow.account), col(DayBalanceRow.balance_minor)).join(
            newest,
            (col(DayBalanceRow.account) == newest.c.account) & (col(DayBalanceRow.day) == newest.c.day),
        )
        held |= {name: int(fen) for name, fen in (await (await s.connection()).execute(query)).all()}
    return held


async def _upto(s: ReadSession, end: datetime) -> int:
    """The posting up to which all are of days that were over at `end`: none behind it is needed for them."""
    later = select(func.min(PostingRow.id)).join(
        PostingBatchRow, col(PostingBatchRow.batch_id) == col(PostingRow.batch_id)
    )
    first = (await s.exec(later.where(PostingBatchRow.booked_at >= end))).one()
    if first is not None:
        return int(first) - 1
    return int((await s.exec(select(func.max(PostingRow.id)))).one() or 0)


def _of(account: str) -> ColumnElement[Any]:
    if account == bank_cash():
        return ~_ON_TRADES
    return _ON_TRADES if account == every_trade() else col(PostingRow.account) == account


def _end(day: date) -> datetime:
    return at_shanghai(day + _A_DAY, time())


def _day_over(moment: datetime) -> date:
    """The last day that was over at a moment."""
    return shanghai_day(moment) - _A_DAY

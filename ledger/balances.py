"""What the accounts hold: asked by anyone, posted by settlement alone (`ledger.posting`)."""

from sqlalchemy import case, func
from sqlmodel import col, select

from base.db import ReadSession
from ledger.accounts import HELD, Leg, bank_cash
from ledger.tables import BalanceRow, PostingRow


async def balance(s: ReadSession, account: str) -> int:
    """The booked balance of an account in fen: the newest snapshot and what came after it.

    `bank:escrow` is a roll-up: everything that is not held on a trade.
    """
    if account == bank_cash():
        return (await totals(s))[0]
    snapshot = (
        await s.exec(
            select(BalanceRow)
            .where(BalanceRow.account == account)
            .order_by(col(BalanceRow.upto_id).desc())
            .limit(1)
        )
    ).first()
    upto, start = (snapshot.upto_id, snapshot.balance_minor) if snapshot else (0, 0)
    tail = (
        await s.exec(
            select(func.count(), func.coalesce(func.sum(PostingRow.amount_minor), 0)).where(
                PostingRow.account == account,
                col(PostingRow.booked).is_(True),
                col(PostingRow.id) > upto,
            )
        )
    ).one()
    return start + int(tail[1])


async def reserved_legs(s: ReadSession, *, batch_id: str) -> tuple[Leg, ...]:
    """The legs of a reservation, as they were written."""
    query = select(PostingRow).where(PostingRow.batch_id == batch_id).order_by(col(PostingRow.id))
    return tuple(Leg(row.account, row.amount_minor, row.currency) for row in (await s.exec(query)).all())


async def totals(s: ReadSession) -> tuple[int, int]:
    """(what the bank holds, what is held on trades), both in fen: their sum is always zero."""
    amount = col(PostingRow.amount_minor)
    on_trades = col(PostingRow.account).startswith(HELD, autoescape=True)
    at_bank = case((on_trades, 0), else_=amount)
    query = select(func.coalesce(func.sum(at_bank), 0), func.coalesce(func.sum(amount - at_bank), 0)).where(
        col(PostingRow.booked).is_(True)
    )
    bank, trades = (await s.exec(query)).one()
    return int(bank), int(trades)

"""Where organisations are paid."""

import re
from typing import Final

from base.db import WriteSession
from identity.service import require_member
from ledger.recording import Act, record
from ledger.statement import Draft
from market.orders.repository import trades_owed_to
from market.orders.rules import TradeState
from market.settlement import repository
from market.settlement.errors import AccountMalformed
from market.settlement.instructing import queue_instruction
from market.settlement.tables import PayeeAccount

_ACCOUNT: Final = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{4,30}")
MAX_HOLDER_CHARS: Final = 140  # Max140Text of ISO 20022


async def set_payee_account(s: WriteSession, act: Act, *, account: str, holder: str) -> PayeeAccount:
    """Say where one's organisation is paid (PAY.ACCOUNT; the number itself stays in the opening).

    Settlements that waited for the account are taken up again. Raises AccountMalformed,
    `member-not-active`.
    """
    if _ACCOUNT.fullmatch(account) is None:
        raise AccountMalformed("not an account number", account=account[:40])
    if not (holder.strip() and holder.isprintable() and len(holder) <= MAX_HOLDER_CHARS):
        raise AccountMalformed("a holder is a name of up to 140 characters")
    await require_member(s, org_id=act.actor.org_id)
    recorded = await record(
        s,
        act,
        Draft(
            "PAY.ACCOUNT",
            act.actor.org_id,
            public={"org_id": act.actor.org_id},
            opening={"account": account, "holder": holder},
        ),
    )
    row = await repository.payee_account(s, org_id=act.actor.org_id)
    if row is None:
        row = PayeeAccount(
            org_id=act.actor.org_id,
            account=account,
            holder=holder,
            set_at=act.occurred_at,
            statement_id=recorded.statement_id,
        )
    row.account, row.holder = account, holder
    row.set_at, row.statement_id = act.occurred_at, recorded.statement_id
    s.add(row)
    await s.flush()
    for status in (TradeState.ACCEPTED_GOODS, TradeState.PARTIAL_SETTLE):
        for trade in await trades_owed_to(s, org_id=act.actor.org_id, status=status):
            at = max(trade.settle_at or act.now, act.now)
            await queue_instruction(s, act, trade_id=trade.trade_id, at=at)
    return row

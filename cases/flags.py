"""Trades under suspicion of washing while their case is open: the exchange's statements.

Prices, shares, statistics and scores leave a flagged trade out (`docs/cases.md`). A flag follows the case
that is open: handed to public security, it is that case's; where a case comes to nothing the trade counts
again; where washing was decided it stays.
"""

from collections.abc import Collection

from base.db import WriteSession
from cases import repository
from cases.errors import CaseWrongKind
from cases.rules import Matter
from cases.tables import Case, CaseFlag
from ledger.recording import Act, record
from ledger.statement import Draft
from market.orders.repository import get_trade

_WASH = ("WT", "S16", "S17", "BR11")  # closed loops of goods or money, and who mediates them
_TRADE = "trd_"


async def set_flags(s: WriteSession, act: Act, *, case: Case, washed: Collection[str] = ()) -> None:
    """Flag the trades of a case of wash trading (FLG.SET): what was found, and what its officer names.

    `washed` are of what people have reported of unfair competition. Raises CaseWrongKind, TradeUnknown.
    """
    if washed and case.matter is not Matter.UNFAIR_COMPETITION:
        raise CaseWrongKind("only a case of unfair competition flags trades", matter=case.matter.value)
    found = case.finding.get("objects", []) if case.rule_id.startswith(_WASH) else []
    for trade_id in washed:
        await get_trade(s, trade_id=trade_id)
    for trade_id in sorted({*washed, *(str(one) for one in found if str(one).startswith(_TRADE))}):
        s.add(CaseFlag(case_id=case.case_id, trade_id=trade_id, set_at=act.occurred_at))
        await _flag(s, act, "FLG.SET", case.case_id, trade_id)
    await s.flush()


async def clear_flags(s: WriteSession, act: Act, *, case_id: str) -> None:
    """Lift the flags of a case that came to nothing (FLG.CLEAR)."""
    for flag in await repository.flags_of(s, case_id=case_id):
        if flag.cleared_at is None:
            flag.cleared_at = act.occurred_at
            s.add(flag)
            await _flag(s, act, "FLG.CLEAR", case_id, flag.trade_id)
    await s.flush()


async def move_flags(s: WriteSession, act: Act, *, case: Case, to: Case) -> None:
    """Hand the flags of a case to the one that goes on with it (FLG.SET, then FLG.CLEAR)."""
    standing = [one for one in await repository.flags_of(s, case_id=case.case_id) if one.cleared_at is None]
    for flag in sorted(standing, key=lambda one: one.trade_id):
        s.add(CaseFlag(case_id=to.case_id, trade_id=flag.trade_id, set_at=act.occurred_at))
        await _flag(s, act, "FLG.SET", to.case_id, flag.trade_id)
    await s.flush()
    await clear_flags(s, act, case_id=case.case_id)


async def _flag(s: WriteSession, act: Act, event: str, case_id: str, trade_id: str) -> None:
    public = {"trade_id": trade_id, "case_id": case_id}
    await record(s, act.as_exchange(), Draft(event, trade_id, public=public))

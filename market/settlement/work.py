"""What does not fit between money and books: stated on the ledger, and put before a person."""

from base.db import WriteSession
from ledger.recording import Act, Recorded, record
from ledger.statement import Draft
from market.settlement.tables import WorkItem


async def mismatch(
    s: WriteSession,
    act: Act,
    *,
    kind: str,
    trade_id: str | None,
    facts: dict[str, str],
    bank_message_sha256: str | None = None,
) -> Recorded:
    """State that money and books differ (PAY.MISMATCH), and ask a person to look into it."""
    item_id = act.new_id("wrk")
    recorded = await record(
        s,
        act,
        Draft(
            "PAY.MISMATCH",
            trade_id or item_id,
            public={"trade_id": trade_id, "bank_message_sha256": bank_message_sha256, "kind": kind},
            opening=dict(facts),
        ),
    )
    s.add(
        WorkItem(
            item_id=item_id,
            kind=kind,
            trade_id=trade_id,
            facts=facts,
            opened_at=act.now,
            statement_id=recorded.statement_id,
        )
    )
    await s.flush()
    return recorded

"""What does not fit between money and books: stated on the ledger, and put before a person."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from base.db import WriteSession
from ledger.recording import Act, Recorded, record
from ledger.statement import Draft
from market.settlement.tables import WorkItem


class FactSort(StrEnum):
    """How the value of a fact is to be read."""

    MONEY = "MONEY"  # whole fen as a text; into escrow positive
    MOMENT = "MOMENT"  # RFC 3339
    DAY = "DAY"
    MEMBER = "MEMBER"  # an organisation's id
    IDENT = "IDENT"  # an id of ours, or the bank's reference
    KIND = "KIND"  # of the work item itself
    CODES = "CODES"  # the bank's reasons, or our own, with commas between
    TEXT = "TEXT"


FACTS: Final[Mapping[str, FactSort]] = {
    "kind": FactSort.KIND,
    "instruction_id": FactSort.IDENT,
    "claim_id": FactSort.IDENT,
    "dispute_id": FactSort.IDENT,
    "entry_id": FactSort.IDENT,
    "org_id": FactSort.MEMBER,
    "debtor_id": FactSort.MEMBER,
    "name": FactSort.TEXT,
    "booked_on": FactSort.DAY,
    "due_at": FactSort.MOMENT,
    "reasons": FactSort.CODES,
    "expected_minor": FactSort.MONEY,
    "actual_minor": FactSort.MONEY,
}
"""Every fact that a work item may have. The operator's page has a word for each."""


async def mismatch(
    s: WriteSession,
    act: Act,
    *,
    kind: str,
    trade_id: str | None,
    facts: Mapping[str, str],
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
    await ask_a_person(s, act, kind=kind, trade_id=trade_id, facts=facts, recorded=recorded, item_id=item_id)
    return recorded


async def ask_a_person(
    s: WriteSession,
    act: Act,
    *,
    kind: str,
    trade_id: str | None,
    facts: Mapping[str, str],
    recorded: Recorded,
    item_id: str | None = None,
) -> None:
    """Put what was stated before a person of the exchange. Its facts are of `FACTS`."""
    assert facts.keys() <= FACTS.keys(), f"no such facts: {sorted(facts.keys() - FACTS.keys())}"
    s.add(
        WorkItem(
            item_id=item_id or act.new_id("wrk"),
            kind=kind,
            trade_id=trade_id,
            facts=dict(facts),
            opened_at=act.now,
            statement_id=recorded.statement_id,
        )
    )
    await s.flush()

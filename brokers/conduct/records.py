"""What a broker has checked before a contract, and keeps: the source statement, who the parties are (BR3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from base.clock import rfc3339
from base.db import ReadSession, WriteSession
from base.errors import Malformed
from brokers.conduct.errors import SourceCheckedBefore, SourceCheckMissing
from brokers.conduct.repository import source_check_of
from brokers.conduct.rules import records_kept_until
from brokers.conduct.tables import SourceCheckRow
from brokers.errors import MandateWrongRole
from identity.service import require_member
from ledger.recording import Act, record
from ledger.statement import Draft

MAX_NAME: Final = 200
_PAPERS: Final = 3


@dataclass(frozen=True, slots=True)
class Papers:
    """The three papers by their digests, and their names in the broker's files."""

    source_sha256: str
    seller_sha256: str
    buyer_sha256: str
    documents: Sequence[str]


async def record_check(
    s: WriteSession, act: Act, *, parties: Mapping[str, str | None], papers: Papers
) -> SourceCheckRow:
    """A broker states what it has checked and keeps (CND.CHECK), once a trade.

    `parties` are the ids a trade is named by. Raises SourceCheckedBefore, Malformed, `member-not-active`.
    """
    if act.role != "BROKER":
        raise MandateWrongRole("only a broker records this", role=act.role)
    names = [name.strip() for name in papers.documents]
    if len(names) != _PAPERS or not all(0 < len(name) <= MAX_NAME for name in names):
        raise Malformed(f"three papers are named, each in up to {MAX_NAME} characters")
    if len({papers.source_sha256, papers.seller_sha256, papers.buyer_sha256}) != _PAPERS:
        raise Malformed("three papers have three digests")
    broker_id, trade_id = act.actor.org_id, str(parties["trade_id"])
    await require_member(s, org_id=broker_id)
    if await source_check_of(s, trade_id=trade_id, broker_id=broker_id) is not None:
        raise SourceCheckedBefore("it is on record", trade_id=trade_id)
    keep_until = records_kept_until(act.occurred_at)
    draft = Draft(
        "CND.CHECK",
        trade_id,
        public={**parties, "keep_until": rfc3339(keep_until)},
        opening={"documents": names},
        subjects={
            "source-statement": papers.source_sha256,
            "seller-identity": papers.seller_sha256,
            "buyer-identity": papers.buyer_sha256,
        },
    )
    recorded = await record(s, act, draft)
    row = SourceCheckRow(
        statement_id=recorded.statement_id,
        trade_id=trade_id,
        broker_id=broker_id,
        source_sha256=papers.source_sha256,
        seller_sha256=papers.seller_sha256,
        buyer_sha256=papers.buyer_sha256,
        documents=names,
        checked_at=act.occurred_at,
        keep_until=keep_until,
    )
    s.add(row)
    await s.flush()
    return row


async def require_check(s: ReadSession, *, trade_id: str, broker_id: str) -> None:
    """The broker's record of this trade is there. Raises SourceCheckMissing (BR3)."""
    if await source_check_of(s, trade_id=trade_id, broker_id=broker_id) is None:
        raise SourceCheckMissing("source and parties are checked before the contract", trade_id=trade_id)

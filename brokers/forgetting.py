"""What the registers of brokers repeat of an opening, emptied when the opening is erased."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from sqlmodel import col, update

from base.db import WriteSession
from brokers.conduct.tables import SourceCheckRow
from brokers.mandates.tables import MandateTermsRow
from brokers.repository import claim_application
from brokers.tables import EvidenceRow, MandateRow, ObjectionRow, PanelVoteRow
from ledger.erasure import ERASED
from ledger.reader import Statement


async def forget_scope(s: WriteSession, *, mandate_id: str) -> None:
    """The words of a mandate, with its document. Its fee, limits and end stay: trades rest on them."""
    await s.exec(update(MandateRow).where(col(MandateRow.mandate_id) == mandate_id).values(scope=ERASED))
    await s.exec(
        update(MandateTermsRow).where(col(MandateTermsRow.mandate_id) == mandate_id).values(document=None)
    )


async def _documents(s: WriteSession, said: Statement) -> None:
    """The names of documents. Their digests, kinds and dates stay: decisions rest on them."""
    query = update(EvidenceRow).where(col(EvidenceRow.statement_id) == said.statement_id)
    await s.exec(query.values(name=ERASED))


async def _application(s: WriteSession, said: Statement) -> None:
    """The people an applicant named, its remarks, and the names of its documents; the numbers stay."""
    row = await claim_application(s, cert_id=said.object_id)
    people = [
        {"name": ERASED, "number": f"{ERASED} {n}"} for n, _ in enumerate(row.claims["practitioners"], 1)
    ]
    row.claims = {**row.claims, "practitioners": people}
    s.add(row)
    await _documents(s, said)


async def _remarks(s: WriteSession, said: Statement) -> None:
    row = await claim_application(s, cert_id=said.object_id)
    row.gaps = None if row.gaps is None else {**row.gaps, "remarks": ERASED}
    s.add(row)


async def _vote(s: WriteSession, said: Statement) -> None:
    query = update(PanelVoteRow).where(col(PanelVoteRow.statement_id) == said.statement_id)
    await s.exec(query.values(reasons=ERASED))


async def _objection(s: WriteSession, said: Statement) -> None:
    query = update(ObjectionRow).where(col(ObjectionRow.statement_id) == said.statement_id)
    await s.exec(query.values(text=ERASED))
    await _documents(s, said)


async def _answers(s: WriteSession, said: Statement) -> None:
    query = update(ObjectionRow).where(col(ObjectionRow.cert_id) == said.object_id)
    await s.exec(query.where(col(ObjectionRow.upheld).is_not(None)).values(answer=ERASED))


async def _papers(s: WriteSession, said: Statement) -> None:
    """What the papers of a check are called. Their digests stay: the contract rests on them."""
    query = update(SourceCheckRow).where(col(SourceCheckRow.statement_id) == said.statement_id)
    await s.exec(query.values(documents=[ERASED]))


FORGETTERS: Final[Mapping[str, Callable[[WriteSession, Statement], Awaitable[None]]]] = {
    "BRK.APPLY": _application,
    "BRK.CORRECT": _application,
    "BRK.ASK_CORRECTION": _remarks,
    "BRK.VOTE": _vote,
    "BRK.OBJECT": _objection,
    "BRK.UPHOLD": _answers,
    "BRK.DISMISS": _answers,
    "CND.CHECK": _papers,
    **dict.fromkeys(("BRK.ANNUAL_REPORT", "BRK.RECTIFIED", "BRK.RENEW", "BRK.EXIT"), _documents),
}

"""What the tables of disputes repeat of openings, emptied when an opening is erased.

Outcomes and amounts stay: they are why money moved. A text that is gone says so (`ledger.erasure.ERASED`).
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from sqlmodel import col, delete, update

from base.db import WriteSession
from ledger.erasure import ERASED
from market.disputes.tables import Dispute, Proposal, Vote
from market.orders.tables import OfficerTie


async def forget_dispute(s: WriteSession, *, statement_id: str) -> None:
    """What one side said was wrong, and what it named to show it."""
    of_it = col(Dispute.statement_id) == statement_id
    await s.exec(update(Dispute).where(of_it).values(text=ERASED, evidence=[]))


async def forget_proposal(s: WriteSession, *, statement_id: str) -> None:
    """The note of a proposal."""
    await s.exec(update(Proposal).where(col(Proposal.statement_id) == statement_id).values(note=ERASED))


async def forget_vote(s: WriteSession, *, statement_id: str) -> None:
    """The reasons of an officer's vote, and who gave it."""
    of_it = col(Vote.statement_id) == statement_id
    await s.exec(update(Vote).where(of_it).values(reasons=ERASED, officer_id=statement_id))


async def forget_tie(s: WriteSession, *, statement_id: str) -> None:
    """That an officer is related to an organisation."""
    await s.exec(delete(OfficerTie).where(col(OfficerTie.statement_id) == statement_id))


FORGETTERS: Final[Mapping[str, Callable[..., Awaitable[None]]]] = {
    "TRD.DISPUTE": forget_dispute,
    "DSP.PROPOSE": forget_proposal,
    "DSP.VOTE": forget_vote,
    "DSP.RECUSE": forget_tie,
}
"""Who forgets what an opening of this event said, by the id of its statement."""

"""What the tables of deliveries repeat of openings, emptied when an opening is erased.

That goods were tested, and that they passed, stays: it is why a dispute was opened, and it is public.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from sqlmodel import col, update

from base.db import WriteSession
from market.delivery.gateway.tables import InterfaceRow
from market.delivery.meter.tables import Usage
from market.delivery.packages.tables import KeyRelease
from market.delivery.sandbox.tables import PreparedQuestion, Question
from market.delivery.tables import AcceptanceCheck, AccessKey, Download


async def forget_check(s: WriteSession, *, statement_id: str) -> None:
    """What an acceptance test found, in the buyer's words or the exchange's: its report."""
    of_it = col(AcceptanceCheck.statement_id) == statement_id
    await s.exec(update(AcceptanceCheck).where(of_it).values(report=b""))


async def forget_declaration(s: WriteSession, *, statement_id: str) -> None:
    """For what and for whom a download was, and who took it."""
    of_it = col(Download.statement_id) == statement_id
    await s.exec(update(Download).where(of_it).values(purpose=None, recipient=None, taken_by=None))


async def forget_release(s: WriteSession, *, statement_id: str) -> None:
    """For what and for whom a package's key was released, and who has it."""
    of_it = col(KeyRelease.statement_id) == statement_id
    await s.exec(update(KeyRelease).where(of_it).values(purpose=None, recipient=None, taken_by=None))


async def forget_key(s: WriteSession, *, statement_id: str) -> None:
    """For what and for whom a key was issued."""
    of_it = col(AccessKey.statement_id) == statement_id
    await s.exec(update(AccessKey).where(of_it).values(purpose=None, recipient=None))


async def forget_interface(s: WriteSession, *, statement_id: str) -> None:
    """Where an endpoint is, and what it offers: nobody is sent there any more."""
    of_it = col(InterfaceRow.statement_id) == statement_id
    await s.exec(update(InterfaceRow).where(of_it).values(document=""))


async def forget_charges(s: WriteSession, *, statement_id: str) -> None:
    """What some uses cost."""
    of_it = col(Usage.statement_id) == statement_id
    await s.exec(update(Usage).where(of_it).values(charge_minor=None, charged_minor=None))


async def forget_question(s: WriteSession, *, statement_id: str) -> None:
    """What was asked, for what and by whom, and what was answered; the price that it had stands."""
    nothing = {"form": "", "form_sha256": "", "answer": b"", "purpose": None, "recipient": None}
    of_it = col(Question.statement_id) == statement_id
    await s.exec(update(Question).where(of_it).values(**nothing, asked_by=None))


async def forget_approved(s: WriteSession, *, statement_id: str) -> None:
    """What was approved: nobody runs it any more."""
    of_it = col(PreparedQuestion.statement_id) == statement_id
    await s.exec(update(PreparedQuestion).where(of_it).values(form=""))


FORGETTERS: Final[Mapping[str, Callable[..., Awaitable[None]]]] = {
    "DLV.CHECK": forget_check,
    "DLV.DOWNLOAD": forget_declaration,
    "DLV.RELEASE_KEY": forget_release,
    "DLV.ISSUE_KEY": forget_key,
    "DLV.INTERFACE": forget_interface,
    "DLV.USAGE": forget_charges,
    "DLV.QUERY": forget_question,
    "DLV.APPROVE_ALGORITHM": forget_approved,
}
"""Who forgets what an opening of this event said, by the id of its statement."""

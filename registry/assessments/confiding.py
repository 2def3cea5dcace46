"""Trade secrets and confidential business information (商业秘密, 保密商务信息; R79): marked, read, logged.

Its holder marks a file that is kept here, or anything else by its digest: of which class, until when, who may
see it. Every access is a signed statement that names the digest of the access before (CFI.READ), so that the
log of an item has no gap that the ledger does not show; an access without right is refused and recorded.
"""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from sqlmodel import col, delete, select

from base.calendar import months_after
from base.clock import rfc3339
from base.db import Database, ReadSession, WriteSession, exclusive_lock
from identity.service import require_member
from ledger.recording import Act
from registry.assessments import repository
from registry.assessments.errors import AssessmentMalformed, ConfidentialityRefused, SecurityWrongRole
from registry.assessments.moving import begin, step, wind
from registry.assessments.rules import (
    MAX_NAME,
    MAX_READERS,
    Secrecy,
    access_of,
    check_text,
    digest_of,
)
from registry.assessments.states import ITEM_MOVES, ItemEvent, ItemState, may_move
from registry.assessments.tables import AccessRow, ItemRow, ReaderRow
from registry.assessments.terms import number
from registry.doors import Said

_E = ItemEvent
_S = ItemState
LOG_FORM = "databourse-access-log/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """What is marked: its digest, and the file that is kept here where there is one."""

    sha256: str
    object_id: str | None = None
    file_id: str | None = None
    file_bytes: int | None = None


async def mark(
    s: WriteSession,
    act: Act,
    *,
    marked: Marked,
    secrecy: Secrecy,
    title: str,
    until: datetime,
    readers: Collection[str] = (),
) -> ItemRow:
    """Mark something of one's own as confidential (CFI.MARK). Raises AssessmentMalformed.

    The title is in the opening; the digest and who may see it are public.
    """
    may_move(ITEM_MOVES, None, _E.MARK, act.role)
    await require_member(s, org_id=act.actor.org_id)
    _check_until(act, until)
    named = sorted(set(readers) - {act.actor.org_id})
    if len(named) > MAX_READERS:
        raise AssessmentMalformed("fifty readers at the most", fields=["readers"])
    for one in named:
        await require_member(s, org_id=one)
    row = ItemRow(
        item_id=act.new_id("cfi"),
        holder_id=act.actor.org_id,
        status=_S.MARKED,
        secrecy=secrecy,
        title=check_text(title, "title", MAX_NAME),
        sha256=marked.sha256,
        object_id=marked.object_id,
        file_id=marked.file_id,
        file_bytes=marked.file_bytes,
        until=until,
        head=marked.sha256,
        marked_at=act.occurred_at,
    )
    said = Said(
        public={
            "secrecy": secrecy.value,
            "item_sha256": row.sha256,
            "until": rfc3339(until),
            "readers": named,
        },
        opening={"title": row.title, "object_id": row.object_id},
        subjects={"item": row.sha256},
    )
    await begin(s, act, row, _E.MARK, said)
    s.add_all(ReaderRow(item_id=row.item_id, org_id=one, admitted_at=act.occurred_at) for one in named)
    await s.flush()
    await wind(s, row.item_id, until)
    return row


async def admit(s: WriteSession, act: Act, *, item_id: str, reader_id: str, reason: str) -> ItemRow:
    """Admit a member to an item (CFI.ADMIT), with a reason. Raises AssessmentMalformed."""
    row = await _own(s, act, item_id, _E.ADMIT)
    await require_member(s, org_id=reader_id)
    known = await repository.readers(s, item_id=item_id)
    if reader_id in {*known, row.holder_id} or len(known) >= MAX_READERS:
        raise AssessmentMalformed("a member who may not see it yet, fifty at the most", fields=["reader_id"])
    said = Said(public={"reader_id": reader_id}, opening={"reason": check_text(reason)})
    await step(s, act, row, _E.ADMIT, said)
    s.add(ReaderRow(item_id=item_id, org_id=reader_id, admitted_at=act.occurred_at))
    await s.flush()
    return row


async def exclude(s: WriteSession, act: Act, *, item_id: str, reader_id: str, reason: str) -> ItemRow:
    """Let a member see an item no longer (CFI.EXCLUDE). Raises AssessmentMalformed."""
    row = await _own(s, act, item_id, _E.EXCLUDE)
    if reader_id not in await repository.readers(s, item_id=item_id):
        raise AssessmentMalformed("a member who may see it", fields=["reader_id"])
    said = Said(public={"reader_id": reader_id}, opening={"reason": check_text(reason)})
    await step(s, act, row, _E.EXCLUDE, said)
    of = col(ReaderRow.item_id) == item_id, col(ReaderRow.org_id) == reader_id
    await s.exec(delete(ReaderRow).where(*of))
    return row


async def read(s: WriteSession, act: Act, *, item_id: str, purpose: str) -> AccessRow:
    """Read an item (CFI.READ), for a purpose: the access is chained to the one before.

    Raises ConfidentialityRefused, recorded, for who was not admitted or when the term is over.
    """
    query = exclusive_lock(select(ItemRow).where(ItemRow.item_id == item_id))
    row = (await s.exec(query.execution_options(populate_existing=True))).first()
    allowed = set() if row is None else {row.holder_id, *await repository.readers(s, item_id=item_id)}
    if row is None or act.actor.org_id not in allowed:  # also where there is none: nobody learns which
        raise ConfidentialityRefused("its holder has not admitted you", item_id=item_id)
    if row.status is not _S.MARKED or act.now > row.until:
        raise ConfidentialityRefused("it is kept as confidential no longer", item_id=item_id)
    said_purpose = check_text(purpose, "purpose")
    no = row.accesses + 1
    record = access_of(
        item_id=item_id,
        no=no,
        org_id=act.actor.org_id,
        user_id=act.actor.user_id,
        purpose=said_purpose,
        at=act.occurred_at,
        previous=row.head,
    )
    digest = digest_of(record)
    said = Said(
        public={"no": no, "previous": row.head, "access_sha256": digest},
        opening={"purpose": said_purpose, "user_id": act.actor.user_id},
        subjects={"item": row.sha256},
    )
    recorded = await step(s, act, row, _E.READ, said, values={"accesses": no, "head": digest})
    access = AccessRow(
        item_id=item_id,
        no=no,
        org_id=act.actor.org_id,
        user_id=act.actor.user_id,
        record=record,
        sha256=digest,
        statement_id=recorded.statement_id,
        at=act.occurred_at,
    )
    s.add(access)
    await s.flush()
    return access


async def lift(s: WriteSession, act: Act, *, item_id: str, reason: str) -> ItemRow:
    """Keep an item secret no longer (CFI.LIFT), as its holder."""
    row = await _own(s, act, item_id, _E.LIFT)
    said = Said(opening={"reason": check_text(reason)})
    await step(s, act, row, _E.LIFT, said, values={"reason": reason.strip()})
    return row


async def fall_due(s: WriteSession, act: Act, *, item_id: str) -> bool:
    """The clock's CFI.EXPIRE; False where it was lifted, or its term is not over."""
    row = await repository.claim(s, ItemRow, item_id)
    if row.status is not _S.MARKED or act.now <= row.until:
        return False
    await step(s, act, row, _E.EXPIRE)
    return True


async def require_access(
    s: ReadSession, *, item_id: str, no: int, user_id: str | None, org_id: str, now: datetime
) -> ItemRow:
    """The item of an access that this very person has just stated. Raises ConfidentialityRefused.

    One access serves for the minutes of the table; who wants it again states it again.
    """
    row = await s.get(ItemRow, item_id, populate_existing=True)
    access = await s.get(AccessRow, (item_id, no))
    window = timedelta(minutes=number("CONFIDENTIAL", "window", now))
    mine = access is not None and (access.org_id, access.user_id) == (org_id, user_id)
    over = row is None or row.status is not _S.MARKED or now > row.until
    if row is None or access is None or not mine or now > access.at + window or over:
        raise ConfidentialityRefused("state an access of your own first", item_id=item_id)
    if org_id not in {row.holder_id, *await repository.readers(s, item_id=item_id)}:
        raise ConfidentialityRefused("its holder admits you no longer", item_id=item_id)
    return row


async def log_pieces(database: Database, row: ItemRow) -> AsyncIterator[bytes]:
    """The whole log of an item as it is exported, piece by piece: one JSON document, however many accesses.

    Each access, its digest, and the statement that says it; up to the last one that `row` knows of.
    """
    head = {
        "form": LOG_FORM,
        "item_id": row.item_id,
        "holder_id": row.holder_id,
        "sha256": row.sha256,
        "head": row.head,
    }
    yield orjson.dumps(head)[:-1] + b',"accesses":['
    after = 0
    while after < row.accesses:
        async with database.read() as s:
            found = await repository.accesses(s, item_id=row.item_id, after=after, until=row.accesses)
        if not found:
            break
        told = [{**one.record, "sha256": one.sha256, "statement_id": one.statement_id} for one in found]
        yield (b"," if after else b"") + b",".join(orjson.dumps(one) for one in told)
        after = found[-1].no
    yield b"]}"


def _check_until(act: Act, until: datetime) -> None:
    longest = months_after(act.now, number("CONFIDENTIAL", "longest", act.now))
    if not act.now < until <= longest:
        raise AssessmentMalformed("a term that is not over, within the longest", fields=["until"])


async def _own(s: WriteSession, act: Act, item_id: str, event: ItemEvent) -> ItemRow:
    row = await repository.claim(s, ItemRow, item_id)
    if row.holder_id != act.actor.org_id:
        raise SecurityWrongRole("its holder does this", item_id=item_id)
    may_move(ITEM_MOVES, row.status, event, act.role)
    return row

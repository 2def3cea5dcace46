"""What is asked about data subjects. Locks are taken in one order: tie, consent or request, duty."""

from collections.abc import Collection, Sequence
from typing import Any, Final, TypeVar

from sqlmodel import SQLModel, col, func, select

from base.db import ReadSession, WriteSession, exclusive_lock
from registry.grading.tables import ConsentRow
from registry.subjects.errors import SubjectRecordUnknown
from registry.subjects.rules import ConsentKind
from registry.subjects.states import DeletionState, TieState, WordingState
from registry.subjects.tables import (
    AskedRow,
    DeletionRow,
    GivenRow,
    ShownRow,
    SubjectRow,
    TieRow,
    WordingRow,
)

MAX_PAGE: Final = 100
_Row = TypeVar("_Row", bound=SQLModel)


async def _claimed(s: WriteSession, table: type[_Row], key: Any, value: str) -> _Row:
    query = exclusive_lock(select(table).where(key == value))
    return _known((await s.exec(query.execution_options(populate_existing=True))).first())


def _known(row: _Row | None) -> _Row:
    if row is None:
        raise SubjectRecordUnknown("no such record")
    return row


async def subject_marked(s: ReadSession, *, code_mark: str) -> SubjectRow | None:
    """Who signs in by a code."""
    return (await s.exec(select(SubjectRow).where(SubjectRow.code_mark == code_mark))).first()


async def claim_tie(s: WriteSession, *, tie_id: str) -> TieRow:
    """A tie, locked. Raises SubjectRecordUnknown; so do the others."""
    return await _claimed(s, TieRow, TieRow.tie_id, tie_id)


async def claim_invitation(s: WriteSession, *, code_mark: str) -> TieRow | None:
    """What was invited under a code, locked."""
    query = exclusive_lock(select(TieRow).where(TieRow.code_mark == code_mark))
    return (await s.exec(query.execution_options(populate_existing=True))).first()


async def tie_of(s: ReadSession, *, holder_id: str, pseudonym: str) -> TieRow | None:
    """How a holder's pseudonym stands."""
    query = select(TieRow).where(TieRow.holder_id == holder_id, TieRow.pseudonym == pseudonym)
    return (await s.exec(query)).first()


async def get_tie(s: ReadSession, *, tie_id: str) -> TieRow:
    """One tie. Raises SubjectRecordUnknown."""
    return _known(await s.get(TieRow, tie_id, populate_existing=True))


async def ties(
    s: ReadSession,
    *,
    subject_id: str | None = None,
    holder_id: str | None = None,
    after: str | None = None,
    limit: int = MAX_PAGE,
) -> Sequence[TieRow]:
    """Ties of a person, or of a holder, newest first."""
    query = select(TieRow)
    if subject_id is not None:
        query = query.where(TieRow.subject_id == subject_id, TieRow.status == TieState.TIED)
    if holder_id is not None:
        query = query.where(TieRow.holder_id == holder_id)
    return await _page(s, query, TieRow.tie_id, after, limit)


async def _page(s: ReadSession, query: Any, key: Any, after: str | None, limit: int) -> Sequence[Any]:
    if after is not None:
        query = query.where(col(key) < after)
    found: Sequence[Any] = (await s.exec(query.order_by(col(key).desc()).limit(min(limit, MAX_PAGE)))).all()
    return found


async def get_wording(s: ReadSession, *, wording_id: str) -> WordingRow:
    """One wording. Raises SubjectRecordUnknown."""
    return _known(await s.get(WordingRow, wording_id, populate_existing=True))


async def claim_wording(s: WriteSession, *, wording_id: str) -> WordingRow:
    """One wording, locked. Raises SubjectRecordUnknown."""
    return await _claimed(s, WordingRow, WordingRow.wording_id, wording_id)


async def newest_wording(
    s: WriteSession, *, holder_id: str, object_id: str, kind: ConsentKind
) -> WordingRow | None:
    """The last version of what a holder asks, locked."""
    query = select(WordingRow).where(
        WordingRow.holder_id == holder_id, WordingRow.object_id == object_id, WordingRow.kind == kind
    )
    query = exclusive_lock(query.order_by(col(WordingRow.version).desc()).limit(1))
    return (await s.exec(query.execution_options(populate_existing=True))).first()


async def wordings(
    s: ReadSession, *, holder_ids: Collection[str], standing: bool = True
) -> Sequence[WordingRow]:
    """What these holders ask, by object and kind."""
    query = select(WordingRow).where(col(WordingRow.holder_id).in_(holder_ids))
    if standing:
        query = query.where(WordingRow.status == WordingState.IN_FORCE)
    order = (col(WordingRow.object_id), col(WordingRow.kind), col(WordingRow.version).desc())
    return (await s.exec(query.order_by(*order).limit(MAX_PAGE * 2))).all()


async def get_given(s: ReadSession, *, given_id: str) -> GivenRow:
    """One consent of a person. Raises SubjectRecordUnknown."""
    return _known(await s.get(GivenRow, given_id, populate_existing=True))


async def claim_given(s: WriteSession, *, given_id: str) -> GivenRow:
    """One consent of a person, locked. Raises SubjectRecordUnknown."""
    return await _claimed(s, GivenRow, GivenRow.given_id, given_id)


async def givens(
    s: ReadSession,
    *,
    subject_id: str | None = None,
    holder_id: str | None = None,
    object_id: str | None = None,
    statuses: Collection[str] = (),
    after: str | None = None,
    limit: int = MAX_PAGE,
) -> Sequence[GivenRow]:
    """Consents of a person, or given to a holder, newest first."""
    query = select(GivenRow)
    if subject_id is not None:
        query = query.where(GivenRow.subject_id == subject_id)
    if holder_id is not None:
        query = query.where(GivenRow.holder_id == holder_id)
    if object_id is not None:
        query = query.where(GivenRow.object_id == object_id)
    if statuses:
        query = query.where(col(GivenRow.status).in_(statuses))
    return await _page(s, query, GivenRow.given_id, after, limit)


async def counted(s: ReadSession, *, object_id: str, holder_id: str) -> dict[str, int]:
    """How many consents of persons stand behind an object, by state."""
    query = select(GivenRow.status, func.count()).where(
        GivenRow.object_id == object_id, GivenRow.holder_id == holder_id
    )
    return {str(state): count for state, count in await s.exec(query.group_by(col(GivenRow.status)))}


async def shown_of(s: ReadSession, *, given_ids: Collection[str]) -> Sequence[ShownRow]:
    """What was shown of these consents in records."""
    query = select(ShownRow).where(col(ShownRow.given_id).in_(given_ids))
    return (await s.exec(query.order_by(col(ShownRow.shown_at)))).all()


async def claim_deletion(s: WriteSession, *, deletion_id: str) -> DeletionRow:
    """One duty to delete, locked. Raises SubjectRecordUnknown."""
    return await _claimed(s, DeletionRow, DeletionRow.deletion_id, deletion_id)


async def deletions(
    s: ReadSession,
    *,
    receiver_id: str | None = None,
    holder_id: str | None = None,
    trade_id: str | None = None,
    given_ids: Collection[str] | None = None,
    waiting: bool = False,
    after: str | None = None,
    limit: int = MAX_PAGE,
) -> Sequence[DeletionRow]:
    """Duties to delete, newest first."""
    query = select(DeletionRow)
    if receiver_id is not None:
        query = query.where(DeletionRow.receiver_id == receiver_id)
    if holder_id is not None:
        query = query.where(DeletionRow.holder_id == holder_id)
    if trade_id is not None:
        query = query.where(DeletionRow.trade_id == trade_id)
    if given_ids is not None:
        query = query.where(col(DeletionRow.given_id).in_(given_ids))
    if waiting:
        query = query.where(DeletionRow.status != DeletionState.CONFIRMED)
    return await _page(s, query, DeletionRow.deletion_id, after, limit)


async def claim_asked(s: WriteSession, *, request_id: str) -> AskedRow:
    """One request, locked. Raises SubjectRecordUnknown."""
    return await _claimed(s, AskedRow, AskedRow.request_id, request_id)


async def get_asked(s: ReadSession, *, request_id: str) -> AskedRow:
    """One request. Raises SubjectRecordUnknown."""
    return _known(await s.get(AskedRow, request_id, populate_existing=True))


async def asked(
    s: ReadSession,
    *,
    subject_id: str | None = None,
    holder_id: str | None = None,
    after: str | None = None,
    limit: int = MAX_PAGE,
) -> Sequence[AskedRow]:
    """Requests of a person, or to a holder, newest first."""
    query = select(AskedRow)
    if subject_id is not None:
        query = query.where(AskedRow.subject_id == subject_id)
    if holder_id is not None:
        query = query.where(AskedRow.holder_id == holder_id)
    return await _page(s, query, AskedRow.request_id, after, limit)


async def claim_records(s: WriteSession, *, object_id: str, holder_id: str) -> None:
    """Lock a holder's records of consents about an object: whoever rests on one waits for what comes now."""
    query = select(ConsentRow.consent_id).where(
        ConsentRow.object_id == object_id, ConsentRow.holder_id == holder_id
    )
    await s.exec(exclusive_lock(query.order_by(col(ConsentRow.consent_id))))

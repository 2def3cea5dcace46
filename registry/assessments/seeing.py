"""Who may see a record of these duties: to anyone else it does not exist, whatever he asks of it."""

from typing import Any, Final

from base.db import ReadSession
from base.ids import is_id
from ledger.recording import Actor
from registry.assessments import repository
from registry.assessments.errors import SecurityRecordUnknown
from registry.assessments.states import SUPERVISING
from registry.assessments.tables import AssessorRow, ItemRow, RiskRow, RoundRow
from registry.grading.states import AssessmentState
from registry.grading.tables import AssessmentRow

OVERSEEING: Final = SUPERVISING | {"AUDITOR"}
_OF_HOLDER: Final = (AssessmentState.DRAFT, AssessmentState.WITHDRAWN)
_TABLES: Final[dict[str, type[Any]]] = {
    "pia": AssessmentRow,
    "rka": RiskRow,
    "asr": AssessorRow,
    "icr": RoundRow,
    "cfi": ItemRow,
}


async def require_seen(s: ReadSession, actor: Actor, record_id: str) -> Any:
    """A record of any of these kinds, by its id, for who may see it. Raises SecurityRecordUnknown."""
    table = next((one for prefix, one in _TABLES.items() if is_id(record_id, prefix)), None)
    row = None if table is None else await s.get(table, record_id)
    if row is None or not await _sees(s, actor, row):
        raise SecurityRecordUnknown("no such record", record_id=record_id)
    return row


async def _sees(s: ReadSession, actor: Actor, row: Any) -> bool:
    """Whose it is; who reviews or assesses it, once it was handed over; who supervises.

    What is confidential is seen by its holder and who was admitted alone; its log also by who supervises
    (`require_log`).
    """
    oversees = bool(actor.roles & OVERSEEING)
    if isinstance(row, ItemRow):
        readers = await repository.readers(s, item_id=row.item_id)
        return actor.org_id in {row.holder_id, *readers}
    if isinstance(row, AssessmentRow):
        handed = row.status not in _OF_HOLDER
        return actor.org_id == row.holder_id or (handed and (actor.org_id == row.reviewer_id or oversees))
    if isinstance(row, RiskRow):
        return oversees or actor.org_id in {row.handler_id, row.assessor_id}
    if isinstance(row, RoundRow):
        return oversees or actor.org_id == row.department_id
    assert isinstance(row, AssessorRow)
    return oversees or actor.org_id == row.org_id


async def require_log(s: ReadSession, actor: Actor, item_id: str) -> ItemRow:
    """An item whose log is asked for, for its holder and who supervises. Raises SecurityRecordUnknown."""
    row = await s.get(ItemRow, item_id)
    if row is None or (actor.org_id != row.holder_id and not actor.roles & OVERSEEING):
        raise SecurityRecordUnknown("no such record", record_id=item_id)
    return row

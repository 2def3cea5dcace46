"""What brokers have told of suspicions (BR12) and changes (BR13), for those whom they tell."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from brokers.conduct.repository import notices_of
from ledger.reader import opening, statements_about
from web.pages.naming import names_of
from web.pages.visiting import Visitor, VisitorDep

router = APIRouter()
TOLD: Final = frozenset({"DATA_AUTHORITY", "SAMR", "EXCHANGE_OPERATOR"})
_EVENTS: Final = ["CND.REPORT", "CND.CHANGE"]
_PAGE: Final = 50


@router.get("/reg/notices")
async def notices(visitor: VisitorDep, after: Annotated[str | None, Query(max_length=40)] = None) -> Response:
    """The notices of all brokers, newest first, with their words where these were not erased."""
    return await _notices(visitor, after)


async def _notices(visitor: Visitor, after: str | None) -> Response:
    visitor.require(TOLD)
    words: dict[str, str] = {}
    async with visitor.node.database.read() as s:
        rows = await notices_of(s, broker_id=None, after=after, limit=_PAGE)
        ids = [row.notice_id for row in rows]
        for one in await statements_about(s, object_ids=ids, events=_EVENTS) if ids else ():
            opened = await opening(s, sha256=one.opening_sha256) if one.opening_sha256 else None
            if opened is not None:
                words[one.object_id] = str(opened["text"])
        names = await names_of(s, (row.broker_id for row in rows))
    return visitor.render(
        "reg_notices.html",
        rows=rows,
        words=words,
        names=names,
        next_address=visitor.url("/reg/notices", after=rows[-1].notice_id) if len(rows) == _PAGE else None,
    )

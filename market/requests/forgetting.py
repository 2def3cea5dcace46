"""What the tables of requests repeat of the openings of `REQ.*`, emptied when an opening is erased."""

from sqlmodel import col, delete, update

from base.db import WriteSession
from ledger.erasure import ERASED
from market.requests.tables import DataRequest, RequestAnswer, RequestWishes


async def forget_request(s: WriteSession, *, request_id: str) -> None:
    """What a request said, and its budget: nothing was bought by it, so no book needs the amounts."""
    await s.exec(delete(RequestWishes).where(col(RequestWishes.request_id) == request_id))
    await s.exec(
        update(DataRequest)
        .where(col(DataRequest.request_id) == request_id)
        .values(
            title=ERASED,
            description=ERASED,
            period=ERASED,
            volume=ERASED,
            budget_min_minor=None,
            budget_max_minor=None,
        )
    )


async def forget_answer(s: WriteSession, *, statement_id: str) -> None:
    """What was said beside an answer."""
    await s.exec(
        update(RequestAnswer).where(col(RequestAnswer.statement_id) == statement_id).values(note=ERASED)
    )

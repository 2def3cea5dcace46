"""What is asked about answers, and about who has not given one."""

from collections.abc import Sequence

import orjson
from sqlalchemy import func
from sqlmodel import col, select

from base.db import ReadSession
from identity.rules import OrganisationStatus
from identity.tables import OrganisationRow
from market.orders.states import TradeState
from market.orders.tables import Trade
from market.surveys.rules import ANSWERERS, opens_at
from market.surveys.tables import SurveyAnswer

_PAGE = 200
_UNDONE = (TradeState.REFUND_PENDING, TradeState.REFUNDED, TradeState.VOIDED)


async def newest(s: ReadSession, *, org_id: str, year: int) -> SurveyAnswer | None:
    """The answer of a unit that stands."""
    query = select(SurveyAnswer).where(SurveyAnswer.org_id == org_id, SurveyAnswer.year == year)
    return (await s.exec(query.order_by(col(SurveyAnswer.answer_no).desc()).limit(1))).first()


async def answers_of(s: ReadSession, *, org_id: str, limit: int = 50) -> Sequence[SurveyAnswer]:
    """A unit's answers, the newest first."""
    query = select(SurveyAnswer).where(SurveyAnswer.org_id == org_id)
    return (await s.exec(query.order_by(col(SurveyAnswer.survey_id).desc()).limit(limit))).all()


async def settled_minor(s: ReadSession, *, org_id: str, year: int) -> int:
    """What this exchange settled for a unit as a seller in a year, by contract price."""
    query = select(func.coalesce(func.sum(Trade.price_minor), 0)).where(
        Trade.seller_id == org_id,
        col(Trade.settled_at) >= opens_at(year - 1),
        col(Trade.settled_at) < opens_at(year),
        col(Trade.status).not_in(_UNDONE),
    )
    return int((await s.exec(query)).one() or 0)


async def unanswered(
    s: ReadSession, *, year: int, after: str | None = None, limit: int = 50
) -> list[OrganisationRow]:
    """Active units that were members before the year was over and have not answered it, by id."""
    found: list[OrganisationRow] = []
    while len(found) < limit:
        page = await _silent(s, year=year, after=after)
        found += [row for row in page if not ANSWERERS.isdisjoint(orjson.loads(row.roles))]
        if len(page) < _PAGE:
            break
        after = page[-1].org_id
    return found[:limit]


async def _silent(s: ReadSession, *, year: int, after: str | None) -> Sequence[OrganisationRow]:
    answered = select(SurveyAnswer.org_id).where(SurveyAnswer.year == year)
    query = select(OrganisationRow).where(
        OrganisationRow.status == OrganisationStatus.ACTIVE,
        col(OrganisationRow.org_id).not_in(answered),
        col(OrganisationRow.admitted_at) < opens_at(year),
    )
    if after is not None:
        query = query.where(OrganisationRow.org_id > after)
    return (await s.exec(query.order_by(OrganisationRow.org_id).limit(_PAGE))).all()


async def answered_count(s: ReadSession, *, year: int) -> int:
    """How many units have answered."""
    query = select(func.count(func.distinct(SurveyAnswer.org_id))).where(SurveyAnswer.year == year)
    return int((await s.exec(query)).one() or 0)

"""What is asked about the documents and limits of mandates."""

from collections.abc import Sequence

from sqlmodel import col, select

from base.db import ReadSession, WriteSession, exclusive_lock
from brokers.mandates.document import Limits
from brokers.mandates.tables import MandateTermsRow
from brokers.rules import Power
from brokers.states import MandateState
from brokers.tables import MandateRow

LIVE = (MandateState.ACTIVE, MandateState.FROZEN)


async def terms_of(s: ReadSession, *, mandate_id: str) -> MandateTermsRow | None:
    """The document and limits of a mandate; None for one that was signed before there were any."""
    return await s.get(MandateTermsRow, mandate_id, populate_existing=True)


async def terms_by_mandate(s: ReadSession, mandate_ids: Sequence[str]) -> dict[str, MandateTermsRow]:
    """The documents and limits of several mandates."""
    query = select(MandateTermsRow).where(col(MandateTermsRow.mandate_id).in_(mandate_ids))
    return {row.mandate_id: row for row in await s.exec(query)}


def limits_of(row: MandateTermsRow | None) -> Limits:
    """The limits as the rules take them; an old mandate without a document has every power of its time."""
    if row is None:
        return Limits(powers=frozenset(Power))
    return Limits(
        categories=frozenset(row.categories),
        powers=frozenset(Power(power) for power in row.powers),
        territories=frozenset(row.territories),
        price_floor_minor=row.price_floor_minor,
        price_ceiling_minor=row.price_ceiling_minor,
        exclusive=row.exclusive,
        one_deal=row.one_deal,
    )


async def held_by(s: WriteSession, *, broker_id: str, states: Sequence[MandateState]) -> Sequence[MandateRow]:
    """A broker's mandates in these states, locked, in the order of their ids."""
    query = (
        select(MandateRow)
        .where(MandateRow.broker_id == broker_id, col(MandateRow.status).in_(states))
        .order_by(MandateRow.mandate_id)
    )
    return (await s.exec(exclusive_lock(query).execution_options(populate_existing=True))).all()


async def for_one_deal(s: ReadSession, *, broker_id: str | None = None) -> list[str]:
    """The ids of the mandates for one deal that are in force or frozen; of one broker, or of all."""
    query = (
        select(MandateRow.mandate_id)
        .join(MandateTermsRow, col(MandateTermsRow.mandate_id) == col(MandateRow.mandate_id))
        .where(col(MandateTermsRow.one_deal).is_(True), col(MandateRow.status).in_(LIVE))
    )
    if broker_id is not None:
        query = query.where(MandateRow.broker_id == broker_id)
    return list(await s.exec(query.order_by(MandateRow.mandate_id)))


async def live_of(s: ReadSession, *, client_id: str, side: str) -> Sequence[MandateRow]:
    """A client's mandates of one side that are in force or frozen."""
    query = select(MandateRow).where(
        MandateRow.client_id == client_id, MandateRow.side == side, col(MandateRow.status).in_(LIVE)
    )
    return (await s.exec(query.order_by(MandateRow.mandate_id))).all()

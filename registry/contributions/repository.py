"""What is asked about contributions."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement
from sqlmodel import col, or_, select

from base.db import ReadSession, exclusive_lock, share_lock
from registry.contributions.errors import ContributionUnknown
from registry.contributions.states import ContributionState
from registry.contributions.tables import ContributionRow

MAX_PAGE: Final = 100


async def contribution_of(s: ReadSession, *, contribution_id: str, org_id: str) -> ContributionRow:
    """The contribution, for its two sides. To anyone else it does not exist. Raises ContributionUnknown."""
    query = select(ContributionRow).where(
        ContributionRow.contribution_id == contribution_id, _of_either(org_id)
    )
    return _known((await s.exec(query)).first(), contribution_id)


async def claim_contribution(s: ReadSession, *, contribution_id: str, org_id: str) -> ContributionRow:
    """The contribution of one's own, locked against everyone else. Raises ContributionUnknown."""
    query = select(ContributionRow).where(
        ContributionRow.contribution_id == contribution_id, _of_either(org_id)
    )
    found = await s.exec(exclusive_lock(query), execution_options={"populate_existing": True})
    return _known(found.first(), contribution_id)


async def newest_to(
    s: ReadSession, *, product_id: str, holder_id: str, lock: bool = False
) -> dict[str, ContributionRow]:
    """The newest ask of a seller for a product, by contributor; share-locked where an act rests on it."""
    query = select(ContributionRow).where(
        ContributionRow.product_id == product_id, ContributionRow.holder_id == holder_id
    )
    rows = await s.exec(share_lock(query) if lock else query, execution_options={"populate_existing": lock})
    # Nobody is asked again while an ask is open, so one that has not ended is the newest.
    order = sorted(rows, key=lambda row: (row.ended_at is None, row.asked_at, row.contribution_id))
    return {row.contributor_id: row for row in order}


async def agreed_to(s: ReadSession, *, product_id: str) -> Sequence[ContributionRow]:
    """Who gives to a product now, whoever sells it, by id of the contributor."""
    query = select(ContributionRow).where(
        ContributionRow.product_id == product_id, ContributionRow.status == ContributionState.AGREED
    )
    return (await s.exec(query.order_by(ContributionRow.contributor_id))).all()


async def ever_agreed(s: ReadSession, *, product_id: str, holder_id: str) -> Sequence[ContributionRow]:
    """Every contribution that was agreed to, also one that has ended since."""
    query = select(ContributionRow).where(
        ContributionRow.product_id == product_id,
        ContributionRow.holder_id == holder_id,
        col(ContributionRow.agreed_at).is_not(None),
    )
    return (await s.exec(query.order_by(ContributionRow.contribution_id))).all()


async def contributions_of(
    s: ReadSession, *, org_id: str, after: str | None = None, limit: int = 50
) -> Sequence[ContributionRow]:
    """What an organisation asked for and was asked for, newest first, by keyset on the id."""
    query = select(ContributionRow).where(_of_either(org_id))
    if after is not None:
        query = query.where(col(ContributionRow.contribution_id) < after)
    query = query.order_by(col(ContributionRow.contribution_id).desc()).limit(min(limit, MAX_PAGE))
    return (await s.exec(query)).all()


async def resting_on_reference(s: ReadSession, *, reference: str) -> Sequence[tuple[str, str]]:
    """Product and seller of each joint product that a registration or a grant carries a part of."""
    query = (
        select(ContributionRow.product_id, ContributionRow.holder_id)
        .where(
            ContributionRow.basis_reference == reference, ContributionRow.status == ContributionState.AGREED
        )
        .distinct()
        .order_by(ContributionRow.product_id, ContributionRow.holder_id)
    )
    return (await s.exec(query)).all()


def _of_either(org_id: str) -> ColumnElement[bool]:
    return or_(col(ContributionRow.holder_id) == org_id, col(ContributionRow.contributor_id) == org_id)


def _known(row: ContributionRow | None, contribution_id: str) -> ContributionRow:
    if row is None:
        raise ContributionUnknown("no such contribution of yours", contribution_id=contribution_id)
    return row

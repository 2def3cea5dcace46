"""What is asked about grants."""

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import bindparam
from sqlmodel import col, select

from base.db import ReadSession, WriteSession, exclusive_lock, share_lock
from registry.operation.errors import GrantPartUnknown, GrantUnknown
from registry.operation.rules import ScenarioState
from registry.operation.states import GrantState
from registry.operation.tables import (
    GrantBreachRow,
    GrantCapRow,
    GrantProductRow,
    GrantResourceRow,
    GrantRow,
    GrantScenarioRow,
    GrantUseRow,
    GrantYearRow,
)

# Made once: these are asked at every act that rests on a grant.
_RESTING: Final = share_lock(select(GrantRow).where(col(GrantRow.grant_id) == bindparam("grant_id")))
_PRODUCT: Final = share_lock(
    select(GrantProductRow).where(col(GrantProductRow.product_id) == bindparam("product_id"))
)


async def get_grant(s: ReadSession, *, grant_id: str) -> GrantRow:
    """A grant by id. Raises GrantUnknown."""
    return _known(await s.get(GrantRow, grant_id, populate_existing=True), grant_id)


async def claim_grant(s: WriteSession, *, grant_id: str) -> GrantRow:
    """A grant, locked against every act that rests on it. Raises GrantUnknown."""
    query = exclusive_lock(select(GrantRow).where(GrantRow.grant_id == grant_id))
    return _known((await s.exec(query.execution_options(populate_existing=True))).first(), grant_id)


async def resting_on(s: ReadSession, *, grant_id: str) -> GrantRow | None:
    """A grant, share-locked for an act that depends on it."""
    asked = {"grant_id": grant_id}
    return (await s.exec(_RESTING.execution_options(populate_existing=True), params=asked)).first()


async def grants(
    s: ReadSession,
    *,
    states: Collection[GrantState] = (),
    authority_id: str | None = None,
    operator_id: str | None = None,
    party_id: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Sequence[GrantRow]:
    """Grants, newest first: in these states, of this authority or operator, or of either."""
    query = select(GrantRow)
    if states:
        query = query.where(col(GrantRow.status).in_(sorted(states)))
    if authority_id is not None:
        query = query.where(GrantRow.authority_id == authority_id)
    if operator_id is not None:
        query = query.where(GrantRow.operator_id == operator_id)
    if party_id is not None:
        shared = select(GrantResourceRow.grant_id).where(GrantResourceRow.agency_id == party_id)
        query = query.where(
            (col(GrantRow.authority_id) == party_id)
            | (col(GrantRow.operator_id) == party_id)
            | col(GrantRow.grant_id).in_(shared)
        )
    if after is not None:
        query = query.where(col(GrantRow.grant_id) < after)
    return (await s.exec(query.order_by(col(GrantRow.grant_id).desc()).limit(limit))).all()


async def resources_of(s: ReadSession, *, grant_id: str) -> Sequence[GrantResourceRow]:
    """The data of a grant, by id."""
    query = select(GrantResourceRow).where(GrantResourceRow.grant_id == grant_id)
    return (await s.exec(query.order_by(col(GrantResourceRow.data_id)))).all()


async def resource_of(s: ReadSession, *, grant_id: str, data_id: str) -> GrantResourceRow | None:
    """One entry of data of a grant; None where it has none such."""
    return await s.get(GrantResourceRow, (grant_id, data_id), populate_existing=True)


async def scenarios_of(s: ReadSession, *, grant_id: str) -> Sequence[GrantScenarioRow]:
    """The scenarios of a grant, in the order they were asked for."""
    query = select(GrantScenarioRow).where(GrantScenarioRow.grant_id == grant_id)
    return (await s.exec(query.order_by(col(GrantScenarioRow.scenario_id)))).all()


async def scenarios(
    s: ReadSession, *, after: str | None = None, limit: int = 50
) -> Sequence[tuple[GrantScenarioRow, GrantRow]]:
    """Every scenario that was approved, with its grant, newest first, by keyset on the id (R24)."""
    query = select(GrantScenarioRow, GrantRow).join(
        GrantRow, col(GrantRow.grant_id) == GrantScenarioRow.grant_id
    )
    query = query.where(col(GrantScenarioRow.status).in_((ScenarioState.APPROVED, ScenarioState.ENDED)))
    if after is not None:
        query = query.where(col(GrantScenarioRow.scenario_id) < after)
    query = query.order_by(col(GrantScenarioRow.scenario_id).desc()).limit(min(limit, 100))
    return (await s.exec(query)).all()


async def scenario_of(s: ReadSession, *, grant_id: str, scenario_id: str) -> GrantScenarioRow:
    """A scenario of a grant. Raises GrantPartUnknown."""
    row = await s.get(GrantScenarioRow, scenario_id, populate_existing=True)
    if row is None or row.grant_id != grant_id:
        raise GrantPartUnknown("no such scenario", scenario_id=scenario_id)
    return row


async def products_of(s: ReadSession, *, grant_id: str) -> Sequence[GrantProductRow]:
    """The products of a grant."""
    query = select(GrantProductRow).where(GrantProductRow.grant_id == grant_id)
    return (await s.exec(query.order_by(col(GrantProductRow.product_id)))).all()


async def product_of(s: ReadSession, *, grant_id: str, product_id: str) -> GrantProductRow:
    """A product of a grant. Raises GrantPartUnknown."""
    row = await s.get(GrantProductRow, product_id, populate_existing=True)
    if row is None or row.grant_id != grant_id:
        raise GrantPartUnknown("no such product of this grant", product_id=product_id)
    return row


async def caps_of(s: ReadSession, *, product_id: str) -> Sequence[GrantCapRow]:
    """Every cap that a product had, from the first day to the newest."""
    query = select(GrantCapRow).where(GrantCapRow.product_id == product_id)
    return (await s.exec(query.order_by(col(GrantCapRow.set_at)))).all()


async def granted_product(s: ReadSession, *, product_id: str) -> GrantProductRow | None:
    """A product that is one of some grant, share-locked; None for any other product."""
    asked = {"product_id": product_id}
    return (await s.exec(_PRODUCT.execution_options(populate_existing=True), params=asked)).first()


async def operator_of(s: ReadSession, *, product_id: str) -> str | None:
    """Who operates the public data that a product is made of; None for any other product."""
    query = (
        select(GrantRow.operator_id)
        .join(GrantProductRow, col(GrantProductRow.grant_id) == col(GrantRow.grant_id))
        .where(GrantProductRow.product_id == product_id)
    )
    return (await s.exec(query)).first()


async def uses_of(
    s: ReadSession, *, grant_id: str, after: str | None = None, limit: int = 50
) -> Sequence[GrantUseRow]:
    """The uses of a grant's data, newest first."""
    query = select(GrantUseRow).where(GrantUseRow.grant_id == grant_id)
    if after is not None:
        query = query.where(col(GrantUseRow.use_id) < after)
    return (await s.exec(query.order_by(col(GrantUseRow.use_id).desc()).limit(limit))).all()


async def years_of(s: ReadSession, *, grant_id: str) -> Sequence[GrantYearRow]:
    """The years that were accounted for, first to last."""
    query = select(GrantYearRow).where(GrantYearRow.grant_id == grant_id)
    return (await s.exec(query.order_by(col(GrantYearRow.year)))).all()


async def year_of(s: ReadSession, *, grant_id: str, year: int) -> GrantYearRow | None:
    """One year of a grant; None where neither side has said anything of it."""
    return await s.get(GrantYearRow, (grant_id, year), populate_existing=True)


async def breaches_of(s: ReadSession, *, grant_id: str, open_only: bool = False) -> Sequence[GrantBreachRow]:
    """The breaches of a grant, in the order they were found."""
    query = select(GrantBreachRow).where(GrantBreachRow.grant_id == grant_id)
    if open_only:
        query = query.where(col(GrantBreachRow.cleared_at).is_(None))
    return (await s.exec(query.order_by(col(GrantBreachRow.breach_id)))).all()


def _known(row: GrantRow | None, grant_id: str) -> GrantRow:
    if row is None:
        raise GrantUnknown("no such grant", grant_id=grant_id)
    return row

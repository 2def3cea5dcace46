"""What rests on a grant: uses of its data, and the listings of its products. Asked under a share lock."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from base.db import ReadSession
from base.ids import is_id
from identity.service import same_controller
from registry.lists.repository import data_entry
from registry.operation import repository
from registry.operation.documents import scenario_of
from registry.operation.errors import (
    GrantNotLive,
    NotPublicData,
    OutsideScope,
    PriceAboveGrantCap,
    ProductFree,
    ProductUncoded,
    ProductUngranted,
    ProductUnpriced,
    Redevelopment,
    UnitDiffers,
)
from registry.operation.rules import ProductClass, check_columns, check_price
from registry.operation.sales import check_sold_under, check_unit
from registry.operation.states import LIVE
from registry.operation.tables import GrantRow

GRANT_LOSSES: Final = (
    GrantNotLive,
    NotPublicData,
    OutsideScope,
    PriceAboveGrantCap,
    ProductFree,
    ProductUncoded,
    ProductUngranted,
    ProductUnpriced,
    UnitDiffers,
)
"""What is refused when a grant does not carry an offer, or carries it no more."""


def is_given_here(grant_id: str | None) -> bool:
    """Whether an authorisation's number is of this exchange; another venue's is cited, not looked up."""
    return grant_id is not None and is_id(grant_id, "aog")


async def require_live(s: ReadSession, *, grant_id: str, now: datetime | None = None) -> GrantRow:
    """A grant that carries what rests on it, share-locked. Its term bites before the clock states its end.

    Raises GrantNotLive.
    """
    row = await repository.resting_on(s, grant_id=grant_id)
    if row is None or row.status not in LIVE:
        status = "unknown" if row is None else row.status.value
        raise GrantNotLive("the grant is not active", grant_id=grant_id, status=status)
    assert row.starts_at is not None
    assert row.ends_at is not None
    if now is not None and not row.starts_at <= now <= row.ends_at:
        raise GrantNotLive("outside the term of the grant", grant_id=grant_id, status=row.status.value)
    return row


async def require_cited(
    s: ReadSession, *, grant_id: str | None, holder_id: str, operates: bool, public_data: bool, now: datetime
) -> None:
    """What a draft of public data cites: a live grant of its seller, where the grant is of this exchange.

    An operating institution cites no other venue's number: with no active grant here it lists no public data
    (R01). Raises GrantNotLive, NotPublicData.
    """
    if grant_id is not None and is_given_here(grant_id):
        if not public_data:
            raise NotPublicData("a draft that cites a grant declares public data", grant_id=grant_id)
        row = await require_live(s, grant_id=grant_id, now=now)
        if row.operator_id != holder_id:
            raise GrantNotLive("another institution holds this grant", grant_id=grant_id)
    elif operates and public_data:
        raise GrantNotLive("an operating institution names its own active grant", grant_id=grant_id or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """What is offered of a product: by whom, as what, at which price in fen for which unit, to whom.

    `users` are the buyer and who else may have the data; none while nobody has asked.
    """

    product_id: str
    holder_id: str
    public_data: bool
    price_minor: int
    unit: str
    users: Collection[str] = ()


async def require_offerable(
    s: ReadSession, *, grant_id: str | None, offered: Offered, now: datetime | None = None
) -> None:
    """A listing that cites a grant of this exchange is of one of its products, its holder's, within its cap.

    It is sold in the product's scenario, to its users. Nothing where it cites none. Raises GrantNotLive,
    NotPublicData, ProductUngranted, ProductFree, ProductUnpriced, ProductUncoded, PriceAboveGrantCap,
    UnitDiffers, OutsideScope.
    """
    if grant_id is None or not is_given_here(grant_id):
        return
    row = await require_live(s, grant_id=grant_id, now=now)
    if row.operator_id != offered.holder_id:
        raise GrantNotLive("another institution holds this grant", grant_id=grant_id)
    if not offered.public_data:
        raise NotPublicData("what cites a grant is public data", grant_id=grant_id)
    product_id = offered.product_id
    product = await repository.granted_product(s, product_id=product_id)
    if product is None or product.grant_id != grant_id:
        raise ProductUngranted("no product of this grant", grant_id=grant_id, product_id=product_id)
    if product.product_class is ProductClass.FREE:
        raise ProductFree("a free product is given by opening", product_id=product_id)
    if product.cap_minor is None:
        raise ProductUnpriced("no cap is set", product_id=product_id)
    if product.code is None and now is not None and now > product.code_by:
        raise ProductUncoded("no code after twenty working days", product_id=product_id)
    check_price(product.product_class, offered.price_minor, product.cap_minor)
    check_unit(product.unit, offered.unit)
    # The lock on the grant covers its scenarios: they are decided and ended under a lock on it.
    scenario = await repository.scenario_of(s, grant_id=grant_id, scenario_id=product.scenario_id)
    check_sold_under(scenario_of(scenario), scenario.status, users=offered.users, at=now)


async def require_within_fields(
    s: ReadSession, *, grant_id: str | None, product_id: str, columns: Collection[str]
) -> None:
    """The file of a grant's product holds no field of its data that the scenario leaves out (R02).

    Nothing where no grant of this exchange is cited. Raises OutsideScope.
    """
    if grant_id is None or not is_given_here(grant_id):
        return
    product = await repository.granted_product(s, product_id=product_id)
    if product is None or product.grant_id != grant_id:
        raise ProductUngranted("no product of this grant", grant_id=grant_id, product_id=product_id)
    scenario = await repository.scenario_of(s, grant_id=grant_id, scenario_id=product.scenario_id)
    held = await fields_held(s, grant_id=grant_id)
    check_columns(columns, scenario_of(scenario), {name for names in held.values() for name in names})


async def fields_held(s: ReadSession, *, grant_id: str) -> dict[str, list[str]]:
    """The names of the fields of each resource of a grant, as its list entry tells them."""
    held: dict[str, list[str]] = {}
    for one in await repository.resources_of(s, grant_id=grant_id):
        entry = await data_entry(s, data_id=one.data_id)
        held[one.data_id] = [str(field.get("name")) for field in entry.fields]
    return held


async def require_apart(
    s: ReadSession, *, seller_id: str, product_id: str | None, made_of: tuple[str, ...]
) -> None:
    """Nobody develops further, or resells, what an institution of its own house delivers (R84).

    `product_id` is what is offered, `made_of` the products it was made from. The operator itself offers the
    product of its grant, and nothing that was made from it. Raises Redevelopment.
    """
    for source in made_of:
        operator_id = await repository.operator_of(s, product_id=source)
        if operator_id is not None and await same_controller(s, operator_id, seller_id):
            raise Redevelopment("made from the operator's own delivered product", product_id=source)
    if product_id is not None:
        operator_id = await repository.operator_of(s, product_id=product_id)
        other = operator_id is not None and operator_id != seller_id
        if other and await same_controller(s, str(operator_id), seller_id):
            raise Redevelopment("resold by the operator's own house", product_id=product_id)

"""What rests on a grant: uses of its data, and the listings of its products. Asked under a share lock."""

from datetime import datetime

from base.db import ReadSession
from base.ids import is_id
from identity.service import same_controller
from registry.operation import repository
from registry.operation.errors import (
    GrantNotLive,
    ProductUncoded,
    ProductUngranted,
    ProductUnpriced,
    Redevelopment,
)
from registry.operation.rules import check_price
from registry.operation.states import LIVE
from registry.operation.tables import GrantRow


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
    (R01). Raises GrantNotLive.
    """
    if grant_id is not None and is_given_here(grant_id):
        row = await require_live(s, grant_id=grant_id, now=now)
        if row.operator_id != holder_id:
            raise GrantNotLive("another institution holds this grant", grant_id=grant_id)
    elif operates and public_data:
        raise GrantNotLive("an operating institution names its own active grant", grant_id=grant_id or "")


async def require_offerable(
    s: ReadSession,
    *,
    grant_id: str | None,
    product_id: str,
    holder_id: str,
    price_minor: int | None,
    now: datetime | None = None,
) -> None:
    """A listing that cites a grant of this exchange is of one of its products, its holder's, within its cap.

    Nothing where it cites none. Raises GrantNotLive, ProductUngranted, ProductUnpriced, ProductUncoded,
    PriceAboveGrantCap.
    """
    if grant_id is None or not is_given_here(grant_id):
        return
    row = await require_live(s, grant_id=grant_id, now=now)
    if row.operator_id != holder_id:
        raise GrantNotLive("another institution holds this grant", grant_id=grant_id)
    product = await repository.granted_product(s, product_id=product_id)
    if product is None or product.grant_id != grant_id:
        raise ProductUngranted("no product of this grant", grant_id=grant_id, product_id=product_id)
    if product.cap_minor is None:
        raise ProductUnpriced("no cap is set", product_id=product_id)
    if product.code is None and now is not None and now > product.code_by:
        raise ProductUncoded("no code after twenty working days", product_id=product_id)
    check_price(product.product_class, price_minor or 0, product.cap_minor)


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

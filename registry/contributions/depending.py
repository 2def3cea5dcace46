"""What rests on contributors: nothing of a joint product is offered or sold unless all have agreed."""

from datetime import datetime

from base.calendar import shanghai_day
from base.clock import rfc3339
from base.db import ReadSession
from registry.contributions import repository
from registry.contributions.errors import ContributionUnfounded, ContributorsUnnamed
from registry.contributions.rules import Basis, BasisKind, check_all_agreed
from registry.contributions.states import ContributionState
from registry.contributions.tables import ContributionRow
from registry.operation.depending import require_live
from registry.registration.repository import claim_held, resting_on_number
from registry.registration.states import RegistrationState
from registry.rules import Right, Source


async def require_agreed(
    s: ReadSession, *, product_id: str, holder_id: str, now: datetime | None = None
) -> None:
    """Every contributor that its seller named has agreed, and its right stands, all share-locked.

    Raises ContributionOpen, ContributionUnfounded, GrantNotLive.
    """
    newest = await repository.newest_to(s, product_id=product_id, holder_id=holder_id, lock=True)
    if not newest:
        return
    check_all_agreed({who: row.status for who, row in newest.items()})
    for row in newest.values():
        if row.status is ContributionState.AGREED:
            await require_founded(s, row.contributor_id, basis_of(row), now=now)


async def require_consented(s: ReadSession, *, product_id: str, holder_id: str, source: Source) -> None:
    """Who may provide fused data named those who consent (Art 21). Raises ContributorsUnnamed."""
    if source is not Source.FUSION:
        return
    newest = await repository.newest_to(s, product_id=product_id, holder_id=holder_id)
    if not any(row.status is ContributionState.AGREED for row in newest.values()):
        raise ContributorsUnnamed("the consent of the others is theirs to give", product_id=product_id)


async def require_founded(
    s: ReadSession, contributor_id: str, basis: Basis, *, now: datetime | None = None
) -> None:
    """The right that a contributor names is its own and stands, share-locked.

    Raises ContributionUnfounded, GrantNotLive.
    """
    if basis.kind is BasisKind.STATEMENT:
        return
    reference = basis.reference or ""
    if basis.kind is BasisKind.GRANT:
        grant = await require_live(s, grant_id=reference, now=now)
        if grant.operator_id != contributor_id:
            raise ContributionUnfounded("another institution holds this grant", reference=reference)
        return
    row = await resting_on_number(s, number=reference)
    if row is None or row.status is not RegistrationState.REGISTERED:
        raise ContributionUnfounded("no registration that stands has this number", reference=reference)
    if now is None:
        return
    if row.valid_to is None or now > row.valid_to:
        ended = None if row.valid_to is None else rfc3339(row.valid_to)
        raise ContributionUnfounded("the registration is over", reference=reference, ended=ended)
    held = await claim_held(
        s,
        registration_id=row.registration_id,
        holder_id=contributor_id,
        right=Right.OPERATE,
        on=shanghai_day(now),
    )
    if not held:
        raise ContributionUnfounded("no right to operate of this contributor", reference=reference)


def basis_of(row: ContributionRow) -> Basis:
    """The basis that an agreement was given on."""
    assert row.basis_kind is not None
    return Basis(
        kind=row.basis_kind,
        reference=row.basis_reference,
        source=row.basis_source,
        statement_sha256=row.statement_sha256,
    )

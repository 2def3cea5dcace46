"""What anybody is told of an asset certificate by its number or a digest: whether it stands, and who made it.

Not of whom it is, nor what it says.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from base.clock import rfc3339
from base.db import ReadSession
from base.errors import NotFound
from base.ids import is_id
from identity.repository import get_organisation
from ledger.reader import Statement, statements_of
from registry.vouchers import repository
from registry.vouchers.states import LIVE, TypeState
from web.pages.languages import N_

_MADE: Final = frozenset({"CRT.GENERATE", "CRT.CORRECT"})


@dataclass(frozen=True, slots=True)
class ToldVoucher:
    """A certificate as anybody sees it; `said` is the statement that has its digest."""

    voucher_id: str
    stands: bool
    digest: str
    facts: tuple[tuple[str, str], ...]
    said: Statement | None


async def told_voucher(s: ReadSession, asked: str, *, now: datetime) -> ToldVoucher | None:
    """The certificate of this id, or of this digest of its document or its presentation."""
    if is_id(asked, "vch"):
        try:
            row = await repository.get_voucher(s, voucher_id=asked)
        except NotFound:
            return None
    else:
        found = await repository.voucher_of_digest(s, sha256=asked)
        if found is None:
            return None
        row = found
    kind = await repository.get_type(s, type_id=row.type_id)
    provider = await get_organisation(s, org_id=row.provider_id)
    made = [one for one in await statements_of(s, object_id=row.voucher_id) if one.event in _MADE]
    live = row.status in LIVE and row.credential_sha256 is not None
    facts = (
        (N_("Type"), f"{kind.name} {kind.code}"),
        (N_("Provider"), row.provider_id if provider is None else provider.name),
        (N_("Until"), rfc3339(row.due_at)),
    )
    return ToldVoucher(
        voucher_id=row.voucher_id,
        stands=live and kind.status is TypeState.IN_FORCE and now <= row.due_at,
        digest=row.credential_sha256 or "",
        facts=facts,
        said=made[-1] if made else None,
    )

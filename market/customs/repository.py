"""What is asked about customs: decisions, declarations, the registers, and what left."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, time
from typing import Any, Final

from sqlalchemy import Text, cast
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased
from sqlmodel import and_, col, func, or_, select, update

from base.calendar import at_shanghai, shanghai_day
from base.db import ReadSession, WriteSession, exclusive_lock
from identity.tables import OrganisationRow
from market.customs.errors import CustomsDocumentUnknown, DeclarationUnknown
from market.customs.routing import Way
from market.customs.states import COUNTED, LIVE, LOOKED_AT, PENDING, DeclarationState
from market.customs.tables import (
    CustomsDecision,
    CustomsDocumentRow,
    DeclarationRow,
    EgressRow,
    EndpointRow,
    GroupRow,
    NegativeListRow,
    PersonListRow,
)
from market.listings.tables import Listing, ListingFile
from market.orders.tables import Trade

MAX_PAGE: Final = 100
BY_OFFICER: Final = "XBD-OFFICER"
"""The rule of a route that an officer gave."""
RETURNED: Final = "RETURNED"
WITHDRAWN: Final = "WITHDRAWN"
WITHDRAWN_FROM_OFFICER: Final = "WITHDRAWN_FROM_OFFICER"
LAPSED: Final = "LAPSED"
LAPSED_AT_OFFICER: Final = "LAPSED_AT_OFFICER"
_SEEN_AGAIN: Final = (RETURNED, WITHDRAWN_FROM_OFFICER, LAPSED_AT_OFFICER)
"""Customs had it in hand when it was sent back, taken back, or over: the same flow goes to an officer."""
_CARRIED: Final = tuple(sorted({*COUNTED} - {DeclarationState.DECLARED, DeclarationState.ROUTED}))
_CONTESTED: Final = (
    *LOOKED_AT,
    DeclarationState.HALTED,
    DeclarationState.REVOKED,
    DeclarationState.REJECTED,
)
_FRESH: Final = {"populate_existing": True}


async def decision_of(s: ReadSession, *, trade_id: str) -> CustomsDecision | None:
    """The latest decision on a trade's delivery."""
    query = select(CustomsDecision).where(CustomsDecision.trade_id == trade_id)
    return (await s.exec(query.order_by(col(CustomsDecision.decided_at).desc()).limit(1))).first()


async def get_declaration(s: ReadSession, *, declaration_id: str) -> DeclarationRow:
    """One declaration. Raises DeclarationUnknown."""
    row = await s.get(DeclarationRow, declaration_id, populate_existing=True)
    if row is None:
        raise DeclarationUnknown("no such declaration", declaration_id=declaration_id)
    return row


async def claim_declaration(s: WriteSession, *, declaration_id: str) -> DeclarationRow:
    """One declaration, locked for a step. Raises DeclarationUnknown."""
    query = select(DeclarationRow).where(DeclarationRow.declaration_id == declaration_id)
    row = (await s.exec(exclusive_lock(query), execution_options=_FRESH)).first()
    if row is None:
        raise DeclarationUnknown("no such declaration", declaration_id=declaration_id)
    return row


async def declarations(
    s: ReadSession,
    *,
    states: Collection[DeclarationState] = (),
    exporter_id: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Sequence[DeclarationRow]:
    """Declarations, newest first: in these states, of this exporter."""
    query = select(DeclarationRow)
    if states:
        query = query.where(col(DeclarationRow.status).in_(sorted(states)))
    if exporter_id is not None:
        query = query.where(DeclarationRow.exporter_id == exporter_id)
    if after is not None:
        query = query.where(col(DeclarationRow.declaration_id) < after)
    newest = query.order_by(col(DeclarationRow.declaration_id).desc()).limit(min(limit, MAX_PAGE))
    return (await s.exec(newest)).all()


async def counted_in(
    s: ReadSession, *, group_id: str, members: Collection[str], year: int
) -> Sequence[DeclarationRow]:
    """The declarations whose persons count in a group's year: routed or sent under in it, or alive in it.

    Of the group as it was when they were declared, and of all who are in it now (`members`). What has ended
    and sent nothing by the gate, which alone it could leave by, counts no more.
    """
    unused = and_(
        col(DeclarationRow.status).in_((DeclarationState.EXPIRED, DeclarationState.REVOKED)),
        col(DeclarationRow.sent_uses) == 0,
        or_(col(DeclarationRow.trade_id).is_not(None), col(DeclarationRow.product_id).is_not(None)),
    )
    begins = at_shanghai(date(year, 1, 1), time(0))
    query = select(DeclarationRow).where(
        or_(col(DeclarationRow.group_id) == group_id, col(DeclarationRow.exporter_id).in_(sorted(members))),
        or_(
            col(DeclarationRow.year) == year,
            col(DeclarationRow.sent_year) == year,
            and_(
                col(DeclarationRow.year) < year,
                col(DeclarationRow.valid_to) >= begins,
                col(DeclarationRow.status).in_((*PENDING, *LIVE)),
            ),
        ),
        col(DeclarationRow.status).in_(sorted(COUNTED)),
        ~unused,
    )
    return (await s.exec(query.order_by(col(DeclarationRow.declaration_id)))).all()


async def trouble_of(s: ReadSession, *, group_id: str) -> int:
    """How many of a group's declarations were halted, revoked or rejected."""
    ended = (DeclarationState.HALTED, DeclarationState.REVOKED, DeclarationState.REJECTED)
    query = select(func.count()).where(
        col(DeclarationRow.group_id) == group_id, col(DeclarationRow.status).in_(ended)
    )
    return int((await s.exec(query)).one())


async def standing_for(
    s: ReadSession, *, exporter_id: str, recipient_id: str, trade_id: str, product_id: str, now: datetime
) -> Sequence[DeclarationRow]:
    """What stands on what an exporter sends to a recipient by a trade, the trade's own first.

    The clearances that live now, and whatever is halted, also where its period is over.
    """
    lives = and_(
        col(DeclarationRow.status).in_(LIVE),
        col(DeclarationRow.valid_from) <= now,
        col(DeclarationRow.valid_to) >= now,
    )
    of_product = and_(col(DeclarationRow.trade_id).is_(None), col(DeclarationRow.product_id) == product_id)
    query = select(DeclarationRow).where(
        DeclarationRow.exporter_id == exporter_id,
        DeclarationRow.recipient_id == recipient_id,
        or_(lives, col(DeclarationRow.status) == DeclarationState.HALTED),
        or_(col(DeclarationRow.trade_id) == trade_id, of_product),
    )
    found = (await s.exec(query, execution_options=_FRESH)).all()
    return sorted(found, key=lambda row: (row.trade_id != trade_id, row.declaration_id))


async def cleared_for(
    s: ReadSession, *, exporter_id: str, recipient_id: str, trade_id: str, product_id: str
) -> Sequence[DeclarationRow]:
    """What was cleared of these goods to a recipient and was not stopped: it lives, or its time is over.

    None while one of the same goods is halted or revoked.
    """
    of_product = and_(col(DeclarationRow.trade_id).is_(None), col(DeclarationRow.product_id) == product_id)
    stopped = (DeclarationState.HALTED, DeclarationState.REVOKED)
    known = (*LIVE, DeclarationState.COMPLETED, DeclarationState.EXPIRED, *stopped)
    query = select(DeclarationRow).where(
        DeclarationRow.exporter_id == exporter_id,
        DeclarationRow.recipient_id == recipient_id,
        col(DeclarationRow.status).in_(known),
        or_(col(DeclarationRow.trade_id) == trade_id, of_product),
    )
    found = (await s.exec(query.order_by(col(DeclarationRow.declaration_id)))).all()
    return [] if any(row.status in stopped for row in found) else found


async def received_before(s: ReadSession, *, seller_id: str, listing_id: str) -> Sequence[DeclarationRow]:
    """The declarations under which a seller itself received, abroad, the very file that a listing offers.

    Its own marked copy of that file is the file.
    """
    bought, sold = aliased(ListingFile), aliased(ListingFile)
    listing, offered = aliased(Listing), aliased(Listing)
    query = (
        select(DeclarationRow)
        .join(EgressRow, col(EgressRow.declaration_id) == col(DeclarationRow.declaration_id))
        .join(Trade, col(Trade.trade_id) == col(EgressRow.trade_id))
        .join(listing, col(listing.listing_id) == col(Trade.listing_id))
        .join(
            bought,
            or_(col(bought.file_id) == col(listing.file_id), col(bought.copy_of) == col(listing.file_id)),
        )
        .join(sold, col(sold.sha256) == col(bought.sha256))
        .join(offered, col(offered.file_id) == col(sold.file_id))
        .where(EgressRow.recipient_id == seller_id, offered.listing_id == listing_id)
        .where(DeclarationRow.exporter_id != seller_id)
    )
    return (await s.exec(query)).unique().all()


async def contested(s: ReadSession, row: DeclarationRow) -> bool:
    """Whether the same flow was declared before, and customs stopped it, refused it, or has it in hand."""
    return await contested_before(
        s,
        exporter_id=row.exporter_id,
        recipient_id=row.recipient_id,
        trade_id=row.trade_id,
        product_id=row.product_id,
        named=row.said["recipient"]["name"],
    )


async def contested_before(
    s: ReadSession,
    *,
    exporter_id: str,
    recipient_id: str | None,
    trade_id: str | None,
    product_id: str | None,
    named: str = "",
) -> bool:
    """`contested` of a flow that is not declared yet.

    The same flow: exporter, recipient, and trade or product; of data that goes another way, the recipient.
    """
    about = [
        col(column) == value
        for column, value in (
            (DeclarationRow.trade_id, trade_id),
            (DeclarationRow.product_id, product_id),
        )
        if value is not None
    ]
    elsewhere = and_(col(DeclarationRow.trade_id).is_(None), col(DeclarationRow.product_id).is_(None))
    query = select(DeclarationRow).where(
        DeclarationRow.exporter_id == exporter_id,
        col(DeclarationRow.recipient_id).is_not_distinct_from(recipient_id),
        or_(*about) if about else elsewhere,
        or_(
            col(DeclarationRow.status).in_(sorted(_CONTESTED)),
            col(DeclarationRow.rule_id) == BY_OFFICER,
            col(DeclarationRow.reason_code).in_(_SEEN_AGAIN),
        ),
    )
    found = (await s.exec(query)).all()
    return any(about or recipient_id is not None or one.said["recipient"]["name"] == named for one in found)


async def lock_group(s: WriteSession, *, group_id: str) -> None:
    """Hold an exporter group's counters until the transaction ends; a group begins with this."""
    upsert = (postgresql if s.get_bind().dialect.name == "postgresql" else sqlite).insert(GroupRow)
    counted = upsert.values(group_id=group_id, counted=1).on_conflict_do_update(
        index_elements=["group_id"], set_={"counted": col(GroupRow.counted) + 1}
    )
    await s.exec(counted)


async def lists_of(s: ReadSession, *, declaration_ids: Collection[str]) -> Sequence[PersonListRow]:
    """The lists of persons of some declarations."""
    query = select(PersonListRow).where(col(PersonListRow.declaration_id).in_(sorted(declaration_ids)))
    return (await s.exec(query.order_by(col(PersonListRow.declaration_id)), execution_options=_FRESH)).all()


async def document_numbered(s: ReadSession, *, number: str) -> CustomsDocumentRow | None:
    """A document of the authority's register."""
    query = select(CustomsDocumentRow).where(CustomsDocumentRow.number == number)
    return (await s.exec(query, execution_options=_FRESH)).first()


async def claim_document(s: WriteSession, *, number: str) -> CustomsDocumentRow | None:
    """A document of the register, locked: of two declarations at once the second sees the first."""
    query = select(CustomsDocumentRow).where(CustomsDocumentRow.number == number)
    return (await s.exec(exclusive_lock(query), execution_options=_FRESH)).first()


async def carried_by(s: ReadSession, *, number: str) -> Sequence[DeclarationRow]:
    """The declarations that a document of the register carries, has carried, or is shown for."""
    query = select(DeclarationRow).where(
        col(DeclarationRow.evidence)["number"].as_string() == number,
        col(DeclarationRow.status).in_(_CARRIED),
    )
    return (await s.exec(query.order_by(col(DeclarationRow.declaration_id)))).all()


async def live_under(s: ReadSession, *, number: str) -> Sequence[str]:
    """The clearances that live under a document, or under a seat in a zone."""
    query = select(DeclarationRow.declaration_id).where(
        col(DeclarationRow.status).in_(LIVE),
        or_(
            col(DeclarationRow.evidence)["number"].as_string() == number,
            and_(
                col(DeclarationRow.way) == Way.EXEMPT_ZONE,
                col(DeclarationRow.said)[("attachments", "zone_number")].as_string() == number,
            ),
        ),
    )
    return (await s.exec(query.order_by(col(DeclarationRow.declaration_id)))).all()


async def get_document(s: ReadSession, *, document_id: str) -> CustomsDocumentRow:
    """One document. Raises CustomsDocumentUnknown."""
    row = await s.get(CustomsDocumentRow, document_id, populate_existing=True)
    if row is None:
        raise CustomsDocumentUnknown("no such document", document_id=document_id)
    return row


async def documents(
    s: ReadSession, *, exporter_id: str | None = None, after: str | None = None, limit: int = 50
) -> Sequence[CustomsDocumentRow]:
    """The authority's register, newest first; what names this exporter."""
    query = select(CustomsDocumentRow)
    if exporter_id is not None:
        named = cast(col(CustomsDocumentRow.exporter_ids), Text)
        query = query.where(named.contains(f'"{exporter_id}"', autoescape=True))
    if after is not None:
        query = query.where(col(CustomsDocumentRow.document_id) < after)
    query = query.order_by(col(CustomsDocumentRow.document_id).desc())
    return (await s.exec(query.limit(min(limit, MAX_PAGE)))).all()


async def negative_lists(s: ReadSession, *, zone: str | None = None) -> Sequence[NegativeListRow]:
    """Every version of the negative lists, the newest of a zone first."""
    query = select(NegativeListRow)
    if zone is not None:
        query = query.where(NegativeListRow.zone == zone)
    query = query.order_by(col(NegativeListRow.zone), col(NegativeListRow.version).desc())
    return (await s.exec(query)).all()


async def list_in_force(s: ReadSession, *, zone: str, at: datetime) -> NegativeListRow | None:
    """The newest version of a zone's list that is in force on a day; None without one."""
    day = shanghai_day(at).isoformat()
    for row in await negative_lists(s, zone=zone):
        if row.effective_from <= day and (row.effective_to is None or day < row.effective_to):
            return row
    return None


async def places_of(s: ReadSession, *, org_id: str) -> tuple[str, str | None] | None:
    """Where a member sits and where it says that it receives; one question. None of a stranger."""
    query = (
        select(OrganisationRow.region, EndpointRow.region)
        .join(EndpointRow, col(EndpointRow.org_id) == col(OrganisationRow.org_id), isouter=True)
        .where(OrganisationRow.org_id == org_id)
    )
    found: Any = (await s.exec(query)).first()
    return None if found is None else (found[0], found[1])


async def untold(s: ReadSession, *, declaration_id: str, under_way: bool = False) -> Sequence[EgressRow]:
    """What left under a declaration and stands in no statement of the customs log yet.

    With `under_way` also what has left of downloads that nobody has ended.
    """
    query = select(EgressRow).where(EgressRow.declaration_id == declaration_id, col(EgressRow.told).is_(None))
    part = and_(col(EgressRow.open).is_(True), col(EgressRow.bytes) > 0)
    query = query.where(
        or_(col(EgressRow.open).is_(False), part) if under_way else col(EgressRow.open).is_(False)
    )
    return (await s.exec(query.order_by(col(EgressRow.egress_id)), execution_options=_FRESH)).all()


async def told_whole(s: ReadSession, *, declaration_id: str) -> bool:
    """Whether the customs log tells of a whole file that left under a declaration."""
    query = select(EgressRow.egress_id).where(
        EgressRow.declaration_id == declaration_id,
        col(EgressRow.whole).is_(True),
        col(EgressRow.told).is_not(None),
    )
    return (await s.exec(query.limit(1))).first() is not None


async def egress_carried(s: ReadSession, *, carried: str, recipient_id: str) -> Sequence[EgressRow]:
    """What left of one download or answer to somebody abroad, in order."""
    query = select(EgressRow).where(EgressRow.carried == carried, EgressRow.recipient_id == recipient_id)
    return (await s.exec(query.order_by(col(EgressRow.egress_id)), execution_options=_FRESH)).all()


async def egress_of(s: ReadSession, *, declaration_id: str, limit: int = 100) -> Sequence[EgressRow]:
    """What left under a declaration, newest first."""
    query = select(EgressRow).where(EgressRow.declaration_id == declaration_id)
    return (await s.exec(query.order_by(col(EgressRow.egress_id).desc()).limit(limit))).all()


async def mark_told(s: WriteSession, *, egress_ids: Sequence[str], statement_id: str) -> None:
    """Note which statement says that these left."""
    those = col(EgressRow.egress_id).in_(egress_ids)
    await s.exec(update(EgressRow).where(those).values(told=statement_id, open=False))

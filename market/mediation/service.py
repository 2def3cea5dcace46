"""A broker sends its client what matches the client's request: stated, so that the order can be compared.

The public part names nothing that was sent: the neutral order counts a budget that others are not told, and
what is sent beside it would tell them. What was sent, the neutral order with its points, and the reason for
another one are in the opening, for client and supervision.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from base.canonical import sha256_hex
from base.db import ReadSession, WriteSession
from brokers.conduct.repository import interests_in
from brokers.errors import SelfDealing
from brokers.mandates.document import Use, check_use
from brokers.mandates.errors import MandateExceeded
from brokers.mandates.repository import limits_of, terms_by_mandate
from brokers.practising import require_practitioner
from brokers.rules import Power, Side
from brokers.service import require_certified, require_mandate
from brokers.tables import MandateRow
from identity.service import require_member, same_controller
from ledger.recording import Act, record
from ledger.statement import Draft
from market.listings.service import require_listed
from market.listings.tables import Listing
from market.mediation.errors import RequestNotOpen
from market.mediation.finding import Found, find_matches
from market.mediation.matching import VERSION
from market.mediation.repository import mandates_between
from market.mediation.rules import Relation, check_sent
from market.mediation.tables import Presentation
from market.orders.rewarding import introduce
from market.requests.repository import budget_is_told, get_request
from market.requests.states import RequestState
from market.requests.tables import DataRequest
from registry.rules import Level

SEND: Final = "MED.SEND"


async def send_matches(
    s: WriteSession,
    act: Act,
    *,
    request_id: str,
    listing_ids: Sequence[str],
    reason: str | None = None,
) -> Presentation:
    """Send matches of a request to the buyer who mandated the broker (MED.SEND), in the broker's order.

    Each listing has to match by the rules that everybody reads; another choice or order than the first so
    many of the neutral one needs its reason. The broker's mandate must let it match in this category. Raises
    RequestUnknown, RequestNotOpen, MatchesMalformed, NotAMatch, OrderUnexplained, SelfDealing (BR5),
    `listing-not-on-offer`, `member-not-active`, BrokerNotCertified (BR1), PractitionerNeeded,
    `person-not-identified`, NoActiveMandate and MandateExceeded (BR2).
    """
    broker_id = act.actor.org_id
    request = await get_request(s, request_id=request_id)
    if request.status is not RequestState.OPEN or act.now > request.until:
        raise RequestNotOpen("the request is over", request_id=request_id, status=request.status.value)
    await require_member(s, org_id=broker_id)
    await require_member(s, org_id=request.buyer_id)
    found = await find_matches(s, request_id=request_id, budget_told=True)
    departs, said = check_sent(listing_ids, found.order, reason=reason, request_id=request_id)
    mandates: dict[str, MandateRow] = {}
    for listing_id in listing_ids:
        listing = await require_listed(s, listing_id=listing_id, now=act.now)
        mandates[listing_id] = await _allowed(s, act, request, listing)
    related = await related_sellers(
        s,
        broker_id=broker_id,
        sellers=[found.listings[one].seller_id for one in listing_ids],
        at=act.now,
    )
    text = found.text(act.nonce())
    row = Presentation(
        presentation_id=act.new_id("mch"),
        request_id=request_id,
        broker_id=broker_id,
        client_id=request.buyer_id,
        mandate_id=mandates[listing_ids[-1]].mandate_id,
        rule_version=VERSION,
        listing_ids=list(listing_ids),
        related={
            listing_id: related[found.listings[listing_id].seller_id]
            for listing_id in listing_ids
            if found.listings[listing_id].seller_id in related
        },
        departs=departs,
        reason=said,
        document=text.decode(),
        order_sha256=sha256_hex(text),
        sent_at=act.occurred_at,
        statement_id="",
    )
    recorded = await record(s, act, _sent(row, found))
    row.statement_id = recorded.statement_id
    s.add(row)
    await s.flush()
    for listing_id in listing_ids:
        await introduce(
            s,
            act,
            source_id=row.presentation_id,
            mandate=mandates[listing_id],
            listing=found.listings[listing_id],
            buyer_id=request.buyer_id,
        )
    return row


async def _allowed(s: WriteSession, act: Act, request: DataRequest, listing: Listing) -> MandateRow:
    """BR1, BR2 and BR5 for one listing that is sent, by a practitioner of the broker's."""
    broker_id = act.actor.org_id
    if broker_id == listing.seller_id or await same_controller(s, broker_id, listing.seller_id):
        raise SelfDealing(
            "a broker sends nothing of its own", broker_id=broker_id, party_id=listing.seller_id
        )
    held = await require_certified(
        s, org_id=broker_id, at=act.now, sector=listing.category, level=Level(listing.level)
    )
    await require_practitioner(s, act, cert_id=held.cert_id)
    return await require_mandate(
        s,
        broker_id=broker_id,
        client_id=request.buyer_id,
        side=Side.BUYER,
        listing_id=listing.listing_id,
        at=act.now,
        use=Use(power=Power.MATCH, category=listing.category),
    )


async def related_sellers(
    s: ReadSession, *, broker_id: str, sellers: Sequence[str], at: datetime
) -> dict[str, str]:
    """What links the broker to these sellers: an interest it disclosed, else a mandate in force."""
    mandated = [
        seller
        for seller in dict.fromkeys(sellers)
        if await mandates_between(s, broker_id=broker_id, client_id=seller, side=Side.PROVIDER, at=at)
    ]
    interests = [row.party_id for row in await interests_in(s, broker_id=broker_id, parties=sellers)]
    return dict.fromkeys(sorted(mandated), Relation.MANDATED.value) | dict.fromkeys(
        sorted(interests), Relation.INTEREST.value
    )


async def matches_for(
    s: ReadSession, *, request_id: str, org_id: str | None, supervises: bool, at: datetime
) -> Found:
    """What matches a request; its budget counts where it may be told (`budget_is_told`).

    The buyer's broker, who looks on its behalf, is told it too.
    """
    request = await get_request(s, request_id=request_id)
    told = await budget_is_told(s, request, org_id, supervises=supervises)
    if not told and org_id is not None:
        told = await may_match_for(s, broker_id=org_id, request=request, at=at)
    return await find_matches(s, request_id=request_id, budget_told=told)


async def may_match_for(s: ReadSession, *, broker_id: str, request: DataRequest, at: datetime) -> bool:
    """Whether a mandate in force of the request's buyer lets the broker match in its category."""
    rows = await mandates_between(s, broker_id=broker_id, client_id=request.buyer_id, side=Side.BUYER, at=at)
    terms = await terms_by_mandate(s, [row.mandate_id for row in rows])
    use = Use(power=Power.MATCH, category=request.category.value)
    for row in rows:
        try:
            check_use(limits_of(terms.get(row.mandate_id)), use, mandate_id=row.mandate_id)
        except MandateExceeded:
            continue
        return True
    return False


def _sent(row: Presentation, found: Found) -> Draft:
    """Who sent whom something in public; what was sent, points and reason in the opening."""
    order = [[match.listing_id, match.points] for match in found.result.matches]
    return Draft(
        SEND,
        row.presentation_id,
        public={
            "presentation_id": row.presentation_id,
            "request_id": row.request_id,
            "broker_id": row.broker_id,
            "client_id": row.client_id,
            "mandate_id": row.mandate_id,
            "rule_version": row.rule_version,
            "order_sha256": row.order_sha256,
        },
        opening={
            "listings": row.listing_ids,
            "departs": row.departs,
            "order": order,
            "related": row.related,
            "complete": not found.more,
            "reason": row.reason,
        },
        subjects={"neutral-order": row.order_sha256},
    )

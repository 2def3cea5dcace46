"""The checklist of a contract: each right and duty with the evidence on record, asked anew each time."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

import orjson
from sqlmodel import col, func, select

from base.db import ReadSession
from market.customs.gate import covers, places_abroad
from market.customs.repository import cleared_for
from market.delivery.meter.tables import Use
from market.delivery.repository import entitlement_of
from market.delivery.tables import Download
from market.filing.repository import duties_of
from market.filing.rules import DutyKind
from market.listings.materials import materials_of_kept
from market.listings.repository import get_listing
from market.listings.tables import Listing
from market.orders.bounding import receivers_of
from market.orders.clauses import model_for
from market.orders.duties import (
    CheckedDuty,
    ContractDuty,
    DutyFacts,
    Evidence,
    checked,
    duties_for,
    duties_in,
)
from market.orders.repository import get_contract, signatures_of
from market.orders.scope import LicenceScope
from market.orders.tables import ContractPolicy, Trade
from registry.grading.repository import assessments_of, consent_of, grade_of
from registry.grading.states import AssessmentState, ConsentState
from registry.repository import right_held
from registry.rules import Level, PersonalData, Right, rank
from registry.subjects import asking, repository
from registry.subjects.states import WAITING, DeletionState, GivenState
from registry.withheld.service import withheld_by

_MOST_REFS: Final = 20


async def duties_of_contract(
    s: ReadSession, *, trade: Trade, listing: Listing, scope: LicenceScope
) -> list[dict[str, str]]:
    """What a contract that is drawn up now puts down."""
    receivers = {trade.buyer_id, *scope.recipients}
    return [one.document() for one in await _by_law(s, listing, receivers, resale=scope.resale_allowed)]


async def _by_law(
    s: ReadSession, listing: Listing, receivers: Collection[str], *, resale: bool
) -> tuple[ContractDuty, ...]:
    personal = _personal(listing)
    level = Level(listing.level)
    facts = DutyFacts(
        personal=personal.contained and not personal.anonymised,
        model=model_for(listing.product_type).id,
        separate=rank(level) >= rank(Level.GENERAL_4),
        important=rank(level) >= rank(Level.IMPORTANT),
        abroad=bool(await _abroad(s, receivers)),
        resale_allowed=resale,
    )
    return duties_for(facts)


async def _abroad(s: ReadSession, receivers: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Who of these receives abroad, and where."""
    found = {one: await places_abroad(s, org_id=one, asks=False) for one in sorted(receivers)}
    return {org_id: places for org_id, places in found.items() if places}


async def checklist_of(s: ReadSession, trade: Trade, *, now: datetime) -> tuple[CheckedDuty, ...]:
    """Every right and duty of a contract with its evidence; empty where there is none, or it was erased.

    One from before contracts put them down is checked by what the law puts down for what it sells.
    """
    contract = await get_contract(s, trade_id=trade.trade_id)
    if contract is None or not contract.document:
        return ()
    document = orjson.loads(contract.document)
    duties = signed = duties_in(document)
    listing = await get_listing(s, listing_id=trade.listing_id)
    if not signed:
        resale = bool(document["licence"].get("resale_allowed"))
        duties = await _by_law(s, listing, await receivers_of(s, trade), resale=resale)
    found: dict[str, Evidence] = {
        **await _of_controller(s, trade, listing, now),
        **await _of_user(s, trade, now),
    }
    return checked(duties, found, signed=bool(signed))


def _personal(listing: Listing) -> PersonalData:
    if not listing.materials:
        return PersonalData()
    return materials_of_kept(listing.materials).personal


async def _of_controller(
    s: ReadSession, trade: Trade, listing: Listing, now: datetime
) -> Mapping[str, Evidence]:
    product, seller, personal = trade.product_id, trade.seller_id, _personal(listing)
    held = await right_held(s, product_id=product, holder_id=seller, right=Right.OPERATE)
    grade = await grade_of(s, object_id=product)
    found = {
        "lawful-source": Evidence(int(held is not None), refs=(product,)),
        "graded": Evidence(int(grade is not None), refs=() if grade is None else (grade.level.value,)),
        "consents-cited": await _consents(s, trade, personal, now, separate=False),
        "separate-consent": await _consents(s, trade, personal, now, separate=True),
        "impact-assessed": await _assessed(s, product, "PIPIA", now),
        "security-reviewed": await _assessed(s, product, "SECURITY_REVIEW", now),
    }
    found["export-cleared"] = await _cleared(s, trade)
    givens = await repository.givens(
        s,
        holder_id=seller,
        object_id=product,
        statuses=(GivenState.WITHDRAWN, GivenState.ENDED, GivenState.SETTLED),
    )
    open_ones = [one for one in givens if one.status is not GivenState.SETTLED]
    found["withdrawals-followed"] = Evidence(
        len(givens) - len(open_ones),
        len(givens),
        sum(one.overdue for one in open_ones),
        tuple(one.given_id for one in open_ones[:_MOST_REFS]),
    )
    asked = [one for one in await repository.asked(s, holder_id=seller) if one.object_id == product]
    waiting = [one for one in asked if one.status in WAITING]
    found["persons-answered"] = Evidence(
        len(asked) - len(waiting),
        len(asked),
        sum(asking.is_late(one, now) for one in asked),
        tuple(one.request_id for one in waiting[:_MOST_REFS]),
    )
    return found


async def _cleared(s: ReadSession, trade: Trade) -> Evidence:
    """Whether each receiver abroad has, or had until it ended, a clearance of these goods for its places."""
    refs: list[str] = []
    receivers = await _abroad(s, await receivers_of(s, trade))
    for org_id, places in receivers.items():
        rows = await cleared_for(
            s,
            exporter_id=trade.seller_id,
            recipient_id=org_id,
            trade_id=trade.trade_id,
            product_id=trade.product_id,
        )
        refs += [row.declaration_id for row in rows if covers(row, places)][:1]
    done = len(refs) == len(receivers)
    return Evidence(0, 0) if not receivers else Evidence(int(done), refs=tuple(refs[:_MOST_REFS]))


async def _consents(
    s: ReadSession, trade: Trade, personal: PersonalData, now: datetime, *, separate: bool
) -> Evidence:
    row = None if personal.consent_id is None else await consent_of(s, consent_id=personal.consent_id)
    if row is None:
        return Evidence()
    receivers = await receivers_of(s, trade)
    withheld = await withheld_by(
        s,
        object_id=trade.product_id,
        holder_id=trade.seller_id,
        recorded_at=row.recorded_at,
        recipients=receivers,
    )
    stands = (
        row.status is ConsentState.STANDING
        and row.valid_from <= now <= row.valid_until
        and withheld is None
        and (row.separate or not separate)
        and (not row.recipients or receivers <= {*row.recipients})
    )
    return Evidence(int(stands), refs=(row.consent_id,))


async def _assessed(s: ReadSession, product_id: str, kind: str, now: datetime) -> Evidence:
    for row in await assessments_of(s, object_id=product_id):
        until = row.valid_until
        if row.kind == kind and row.status is AssessmentState.STANDING and (until is None or now <= until):
            return Evidence(1, refs=(row.assessment_id,))
    return Evidence()


async def _of_user(s: ReadSession, trade: Trade, now: datetime) -> Mapping[str, Evidence]:
    found: dict[str, Evidence] = {}
    signatures = await signatures_of(s, trade_id=trade.trade_id)
    signed = [one for one in signatures if one.org_id == trade.buyer_id]
    word = Evidence(len(signed), refs=tuple(one.statement_id for one in signed))
    found["protected"] = found["not-re-identified"] = word
    entrusted = [one for one in signatures if one.org_id == trade.seller_id]
    theirs = Evidence(len(entrusted), refs=tuple(one.statement_id for one in entrusted))
    found["as-entrusted"] = found["entrusted-assists"] = theirs
    agreed = {trade.seller_id, trade.buyer_id} <= {one.org_id for one in signatures}
    both = Evidence(int(agreed), refs=tuple(one.statement_id for one in signatures))
    found["processing-agreed"] = found["joint-duties-agreed"] = both
    policy = await s.get(ContractPolicy, trade.trade_id)
    found["no-onward-transfer"] = Evidence() if policy is None else Evidence(1, refs=(policy.policy_sha256,))
    right = await entitlement_of(s, trade_id=trade.trade_id)
    if right is not None:
        counts = [
            (
                await s.exec(select(func.count()).where(col(table.entitlement_id) == right.entitlement_id))
            ).one()
            for table in (Download, Use)
        ]
        found["within-purpose"] = Evidence(sum(counts), sum(counts), refs=(right.entitlement_id,))
    owed = await duties_of(s, trade_id=trade.trade_id, kind=DutyKind.DESTRUCTION)
    found["deleted-at-the-end"] = Evidence(
        sum(one.proven_at is not None for one in owed),
        len(owed),
        sum(one.proven_at is None and one.due_at < now for one in owed),
        tuple(one.duty_id for one in owed),
    )
    told = await repository.deletions(s, trade_id=trade.trade_id)
    waiting = [one for one in told if one.status is not DeletionState.CONFIRMED]
    found["persons-deleted"] = Evidence(
        len(told) - len(waiting),
        len(told),
        sum(one.status is DeletionState.OVERDUE for one in waiting),
        tuple(one.deletion_id for one in waiting[:_MOST_REFS]),
    )
    return found

"""The facts that the checks before a contract ask, read under the locks of the acceptance.

What a check depends on (listing, organisations, certificate, mandates) is share-locked here, before the
exchange states what the checks said.
"""

from collections.abc import Sequence

from base.db import WriteSession
from brokers.repository import certificate_in_use
from brokers.rules import BrokerAct
from brokers.service import certificate_facts, mandate_facts
from brokers.tables import MandateRow
from identity.repository import Organisation, lock_organisation
from identity.rules import OrganisationStatus
from ledger.recording import Act
from market.customs.rules import Route
from market.customs.tables import CustomsDecision
from market.listings.rules import Materials
from market.listings.service import materials_of
from market.listings.tables import Listing
from market.orders.precheck import Brokerage, CustomsAnswer, PrecheckFacts
from market.orders.service import parties_of
from market.orders.tables import Trade
from market.trade.conflicts import conflicts_in
from registry.rules import Level


async def parties_in(s: WriteSession, trade: Trade) -> list[Organisation]:
    """Seller, buyer and (where there is one) broker, share-locked, in the order of the contract."""
    found = [await lock_organisation(s, org_id=org_id) for org_id in parties_of(trade)]
    known = [organisation for organisation in found if organisation is not None]
    assert len(known) == len(found)  # foreign keys of the trade
    return known


async def precheck_facts(
    s: WriteSession,
    act: Act,
    *,
    trade: Trade,
    listing: Listing,
    organisations: Sequence[Organisation],
    mandates: dict[str, MandateRow],
    commission_bp: int,
    cleared: CustomsDecision,
) -> PrecheckFacts:
    """All that `market.orders.precheck` asks."""
    assert trade.price_minor is not None
    materials = materials_of(listing)
    brokerage = None
    if trade.broker_id is not None:
        held = await certificate_in_use(s, org_id=trade.broker_id, at=act.now)
        conflicts = await conflicts_in(
            s, trade, broker_id=trade.broker_id, organisations=organisations, mandates=mandates
        )
        brokerage = Brokerage(
            broker_id=trade.broker_id,
            certificate=certificate_facts(held),
            act=BrokerAct(
                at=act.now,
                sector=trade.category,
                level=Level(listing.level),
                personal=_is_personal(materials),
                sensitive=_is_sensitive(listing, materials),
                cross_border=cleared.route != Route.DOMESTIC.value,
            ),
            mandates=[mandate_facts(row) for row in mandates.values()],
            commission_bp=commission_bp,
            controllers=conflicts.controllers,
            interests=conflicts.interests,
            consents=conflicts.consents,
        )
    return PrecheckFacts(
        at=act.now,
        listing_id=listing.listing_id,
        listing_status=listing.status,
        seller_id=trade.seller_id,
        buyer_id=trade.buyer_id,
        members={org.org_id: org.status is OrganisationStatus.ACTIVE for org in organisations},
        level=Level(listing.level),
        personal=materials.personal,
        source_records=materials.source_statement,
        price_minor=trade.price_minor,
        public_data=listing.public_data,
        cap_minor=listing.cap_minor,
        customs=CustomsAnswer(cleared.route != Route.REFUSED.value, cleared.rule_id, cleared.reason),
        brokerage=brokerage,
    )


def _is_personal(materials: Materials) -> bool:
    return materials.personal.contained and not materials.personal.anonymised


def _is_sensitive(listing: Listing, materials: Materials) -> bool:
    """General-4 is the level of sensitive personal information (`rules.md` §2.5.1)."""
    return _is_personal(materials) and Level(listing.level) is Level.GENERAL_4

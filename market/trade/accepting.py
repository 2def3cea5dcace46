"""From acceptance to a contract that can be signed: the checks, the quote, the document."""

from base.canonical import sha256_hex
from base.db import ReadSession, WriteSession
from brokers.repository import certificate_in_use, mandates_in_use
from brokers.rules import BrokerAct
from brokers.service import certificate_facts, mandate_facts
from brokers.tables import MandateRow
from identity.repository import Organisation, get_organisation
from identity.rules import OrganisationStatus
from ledger.recording import Act, record
from ledger.statement import Draft
from market.customs.rules import DeliveryFacts, Route
from market.customs.service import clear_customs
from market.customs.tables import CustomsDecision
from market.listings.repository import get_file, get_product, lock_listing
from market.listings.service import materials_of
from market.listings.tables import Listing
from market.orders import repository, service
from market.orders.contract import Party, Terms, draw_up
from market.orders.precheck import Brokerage, CustomsAnswer, Precheck, PrecheckFacts, precheck
from market.orders.rules import TradeEvent
from market.orders.service import named
from market.orders.tables import Contract, Trade
from market.settlement.plan import split
from market.trade.quoting import make_quote
from registry.rules import Level


async def accept_offer(s: WriteSession, act: Act, *, trade_id: str, offer_no: int) -> Trade:
    """Accept the latest offer; the checks before the contract follow in the same transaction.

    The trade leaves as CONTRACT_READY, with quote and contract drawn up, or as BLOCKED with the list
    of checks. Raises what `market.orders.service.accept_offer` raises.
    """
    trade = await service.accept_offer(s, act, trade_id=trade_id, offer_no=offer_no)
    await _prepare_contract(s, act.as_exchange(), trade)
    return trade


async def _prepare_contract(s: WriteSession, act: Act, trade: Trade) -> None:
    listing = await lock_listing(s, listing_id=trade.listing_id)
    organisations = [await _organisation(s, org_id) for org_id in service.parties_of(trade)]
    cleared = await clear_customs(
        s, act, trade=trade, facts=_delivery_facts(listing, organisations[0], organisations[1])
    )
    mandates = await _mandates(s, trade)
    commission_bp = _commission_bp(trade, mandates)
    facts = await _precheck_facts(
        s,
        act,
        trade=trade,
        listing=listing,
        organisations=organisations,
        mandates=mandates,
        cleared=cleared,
    )
    checked = precheck(facts)
    if not checked.passed:
        await _block(s, act, trade, checked, cleared)
        return
    quote = await make_quote(s, act, trade, listing, commission_bp=commission_bp)
    price = split(trade.price_minor or 0, commission_bp)
    before = trade.status
    await repository.move(
        s,
        trade=trade,
        event=TradeEvent.PRECHECK_PASS,
        role=act.role,
        values={
            "quote_id": quote.quote_id,
            "declaration_id": cleared.declaration_id,
            "commission_minor": price.commission_minor,
            "platform_fee_minor": price.platform_fee_minor,
        },
    )
    await record(
        s,
        act,
        Draft(
            "TRD.PRECHECK_PASS",
            trade.trade_id,
            public=named(trade)
            | {
                "checks": checked.documents(),
                "rules": checked.rules,
                "quote_id": quote.quote_id,
                "declaration_id": cleared.declaration_id,
            },
            before=before.value,
            after=trade.status.value,
        ),
    )
    offer = (await repository.offers_of(s, trade_id=trade.trade_id))[-1]
    product = await get_product(s, product_id=listing.product_id)
    file = await get_file(s, file_id=listing.file_id)
    drawn = draw_up(
        Terms(
            trade_id=trade.trade_id,
            listing_id=listing.listing_id,
            product_id=listing.product_id,
            title=product.title,
            file_sha256=file.sha256,
            file_bytes=file.bytes,
            quality_sha256=listing.report_sha256,
            quote_id=quote.quote_id,
            quote_sha256=sha256_hex(quote.document.encode()),
            quantity=trade.quantity,
            unit=trade.unit,
            licence_class=trade.licence_class,
            purpose=trade.purpose,
            scenario=trade.scenario,
            territory=offer.territory,
            term_months=offer.term_months,
            price=price,
            contract_dated_at=act.occurred_at,
        ),
        [
            Party(org_id=org.org_id, role=role, name=org.name, uscc=org.uscc)
            for org, role in zip(organisations, ("PROVIDER", "BUYER", "BROKER"), strict=False)
        ],
        document_nonce=act.nonce(),
        opening_nonce=act.nonce(),
    )
    s.add(
        Contract(
            trade_id=trade.trade_id,
            contract_sha256=drawn.sha256,
            document=drawn.document.decode(),
            opening=drawn.opening.decode(),
            drawn_up_at=act.occurred_at,
        )
    )
    await s.flush()


async def _organisation(s: ReadSession, org_id: str) -> Organisation:
    organisation = await get_organisation(s, org_id=org_id)
    assert organisation is not None  # foreign keys of the trade
    return organisation


def _delivery_facts(listing: Listing, seller: Organisation, buyer: Organisation) -> DeliveryFacts:
    materials = materials_of(listing)
    return DeliveryFacts(
        exporter_region=seller.region,
        recipient_region=buyer.region,
        level=Level(listing.level),
        personal=materials.personal,
        sensitive=materials.personal.sensitive,
        state_secret=materials.state_secret,
        exporter_is_ciio=seller.is_ciio,
    )


async def _mandates(s: WriteSession, trade: Trade) -> list[MandateRow]:
    """The mandates the broker has in this trade: one of each side at most."""
    if trade.broker_id is None:
        return []
    rows = await mandates_in_use(
        s,
        broker_id=trade.broker_id,
        client_ids=[trade.seller_id, trade.buyer_id],
        listing_id=trade.listing_id,
    )
    clients = {"PROVIDER": trade.seller_id, "BUYER": trade.buyer_id}
    chosen = {
        row.side: row
        for row in rows
        if row.client_id == clients[row.side]
        and (row.mandate_id == trade.mandate_id or row.status.value == "ACTIVE")
    }
    return list(chosen.values())


def _commission_bp(trade: Trade, mandates: list[MandateRow]) -> int:
    """The fee of the mandate under which the broker came into the trade."""
    return next((row.fee_bp for row in mandates if row.mandate_id == trade.mandate_id), 0)


async def _precheck_facts(
    s: WriteSession,
    act: Act,
    *,
    trade: Trade,
    listing: Listing,
    organisations: list[Organisation],
    mandates: list[MandateRow],
    cleared: CustomsDecision,
) -> PrecheckFacts:
    materials = materials_of(listing)
    brokerage = None
    if trade.broker_id is not None:
        held = await certificate_in_use(s, org_id=trade.broker_id)
        brokerage = Brokerage(
            broker_id=trade.broker_id,
            certificate=certificate_facts(held),
            act=BrokerAct(
                at=act.now,
                sector=trade.category,
                level=Level(listing.level),
                personal=materials.personal.contained and not materials.personal.anonymised,
                sensitive=materials.personal.sensitive,
                cross_border=cleared.route != Route.DOMESTIC.value,
            ),
            mandates=[mandate_facts(row) for row in mandates],
            commission_bp=_commission_bp(trade, mandates),
            controllers={org.org_id: org.controller_id for org in organisations if org.controller_id},
            consents=frozenset(row.client_id for row in mandates if row.conflict_disclosed),
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
        price_minor=trade.price_minor or 0,
        public_data=listing.public_data,
        cap_minor=listing.cap_minor,
        customs=CustomsAnswer(cleared.route != Route.REFUSED.value, cleared.rule_id, cleared.reason),
        brokerage=brokerage,
    )


async def _block(
    s: WriteSession, act: Act, trade: Trade, checked: Precheck, cleared: CustomsDecision
) -> None:
    """A failed check is a state of the trade, not an error: it names what failed."""
    before = trade.status
    failed = [check.code or check.name for check in checked.failed]
    await repository.move(
        s,
        trade=trade,
        event=TradeEvent.PRECHECK_FAIL,
        role=act.role,
        values={"refusal_code": ",".join(failed), "declaration_id": cleared.declaration_id},
    )
    await record(
        s,
        act,
        Draft(
            "TRD.PRECHECK_FAIL",
            trade.trade_id,
            public=named(trade)
            | {
                "checks": checked.documents(),
                "rules": sorted({check.rule_id for check in checked.failed}),
                "declaration_id": cleared.declaration_id,
            },
            before=before.value,
            after=trade.status.value,
        ),
    )

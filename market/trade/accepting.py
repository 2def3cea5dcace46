"""From acceptance to a contract that can be signed: the checks, the quote, the document."""

from collections.abc import Sequence

from base.canonical import sha256_hex
from base.db import WriteSession
from identity.repository import Organisation
from ledger.recording import Act, record
from ledger.statement import Draft
from market.auctions.repository import won_by
from market.customs.foreseeing import delivery_facts
from market.customs.service import clear_customs, require_open_route
from market.customs.tables import CustomsDecision
from market.delivery.kinds import kind_of
from market.listings.plans import PricePlan
from market.listings.repository import (
    conditions_of,
    get_file,
    get_product,
    lock_listing,
    plan_of,
    sandbox_of,
)
from market.listings.tables import Listing
from market.orders import repository, service
from market.orders.acting import commission_of, mandates_in
from market.orders.bounding import usual_scope
from market.orders.contract import Party, Terms, draw_up
from market.orders.deadlines import DELIVER_WORKING_DAYS
from market.orders.handover import DeliveryMode, marks_its_file
from market.orders.precheck import Precheck, precheck
from market.orders.rewarding import Claim, claim_due, claimed
from market.orders.rules import TradeEvent
from market.orders.service import named
from market.orders.statements import terms_of
from market.orders.tables import Contract, ContractPolicy, ContractRecipient, QuoteRow, Trade
from market.procurement.service import require_procured
from market.settlement.plan import split
from market.trade.obligations import duties_of_contract
from market.trade.prechecking import parties_in, precheck_facts
from market.trade.quoting import make_quote, state_award, taken_as_planned
from pricing.whole import WholePrice


async def accept_offer(s: WriteSession, act: Act, *, trade_id: str, offer_no: int) -> Trade:
    """Accept the latest offer; the checks before the contract follow in the same transaction.

    The trade leaves as CONTRACT_READY, with quote and contract drawn up, or as BLOCKED with the list
    of checks. Raises what `market.orders.service.accept_offer` raises, and CustomsRouteNotOpen for what could
    not be delivered abroad: its exporter has it cleared first, and the offer stands meanwhile. Where a public
    agency buys it raises what `market.procurement.service.require_procured` raises, whoever accepts.
    """
    trade = await service.accept_offer(s, act, trade_id=trade_id, offer_no=offer_no)
    await require_procured(s, act, trade)
    await prepare_contract(s, act.as_exchange(), trade, agreed_now=True)
    return trade


async def sign_contract(s: WriteSession, act: Act, *, trade_id: str) -> Trade:
    """Sign the contract as a party. A public agency signs on its stated basis, at an auction too.

    What others agreed after it is their duplicate, not its own. Raises what
    `market.orders.service.sign_contract` and `market.procurement.service.require_procured` raise.
    """
    trade = await service.sign_contract(s, act, trade_id=trade_id)
    if act.actor.org_id == trade.buyer_id:
        await require_procured(s, act, trade, before=trade.agreed_at)
    return trade


async def draw_up_again(s: WriteSession, act: Act, trade: Trade) -> None:
    """Check and draw up anew what was agreed, for the parties that there are now; signatures fall.

    The client has taken over from its broker, or a reward was found not to be owed: price and terms stay.
    """
    await repository.discard_contract(s, trade_id=trade.trade_id)
    await prepare_contract(s, act, trade)


async def prepare_contract(s: WriteSession, act: Act, trade: Trade, *, agreed_now: bool = False) -> None:
    """Check a trade whose price is agreed, and draw up what its parties sign (the exchange's act).

    The price was negotiated, or made by an auction. Raises CustomsRouteNotOpen for an offer that is accepted
    at this moment (`agreed_now`).
    """
    listing = await lock_listing(s, listing_id=trade.listing_id)
    organisations = await parties_in(s, trade)
    mandates = await mandates_in(s, act, trade)
    mandate = mandates.get(trade.broker_side or "")
    offered = await repository.latest_offer(s, trade_id=trade.trade_id)
    most = None if offered is None else offered.commission_bp
    claim = await claim_due(s, act, trade, price_minor=trade.price_minor) if most != 0 else None
    if claim is not None and most is not None and claim.fee_bp > most:
        claim = None  # nobody bears what was not shown, as in auctions: another broker's, of a higher fee
    commission_bp = claim.fee_bp if claim else commission_of(trade, mandates)
    cleared = await clear_customs(
        s,
        act,
        trade=trade,
        facts=delivery_facts(listing, seller=organisations[0], buyer=organisations[1]),
        kind=None
        if offered is None or offered.delivery_mode is None
        else kind_of(DeliveryMode(offered.delivery_mode)).value,
    )
    if agreed_now:
        require_open_route(cleared)
    checked = precheck(
        await precheck_facts(
            s,
            act,
            trade=trade,
            listing=listing,
            organisations=organisations,
            mandates=mandates,
            commission_bp=commission_bp,
            cleared=cleared,
        )
    )
    if not checked.passed:
        await _block(s, act, trade, checked, cleared)
        return
    won = await won_by(s, trade_id=trade.trade_id)
    if won is None:
        plan = await plan_of(s, listing_id=listing.listing_id)
        quote = await make_quote(s, act, trade, listing, commission_bp=commission_bp, plan=plan)
    else:
        plan = None
        quote = await state_award(s, act, trade, won[0])
    assert trade.price_minor is not None
    price = split(trade.price_minor, commission_bp)
    await _pass(
        s,
        act,
        trade=trade,
        checked=checked,
        cleared=cleared,
        quote=quote,
        price=price,
        mandate_id=mandate.mandate_id if mandate else None,
        claim=claim,
    )
    await _draw_up(
        s,
        act,
        trade=trade,
        listing=listing,
        organisations=organisations,
        quote=quote,
        price=price,
        plan=plan,
        claim=claim,
    )


async def _pass(
    s: WriteSession,
    act: Act,
    *,
    trade: Trade,
    checked: Precheck,
    cleared: CustomsDecision,
    quote: QuoteRow,
    price: WholePrice,
    mandate_id: str | None,
    claim: Claim | None,
) -> None:
    """The commission is that of the mandate in force now, which the statement names, or a broker's claim."""
    before = trade.status
    await repository.move(
        s,
        trade=trade,
        event=TradeEvent.PRECHECK_PASS,
        role=act.role,
        values={
            "mandate_id": mandate_id,
            "quote_id": quote.quote_id,
            "declaration_id": cleared.declaration_id,
            "commission_minor": price.commission_minor,
            "platform_fee_minor": price.platform_fee_minor,
            "reward_to": claim.broker_id if claim else None,
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
                "mandate_id": mandate_id,
                "checks": checked.documents(),
                "rules": checked.rules,
                "quote_id": quote.quote_id,
                "declaration_id": cleared.declaration_id,
            },
            before=before.value,
            after=trade.status.value,
        ),
    )
    if claim is not None:
        await record(s, act, claimed(trade, claim, commission_minor=price.commission_minor))


async def _draw_up(
    s: WriteSession,
    act: Act,
    *,
    trade: Trade,
    listing: Listing,
    organisations: Sequence[Organisation],
    quote: QuoteRow,
    price: WholePrice,
    plan: PricePlan | None,
    claim: Claim | None,
) -> None:
    """Keep the one document that every party will sign."""
    offers = await repository.offers_of(s, trade_id=trade.trade_id)
    offer = offers[-1]
    agreed = terms_of(offer)
    product = await get_product(s, product_id=listing.product_id)
    file = await get_file(s, file_id=listing.file_id)
    scope = agreed.scope or await usual_scope(s, listing_id=listing.listing_id)
    conditions = await conditions_of(s, listing_id=listing.listing_id)
    sandbox = await sandbox_of(s, listing_id=listing.listing_id)
    drawn = draw_up(
        Terms(
            trade_id=trade.trade_id,
            listing_id=listing.listing_id,
            product_id=listing.product_id,
            product_type=listing.product_type,
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
            scope=scope,
            delivery_mode=offer.delivery_mode,
            deliver_within_wd=offer.delivery_days or DELIVER_WORKING_DAYS,
            acceptance=agreed.acceptance,
            price=price,
            price_plan=plan.document() if plan and taken_as_planned(trade, offers, plan) else None,
            contract_dated_at=act.occurred_at,
            mandate_id=trade.mandate_id,
            reward=claim.document() if claim else None,
            sandbox=sandbox.document() if sandbox and offer.delivery_mode == DeliveryMode.SANDBOX else None,
            marking=conditions.marking if marks_its_file(offer.delivery_mode, listing.product_type) else (),
            part=agreed.delivery.part.document() if offer.delivery_part and agreed.delivery else None,
            duties=await duties_of_contract(s, trade=trade, listing=listing, scope=scope),
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
    s.add(
        ContractPolicy(
            trade_id=trade.trade_id, policy_sha256=drawn.policy_sha256, document=drawn.policy.decode()
        )
    )
    named = set(scope.recipients) - {trade.buyer_id}
    s.add_all(ContractRecipient(trade_id=trade.trade_id, org_id=org_id) for org_id in sorted(named))
    await s.flush()


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

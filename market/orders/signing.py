"""The contract: every party signs the identical payload, and the last signature concludes it.

The signature of a broker whose mandate has ended since the deal was agreed is not waited for: seat and
commission stay, and what both principals have signed is concluded (Civil Code 965, `market.orders.lasting`).
"""

from collections.abc import Collection, Mapping, Sequence

from base.clock import rfc3339
from base.db import WriteSession
from base.errors import Refusal
from brokers.conduct.records import require_check
from ledger.recording import Act, record
from ledger.statement import Draft
from market.listings.service import require_listed
from market.orders import repository
from market.orders.acting import acting_side, ended_since_agreed, require_broker_of
from market.orders.contests import require_uncontested
from market.orders.contract import signing_draft
from market.orders.errors import ContractNotDrawnUp, SignedBefore
from market.orders.rewarding import require_reward
from market.orders.rules import TradeEvent, TradeState, due_in, may_move
from market.orders.statements import named, parties_of, step
from market.orders.tables import Contract, ContractSignature, Trade
from market.orders.waiting import await_funds


async def sign_contract(s: WriteSession, act: Act, *, trade_id: str) -> Trade:
    """Sign the contract as a party (TRD.SIGN); the last signature concludes it (TRD.CONTRACT).

    The contract is concluded by a broker that is certified then, not only when it signed, and mandated then,
    or since the deal was agreed no more; and with no reward but to a broker that is owed it then.
    Raises TradeWrongState, NotAParty, SignedBefore, RewardFallen, RewardContested, `listing-not-on-offer` and
    what the registry raises, and for a broker what BR1, BR2 and BR3 raise.
    """
    trade = await repository.claim_trade_of(s, trade_id=trade_id, org_id=act.actor.org_id)
    may_move(trade.status, TradeEvent.SIGN, act.role)
    await acting_side(s, act, trade)
    if act.role == "BROKER":
        await require_check(s, trade_id=trade_id, broker_id=act.actor.org_id)
    await require_listed(s, listing_id=trade.listing_id, now=act.now)
    contract = await repository.get_contract(s, trade_id=trade_id)
    if contract is None:
        raise ContractNotDrawnUp("there is no contract to sign yet", trade_id=trade_id)
    parties = parties_of(trade)
    signed = {one.org_id: one.envelope_sha256 for one in await repository.signatures_of(s, trade_id=trade_id)}
    if act.actor.org_id in signed:
        raise SignedBefore("this party has signed", trade_id=trade_id, org_id=act.actor.org_id)
    concluding = await _is_last(s, act, trade, signed.keys() | {act.actor.org_id})
    if concluding:
        await require_broker_of(s, act, trade)
        await require_reward(s, act, trade)
        await require_uncontested(s, trade, at=act.now)
    await repository.move(s, trade=trade, event=TradeEvent.SIGN, role=act.role)
    recorded = await record(
        s,
        act,
        signing_draft(
            trade_id=trade_id,
            contract_sha256=contract.contract_sha256,
            parties=parties,
            opening=contract.opening,
        ),
    )
    s.add(
        ContractSignature(
            envelope_sha256=recorded.digest,
            trade_id=trade_id,
            org_id=act.actor.org_id,
            statement_id=recorded.statement_id,
            signed_at=act.occurred_at,
        )
    )
    await s.flush()
    signed[act.actor.org_id] = recorded.digest
    if concluding:
        await _conclude(s, act.as_exchange(), trade=trade, contract=contract, signed=signed)
    return trade


async def _is_last(s: WriteSession, act: Act, trade: Trade, signed: Collection[str]) -> bool:
    """Whether nobody's signature is awaited any more."""
    missing = set(parties_of(trade)) - set(signed)
    return not missing or (missing == {trade.broker_id} and await ended_since_agreed(s, act, trade))


async def conclude_signed(s: WriteSession, act: Act, *, trades: Sequence[Trade]) -> None:
    """Conclude those of these trades, locked by the caller, which awaited but their broker's signature.

    Their mandate has ended: no other act may come. What its broker is not certified for waits for the client,
    who takes it over.
    """
    for trade in [one for one in trades if one.status is TradeState.CONTRACT_READY]:
        kept = await repository.signatures_of(s, trade_id=trade.trade_id)
        signed = {one.org_id: one.envelope_sha256 for one in kept}
        contract = await repository.get_contract(s, trade_id=trade.trade_id)
        if contract is None or not await _is_last(s, act, trade, signed.keys()):
            continue
        try:
            await require_listed(s, listing_id=trade.listing_id, now=act.now)
            await require_broker_of(s, act, trade)
        except Refusal:
            continue
        await _conclude(s, act, trade=trade, contract=contract, signed=signed)


async def _conclude(
    s: WriteSession, act: Act, *, trade: Trade, contract: Contract, signed: Mapping[str, str]
) -> None:
    """The exchange states that all have signed, and until when the escrow has to be funded.

    `signatures` are the envelopes' digests in the order of the contract's parties; `unsigned` is the broker
    without whose own the contract is concluded.
    """
    unsigned = [org_id for org_id in parties_of(trade) if org_id not in signed]
    due = due_in(TradeState.CONTRACTED, act.occurred_at)
    assert due is not None
    before = trade.status
    await repository.move(
        s,
        trade=trade,
        event=TradeEvent.CONTRACT,
        role=act.role,
        values={
            "contracted_at": act.occurred_at,
            "fund_by": due.deadline.at,
            "payment_reference": trade.trade_id,
        },
    )
    await record(
        s,
        act,
        Draft(
            "TRD.CONTRACT",
            trade.trade_id,
            public=named(trade)
            | {
                "product_id": trade.product_id,
                "quote_id": trade.quote_id,
                "contract_sha256": contract.contract_sha256,
                "signatures": [signed[org_id] for org_id in parties_of(trade) if org_id in signed],
            }
            | ({"unsigned": unsigned} if unsigned else {}),
            opening={
                "amount_minor": str(trade.price_minor),
                "commission_minor": str(trade.commission_minor),
                "platform_fee_minor": str(trade.platform_fee_minor),
                "quantity": trade.quantity,
                "unit": trade.unit,
                "licence_class": trade.licence_class,
                "contract_dated_at": rfc3339(contract.drawn_up_at),
                "fund_by": rfc3339(due.deadline.at),
            },
            subjects={"contract": contract.contract_sha256},
            before=before.value,
            after=trade.status.value,
        ),
    )
    await await_funds(s, trade)


async def cancel_unfunded(s: WriteSession, act: Act, *, trade_id: str) -> bool:
    """The clock's end of a contract that was not funded in time (TRD.FUND_TIMEOUT)."""
    trade = await repository.claim_trade(s, trade_id=trade_id)
    if trade.status is not TradeState.CONTRACTED or trade.fund_by is None or act.now <= trade.fund_by:
        return False
    before = trade.status
    await repository.move(s, trade=trade, event=TradeEvent.FUND_TIMEOUT, role=act.role)
    await record(s, act, step(trade, TradeEvent.FUND_TIMEOUT, before))
    return True

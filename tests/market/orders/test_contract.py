"""Signatures under one contract: each its own statement over the same bytes, checked at receipt."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from sqlmodel import col, select

from base.canonical import sha256_hex
from base.errors import DomainError, Malformed
from base.signing import SigningKey, parse_envelope, sign_envelope
from brokers.errors import BrokerNotCertified
from brokers.service import reinstate_certificate, suspend_certificate
from identity.errors import KeyRevoked, PreparedChanged, SignatureInvalid
from identity.keys import revoke_key
from identity.prepared import Call, Document, Prepared, carry_out, submit
from identity.rules import Role
from ledger.statement import PAYLOAD_TYPE
from ledger.tables import OpeningRow, StatementRow
from market.listings.errors import ListingNotOnOffer
from market.listings.publishing import suspend_listing
from market.orders.errors import NotAParty, SignedBefore, TradeMovedOn, TradeUnknown, TradeWrongState
from market.orders.repository import get_contract, signatures_of
from market.orders.rules import TradeState
from market.orders.service import make_offer, sign_contract
from market.orders.tables import Contract
from market.trade.accepting import accept_offer
from pricing.errors import OfferNotLatest
from tests.houses import Party
from tests.market.trade.scene import Scene, both, terms
from tests.standstill import refused, untouched


async def contract_of(scene: Scene, trade_id: str) -> Contract:
    async with scene.database.read() as s:
        contract = await get_contract(s, trade_id=trade_id)
    assert contract is not None
    return contract


async def signed_by(scene: Scene, trade_id: str) -> list[str]:
    async with scene.database.read() as s:
        return [one.org_id for one in await signatures_of(s, trade_id=trade_id)]


async def payloads(scene: Scene, trade_id: str, event: str) -> list[bytes]:
    async with scene.database.read() as s:
        query = select(StatementRow.envelope).where(
            StatementRow.object_id == trade_id, StatementRow.event == event
        )
        rows = (await s.exec(query.order_by(col(StatementRow.id)))).all()
    return [parse_envelope(orjson.loads(row)).payload for row in rows]


async def test_nothing_is_concluded_before_the_last_party_has_signed(scene):
    trade_id = scene.trades["CONTRACT_READY"]
    for number, party in enumerate((scene.broker, scene.seller, scene.buyer), start=1):
        scene.clock.advance(timedelta(minutes=1))
        trade = await scene.sign(trade_id, party)
        assert len(await signed_by(scene, trade_id)) == number
        assert trade.status is (TradeState.CONTRACTED if number == 3 else TradeState.CONTRACT_READY)
    assert trade.payment_reference == trade_id
    assert trade.fund_by.isoformat() == "2026-11-19T15:59:59.999000+00:00"  # three working days
    assert (await scene.events(trade_id))[-4:] == ["TRD.SIGN", "TRD.SIGN", "TRD.SIGN", "TRD.CONTRACT"]
    assert len(set(await payloads(scene, trade_id, "TRD.SIGN"))) == 1
    (concluded,) = await payloads(scene, trade_id, "TRD.CONTRACT")
    contract = await contract_of(scene, trade_id)
    said = orjson.loads(concluded)
    assert said["predicate"]["contract_sha256"] == sha256_hex(contract.document.encode())
    assert {subject["name"]: subject["digest"]["sha256"] for subject in said["subject"]}[
        "contract"
    ] == contract.contract_sha256
    async with scene.database.read() as s:  # one opening, whoever signed
        kept = await s.get(OpeningRow, sha256_hex(contract.opening.encode()))
    assert kept is not None
    assert kept.document == contract.opening.encode()


async def test_a_broker_that_lost_its_certificate_after_it_signed_stops_the_contract(scene):
    trade_id = scene.trades["CONTRACT_READY"]
    await scene.sign(trade_id, scene.broker)
    await scene.authority.do(suspend_certificate, cert_id=scene.cert_id, reason_code="WT1")
    await scene.sign(trade_id, scene.seller)  # says nothing yet about the broker
    async with refused(scene.database, BrokerNotCertified):
        await scene.sign(trade_id, scene.buyer)
    assert sorted(await signed_by(scene, trade_id)) == sorted([scene.broker.org_id, scene.seller.org_id])
    await scene.authority.do(reinstate_certificate, cert_id=scene.cert_id, reason_code="CLEARED")
    assert (await scene.sign(trade_id, scene.buyer)).status is TradeState.CONTRACTED


async def test_a_suspension_and_the_last_signature_at_once_are_decided_in_turn(scene):
    trade_id = scene.trades["CONTRACT_READY"]
    await scene.sign(trade_id, scene.broker, scene.seller)
    suspending = scene.authority.do(suspend_certificate, cert_id=scene.cert_id, reason_code="WT1")
    signed, suspended = await both(scene.sign(trade_id, scene.buyer), suspending)
    assert not isinstance(suspended, Exception)
    async with scene.database.read() as s:
        ids = {row.event: row.id for row in await s.exec(select(StatementRow).order_by(col(StatementRow.id)))}
    if isinstance(signed, Exception):
        assert isinstance(signed, BrokerNotCertified)
        assert (await scene.trade(trade_id)).status is TradeState.CONTRACT_READY
    else:
        assert ids["TRD.CONTRACT"] < ids["BRK.SUSPEND"]


async def test_a_trade_without_a_broker_has_two_signatures(scene):
    trade_id = await scene.walk(TradeState.CONTRACT_READY, broker_id=None)
    trade = await scene.sign(trade_id, scene.seller, scene.buyer)
    assert (trade.status, trade.commission_minor) == (TradeState.CONTRACTED, 0)
    assert (
        orjson.loads((await payloads(scene, trade_id, "TRD.CONTRACT"))[0])["predicate"]["broker_id"] is None
    )


async def test_all_signatures_at_once_conclude_the_contract_once(scene):
    trade_id = scene.trades["CONTRACT_READY"]
    await asyncio.gather(
        *(scene.sign(trade_id, party) for party in (scene.seller, scene.buyer, scene.broker))
    )
    assert (await scene.trade(trade_id)).status is TradeState.CONTRACTED
    assert (await scene.events(trade_id)).count("TRD.CONTRACT") == 1
    assert sorted(await signed_by(scene, trade_id)) == sorted(
        (scene.seller.org_id, scene.buyer.org_id, scene.broker.org_id)
    )


async def test_a_party_signs_once_also_at_once(scene):
    trade_id = scene.trades["CONTRACT_READY"]
    answers = await asyncio.gather(
        scene.sign(trade_id, scene.seller), scene.sign(trade_id, scene.seller), return_exceptions=True
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["SignedBefore", "Trade"]
    async with refused(scene.database, SignedBefore):
        await scene.sign(trade_id, scene.seller)
    assert await signed_by(scene, trade_id) == [scene.seller.org_id]


async def test_who_is_no_party_signs_nothing(scene):
    trade_id = scene.trades["CONTRACT_READY"]
    async with untouched(scene.database, TradeUnknown):
        await scene.stranger.do(
            sign_contract, role="BUYER", attempted="TRD.SIGN", object_id=trade_id, trade_id=trade_id
        )
    async with untouched(scene.database, TradeUnknown):
        await scene.house.operator.do(sign_contract, object_id=trade_id, trade_id=trade_id)
    two_roles = replace(scene.buyer.organisation, roles=frozenset({Role.BUYER, Role.PROVIDER}))
    posing = replace(scene.buyer, organisation=two_roles)
    async with refused(scene.database, NotAParty):  # the buyer does not sign as the provider
        await posing.do(
            sign_contract, role="PROVIDER", attempted="TRD.SIGN", object_id=trade_id, trade_id=trade_id
        )


async def test_a_revoked_key_signs_nothing_more(scene):
    trade_id = scene.trades["CONTRACT_READY"]
    await scene.seller.do(revoke_key, key_id=scene.seller.registered.key_id, reason="compromised")
    async with refused(scene.database, KeyRevoked):
        await scene.sign(trade_id, scene.seller)
    assert await signed_by(scene, trade_id) == []


# From here on: what a self-held key signs is prepared, signed elsewhere, and played again at receipt.


def verb_of(name: str, args: Mapping[str, Any]) -> Any:
    async def bound(s: Any, act: Any) -> Any:
        facts = dict(args)
        if name == "offer":
            at = act.occurred_at + timedelta(days=2)
            return await make_offer(
                s, act, trade_id=facts["trade_id"], terms=terms(facts["price_minor"], expires_at=at)
            )
        return await {"sign": sign_contract, "accept": accept_offer}[name](s, act, **facts)

    return bound


async def prepared(scene: Scene, party: Party, name: str, **args: Any) -> Prepared:
    """Prepare an act for a self-held signature: the transaction leaves nothing but what is to be signed."""
    documents = []
    if name == "sign":
        contract = await contract_of(scene, args["trade_id"])
        documents = [Document("contract.json", "application/json", contract.document.encode())]
    (role,) = party.actor.roles
    event = {"sign": "TRD.SIGN", "accept": "TRD.ACCEPT", "offer": "TRD.OFFER"}[name]
    call = Call(party.actor, role, name, args, event, args["trade_id"], documents)
    answer = await carry_out(scene.house.house, scene.house.safe, call, verb_of(name, args))
    assert isinstance(answer, Prepared)
    return answer


async def submitted(scene: Scene, party: Party, what: Prepared, key: SigningKey | None = None) -> Any:
    envelope = sign_envelope(PAYLOAD_TYPE, what.payload, key or party.key)
    return await submit(
        scene.house.house,
        scene.house.safe,
        prepared_id=what.prepared_id,
        envelope=envelope,
        lookup=verb_of,
        actor=party.actor,
    )


async def test_an_act_signed_at_home_says_to_the_byte_what_was_prepared(scene):
    trade_id = scene.trades["NEGOTIATING"]
    offer = await prepared(scene, scene.buyer, "offer", trade_id=trade_id, price_minor=60_000_000)
    assert await scene.events(trade_id) == ["TRD.INQUIRE", "TRD.OFFER"]
    scene.clock.advance(timedelta(minutes=3))
    assert (await submitted(scene, scene.buyer, offer)).offer_no == 2
    assert await payloads(scene, trade_id, "TRD.COUNTER_OFFER") == [offer.payload]
    accepted = await prepared(scene, scene.seller, "accept", trade_id=trade_id, offer_no=2)
    prepared_at = scene.clock.now()
    scene.clock.advance(timedelta(minutes=9))
    trade = await submitted(scene, scene.seller, accepted)
    assert await payloads(scene, trade_id, "TRD.ACCEPT") == [accepted.payload]
    assert (trade.status, trade.agreed_at) == (TradeState.CONTRACT_READY, prepared_at)
    signatures = []
    await scene.vouch(trade_id)
    for party in (scene.seller, scene.buyer, scene.broker):
        signature = await prepared(scene, party, "sign", trade_id=trade_id)
        signatures.append(signature)
        scene.clock.advance(timedelta(minutes=1))
        trade = await submitted(scene, party, signature)
    assert trade.status is TradeState.CONTRACTED
    assert len({one.payload for one in signatures}) == 1
    assert len({one.opening for one in signatures}) == 1
    contract = await contract_of(scene, trade_id)
    assert signatures[0].opening == contract.opening.encode()
    assert signatures[0].documents[0]["sha256"] == contract.contract_sha256


async def test_signatures_prepared_side_by_side_are_all_good(scene):
    trade_id = scene.trades["CONTRACT_READY"]
    parties = (scene.seller, scene.buyer, scene.broker)
    waiting = [(party, await prepared(scene, party, "sign", trade_id=trade_id)) for party in parties]
    for party, what in reversed(waiting):
        trade = await submitted(scene, party, what)
    assert trade.status is TradeState.CONTRACTED


async def test_a_wrong_keys_signature_is_refused_at_receipt(scene):
    trade_id = scene.trades["CONTRACT_READY"]
    what = await prepared(scene, scene.seller, "sign", trade_id=trade_id)
    for key in (SigningKey.generate(), scene.buyer.key):
        async with refused(scene.database, SignatureInvalid):
            await submitted(scene, scene.seller, what, key)
    trade = await submitted(scene, scene.seller, what)  # the right one still does
    assert trade.status is TradeState.CONTRACT_READY


async def test_a_key_revoked_between_preparing_and_receipt_signs_nothing(scene):
    trade_id = scene.trades["CONTRACT_READY"]
    what = await prepared(scene, scene.seller, "sign", trade_id=trade_id)
    await scene.seller.do(revoke_key, key_id=scene.seller.registered.key_id, reason="lost")
    async with refused(scene.database, KeyRevoked):
        await submitted(scene, scene.seller, what)
    assert await signed_by(scene, trade_id) == []


@pytest.mark.parametrize("stopped", ["certificate", "listing", "offer", "signed"])
async def test_rights_and_state_are_asked_again_at_receipt(scene, stopped):
    kind: type[DomainError]
    if stopped == "certificate":
        party, trade_id = scene.broker, scene.trades["CONTRACT_READY"]
        what = await prepared(scene, party, "sign", trade_id=trade_id)
        await scene.authority.do(suspend_certificate, cert_id=scene.cert_id, reason_code="WT1")
        kind = BrokerNotCertified
    elif stopped == "listing":
        party, trade_id = scene.buyer, scene.trades["NEGOTIATING"]
        what = await prepared(scene, party, "accept", trade_id=trade_id, offer_no=1)
        await scene.house.operator.do(
            suspend_listing, listing_id=scene.listing.listing_id, reason_code="COMPLAINT"
        )
        kind = ListingNotOnOffer
    elif stopped == "offer":
        party, trade_id = scene.buyer, scene.trades["NEGOTIATING"]
        what = await prepared(scene, party, "accept", trade_id=trade_id, offer_no=1)
        await scene.offer(trade_id, scene.buyer, 60_000_000)
        kind = OfferNotLatest
    else:
        party, trade_id = scene.buyer, scene.trades["NEGOTIATING"]
        what = await prepared(scene, party, "accept", trade_id=trade_id, offer_no=1)
        await scene.accept(trade_id, scene.buyer)
        kind = TradeWrongState
    async with refused(scene.database, kind):
        await submitted(scene, party, what)


@pytest.mark.parametrize(("seconds", "kind"), [(0, PreparedChanged), (1, TradeMovedOn)])
async def test_an_offer_prepared_before_anothers_came_is_another_offer_now(scene, seconds, kind):
    trade_id = scene.trades["INQUIRED"]
    what = await prepared(scene, scene.buyer, "offer", trade_id=trade_id, price_minor=60_000_000)
    scene.clock.advance(timedelta(seconds=seconds))
    await scene.offer(trade_id, scene.seller, 76_000_000)
    async with refused(scene.database, kind):
        await submitted(scene, scene.buyer, what)
    assert await scene.events(trade_id) == ["TRD.INQUIRE", "TRD.OFFER", "REF.REFUSE"]


async def test_an_act_that_is_refused_is_refused_when_it_is_prepared(scene):
    trade_id = scene.trades["NEGOTIATING"]
    async with refused(scene.database, OfferNotLatest):
        await prepared(scene, scene.buyer, "accept", trade_id=trade_id, offer_no=7)


async def test_a_document_that_the_statement_does_not_name_is_not_prepared(sqlite_scene):
    scene = sqlite_scene
    trade_id = scene.trades["CONTRACT_READY"]
    call = Call(
        scene.seller.actor,
        "PROVIDER",
        "sign",
        {"trade_id": trade_id},
        "TRD.SIGN",
        trade_id,
        [Document("contract.json", "application/json", b"{}")],
    )
    async with untouched(scene.database, Malformed):
        await carry_out(scene.house.house, scene.house.safe, call, verb_of("sign", {"trade_id": trade_id}))

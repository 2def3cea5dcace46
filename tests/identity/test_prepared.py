import asyncio
from dataclasses import replace
from datetime import timedelta

import orjson
import pytest
from sqlmodel import select

from base.canonical import sha256_hex
from base.errors import Conflict, Forbidden, Malformed, StepUpNeeded
from base.ids import is_id
from base.signing import Signature, SigningKey, parse_envelope, sign_envelope
from identity.errors import (
    KeyMissing,
    KeyRevoked,
    KeyRoleMismatch,
    PreparedChanged,
    PreparedExpired,
    PreparedUnknown,
    PreparedUsed,
    SignatureInvalid,
)
from identity.keys import register_key, revoke_key
from identity.passwords import PasswordHash
from identity.prepared import Call, Document, Prepared, carry_out, get_prepared, submit
from identity.repository import get_key, get_organisation
from identity.service import admit_organisation, enrol_person, require_member
from identity.tables import OrganisationRow, PreparedRow, StepUpRow
from ledger.acts import Once
from ledger.recording import Actor, record
from ledger.statement import PAYLOAD_TYPE, Draft
from tests.houses import make_house, public_text
from tests.identity.unmoved import all_rows, nothing_moved, refused, statements


@pytest.fixture
async def house(database, clock):
    return await make_house(database, clock)


@pytest.fixture
async def seller(house):
    return await house.admit("甲数", {"PROVIDER", "BUYER"})


async def make_offer(s, act, *, thing, price_minor):
    """A verb with everything a prepared act must keep: ids, a nonce, a row that it depends on, a sibling."""
    member = await require_member(s, org_id=act.actor.org_id)
    if price_minor > 10_000:
        raise Conflict("above the cap")
    if act.now - act.occurred_at > timedelta(minutes=8):
        raise Conflict("the offer came too late")
    offer_id = act.new_id("off")
    await record(
        s,
        act.as_exchange(),
        Draft("TST.NOTED", offer_id, public={"name": member.name}, opening={"seen": "yes"}),
    )
    await record(
        s,
        act,
        Draft(
            "TST.OFFER",
            offer_id,
            public={"thing": thing, "name": member.name},
            opening={"price_minor": str(price_minor)},
            after="OFFERED",
        ),
    )
    return offer_id


def lookup(name, args):
    assert name == "make_offer"

    async def verb(s, act):
        return await make_offer(s, act, **args)

    return verb


def _call(party, *, role="PROVIDER", price_minor=9_000, **changed):
    args = {"thing": "flights", "price_minor": price_minor}
    return Call(party.actor, role, "make_offer", args, "TST.OFFER", "flights", **changed)


async def _prepare(house, party, **facts):
    call = _call(party, **facts)
    return await carry_out(house.house, house.safe, call, lookup(call.act_name, call.args))


async def _submit(house, prepared, envelope, actor, *, find=lookup, once=None):
    return await submit(
        house.house,
        house.safe,
        prepared_id=prepared.prepared_id,
        envelope=envelope,
        lookup=find,
        actor=actor,
        once=once,
    )


def _sign(prepared, *keys):
    envelope = sign_envelope(PAYLOAD_TYPE, prepared.payload, *keys)
    return parse_envelope(orjson.loads(orjson.dumps(envelope.document())))


async def test_preparing_stores_what_is_to_be_signed_and_says_nothing(house, database, seller, clock):
    before = await all_rows(database)
    prepared = await _prepare(house, seller)
    assert isinstance(prepared, Prepared)
    after = await all_rows(database)
    assert len(after.pop("identity_prepared")) == 1
    assert before.pop("identity_prepared") == []
    assert after == before

    assert is_id(prepared.prepared_id, "pre")
    assert prepared.expires_at == clock.now() + timedelta(minutes=10)
    assert prepared.signers == (seller.key.keyid,)
    statement = orjson.loads(prepared.payload)
    assert statement["predicate"]["event"] == "TST.OFFER"
    assert statement["predicate"]["opening"] == {"sha256": sha256_hex(prepared.opening)}
    assert orjson.loads(prepared.opening)["price_minor"] == "9000"


async def test_the_form_that_is_handed_out(house, seller):
    prepared = await _prepare(house, seller)
    document = orjson.loads(orjson.dumps(prepared.document()))
    assert set(document) == {
        "prepared_id",
        "payload_type",
        "payload",
        "opening",
        "documents",
        "signers",
        "expires_at",
    }
    assert document["expires_at"] == "2026-11-16T01:10:00.000Z"
    assert document["opening"] == prepared.opening.decode()


async def test_a_submitted_signature_carries_the_act_out_once(house, database, seller, clock):
    prepared = await _prepare(house, seller)
    clock.advance(timedelta(minutes=3))
    said = len(await statements(database))
    offer_id = await _submit(house, prepared, _sign(prepared, seller.key), seller.actor)

    noted, offer = (await statements(database))[said:]
    assert offer["signers"] == [seller.key.keyid]
    assert noted["signers"] == [house.exchange_key.keyid]
    assert {noted["predicate"]["object"], offer["predicate"]["object"]} == {offer_id}
    assert offer["predicate"]["occurred_at"] == "2026-11-16T01:00:00.000Z"
    assert {k: v for k, v in offer.items() if k != "signers"} == orjson.loads(prepared.payload)

    async with refused(database, PreparedUsed):
        await _submit(house, prepared, _sign(prepared, seller.key), seller.actor)


async def test_the_recorded_envelope_is_the_one_that_was_signed(house, database, seller):
    prepared = await _prepare(house, seller)
    envelope = _sign(prepared, seller.key)
    await _submit(house, prepared, envelope, seller.actor)
    rows = (await all_rows(database))["ledger_statements"]
    assert envelope.digest() in {row[2] for row in rows}


async def test_what_was_kept_for_the_signer_goes_with_the_use(house, database, seller):
    prepared = await _prepare(house, seller)
    async with database.read() as s:
        assert await get_prepared(s, prepared_id=prepared.prepared_id, actor=seller.actor) == prepared
        row = (await s.exec(select(PreparedRow))).one()
        assert b"9000" in row.opening
        assert len(row.sealed_seed) == 12 + 32 + 16
    await _submit(house, prepared, _sign(prepared, seller.key), seller.actor)
    async with database.read() as s:
        row = (await s.exec(select(PreparedRow))).one()
        assert (row.sealed_seed, row.args, row.opening, row.documents) == (b"", b"", None, b"[]")
        with pytest.raises(PreparedUnknown):
            await get_prepared(s, prepared_id=prepared.prepared_id, actor=seller.actor)


async def test_two_submissions_at_once_carry_it_out_once(house, database, seller):
    prepared = await _prepare(house, seller)
    envelope = _sign(prepared, seller.key)
    answers = await asyncio.gather(
        *(_submit(house, prepared, envelope, seller.actor) for _ in range(4)), return_exceptions=True
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["PreparedUsed"] * 3 + ["str"]
    assert len(await statements(database, "TST.OFFER")) == 1


async def test_a_custodial_key_signs_at_once(house, database):
    party = await house.admit("银行", {"PROVIDER"}, "custodial")
    async with nothing_moved(database, StepUpNeeded):
        await _prepare(house, party)


async def test_a_refusal_while_preparing_is_recorded(house, database, seller):
    async with refused(database, Conflict):
        await _prepare(house, seller, price_minor=10_001)


async def test_an_organisation_without_a_key_is_told_so(house, database):
    facts = {"name": "无", "uscc": "91330100799655058B", "roles": {"PROVIDER"}}
    bare = await house.operator.do(admit_organisation, **facts)
    actor = Actor(bare.org_id, frozenset({"PROVIDER"}))
    call = Call(actor, "PROVIDER", "make_offer", {}, "TST.OFFER", "flights")
    async with refused(database, KeyMissing):
        await carry_out(house.house, house.safe, call, lookup("make_offer", {"thing": "x", "price_minor": 1}))


async def test_a_revoked_key_is_told_so_while_preparing(house, database, seller):
    await seller.do(revoke_key, role="BUYER", key_id=seller.registered.key_id, reason="lost")
    async with refused(database, KeyRevoked):
        await _prepare(house, seller)


async def test_a_role_that_the_actor_lacks_is_no_domain_decision(house, database, seller):
    async with nothing_moved(database, Forbidden):
        await _prepare(house, seller, role="BROKER")
    prepared = await _prepare(house, seller)
    demoted = replace(seller.actor, roles=frozenset({"BUYER"}))
    async with nothing_moved(database, Forbidden):
        await _submit(house, prepared, _sign(prepared, seller.key), demoted)


async def test_a_prepared_act_expires_after_ten_minutes(house, database, seller, clock):
    prepared = await _prepare(house, seller)
    clock.advance(timedelta(minutes=10))
    async with refused(database, PreparedExpired) as caught:
        await _submit(house, prepared, _sign(prepared, seller.key), seller.actor)
    assert caught.value.facts["expired_at"] == "2026-11-16T01:10:00.000Z"


async def test_deadlines_are_checked_at_receipt(house, database, seller, clock):
    prepared = await _prepare(house, seller)
    clock.advance(timedelta(minutes=9))
    async with refused(database, Conflict) as caught:
        await _submit(house, prepared, _sign(prepared, seller.key), seller.actor)
    assert caught.value.detail == "the offer came too late"


async def test_rights_are_checked_at_receipt(house, database, seller):
    prepared = await _prepare(house, seller)
    await seller.do(revoke_key, role="BUYER", key_id=seller.registered.key_id, reason="compromised")
    async with refused(database, KeyRevoked):
        await _submit(house, prepared, _sign(prepared, seller.key), seller.actor)


async def test_a_statement_that_would_differ_now_is_refused(house, database, seller):
    prepared = await _prepare(house, seller)
    async with database.write() as s:
        row = await s.get(OrganisationRow, seller.org_id)
        row.name = "another name"
        s.add(row)
    async with refused(database, PreparedChanged):
        await _submit(house, prepared, _sign(prepared, seller.key), seller.actor)


async def test_a_prepared_act_is_its_makers_alone(house, database, seller):
    other = await house.admit("乙数", {"PROVIDER"})
    prepared = await _prepare(house, seller)
    envelope = _sign(prepared, other.key)
    colleague = replace(seller.actor, user_id="usr_colleague")
    for actor in (other.actor, colleague):
        async with nothing_moved(database, PreparedUnknown):
            await _submit(house, prepared, envelope, actor)
        async with database.read() as s:
            with pytest.raises(PreparedUnknown):
                await get_prepared(s, prepared_id=prepared.prepared_id, actor=actor)
    async with nothing_moved(database, PreparedUnknown):
        await _submit(house, replace(prepared, prepared_id="pre_none"), envelope, seller.actor)


async def test_a_wrong_signature_is_refused_recorded_and_can_be_mended(house, database, seller):
    other = await house.admit("乙数", {"PROVIDER"})
    narrow = await _narrow_key(house, seller)
    prepared = await _prepare(house, seller)
    good = _sign(prepared, seller.key)
    (own,) = good.signatures
    forged = Signature(own.keyid, bytes([own.sig[0] ^ 1, *own.sig[1:]]))
    stolen = Signature(own.keyid, _sign(prepared, other.key).signatures[0].sig)
    tampered = prepared.payload.replace(b"flights", b"bridges")
    assert tampered != prepared.payload

    for bad in (
        replace(good, signatures=(forged,)),
        replace(good, signatures=(stolen,)),
        replace(good, signatures=(own, forged)),
        replace(good, signatures=(own, own)),
        _sign(prepared, seller.key, other.key),
        _sign(prepared, other.key),
        _sign(prepared, SigningKey.generate()),
        _sign(prepared, house.exchange_key),
    ):
        async with refused(database, SignatureInvalid):
            await _submit(house, prepared, bad, seller.actor)
    for other_bytes in (
        sign_envelope(PAYLOAD_TYPE, tampered, seller.key),
        sign_envelope("application/json", prepared.payload, seller.key),
    ):
        async with refused(database, SignatureInvalid) as caught:
            await _submit(house, prepared, other_bytes, seller.actor)
        assert caught.value.detail == "the envelope carries other bytes than the prepared ones"
    async with refused(database, KeyRoleMismatch):
        await _submit(house, prepared, _sign(prepared, narrow), seller.actor)

    await _submit(house, prepared, good, seller.actor)
    assert len(await statements(database, "TST.OFFER")) == 1


async def _narrow_key(house, seller):
    """A second key of the seller's that may only buy; the first key's owner signs for it."""
    key = SigningKey.generate()
    prepared = await _prepare_key(
        house, seller, custody="self-held", public_key=public_text(key), roles=["BUYER"]
    )
    await _submit_key(house, seller, prepared, _sign(prepared, key, seller.key))
    return key


def _key_lookup(house):
    def find(name, args):
        assert name == "register_key"

        async def verb(s, act):
            return await register_key(s, act, safe=house.safe, **args)

        return verb

    return find


async def _prepare_key(house, party, *, actor=None, **facts):
    args = {"org_id": party.org_id, **facts}
    call = Call(actor or party.actor, "BUYER", "register_key", args, "KEY.REGISTER", party.org_id)
    return await carry_out(house.house, house.safe, call, _key_lookup(house)(call.act_name, args))


async def _submit_key(house, party, prepared, envelope):
    return await _submit(house, prepared, envelope, party.actor, find=_key_lookup(house))


async def test_a_registration_asks_for_the_new_and_the_old_key(house, database, seller):
    new = SigningKey.generate()
    prepared = await _prepare_key(house, seller, custody="self-held", public_key=public_text(new))
    assert prepared.signers == (new.keyid, seller.key.keyid)
    for keys in ((new,), (seller.key,), (new, house.exchange_key), (new, seller.key, house.exchange_key)):
        async with refused(database, SignatureInvalid):
            await _submit_key(house, seller, prepared, _sign(prepared, *keys))
    registered = await _submit_key(house, seller, prepared, _sign(prepared, seller.key, new))
    said = (await statements(database, "KEY.REGISTER"))[-1]
    assert said["signers"] == [new.keyid, seller.key.keyid]
    async with database.read() as s:
        assert await get_key(s, keyid=new.keyid) == registered


async def test_a_first_key_asks_for_its_own_signature_and_the_exchange_adds_its(house, database):
    facts = {"name": "新", "uscc": "91330100799655058B", "roles": {"BUYER"}}
    bare = await house.operator.do(admit_organisation, **facts)
    party = replace(house.operator, organisation=bare)
    new = SigningKey.generate()
    prepared = await _prepare_key(house, party, custody="self-held", public_key=public_text(new))
    assert prepared.signers == (new.keyid,)
    await _submit_key(house, party, prepared, _sign(prepared, new))
    said = (await statements(database, "KEY.REGISTER"))[-1]
    assert said["signers"] == [new.keyid, house.exchange_key.keyid]


async def test_a_custodial_key_that_an_old_key_vouches_for_is_the_same_at_submission(house, database, seller):
    prepared = await _prepare_key(house, seller, custody="custodial")
    assert prepared.signers == (seller.key.keyid,)
    keyid = orjson.loads(prepared.payload)["predicate"]["keyid"]
    registered = await _submit_key(house, seller, prepared, _sign(prepared, seller.key))
    assert registered.keyid == keyid
    said = (await statements(database, "KEY.REGISTER"))[-1]
    assert said["signers"] == [keyid, seller.key.keyid]


async def test_a_custodial_owner_moves_to_a_key_of_ones_own(house, database):
    party = await house.admit("银行", {"BUYER"}, "custodial")
    facts = {"org_id": party.org_id, "login": "clerk", "name": "某", "password": PasswordHash("x")}
    person = await party.do(enrol_person, **facts)
    actor = replace(party.actor, user_id=person.user_id)
    new = SigningKey.generate()
    wish = {"custody": "self-held", "public_key": public_text(new), "actor": actor}
    async with nothing_moved(database, StepUpNeeded):
        await _prepare_key(house, party, **wish)

    proof = StepUpRow(step_up_id="stp_1", user_id=person.user_id, proved_at=house.clock.now())
    async with database.write() as s:
        s.add(proof)
    prepared = await _prepare_key(house, party, **wish)
    assert prepared.signers == (new.keyid,)
    envelope = _sign(prepared, new)
    await _submit(house, prepared, envelope, actor, find=_key_lookup(house))
    said = (await statements(database, "KEY.REGISTER"))[-1]
    assert said["signers"] == [new.keyid, party.registered.keyid]
    async with database.read() as s:
        assert (await s.get(StepUpRow, "stp_1")).spent_at == house.clock.now()


async def test_documents_travel_with_the_act_and_are_named_by_it(house, database, seller):
    text = Document("contract.json", "application/json", b'{"clause":1}')

    async def say(s, act):
        digest = sha256_hex(text.content)
        return await record(s, act, Draft("TST.SIGN", "x", public={"contract_sha256": digest}))

    call = Call(seller.actor, "BUYER", "say", {}, "TST.SIGN", "x", documents=[text])
    prepared = await carry_out(house.house, house.safe, call, say)
    assert prepared.document()["documents"] == [
        {
            "name": "contract.json",
            "media_type": "application/json",
            "sha256": sha256_hex(text.content),
            "content": "eyJjbGF1c2UiOjF9",
        }
    ]
    async with database.read() as s:
        assert await get_prepared(s, prepared_id=prepared.prepared_id, actor=seller.actor) == prepared
    for strange in (Document("x", "text/plain", b"other"), Document("x", "text/plain", bytes(2**20 + 1))):
        async with nothing_moved(database, Malformed):
            await carry_out(house.house, house.safe, replace(call, documents=[strange]), say)


class Remembering(Once):
    """What an idempotent caller is told, in order."""

    def __init__(self):
        self.told = []

    async def after(self, s, result):
        self.told.append(result)

    async def refused(self, s, refusal):
        self.told.append(refusal.code)


async def test_the_idempotency_hook_is_told_of_preparing_refusing_and_carrying_out(house, seller):
    once = Remembering()
    call = _call(seller)
    prepared = await carry_out(house.house, house.safe, call, lookup(call.act_name, call.args), once=once)
    other = SigningKey.generate()
    with pytest.raises(SignatureInvalid):
        await _submit(house, prepared, _sign(prepared, other), seller.actor, once=once)
    offer_id = await _submit(house, prepared, _sign(prepared, seller.key), seller.actor, once=once)
    assert once.told == [prepared, "signature-invalid", offer_id]


async def test_a_whole_life_of_a_self_held_party(house, database, clock):
    """Admitted, first key, an offer, a new key, the old one revoked by the new one."""
    facts = {"name": "新", "uscc": "91330100799655058B", "roles": {"BUYER", "PROVIDER"}}
    bare = await house.operator.do(admit_organisation, **facts)
    party = replace(house.operator, organisation=bare)
    first, second = SigningKey.generate(), SigningKey.generate()

    prepared = await _prepare_key(house, party, custody="self-held", public_key=public_text(first))
    registered = await _submit_key(house, party, prepared, _sign(prepared, first))
    prepared = await _prepare(house, party)
    await _submit(house, prepared, _sign(prepared, first), party.actor)
    clock.advance(timedelta(days=1))
    prepared = await _prepare_key(house, party, custody="self-held", public_key=public_text(second))
    await _submit_key(house, party, prepared, _sign(prepared, second, first))

    async def revoke(s, act):
        return await revoke_key(s, act, key_id=registered.key_id, reason="superseded")

    call = Call(party.actor, "BUYER", "revoke_key", {}, "KEY.REVOKE", registered.key_id)
    prepared = await carry_out(house.house, house.safe, call, revoke)
    assert prepared.signers == (second.keyid,)
    await _submit(house, prepared, _sign(prepared, second), party.actor, find=lambda *_: revoke)
    assert [
        said["signers"][0] for said in await statements(database) if said["predicate"]["actor"] == bare.org_id
    ] == [
        first.keyid,
        first.keyid,
        second.keyid,
        second.keyid,
    ]
    async with database.read() as s:
        assert (await get_organisation(s, org_id=bare.org_id)) == bare
        assert (await get_key(s, keyid=first.keyid)).revoked_by == bare.org_id

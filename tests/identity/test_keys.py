import base64
from datetime import timedelta

import orjson
import pytest
from sqlalchemy.exc import DBAPIError
from sqlmodel import select, text

from base.errors import Conflict, Malformed, NotFound, StepUpNeeded
from base.ids import Seed, is_id
from base.signing import KeyWeak, SigningKey, envelope_signed_by, parse_envelope
from identity.errors import (
    KeyInUse,
    KeyLossUnconfirmed,
    KeyRegisteredBefore,
    KeyRevoked,
    KeyRoleMismatch,
    MemberNotActive,
    NotYourOrganisation,
    RolesBeyondGrantor,
    SignatureElsewhere,
    SignatureInvalid,
)
from identity.keys import register_key, revoke_key
from identity.passwords import PasswordHash
from identity.pens import CustodialPen, HeldPen, PreparingPen, StepUpProof, pen_for
from identity.repository import claim_key, get_key, list_keys, lock_key
from identity.rules import Custody, KeyStatus, OrganisationStatus
from identity.safe import Safe
from identity.service import admit_organisation, enrol_person
from identity.tables import KeyRow, OrganisationRow, StepUpRow
from ledger.acts import perform
from ledger.recording import Actor, record
from ledger.statement import Draft
from tests.houses import make_house, public_text
from tests.identity.unmoved import nothing_moved, refused, statements


@pytest.fixture
async def house(database, clock):
    return await make_house(database, clock)


async def speak(s, act, *, event="TST.SPEAK"):
    """A verb that says one thing as the party."""
    return await record(s, act, Draft(event, "thing", public={"word": "yes"}))


async def _as(house, party, pen, verb, *, role=None, person=None, **facts):
    actor = Actor(party.org_id, party.actor.roles, None if person is None else person.user_id)

    async def bound(s, act):
        return await verb(s, act, **facts)

    act = house.house.act(actor, role or min(actor.roles), pen)
    return await perform(house.house, act, bound, attempted=verb.__name__, object_id=party.org_id)


async def test_a_first_key_is_signed_by_itself_and_by_the_exchange(house, database):
    seller = await house.admit("甲数", {"PROVIDER", "BUYER"})
    said = (await statements(database, "KEY.REGISTER"))[-1]
    assert is_id(seller.registered.key_id, "key")
    assert said["predicate"] == {
        "org_id": seller.org_id,
        "roles": ["BUYER", "PROVIDER"],
        "suite": "ed25519-sha256",
        "custody": "self-held",
        "keyid": seller.key.keyid,
        "public_key": base64.b64encode(seller.key.public).decode(),
        "object": seller.registered.key_id,
        "event": "KEY.REGISTER",
        "actor": seller.org_id,
        "role": "BUYER",
        "occurred_at": "2026-11-16T01:00:00.000Z",
        "to": "ACTIVE",
        "clock": "simulated",
    }
    assert said["signers"] == [seller.key.keyid, house.exchange_key.keyid]
    async with database.read() as s:
        assert await get_key(s, keyid=seller.key.keyid) == seller.registered


async def test_both_signatures_of_a_registration_hold(house, database):
    seller = await house.admit("甲数", {"PROVIDER"})
    async with database.read() as s:
        raw = (
            await s.exec(
                text("SELECT envelope FROM ledger_statements WHERE event = 'KEY.REGISTER' ORDER BY id")
            )
        ).all()[-1][0]

    envelope = parse_envelope(orjson.loads(raw))
    assert envelope_signed_by(envelope, seller.key.public)
    assert envelope_signed_by(envelope, house.exchange_key.public)


async def test_a_custodial_key_is_made_here_and_rests_sealed(house, database):
    buyer = await house.admit("银行", {"BUYER"}, "custodial")
    said = (await statements(database, "KEY.REGISTER"))[-1]
    assert said["predicate"]["custody"] == "custodial"
    assert said["signers"] == [buyer.registered.keyid, house.exchange_key.keyid]
    async with database.read() as s:
        row = (await s.exec(select(KeyRow).where(KeyRow.keyid == buyer.registered.keyid))).one()
    private = house.safe.open_key(keyid=row.keyid, sealed=row.sealed_private)
    assert private.keyid == buyer.registered.keyid
    assert private.to_bytes() not in row.sealed_private


async def test_a_sealed_key_opens_with_its_own_master_key_and_name_alone(house):
    key = SigningKey.generate()
    sealed = house.safe.seal_key(key)
    for safe, keyid in ((Safe.generate(), key.keyid), (house.safe, "0" * 64)):
        with pytest.raises(Malformed):
            safe.open_key(keyid=keyid, sealed=sealed)
    with pytest.raises(Malformed):
        house.safe.open_key(keyid=key.keyid, sealed=sealed[:-1])
    with pytest.raises(Malformed):
        Safe(b"too short")
    assert house.safe.master.hex() not in repr(house.safe)
    assert repr(house.safe.master) not in repr(house.safe)


async def test_a_second_key_is_signed_by_the_first(house, database):
    seller = await house.admit("甲数", {"PROVIDER"})
    new = SigningKey.generate()
    await _as(
        house,
        seller,
        HeldPen(seller.key, new),
        register_key,
        safe=house.safe,
        org_id=seller.org_id,
        custody="self-held",
        public_key=public_text(new),
    )
    said = (await statements(database, "KEY.REGISTER"))[-1]
    assert said["signers"] == [new.keyid, seller.key.keyid]
    assert "custodial" not in said["predicate"].values()


async def test_a_self_held_key_replaces_a_custodial_one_with_both_signatures(house, database):
    buyer = await house.admit("银行", {"BUYER"}, "custodial")
    new = SigningKey.generate()
    facts = {"safe": house.safe, "org_id": buyer.org_id, "custody": "self-held"}
    facts["public_key"] = public_text(new)
    async with nothing_moved(database, StepUpNeeded):
        await _as(house, buyer, HeldPen(new), register_key, **facts)
    person = await house.operator.do(
        enrol_person, org_id=buyer.org_id, login="clerk", name="某", password=PasswordHash("x")
    )
    await _prove(database, house, person.user_id)
    await _as(house, buyer, HeldPen(new), register_key, person=person, **facts)
    said = (await statements(database, "KEY.REGISTER"))[-1]
    assert said["signers"] == [new.keyid, buyer.registered.keyid]
    assert said["predicate"]["custody"] == "self-held"


async def _prove(database, house, user_id, number=1):
    now = house.clock.now()
    async with database.write() as s:
        s.add(StepUpRow(step_up_id=Seed().new_id("stp", now), user_id=user_id, proved_at=now))


async def _try_key(house, database, kind, party, pen, *, moved=refused, role=None, **changed):
    new = SigningKey.generate()
    facts = {
        "safe": house.safe,
        "org_id": party.org_id,
        "custody": "self-held",
        "public_key": public_text(new),
    }
    async with moved(database, kind) as caught:
        await _as(house, party, pen or HeldPen(party.key, new), register_key, role=role, **facts | changed)
    return caught.value


async def test_a_stranger_registers_no_key_for_another(house, database):
    seller, other = await house.admit("甲数", {"PROVIDER"}), await house.admit("乙数", {"BUYER"})
    await _try_key(house, database, NotYourOrganisation, other, None, org_id=seller.org_id)


async def test_the_operator_slips_no_key_to_a_member_that_has_one(house, database):
    seller = await house.admit("甲数", {"PROVIDER"})
    await _try_key(house, database, KeyInUse, house.operator, None, org_id=seller.org_id)


async def test_a_key_reaches_no_further_than_its_organisation(house, database):
    seller = await house.admit("甲数", {"PROVIDER"})
    for roles in ({"BROKER"}, {"PROVIDER", "EXCHANGE_OPERATOR"}):
        await _try_key(house, database, RolesBeyondGrantor, seller, None, roles=roles)


async def test_a_key_vouches_for_no_role_it_lacks(house, database):
    seller = await house.admit("甲数", {"PROVIDER", "BUYER"})
    narrow = SigningKey.generate()
    await _as(
        house,
        seller,
        HeldPen(seller.key, narrow),
        register_key,
        safe=house.safe,
        org_id=seller.org_id,
        custody="self-held",
        public_key=public_text(narrow),
        roles={"BUYER"},
    )
    await seller.do(revoke_key, role="BUYER", key_id=seller.registered.key_id, reason="superseded")
    new = SigningKey.generate()
    await _try_key(
        house,
        database,
        KeyRoleMismatch,
        seller,
        HeldPen(narrow, new),
        role="BUYER",
        public_key=public_text(new),
        roles={"PROVIDER"},
    )


async def test_a_key_is_registered_once_in_the_whole_house(house, database):
    seller, other = await house.admit("甲数", {"PROVIDER"}), await house.admit("乙数", {"BUYER"})
    for known in (seller.key, other.key, house.exchange_key):
        await _try_key(house, database, KeyRegisteredBefore, seller, None, public_key=public_text(known))


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"public_key": "AAAA"}, Malformed),
        ({"public_key": "not base64!"}, Malformed),
        ({"public_key": base64.b64encode(bytes([1, *bytes(31)])).decode()}, KeyWeak),
        ({"public_key": None}, Malformed),
        ({"custody": "custodial"}, Malformed),
        ({"custody": "node"}, Malformed),
        ({"custody": "else"}, Malformed),
        ({"roles": {"KING"}}, Malformed),
    ],
)
async def test_a_malformed_key_leaves_no_trace(house, database, changed, kind):
    seller = await house.admit("甲数", {"PROVIDER"})
    await _try_key(house, database, kind, seller, None, moved=nothing_moved, **changed)


async def test_possession_of_the_new_key_has_to_be_proved(house, database):
    seller = await house.admit("甲数", {"PROVIDER"})
    await _try_key(house, database, SignatureElsewhere, seller, HeldPen(seller.key), moved=nothing_moved)


async def test_a_suspended_member_registers_no_key(house, database):
    seller = await house.admit("甲数", {"PROVIDER"})
    async with database.write() as s:
        row = await s.get(OrganisationRow, seller.org_id)
        row.status = OrganisationStatus.SUSPENDED
        s.add(row)
    await _try_key(house, database, MemberNotActive, seller, None)


async def test_a_revoked_key_signs_no_more_and_a_custodial_one_is_erased(house, database, clock):
    for custody in ("self-held", "custodial"):
        party = await house.admit(f"member {custody}", {"BUYER"}, custody)
        await party.do(speak)
        clock.advance(timedelta(minutes=1))
        revoked = await party.do(revoke_key, key_id=party.registered.key_id, reason="compromised")
        assert (revoked.status, revoked.revoked_at) == (KeyStatus.REVOKED, clock.now())
        async with refused(database, KeyRevoked):
            await party.do(speak)
        async with database.read() as s:
            row = (await s.exec(select(KeyRow).where(KeyRow.keyid == revoked.keyid))).one()
        assert (row.status, row.sealed_private) == (KeyStatus.REVOKED, None)


async def test_a_revocation_is_stated(house, database):
    seller = await house.admit("甲数", {"PROVIDER"})
    await house.operator.do(revoke_key, key_id=seller.registered.key_id, reason="lost")
    said = (await statements(database, "KEY.REVOKE"))[-1]
    predicate = said["predicate"]
    assert (predicate["org_id"], predicate["keyid"]) == (seller.org_id, seller.key.keyid)
    assert (predicate["object"], predicate["reason"]) == (seller.registered.key_id, "lost")
    assert (predicate["from"], predicate["to"]) == ("ACTIVE", "REVOKED")
    assert said["signers"] == [house.operator.key.keyid]


async def test_a_key_is_revoked_once_and_not_by_strangers(house, database):
    seller, other = await house.admit("甲数", {"PROVIDER"}), await house.admit("乙数", {"BUYER"})
    facts = {"key_id": seller.registered.key_id, "reason": "lost"}
    async with nothing_moved(database, NotFound):
        await other.do(revoke_key, **facts)
    async with nothing_moved(database, NotFound):
        await seller.do(revoke_key, **{**facts, "key_id": "key_unknown"})
    async with nothing_moved(database, Malformed):
        await seller.do(revoke_key, **{**facts, "reason": "bored"})
    await seller.do(revoke_key, **facts)
    async with refused(database, Conflict):
        await house.operator.do(revoke_key, **facts)


async def test_the_exchanges_own_key_is_not_revoked_like_a_partys(house, database):
    async with database.read() as s:
        own = await get_key(s, keyid=house.exchange_key.keyid)
    async with refused(database, Conflict):
        await house.operator.do(revoke_key, key_id=own.key_id, reason="lost")


async def test_after_a_loss_the_operator_confirms_before_a_new_beginning(house, database):
    seller = await house.admit("甲数", {"PROVIDER"})
    await seller.do(revoke_key, key_id=seller.registered.key_id, reason="compromised")
    new = SigningKey.generate()
    await _try_key(house, database, KeyLossUnconfirmed, seller, HeldPen(new), public_key=public_text(new))

    other = await house.admit("乙数", {"PROVIDER"})
    await house.operator.do(revoke_key, key_id=other.registered.key_id, reason="lost")
    await _as(
        house,
        other,
        HeldPen(new),
        register_key,
        safe=house.safe,
        org_id=other.org_id,
        custody="self-held",
        public_key=public_text(new),
    )
    said = (await statements(database, "KEY.REGISTER"))[-1]
    assert said["signers"] == [new.keyid, house.exchange_key.keyid]


async def test_where_the_exchange_vouches_a_person_proves_himself_afresh_once(house, database):
    seller = await house.admit("甲数", {"PROVIDER"})
    person = await house.operator.do(
        enrol_person, org_id=seller.org_id, login="clerk", name="某", password=PasswordHash("x")
    )
    await house.operator.do(revoke_key, key_id=seller.registered.key_id, reason="lost")
    facts = {"safe": house.safe, "org_id": seller.org_id, "custody": "custodial"}
    pen = PreparingPen(None)
    async with nothing_moved(database, StepUpNeeded):
        await _as(house, seller, pen, register_key, person=person, **facts)
    await _prove(database, house, person.user_id)
    key = await _as(house, seller, pen, register_key, person=person, **facts)
    assert key.custody is Custody.CUSTODIAL
    async with database.read() as s:
        (proof,) = (await s.exec(select(StepUpRow))).all()
    assert proof.spent_at == house.clock.now()


async def test_a_personal_key_is_used_by_its_person_alone(house, database):
    seller = await house.admit("甲数", {"PROVIDER"})
    facts = {"org_id": seller.org_id, "name": "某", "password": PasswordHash("x")}
    one = await seller.do(enrol_person, login="one", **facts)
    other = await seller.do(enrol_person, login="other", **facts)
    new = SigningKey.generate()
    await _as(
        house,
        seller,
        HeldPen(seller.key, new),
        register_key,
        safe=house.safe,
        org_id=seller.org_id,
        custody="self-held",
        public_key=public_text(new),
        user_id=one.user_id,
    )
    await _as(house, seller, HeldPen(new), speak, person=one)
    async with refused(database, SignatureInvalid):
        await _as(house, seller, HeldPen(new), speak, person=other)
    stranger = await house.operator.do(
        enrol_person,
        org_id=house.operator.org_id,
        login="stranger",
        name="某",
        password=PasswordHash("x"),
    )
    await _try_key(house, database, NotYourOrganisation, seller, None, user_id=stranger.user_id)

    async with database.read() as s:
        for user_id, keyid in ((one.user_id, new.keyid), (other.user_id, seller.key.keyid)):
            actor = Actor(seller.org_id, seller.actor.roles, user_id)
            pen = await pen_for(s, house.safe, actor=actor, role="PROVIDER", now=house.clock.now())
            assert pen == PreparingPen(keyid)


async def test_a_foreign_key_signs_nothing(house, database):
    seller, other = await house.admit("甲数", {"PROVIDER"}), await house.admit("乙数", {"PROVIDER"})
    for key in (other.key, SigningKey.generate(), house.exchange_key):
        async with refused(database, SignatureInvalid):
            await _as(house, seller, HeldPen(key), speak)


async def test_the_exchanges_own_key_is_no_partys_pen(house, database):
    async with refused(database, SignatureInvalid):
        await _as(house, house.operator, HeldPen(house.exchange_key), speak)


async def test_a_custodial_key_is_not_submitted_for(house, database):
    buyer = await house.admit("银行", {"BUYER"}, "custodial")
    async with database.read() as s:
        row = (await s.exec(select(KeyRow).where(KeyRow.keyid == buyer.registered.keyid))).one()
    leaked = house.safe.open_key(keyid=row.keyid, sealed=row.sealed_private)
    async with refused(database, SignatureInvalid):
        await _as(house, buyer, HeldPen(leaked), speak)


async def test_a_key_speaks_only_in_its_roles(house, database):
    seller = await house.admit("甲数", {"PROVIDER"})
    async with refused(database, KeyRoleMismatch):
        await _as(house, seller, seller.pen, speak, role="BROKER")


async def test_what_a_custodial_key_signs_says_so(house, database):
    buyer = await house.admit("银行", {"BUYER"}, "custodial")
    await buyer.do(speak)
    assert (await statements(database, "TST.SPEAK"))[-1]["predicate"]["custody"] == "custodial"
    seller = await house.admit("甲数", {"PROVIDER"})
    await seller.do(speak)
    assert "custody" not in (await statements(database, "TST.SPEAK"))[-1]["predicate"]


async def test_a_custodial_key_asks_for_the_person(house, database, clock):
    buyer = await house.admit("银行", {"BUYER"}, "custodial")
    person = await house.operator.do(
        enrol_person, org_id=buyer.org_id, login="clerk", name="某", password=PasswordHash("x")
    )

    async def says(event):
        pen = CustodialPen(buyer.registered.keyid, house.safe, StepUpProof(clock.now()))
        await _as(house, buyer, pen, speak, person=person, event=event)

    async with nothing_moved(database, StepUpNeeded):
        await says("TRD.OFFER")
    await _prove(database, house, person.user_id)
    await says("TRD.OFFER")
    clock.advance(timedelta(minutes=5))
    await says("TRD.ACCEPT")
    await says("TRD.SIGN")
    async with nothing_moved(database, StepUpNeeded) as caught:
        await says("MND.SIGN")
    assert caught.value.facts == {"event": "MND.SIGN", "single_use": True}
    await says("TRD.DELIVERED")
    clock.advance(timedelta(milliseconds=1))
    async with nothing_moved(database, StepUpNeeded) as caught:
        await says("TRD.ACCEPT_GOODS")
    assert caught.value.facts == {"event": "TRD.ACCEPT_GOODS", "single_use": False}


async def test_a_refused_act_gives_the_proof_back(house, database, clock):
    buyer = await house.admit("银行", {"BUYER"}, "custodial")
    person = await house.operator.do(
        enrol_person, org_id=buyer.org_id, login="clerk", name="某", password=PasswordHash("x")
    )
    await _prove(database, house, person.user_id)
    pen = CustodialPen(buyer.registered.keyid, house.safe, StepUpProof(clock.now()))

    async def signs_and_fails(s, act):
        await speak(s, act, event="TRD.SIGN")
        raise Conflict("too late")

    async with refused(database, Conflict):
        await _as(house, buyer, pen, signs_and_fails, person=person)
    await _as(house, buyer, pen, speak, person=person, event="TRD.SIGN")


async def test_the_pen_follows_the_key(house, database):
    seller = await house.admit("甲数", {"PROVIDER"})
    buyer = await house.admit("银行", {"BUYER"}, "custodial")
    bare = await house.operator.do(
        admit_organisation,
        name="无",
        uscc="91330100799655058B",
        roles={"BUYER"},
    )
    now = house.clock.now()
    async with database.read() as s:
        pen = await pen_for(s, house.safe, actor=seller.actor, role="PROVIDER", now=now)
        assert pen == PreparingPen(seller.key.keyid)
        pen = await pen_for(s, house.safe, actor=buyer.actor, role="BUYER", now=now)
        assert pen == CustodialPen(buyer.registered.keyid, house.safe, StepUpProof(now))
        actor = Actor(bare.org_id, frozenset({"BUYER"}))
        assert await pen_for(s, house.safe, actor=actor, role="BUYER", now=now) == PreparingPen(None)
        operator = house.house.exchange.actor
        pen = await pen_for(s, house.safe, actor=operator, role="EXCHANGE_OPERATOR", now=now)
        assert pen == PreparingPen(house.operator.key.keyid)
        assert {key.custody for key in await list_keys(s, org_id=operator.org_id)} == {
            Custody.NODE,
            Custody.SELF_HELD,
        }


async def test_signing_and_revoking_wait_for_each_other(postgresql_database, clock):
    house = await make_house(postgresql_database, clock)
    seller = await house.admit("甲数", {"PROVIDER"})

    async with postgresql_database.write() as signing:
        await lock_key(signing, keyid=seller.key.keyid)
        async with postgresql_database.write() as also_signing:
            assert await lock_key(also_signing, keyid=seller.key.keyid) is not None
        with pytest.raises(DBAPIError, match="lock timeout"):
            async with postgresql_database.write() as revoking:
                await revoking.exec(text("SET LOCAL lock_timeout = '50ms'"))
                await claim_key(revoking, key_id=seller.registered.key_id)

    async with postgresql_database.write() as revoking:
        await claim_key(revoking, key_id=seller.registered.key_id)
        with pytest.raises(DBAPIError, match="lock timeout"):
            async with postgresql_database.write() as signing:
                await signing.exec(text("SET LOCAL lock_timeout = '50ms'"))
                await lock_key(signing, keyid=seller.key.keyid)

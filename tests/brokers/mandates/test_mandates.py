"""Mandates: one document, signed by the right persons on the right day; frozen with the certificate."""

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest

from base.canonical import sha256_hex
from brokers.certifying import expire_certificate
from brokers.errors import (
    BrokerNotCertified,
    MandateWrongRole,
    MandateWrongState,
    NoActiveMandate,
)
from brokers.mandates.document import Limits, Use
from brokers.mandates.errors import (
    MandateDateWrong,
    MandateDocumentDiffers,
    MandateExceeded,
    MandateExclusive,
    MandateOnePerson,
    SuccessorUnfit,
)
from brokers.mandates.repository import terms_of
from brokers.mandating import hand_over_mandate
from brokers.repository import get_mandate
from brokers.rules import BrokerType, MandateState, Power, Side
from brokers.service import (
    accept_mandate,
    reinstate_certificate,
    revoke_certificate,
    suspend_certificate,
)
from identity.errors import PersonNotIdentified
from tests.brokers.test_service import SCOPE, TO
from tests.houses import Party, officer
from tests.identity.unmoved import statements
from tests.standstill import refused


async def status_of(guild, mandate_id):
    async with guild.database.read() as s:
        return (await get_mandate(s, mandate_id=mandate_id)).status


async def document_of(guild, mandate_id):
    async with guild.database.read() as s:
        return await terms_of(s, mandate_id=mandate_id)


async def steps(guild):
    said = [one["predicate"] for one in await statements(guild.database)]
    return [(one["event"], one["object"]) for one in said if one["event"].startswith(("MND.", "BRK."))]


async def test_both_sides_sign_the_digest_of_one_document(guild):
    await guild.certify()
    mandate = await guild.sign(limits=Limits(price_floor_minor=500, exclusive=True))
    terms = await document_of(guild, mandate.mandate_id)
    assert sha256_hex(terms.document) == terms.document_sha256
    written = json.loads(terms.document)
    assert (written["client"]["name"], written["broker"]["name"]) == ("粤能数科", "珠江数据经纪")
    assert (written["limits"]["price_floor_minor"], written["dated_on"]) == ("500", "2026-11-16")
    await guild.accept(mandate.mandate_id)
    signed = [one for one in await statements(guild.database) if one["predicate"]["event"].startswith("MND.")]
    assert [one["predicate"]["document_sha256"] for one in signed] == [terms.document_sha256] * 2
    for one in signed:
        named = {subject["name"]: subject["digest"]["sha256"] for subject in one["subject"]}
        assert named["mandate"] == terms.document_sha256


async def test_the_broker_signs_what_the_client_signed_and_no_other(guild):
    await guild.certify()
    mandate = await guild.sign()
    for read in ("0" * 64, None):
        async with refused(guild.database, MandateDocumentDiffers) as caught:
            await guild.broker.do(
                accept_mandate,
                object_id=mandate.mandate_id,
                mandate_id=mandate.mandate_id,
                document_sha256=read,
            )
        assert caught.value.rule_id == "BR2"
    assert await status_of(guild, mandate.mandate_id) is MandateState.SIGNED


async def test_the_wrong_organisation_and_the_wrong_role_sign_nothing(guild):
    await guild.certify()
    await guild.certify(guild.other, cert_no="GD-DB-M-2-0002")
    mandate = await guild.sign()
    async with refused(guild.database, MandateWrongRole):
        await guild.accept(mandate.mandate_id, who=guild.other)
    async with refused(guild.database, MandateWrongRole):
        await guild.accept(mandate.mandate_id, who=guild.seller, role="PROVIDER")
    async with refused(guild.database, MandateWrongRole):
        await guild.take_back(mandate.mandate_id, who=guild.buyer)
    assert await status_of(guild, mandate.mandate_id) is MandateState.SIGNED


class Person(Party):
    """A party that acts by one of its people."""

    user_id = "usr_x"

    @property
    def actor(self):
        return replace(super().actor, user_id=self.user_id)


def by(party, user_id):
    person = Person(**{name: getattr(party, name) for name in Party.__dataclass_fields__})
    object.__setattr__(person, "user_id", user_id)
    return person


async def enrolled(guild, party, user_id, mark, name=None):
    async with guild.database.write() as s:
        row = officer(party.org_id, 99, guild.clock)
        row.user_id, row.login, row.mark = user_id, user_id, mark
        row.name = name or row.name
        s.add(row)
    return by(party, user_id)


async def test_one_natural_person_does_not_sign_for_both_sides(guild):
    await guild.certify()
    client = await enrolled(guild, guild.seller, "usr_client", "a" * 64)
    same = await enrolled(guild, guild.broker, "usr_broker", "a" * 64)
    other = await enrolled(guild, guild.broker, "usr_other", "b" * 64)
    mandate = await guild.sign(client)
    async with refused(guild.database, MandateOnePerson):
        await guild.accept(mandate.mandate_id, who=same)
    await guild.accept(mandate.mandate_id, who=other)
    terms = await document_of(guild, mandate.mandate_id)
    assert (terms.signed_by, terms.accepted_by) == ("usr_client", "usr_other")


async def test_who_signs_for_the_broker_is_on_record_and_no_namesake_of_an_unknown_client(guild):
    await guild.certify()
    client = await enrolled(guild, guild.seller, "usr_client", None)
    unknown = await enrolled(guild, guild.broker, "usr_unknown", None)
    namesake = await enrolled(guild, guild.broker, "usr_broker", "a" * 64)
    other = await enrolled(guild, guild.broker, "usr_other", "b" * 64, name="另一人")
    mandate = await guild.sign(client)
    for who, refusal in ((unknown, PersonNotIdentified), (namesake, MandateOnePerson)):
        async with refused(guild.database, refusal):
            await guild.accept(mandate.mandate_id, who=who)
    await guild.accept(mandate.mandate_id, who=other)


@pytest.mark.parametrize("day", [date(2026, 11, 15), date(2026, 11, 17), date(2020, 1, 1)])
async def test_a_document_of_another_day_is_refused(guild, day):
    await guild.certify()
    async with refused(guild.database, MandateDateWrong):
        await guild.sign(dated_on=day)


async def test_limits_are_asked_at_every_act(guild):
    await guild.certify()
    mandate = await guild.sign(limits=Limits(categories=frozenset({"energy"}), price_floor_minor=500))
    await guild.accept(mandate.mandate_id)
    use = Use(power=Power.NEGOTIATE, category="energy", price_minor=500)
    found = await guild.require_mandate(guild.seller, Side.PROVIDER, use=use)
    assert found.mandate_id == mandate.mandate_id
    for wrong in (
        Use(power=Power.SET_PRICE),
        Use(power=Power.NEGOTIATE, category="transport"),
        Use(power=Power.NEGOTIATE, price_minor=499),
    ):
        async with refused(guild.database, MandateExceeded):
            await guild.require_mandate(guild.seller, Side.PROVIDER, use=wrong)
    wider = await guild.sign()
    await guild.accept(wider.mandate_id)
    found = await guild.require_mandate(
        guild.seller, Side.PROVIDER, use=Use(power=Power.NEGOTIATE, price_minor=1)
    )
    assert found.mandate_id == wider.mandate_id


async def test_a_broker_of_technology_takes_no_mandate_to_set_prices(guild):
    await guild.certify(scope=replace(SCOPE, broker_type=BrokerType.TECHNOLOGY))
    mandate = await guild.sign(limits=Limits(powers=frozenset({Power.SET_PRICE})))
    async with refused(guild.database, BrokerNotCertified) as caught:
        await guild.accept(mandate.mandate_id)
    assert caught.value.facts["reason"] == "type"


async def test_an_exclusive_mandate_stands_alone(guild):
    await guild.certify()
    await guild.certify(guild.other, cert_no="GD-DB-M-2-0002")
    first = await guild.sign(limits=Limits(exclusive=True))
    beside = await guild.sign(broker_id=guild.other.org_id)
    await guild.accept(first.mandate_id)
    async with refused(guild.database, MandateExclusive):
        await guild.accept(beside.mandate_id, who=guild.other)
    async with refused(guild.database, MandateExclusive):
        await guild.sign(broker_id=guild.other.org_id)
    await guild.take_back(first.mandate_id)
    await guild.accept(beside.mandate_id, who=guild.other)
    async with refused(guild.database, MandateExclusive):
        await guild.sign(limits=Limits(exclusive=True))


async def test_mandates_freeze_with_the_certificate_and_come_back_with_it(guild):
    cert = await guild.certify()
    proposed = await guild.sign()
    guild.clock.advance(timedelta(seconds=1))
    mandate = await guild.sign()
    await guild.accept(mandate.mandate_id)
    short = await guild.sign(ends_at=guild.clock.now() + timedelta(days=1))
    await guild.accept(short.mandate_id)
    await guild.discipline(suspend_certificate, cert.cert_id)
    frozen = sorted((mandate.mandate_id, short.mandate_id))
    assert (await steps(guild))[-3:] == [
        ("BRK.SUSPEND", cert.cert_id),
        *(("MND.FREEZE", mandate_id) for mandate_id in frozen),
    ]
    assert await status_of(guild, proposed.mandate_id) is MandateState.SIGNED
    async with refused(guild.database, NoActiveMandate) as caught:
        await guild.require_mandate(guild.seller, Side.PROVIDER)
    assert caught.value.facts["status"] == "FROZEN"
    async with refused(guild.database, MandateWrongState):
        await guild.accept(mandate.mandate_id)
    guild.clock.advance(timedelta(days=2))
    await guild.discipline(reinstate_certificate, cert.cert_id)
    assert await status_of(guild, mandate.mandate_id) is MandateState.ACTIVE
    assert await status_of(guild, short.mandate_id) is MandateState.EXPIRED


async def test_a_certificate_that_is_lost_takes_its_mandates_with_it(guild):
    cert = await guild.certify()
    mandate = await guild.sign()
    await guild.accept(mandate.mandate_id)
    await guild.discipline(suspend_certificate, cert.cert_id)
    await guild.discipline(revoke_certificate, cert.cert_id)
    assert await status_of(guild, mandate.mandate_id) is MandateState.TERMINATED_BY_CERT_LOSS
    said = [one["predicate"] for one in await statements(guild.database, "MND.TERMINATE")]
    assert [(one["role"], one["from"]) for one in said] == [("EXCHANGE_OPERATOR", "FROZEN")]


async def test_what_expires_ends_its_mandates_unless_the_next_certificate_bears_them(guild):
    cert = await guild.certify()
    mandate = await guild.sign(ends_at=TO + timedelta(days=300))
    await guild.accept(mandate.mandate_id)
    await guild.certify(
        cert_no="GD-DB-M-2-0002", valid_from=TO + timedelta(seconds=1), valid_to=TO + timedelta(days=900)
    )
    guild.clock.move_to(TO + timedelta(days=1))
    assert await guild.house.operator.do(expire_certificate, object_id=cert.cert_id, cert_id=cert.cert_id)
    assert await status_of(guild, mandate.mandate_id) is MandateState.ACTIVE


async def test_a_mandate_is_handed_over_only_to_one_that_the_client_gave(guild):
    await guild.certify()
    await guild.certify(guild.other, cert_no="GD-DB-M-2-0002")
    mandate, own = await guild.sign(), await guild.sign()
    following = await guild.sign(broker_id=guild.other.org_id)
    await guild.accept(mandate.mandate_id)
    await guild.accept(own.mandate_id)

    async def hand_over(successor_id, who=None):
        return await (who or guild.broker).do(
            hand_over_mandate,
            object_id=mandate.mandate_id,
            mandate_id=mandate.mandate_id,
            successor_id=successor_id,
        )

    for unfit in (own, following):  # one's own, and one that is not in force
        async with refused(guild.database, SuccessorUnfit):
            await hand_over(unfit.mandate_id)
    await guild.accept(following.mandate_id, who=guild.other)
    async with refused(guild.database, MandateWrongRole):
        await hand_over(following.mandate_id, who=guild.other)
    handed = await hand_over(following.mandate_id)
    assert handed.status is MandateState.HANDED_OVER
    (said,) = await statements(guild.database, "MND.HAND_OVER")
    assert said["predicate"]["successor_broker_id"] == guild.other.org_id

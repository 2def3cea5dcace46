"""A broker that named its practitioners acts by them, and by nobody else of its people."""

from datetime import timedelta

import pytest

from brokers.errors import PractitionerNeeded
from brokers.mandates.repository import terms_of
from brokers.mandating import accept_mandate, sign_mandate
from brokers.rules import MandateState, Side
from identity.errors import PersonNotIdentified
from ledger.acts import perform
from ledger.recording import Actor
from tests.brokers.office import CLAIMS
from tests.houses import officer
from tests.standstill import refused


async def enrolled(office, user_id, name, mark):
    async with office.database.write() as s:
        row = officer(office.broker.org_id, 80, office.clock)
        row.user_id = row.login = user_id
        row.name, row.mark, row.roles = name, mark, '["BROKER"]'
        s.add(row)


async def accepted(office, mandate_id, user_id):
    async with office.database.read() as s:
        terms = await terms_of(s, mandate_id=mandate_id)
    broker, house = office.broker, office.house.house
    act = house.act(Actor(broker.org_id, broker.actor.roles, user_id), "BROKER", broker.pen)

    async def bound(s, act):
        return await accept_mandate(s, act, mandate_id=mandate_id, document_sha256=terms.document_sha256)

    return await perform(house, act, bound, attempted="MND.ACCEPT", object_id=mandate_id)


@pytest.fixture
async def mandate_id(office):
    await office.certified()
    await enrolled(office, "usr_named", CLAIMS.practitioners[0].name, "6" * 64)
    await enrolled(office, "usr_clerk", "文员", "7" * 64)
    await enrolled(office, "usr_namesake", CLAIMS.practitioners[1].name, None)
    mandate = await office.other.do(
        sign_mandate,
        role="BUYER",
        attempted="MND.SIGN",
        broker_id=office.broker.org_id,
        side=Side.BUYER,
        listing_id=None,
        scope="询价",
        fee_bp=100,
        ends_at=office.clock.now() + timedelta(days=90),
    )
    return mandate.mandate_id


async def test_a_mandate_is_accepted_by_a_named_practitioner_alone(office, mandate_id):
    for user_id, refusal in (
        ("usr_clerk", PractitionerNeeded),
        ("usr_namesake", PersonNotIdentified),
        (None, PersonNotIdentified),
    ):
        async with refused(office.database, refusal):
            await accepted(office, mandate_id, user_id)
    assert (await accepted(office, mandate_id, "usr_named")).status is MandateState.ACTIVE

"""Who is overseen makes and unmakes no overseer: the operator enrols an authority's first alone."""

from dataclasses import replace

import pytest

from identity.errors import OverseerStaysApart
from identity.passwords import PasswordHash
from identity.repository import list_people
from identity.service import deactivate_person, enrol_person
from ledger.acts import perform
from tests.houses import make_house
from tests.identity.unmoved import refused

HASH = PasswordHash("$argon2id$not-used-here")


@pytest.fixture
async def house(database, clock):
    return await make_house(database, clock)


@pytest.fixture
def officer(house):
    """A login of the operator's, in whose name the exchange signs."""
    actor = replace(house.operator.actor, user_id="usr_officer")

    async def does(verb, **args):
        async def bound(s, act):
            return await verb(s, act, **args)

        act = house.house.act(actor, "EXCHANGE_OPERATOR", house.operator.pen)
        return await perform(house.house, act, bound, attempted="PERSON.ENROL", object_id="org")

    return does


async def logins(database, org_id):
    async with database.read() as s:
        return sorted((one.login, one.active) for one in await list_people(s, org_id=org_id))


@pytest.mark.parametrize("role", ["SAMR", "CAC", "DATA_AUTHORITY", "COURT", "REVIEW_AUTHORITY", "AUDITOR"])
async def test_the_operator_enrols_the_first_of_an_authority_and_no_other(house, database, officer, role):
    authority = await house.admit("某局", {role})
    facts = {"org_id": authority.org_id, "password": HASH}
    await officer(enrol_person, login="first", name="甲", **facts)
    async with refused(database, OverseerStaysApart):
        await officer(enrol_person, login="second", name="乙", **facts)
    assert (await authority.do(enrol_person, login="second", name="乙", **facts)).active
    assert await logins(database, authority.org_id) == [("first", True), ("second", True)]


async def test_the_operator_closes_of_an_authority_s_people_the_last_alone(house, database, officer):
    authority = await house.admit("某局", {"SAMR"})
    facts = {"org_id": authority.org_id, "password": HASH}
    first = await officer(enrol_person, login="first", name="甲", **facts)
    second = await authority.do(enrol_person, login="second", name="乙", **facts)
    async with refused(database, OverseerStaysApart):
        await officer(deactivate_person, user_id=second.user_id)
    await authority.do(deactivate_person, user_id=second.user_id)
    await officer(deactivate_person, user_id=first.user_id)
    await officer(enrol_person, login="third", name="丙", **facts)
    told = [("first", False), ("second", False), ("third", True)]
    assert await logins(database, authority.org_id) == told


async def test_the_people_of_who_trades_are_enrolled_and_closed_by_the_operator_too(house, database, officer):
    seller = await house.admit("甲数", {"PROVIDER"})
    facts = {"org_id": seller.org_id, "password": HASH}
    first = await officer(enrol_person, login="first", name="甲", **facts)
    await officer(enrol_person, login="second", name="乙", **facts)
    await officer(deactivate_person, user_id=first.user_id)
    assert await logins(database, seller.org_id) == [("first", False), ("second", True)]

import pytest
from sqlalchemy import update

from base.errors import Malformed, NotFound
from base.ids import is_id
from identity.errors import (
    LoginMalformed,
    LoginTaken,
    MemberNotActive,
    NotYourOrganisation,
    OperatorOnly,
    OrganisationAdmittedBefore,
    RolesBeyondGrantor,
    RolesIncompatible,
    UsccInvalid,
)
from identity.passwords import PasswordHash
from identity.repository import (
    find_organisation,
    get_organisation,
    get_person,
    list_organisations,
    list_people,
)
from identity.rules import OrganisationStatus, Role
from identity.service import (
    admit_organisation,
    deactivate_person,
    enrol_person,
    insert,
    require_member,
    same_controller,
)
from identity.tables import OrganisationRow
from ledger.acts import perform
from ledger.recording import Actor
from tests.houses import make_house
from tests.identity.unmoved import nothing_moved, refused, statements

HASH = PasswordHash("$argon2id$not-used-here")
MEMBER = {"name": "粤能数科", "uscc": "91330100799655058B", "roles": {"PROVIDER"}}


@pytest.fixture
async def house(database, clock):
    return await make_house(database, clock)


async def test_an_admission_is_stated_and_its_private_part_is_only_committed_to(house, database):
    facts = {**MEMBER, "roles": {"PROVIDER", "BUYER"}, "controller_id": "某集团", "is_ciio": True}
    member = await house.operator.do(admit_organisation, **facts)
    assert is_id(member.org_id, "org")

    said = (await statements(database, "ORG.ADMIT"))[-1]["predicate"]
    commitment = said.pop("opening")
    assert said == {
        "org_id": member.org_id,
        "name": "粤能数科",
        "uscc": "91330100799655058B",
        "region": "330100",
        "roles": ["BUYER", "PROVIDER"],
        "object": member.org_id,
        "event": "ORG.ADMIT",
        "actor": house.operator.org_id,
        "role": "EXCHANGE_OPERATOR",
        "occurred_at": "2026-11-16T01:00:00.000Z",
        "to": "ACTIVE",
        "clock": "simulated",
    }
    assert len(commitment["sha256"]) == 64
    async with database.read() as s:
        assert await get_organisation(s, org_id=member.org_id) == member
        assert await find_organisation(s, uscc="91330100799655058B") == member
    assert (member.controller_id, member.is_ciio) == ("某集团", True)


async def test_only_the_operator_admits(house, database):
    seller = await house.admit("甲数", {"PROVIDER"})
    async with refused(database, OperatorOnly):
        await seller.do(admit_organisation, **MEMBER)


async def test_a_role_that_is_claimed_but_not_held_opens_nothing(house, database):
    seller = await house.admit("甲数", {"PROVIDER"})
    async with refused(database, OperatorOnly):
        await seller.do(admit_organisation, role="EXCHANGE_OPERATOR", **MEMBER)


@pytest.mark.parametrize("roles", [{"REGISTRAR", "PROVIDER"}, {"SAMR", "BUYER"}, {"EXCHANGE_OPERATOR"}])
async def test_duties_that_must_stay_apart_are_refused(house, database, roles):
    async with refused(database, RolesIncompatible):
        await house.operator.do(admit_organisation, **{**MEMBER, "roles": roles})


async def test_one_credit_code_is_one_member(house, database):
    member = await house.operator.do(admit_organisation, **MEMBER)
    async with refused(database, OrganisationAdmittedBefore) as caught:
        await house.operator.do(admit_organisation, **{**MEMBER, "name": "another"})
    assert caught.value.facts == {"org_id": member.org_id}


async def test_who_comes_second_to_a_credit_code_meets_the_refusal_not_the_database(house, database):
    member = await house.operator.do(admit_organisation, **MEMBER)
    twin = OrganisationRow(
        org_id="org_twin",
        name="twin",
        uscc=member.uscc,
        region=member.region,
        roles='["BUYER"]',
        admitted_at=member.admitted_at,
    )
    async with nothing_moved(database, OrganisationAdmittedBefore), database.write() as s:
        await insert(s, twin, OrganisationAdmittedBefore("taken"))


@pytest.mark.parametrize(
    ("fact", "kind"),
    [
        ({"uscc": "91330100799655058C"}, UsccInvalid),
        ({"name": " "}, Malformed),
        ({"region": "44010"}, Malformed),
        ({"roles": {"KING"}}, Malformed),
        ({"roles": set()}, Malformed),
    ],
)
async def test_malformed_facts_leave_no_trace_at_all(house, database, fact, kind):
    async with nothing_moved(database, kind):
        await house.operator.do(admit_organisation, **{**MEMBER, **fact})


async def test_members_are_listed_in_pages(house, database, clock):
    members = [await house.admit(f"member {number}", {"BUYER"}) for number in range(3)]
    made = sorted(party.org_id for party in (house.operator, *members))
    async with database.read() as s:
        assert [o.org_id for o in await list_organisations(s, limit=2)] == made[:2]
        assert [o.org_id for o in await list_organisations(s, after=made[1], limit=2)] == made[2:]


async def test_a_suspended_member_is_refused_by_every_act_that_asks(house, database):
    seller = await house.admit("甲数", {"PROVIDER"})
    async with database.write() as s:
        assert (await require_member(s, org_id=seller.org_id)).status is OrganisationStatus.ACTIVE
        await s.exec(
            update(OrganisationRow)
            .where(OrganisationRow.org_id == seller.org_id)
            .values(status=OrganisationStatus.SUSPENDED)
        )
        with pytest.raises(MemberNotActive) as caught:
            await require_member(s, org_id=seller.org_id)
        assert caught.value.facts == {"org_id": seller.org_id}
        with pytest.raises(MemberNotActive):
            await require_member(s, org_id="org_unknown")


async def test_same_controller(house, database):
    mother = await house.admit("控股", {"BUYER"})
    daughter = await house.admit("甲数", {"PROVIDER"}, controller_id=mother.org_id)
    ring = [await house.admit(name, {"BUYER"}, controller_id="陈某") for name in ("乙数", "丙数")]
    stranger = await house.admit("丁数", {"BUYER"})
    async with database.read() as s:
        assert await same_controller(s, ring[0].org_id, ring[1].org_id)
        assert await same_controller(s, mother.org_id, daughter.org_id)
        assert await same_controller(s, daughter.org_id, mother.org_id)
        assert await same_controller(s, stranger.org_id, stranger.org_id)
        assert not await same_controller(s, stranger.org_id, mother.org_id)
        assert not await same_controller(s, ring[0].org_id, daughter.org_id)
        assert not await same_controller(s, ring[0].org_id, "org_unknown")


async def test_a_person_is_enrolled_and_nothing_of_it_reaches_the_ledger(house, database):
    seller = await house.admit("甲数", {"PROVIDER", "BUYER"})
    said = await statements(database)
    person = await house.operator.do(
        enrol_person, org_id=seller.org_id, login="Li.Wei", name="李伟", password=HASH
    )
    assert is_id(person.user_id, "usr")
    assert (person.login, person.roles) == ("li.wei", {Role.PROVIDER, Role.BUYER})
    assert await statements(database) == said
    async with database.read() as s:
        assert await get_person(s, user_id=person.user_id) == person
        assert await list_people(s, org_id=seller.org_id) == [person]


async def test_an_organisation_enrols_its_own_people_within_its_roles(house, database):
    seller = await house.admit("甲数", {"PROVIDER", "BUYER"})
    person = await seller.do(
        enrol_person,
        role="PROVIDER",
        org_id=seller.org_id,
        login="clerk",
        name="职员",
        password=HASH,
        roles={"BUYER"},
    )
    assert person.roles == {Role.BUYER}


@pytest.mark.parametrize("roles", [{"BROKER"}, {"PROVIDER", "EXCHANGE_OPERATOR"}])
async def test_nobody_hands_on_more_than_they_hold(house, database, roles):
    seller = await house.admit("甲数", {"PROVIDER"})
    facts = {"org_id": seller.org_id, "login": "clerk", "name": "职员", "password": HASH, "roles": roles}
    async with refused(database, RolesBeyondGrantor):
        await seller.do(enrol_person, **facts)
    async with refused(database, RolesBeyondGrantor):
        await house.operator.do(enrol_person, **facts)


async def test_a_person_hands_on_no_role_of_the_house_that_he_lacks(house, database):
    seller = await house.admit("甲数", {"PROVIDER", "BUYER"})
    clerk = Actor(seller.org_id, frozenset({"BUYER"}))
    facts = {"org_id": seller.org_id, "login": "clerk", "name": "职员", "password": HASH}

    async def enrols(roles):
        async def bound(s, act):
            return await enrol_person(s, act, roles=roles, **facts)

        act = house.house.act(clerk, "BUYER", seller.pen)
        return await perform(house.house, act, bound, attempted="PERSON.ENROL", object_id=seller.org_id)

    for roles in ({"PROVIDER"}, None):
        async with refused(database, RolesBeyondGrantor):
            await enrols(roles)
    assert (await enrols({"BUYER"})).roles == {Role.BUYER}


async def test_people_are_not_enrolled_by_strangers(house, database):
    seller, other = await house.admit("甲数", {"PROVIDER"}), await house.admit("乙数", {"BUYER"})
    async with refused(database, NotYourOrganisation):
        await other.do(enrol_person, org_id=seller.org_id, login="spy", name="某", password=HASH)


async def test_a_login_is_one_persons(house, database):
    facts = {"org_id": house.operator.org_id, "name": "某", "password": HASH}
    await house.operator.do(enrol_person, login="clerk", **facts)
    async with refused(database, LoginTaken):
        await house.operator.do(enrol_person, login="CLERK", **facts)
    async with nothing_moved(database, LoginMalformed):
        await house.operator.do(enrol_person, login="李伟李伟", **facts)


async def test_deactivating_is_done_once_and_by_the_own_house(house, database):
    seller, other = await house.admit("甲数", {"PROVIDER"}), await house.admit("乙数", {"BUYER"})
    person = await seller.do(enrol_person, org_id=seller.org_id, login="clerk", name="某", password=HASH)
    async with nothing_moved(database, NotFound):
        await other.do(deactivate_person, user_id=person.user_id)
    async with nothing_moved(database, NotFound):
        await seller.do(deactivate_person, user_id="usr_unknown")
    assert (await seller.do(deactivate_person, user_id=person.user_id)).active is False
    assert (await house.operator.do(deactivate_person, user_id=person.user_id)).active is False

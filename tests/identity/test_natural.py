"""Persons are counted as persons: three logins of one are one officer, one reviewer, one word."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.errors import NotFound
from identity.contesting import contest_identity, decide_contest
from identity.errors import (
    ContestDecided,
    IdNumberInvalid,
    NothingContested,
    OperatorOnly,
    PersonIdentifiedOtherwise,
    PersonNameDiffers,
    PersonNotIdentified,
    PersonsBound,
)
from identity.hands import Hand, alike, resting_on
from identity.natural import check_digit, mark_of, parse_id_number
from identity.passwords import PasswordHash
from identity.repository import Person, get_person
from identity.service import (
    bound_logins,
    enrol_person,
    identify_person,
    own_logins,
    require_identified,
    require_unbound,
)
from identity.tables import PersonRow
from ledger.acts import perform
from ledger.recording import Actor
from tests.houses import TestHouse, make_house, some_id_number
from tests.identity.unmoved import all_rows
from tests.standstill import refused, untouched

MASTER = hashlib.sha256(b"a house").digest()
GOOD = "11010519491231002X"  # the example of GB 11643-1999, annex A


@pytest.fixture
async def house(database, clock) -> TestHouse:
    return await make_house(database, clock)


async def enrol(house: TestHouse, login: str, name: str, **facts: Any) -> Person:
    said = {"org_id": house.operator.org_id, "login": login, "name": name, "password": PasswordHash("x")}
    return await house.operator.do(enrol_person, attempted="PERSON.ENROL", **(said | facts))


async def identify(house: TestHouse, user_id: str, mark: str) -> Person:
    return await house.operator.do(
        identify_person, attempted="PERSON.IDENTIFY", object_id=user_id, user_id=user_id, mark=mark
    )


def test_the_example_of_the_standard_is_taken_in_any_case() -> None:
    assert check_digit(GOOD[:-1]) == "X"
    assert parse_id_number(" 11010519491231002x ") == GOOD


@given(st.integers(0, 17), st.sampled_from("0123456789X"))
def test_every_wrong_character_shows(place: int, other: str) -> None:
    wrong = GOOD[:place] + other + GOOD[place + 1 :]
    if wrong == GOOD:
        return
    with pytest.raises(IdNumberInvalid) as caught:
        parse_id_number(wrong)
    assert wrong not in str(caught.value.detail) + str(caught.value.facts)


@pytest.mark.parametrize(
    "text", ["", "1" * 17, "1" * 19, "11010519491331002X", "one", "１１0105194912310020"]
)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(IdNumberInvalid):
        parse_id_number(text)


def test_a_mark_tells_nothing_without_the_key_of_the_house() -> None:
    mark = mark_of(GOOD, master=MASTER)
    assert len(mark) == 64
    assert mark == mark_of(GOOD.lower(), master=MASTER)
    assert mark != mark_of(GOOD, master=bytes(32))
    assert mark != hashlib.sha256(GOOD.encode()).hexdigest()


async def test_the_number_itself_is_kept_nowhere(house: TestHouse) -> None:
    number = some_id_number()
    await enrol(house, "clerk", "王小明", mark=house.safe.mark(number))
    rows = repr(await all_rows(house.database))
    assert number not in rows
    assert house.safe.mark(number) in rows


async def test_one_person_has_one_name_whatever_the_login(house: TestHouse) -> None:
    mark = house.safe.mark(some_id_number())
    first = await enrol(house, "clerk-1", "王小明", mark=mark)
    second = await enrol(house, "clerk-2", "王小明", mark=mark)
    async with refused(house.database, PersonNameDiffers):
        await enrol(house, "clerk-3", "李大同", mark=mark)
    async with house.database.read() as s:
        assert await own_logins(s, user_id=first.user_id) == {first.user_id, second.user_id}


async def test_who_is_not_identified_is_told_apart_by_name_and_is_no_login_of_who_is(
    house: TestHouse,
) -> None:
    marked = await enrol(house, "clerk-1", "王小明", mark=house.safe.mark(some_id_number()))
    namesake = await enrol(house, "clerk-2", "王小明", mark=house.safe.mark(some_id_number()))
    nobody = await enrol(house, "clerk-3", "王小明")
    other = await enrol(house, "clerk-4", "李大同")
    async with house.database.read() as s:
        assert await own_logins(s, user_id=marked.user_id) == {marked.user_id}
        assert await own_logins(s, user_id=namesake.user_id) == {namesake.user_id}
        assert await own_logins(s, user_id=nobody.user_id) == {
            marked.user_id,
            namesake.user_id,
            nobody.user_id,
        }
        assert await own_logins(s, user_id=other.user_id) == {other.user_id}
        assert await own_logins(s, user_id="usr_nobody") == {"usr_nobody"}


async def test_a_login_is_identified_once_and_for_good(house: TestHouse) -> None:
    person = await enrol(house, "clerk", "王小明")
    async with house.database.read() as s:
        with pytest.raises(PersonNotIdentified):
            await require_identified(s, user_id=person.user_id)
    mark, other = house.safe.mark(some_id_number()), house.safe.mark(some_id_number())
    assert await identify(house, person.user_id, mark) == replace(person, mark=mark)
    assert (await identify(house, person.user_id, mark)).mark == mark
    async with refused(house.database, PersonIdentifiedOtherwise):
        await identify(house, person.user_id, other)
    async with house.database.read() as s:
        assert (await require_identified(s, user_id=person.user_id)).mark == mark
        with pytest.raises(PersonNotIdentified):
            await require_identified(s, user_id=None)


async def test_nobody_identifies_the_people_of_others(house: TestHouse) -> None:
    person = await enrol(house, "clerk", "王小明")
    stranger = await house.admit("别家", {"BUYER"})
    facts = {"user_id": person.user_id, "mark": "0" * 64}
    async with untouched(house.database, NotFound):
        await stranger.do(identify_person, attempted="PERSON.IDENTIFY", object_id="x", **facts)
    async with house.database.read() as s:
        found = await get_person(s, user_id=person.user_id)
    assert found is not None
    assert found.mark is None


async def by(house: TestHouse, officer: str, verb: Any, /, **facts: Any) -> Person:
    """An act of the operator by one of its people."""
    operator = house.operator
    act = house.house.act(
        Actor(operator.org_id, operator.actor.roles, officer), "EXCHANGE_OPERATOR", operator.pen
    )

    async def bound(s: Any, act: Any) -> Any:
        return await verb(s, act, **facts)

    return await perform(house.house, act, bound, attempted="PERSON.ENROL", object_id=operator.org_id)


async def test_who_enrols_or_identifies_a_login_does_not_decide_beside_it(house: TestHouse) -> None:
    said = {"org_id": house.operator.org_id, "password": PasswordHash("x")}
    number = house.safe.mark(some_id_number())
    too = await enrol(house, "officer-1-too", "第1位审核员", mark=f"{1:064x}")  # as usr_1 is
    made = await by(house, "usr_1", enrol_person, login="made", name="王小明", mark=number, **said)
    named = await by(house, "usr_3", enrol_person, login="named", name="李大同", **said)
    await by(house, "usr_2", identify_person, user_id=named.user_id, mark=house.safe.mark(some_id_number()))
    async with house.database.read() as s:
        assert await bound_logins(s, user_id=made.user_id) == {"usr_1", too.user_id}
        assert await bound_logins(s, user_id=named.user_id) == {"usr_2", "usr_3"}
        assert await bound_logins(s, user_id=too.user_id) == {made.user_id}
        assert await bound_logins(s, user_id="usr_2") == {named.user_id}
        assert await bound_logins(s, user_id="usr_4") == await bound_logins(s, user_id="usr_x") == set()
        await require_unbound(s, user_id=made.user_id, others=["usr_2", "usr_4", None])
        with pytest.raises(PersonsBound):
            await require_unbound(s, user_id="usr_1", others=["usr_2", made.user_id])


async def test_who_identified_a_login_stays_on_record_when_it_is_said_again(house: TestHouse) -> None:
    mark = house.safe.mark(some_id_number())
    person = await enrol(house, "clerk", "王小明")
    for officer in ("usr_1", "usr_2"):
        await by(house, officer, identify_person, user_id=person.user_id, mark=mark)
    async with house.database.read() as s:
        assert await bound_logins(s, user_id=person.user_id) == {"usr_1"}


async def test_two_people_whom_one_login_has_made_do_not_decide_together(house: TestHouse) -> None:
    """Nor one whom it made through a login between; once another has looked at the card, they do."""
    said = {"org_id": house.operator.org_id, "password": PasswordHash("x")}
    numbers = [house.safe.mark(some_id_number()) for _ in range(3)]
    socks = [
        await by(house, maker, enrol_person, login=f"sock-{n}", name=f"袜{n}", mark=numbers[n], **said)
        for n, maker in enumerate(["usr_1", "usr_1"])
    ]
    between = socks[0].user_id
    far = await by(house, between, enrol_person, login="far", name="远", mark=numbers[2], **said)
    free = await by(house, "usr_2", enrol_person, login="free", name="王小明", mark="e" * 64, **said)
    async with house.database.read() as s:
        for one, other in ((socks[0], socks[1]), (socks[1], far)):
            for a, b in ((one, other), (other, one)):
                with pytest.raises(PersonsBound):
                    await require_unbound(s, user_id=a.user_id, others=[b.user_id])
        await require_unbound(s, user_id=socks[1].user_id, others=[free.user_id, "usr_3"])
    for again in ("usr_1", socks[1].user_id, far.user_id):  # no other word than it rests on already
        async with refused(house.database, PersonsBound):
            await by(house, again, identify_person, user_id=far.user_id, mark=numbers[2])
        async with house.database.read() as s:
            with pytest.raises(PersonsBound):
                await require_unbound(s, user_id=socks[1].user_id, others=[far.user_id])
    await by(house, "usr_3", identify_person, user_id=socks[1].user_id, mark=numbers[1])
    async with house.database.read() as s:
        await require_unbound(s, user_id=socks[1].user_id, others=[socks[0].user_id, far.user_id])


def test_who_vouches_for_whom_leads_back_to_those_whom_the_house_enrolled() -> None:
    known = {
        "root": Hand("org", "r"),
        "other": Hand("org", "o"),
        "a": Hand("org", "a", frozenset({"root"})),
        "b": Hand("org", "b", frozenset({"a"})),
        "c": Hand("org", "c", frozenset({"b", "other"})),
        "d": Hand("org", "d", frozenset({"c"})),
        "e": Hand("org", "e", frozenset({"c", "d"})),
        "named": Hand("org", "n", frozenset({"by"}), housed=True),
        "by": Hand("org", "y", frozenset({"named"})),  # its own puppet said whose it is
    }
    held = {"r": {"root", "a", "b"}, "c": {"c", "d", "e"}, "b": {"b"}, "o": {"other"}, "n": {"named", "by"}}
    assert {who: set(resting_on(who, known)) for who in held} == held
    assert alike("root", known) == {"a", "b"}  # also of one that a puppet of it has made
    assert alike("a", known) == {"root", "b"}
    assert alike("c", known) == {"d", "e"}  # two words stand for it, its own alone for what it makes
    assert alike("d", known) == {"c", "e"}
    assert alike("other", known) == alike("nobody", known) == set()
    assert alike("named", known) == {"by"}


def test_a_puppet_s_word_for_its_maker_adds_nothing() -> None:
    known = {
        "one": Hand("org", "ONE"),
        "x": Hand("org", "X", frozenset({"one", "y"})),
        "y": Hand("org", "Y", frozenset({"x"})),
        "z": Hand("org", "Z", frozenset({"one"})),
    }
    assert alike("x", known) == {"one", "y", "z"}
    assert alike("z", known) == {"one", "x", "y"}


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 30), st.integers(0, 30)), max_size=25))
def test_no_login_gains_a_second_root_by_what_it_and_its_own_say(
    acts: list[tuple[bool, int, int]],
) -> None:
    known = {
        "one": Hand("org", "ONE", frozenset({"two"}), housed=True),
        "two": Hand("org", "TWO"),
        "own": Hand("org", "OWN", frozenset({"one"})),
    }
    own = ["own"]  # all that is done, `own` and what it makes do
    for enrols, by, about in acts:
        maker, other = own[by % len(own)], own[about % len(own)]
        if enrols:
            own.append(f"own-{len(own)}")
            known[own[-1]] = Hand("org", f"P{about % 7}", frozenset({maker}))
        else:
            known[other] = replace(known[other], makers=known[other].makers | {maker})
    assert set(own) <= resting_on("OWN", known) & resting_on("ONE", known)
    assert all(alike(one, known) >= set(own) - {one} for one in own)
    assert not resting_on("OWN", known) & {"one", "two"}


async def test_a_puppet_that_repeats_its_maker_s_number_unbinds_nobody(house: TestHouse) -> None:
    said = {"org_id": house.operator.org_id, "password": PasswordHash("x")}
    makers = ["usr_1", "usr_1"]
    x, z = [
        await by(house, one, enrol_person, login=f"sock-{n}", name=f"袜{n}", mark=f"{n + 80:064x}", **said)
        for n, one in enumerate(makers)
    ]
    y = await by(house, x.user_id, enrol_person, login="puppet", name="偶", mark="f" * 64, **said)
    for who in (y, x, z):  # what a puppet, the login itself or another of the same making says
        async with refused(house.database, PersonsBound):
            await by(house, who.user_id, identify_person, user_id=x.user_id, mark=x.mark)
    async with house.database.write() as s:  # as it was written down before that was refused
        row = await s.get(PersonRow, x.user_id)
        assert row is not None
        row.confirmed_by = y.user_id
        s.add(row)
    async with house.database.read() as s:
        for one, other in ((x, z), (z, x), (y, z)):
            with pytest.raises(PersonsBound):
                await require_unbound(s, user_id=one.user_id, others=[other.user_id])
        with pytest.raises(PersonsBound):
            await require_unbound(s, user_id="usr_1", others=[y.user_id])
    for officer in ("usr_2", "usr_3"):  # another's word replaces it, and stays
        await by(house, officer, identify_person, user_id=x.user_id, mark=x.mark)
        async with house.database.read() as s:
            await require_unbound(s, user_id=z.user_id, others=[x.user_id])
            row = await s.get(PersonRow, x.user_id)
            assert row is not None
            assert row.confirmed_by == "usr_2"


async def test_a_number_that_others_have_written_down_keeps_nobody_out_and_is_struck_there(
    house: TestHouse,
) -> None:
    mark = house.safe.mark(some_id_number())
    squatter = await house.admit("抢注者", {"BUYER"})
    taken = await enrol(house, "taken", "冒名者", org_id=squatter.org_id, mark=mark)
    owner = await enrol(house, "owner", "王小明", mark=mark)  # under its own name
    async with house.database.read() as s:
        assert await own_logins(s, user_id=owner.user_id) == {owner.user_id, taken.user_id}
    contest = await by(house, owner.user_id, contest_identity)
    async with refused(house.database, ContestDecided):
        await by(house, owner.user_id, contest_identity)
    facts = {"contest_id": contest.contest_id, "struck": [taken.user_id]}
    stranger = {"contest_id": contest.contest_id, "struck": ["usr_2"]}
    async with refused(house.database, NothingContested):
        await by(house, "usr_1", decide_contest, **stranger)
    async with refused(house.database, NothingContested):
        await by(house, owner.user_id, decide_contest, **facts)
    with pytest.raises(OperatorOnly):
        await squatter.do(decide_contest, attempted="PERSON.CONTEST", **facts)
    await by(house, "usr_1", decide_contest, **facts)
    async with house.database.read() as s:
        assert await own_logins(s, user_id=owner.user_id) == {owner.user_id}
        with pytest.raises(PersonNotIdentified):
            await require_identified(s, user_id=taken.user_id)
    async with refused(house.database, NothingContested):
        await by(house, owner.user_id, contest_identity)
    said = {"name": "冒名者", "password": PasswordHash("x"), "org_id": squatter.org_id, "mark": mark}
    async with refused(house.database, PersonIdentifiedOtherwise):
        await squatter.do(identify_person, attempted="PERSON.IDENTIFY", user_id=taken.user_id, mark=mark)
    async with refused(house.database, PersonIdentifiedOtherwise):
        await squatter.do(enrol_person, attempted="PERSON.ENROL", login="anew", **said)
    await by(house, "usr_2", enrol_person, login="by-operator", **said)
    async with refused(house.database, ContestDecided):
        await by(house, "usr_2", decide_contest, **facts)


async def test_who_made_one_of_the_logins_does_not_decide_on_them(house: TestHouse) -> None:
    mark = house.safe.mark(some_id_number())
    other = await house.admit("别家", {"BUYER"})
    said = {"password": PasswordHash("x"), "mark": mark}
    taken = await by(house, "usr_1", enrol_person, org_id=other.org_id, login="taken", name="冒名者", **said)
    owner = await enrol(house, "owner", "王小明", mark=mark)
    contest = await by(house, owner.user_id, contest_identity)
    async with refused(house.database, PersonsBound):
        await by(house, "usr_1", decide_contest, contest_id=contest.contest_id, struck=[taken.user_id])
    await by(house, "usr_2", decide_contest, contest_id=contest.contest_id, struck=[])
    async with house.database.read() as s:
        assert taken.user_id in await own_logins(s, user_id=owner.user_id)

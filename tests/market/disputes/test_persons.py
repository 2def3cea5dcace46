"""Three officers are three natural persons: of a panel, of a joint review, of a payment in doubt."""

import pytest
from sqlmodel import col, update

from identity.errors import PersonNotIdentified, PersonsBound
from identity.passwords import PasswordHash
from identity.service import deactivate_person, enrol_person
from identity.tables import OrganisationRow
from market.disputes import panel
from market.disputes.errors import VotedBefore
from market.listings.errors import ReviewedBefore, ReviewerIsSubmitter
from market.listings.tables import Decision, Listing
from market.orders.errors import OfficerRelated
from market.orders.states import TradeState
from market.settlement.errors import SaidBefore
from market.settlement.mending import Resolution, close_work_item, pay_again
from market.settlement.repository import open_work_items_of
from market.settlement.tables import Found
from registry.rules import PersonalData
from tests.houses import TestHouse, make_house, some_id_number
from tests.market.disputes.staging import as_officer, disputed, vote
from tests.market.listings.goods import MOBILES, review, submitted
from tests.market.settlement.bank_side import Mood
from tests.market.settlement.test_ascertaining import AFTER, T_PLUS_1, book, find
from tests.standstill import refused


async def enrolled(house: TestHouse, login: str, name: str, *, number: str | None, org_id: str = "") -> str:
    person = await house.operator.do(
        enrol_person,
        attempted="PERSON.ENROL",
        org_id=org_id or house.operator.org_id,
        login=login,
        name=name,
        password=PasswordHash("$argon2id$of-no-use"),
        mark=None if number is None else house.safe.mark(number),
    )
    return person.user_id


async def test_three_logins_of_one_person_are_one_officer(scene) -> None:
    trade_id, number = await disputed(scene), some_id_number()
    logins = [await enrolled(scene.house, f"wang-{n}", "王小明", number=number) for n in range(3)]
    await vote(scene, trade_id, logins[0], "REFUND")
    for again in logins[1:]:
        async with refused(scene.database, VotedBefore):
            await vote(scene, trade_id, again, "REFUND")
    await vote(scene, trade_id, "usr_1", "REFUND")
    assert (await scene.trade(trade_id)).status is TradeState.DISPUTED
    await vote(scene, trade_id, "usr_2", "REFUND")
    assert (await scene.trade(trade_id)).status is TradeState.REFUND_PENDING


async def test_an_officer_of_whom_nobody_knows_who_it_is_has_no_vote(sqlite_scene) -> None:
    scene = sqlite_scene
    trade_id = await disputed(scene)
    unknown = await enrolled(scene.house, "li-datong", "李大同", number=None)
    async with refused(scene.database, PersonNotIdentified):
        await vote(scene, trade_id, unknown, "REFUND")


async def test_a_tie_that_was_declared_under_one_login_binds_the_person(sqlite_scene) -> None:
    scene, number = sqlite_scene, some_id_number()
    trade_id = await disputed(scene)
    one, other = [await enrolled(scene.house, f"wang-{n}", "王小明", number=number) for n in range(2)]
    await as_officer(scene, one, panel.declare_tie, org_id=scene.buyer.org_id)
    async with refused(scene.database, OfficerRelated):
        await vote(scene, trade_id, other, "REFUND")


async def test_who_is_also_with_a_party_does_not_rule_under_whatever_login(sqlite_scene) -> None:
    scene, number = sqlite_scene, some_id_number()
    trade_id = await disputed(scene)
    ours = await enrolled(scene.house, "wang", "王小明", number=number)
    await enrolled(scene.house, "wang-too", "王小明", number=number, org_id=scene.seller.org_id)
    async with refused(scene.database, OfficerRelated):
        await vote(scene, trade_id, ours, "REFUND")


@pytest.fixture
async def house(database, clock) -> TestHouse:
    return await make_house(database, clock)


async def joint(house: TestHouse) -> Listing:
    """A listing that three have to approve together."""
    seller = await house.admit("数据提供方", {"PROVIDER"})
    personal = PersonalData(contained=True, consented=True, impact_assessed=True)
    return await submitted(house, seller, MOBILES, declared={"personal": personal})


async def approve(house: TestHouse, listing: Listing, user_id: str | None) -> Listing:
    return await review(house, listing, Decision.APPROVE, user_id=user_id)


async def test_three_logins_of_one_person_are_one_reviewer(house: TestHouse) -> None:
    listing, number = await joint(house), some_id_number()
    logins = [await enrolled(house, f"wang-{n}", "王小明", number=number) for n in range(3)]
    await approve(house, listing, logins[0])
    for again in logins[1:]:
        async with refused(house.database, ReviewedBefore):
            await approve(house, listing, again)
    await approve(house, listing, "usr_1")
    assert (await approve(house, listing, "usr_2")).status == "APPROVED"


async def test_who_approves_together_with_others_is_known_as_a_person(house: TestHouse) -> None:
    listing = await joint(house)
    unknown = await enrolled(house, "li-datong", "李大同", number=None)
    for nobody in (unknown, None):
        async with refused(house.database, PersonNotIdentified):
            await approve(house, listing, nobody)


async def test_nobody_reviews_what_they_submitted_under_another_login(house: TestHouse) -> None:
    listing, number = await joint(house), some_id_number()
    ours = await enrolled(house, "wang", "王小明", number=number)
    await enrolled(house, "wang-too", "王小明", number=number, org_id=listing.seller_id)
    async with refused(house.database, ReviewerIsSubmitter):
        await approve(house, listing, ours)


async def test_two_logins_of_one_person_are_one_word_about_a_payment(sqlite_scene) -> None:
    scene, number = sqlite_scene, some_id_number()
    one, other = [await enrolled(scene.house, f"wang-{n}", "王小明", number=number) for n in range(2)]
    unknown = await enrolled(scene.house, "li-datong", "李大同", number=None)
    await scene.run_jobs(T_PLUS_1)
    due = scene.trades["ACCEPTED_GOODS"]
    book(scene, await scene.instruction(due))
    await scene.run_jobs(AFTER)
    async with refused(scene.database, PersonNotIdentified):
        await find(scene, due, Found.PAID, officer=unknown)
    await find(scene, due, Found.PAID, officer=one)
    async with refused(scene.database, SaidBefore):
        await find(scene, due, Found.PAID, officer=other)
    assert (await scene.trade(due)).status is TradeState.ACCEPTED_GOODS
    await find(scene, due, Found.PAID, officer="usr_1")
    assert (await scene.trade(due)).status is TradeState.SETTLED


async def test_the_word_of_a_login_that_is_closed_counts_no_longer(sqlite_scene) -> None:
    scene = sqlite_scene
    await scene.run_jobs(T_PLUS_1)
    due = scene.trades["ACCEPTED_GOODS"]
    book(scene, await scene.instruction(due))
    await scene.run_jobs(AFTER)
    await find(scene, due, Found.PAID, officer="usr_1")
    await scene.house.operator.do(
        deactivate_person, attempted="PERSON.CLOSE", object_id="usr_1", user_id="usr_1"
    )
    await find(scene, due, Found.PAID, officer="usr_2")
    assert (await scene.trade(due)).status is TradeState.ACCEPTED_GOODS
    await find(scene, due, Found.PAID, officer="usr_3")
    assert (await scene.trade(due)).status is TradeState.SETTLED


async def made_by(scene, user_id: str, login: str) -> str:
    """A login of the exchange that an officer has made, with a number of nobody's."""

    async def enrol(s, act, *, trade_id, **said):
        del trade_id
        return await enrol_person(s, act, org_id=scene.house.operator.org_id, **said)

    mark, password = scene.house.safe.mark(some_id_number()), PasswordHash("$argon2id$of-no-use")
    said = {"login": login, "name": login, "password": password, "mark": mark}
    return (await as_officer(scene, user_id, enrol, trade_id="trd_x", **said)).user_id


async def test_nobody_votes_beside_a_login_that_he_or_she_has_made(sqlite_scene) -> None:
    scene = sqlite_scene
    trade_id, made = await disputed(scene), await made_by(scene, "usr_1", "made")
    await vote(scene, trade_id, "usr_1", "REFUND")
    async with refused(scene.database, PersonsBound):
        await vote(scene, trade_id, made, "REFUND")
    await vote(scene, trade_id, "usr_2", "REFUND")


async def test_nobody_reviews_beside_a_login_that_he_or_she_has_made(sqlite_scene) -> None:
    made = await made_by(sqlite_scene, "usr_1", "made")
    listing = await joint(sqlite_scene.house)
    await approve(sqlite_scene.house, listing, made)
    async with refused(sqlite_scene.database, PersonsBound):
        await approve(sqlite_scene.house, listing, "usr_1")


async def test_the_word_of_a_login_that_one_has_made_is_no_second_one(sqlite_scene) -> None:
    scene = sqlite_scene
    made = await made_by(scene, "usr_1", "made")
    await scene.run_jobs(T_PLUS_1)
    due = scene.trades["ACCEPTED_GOODS"]
    book(scene, await scene.instruction(due))
    await scene.run_jobs(AFTER)
    for officer in ("usr_1", made):
        await find(scene, due, Found.PAID, officer=officer)
    assert (await scene.trade(due)).status is TradeState.ACCEPTED_GOODS
    await find(scene, due, Found.PAID, officer="usr_2")
    assert (await scene.trade(due)).status is TradeState.SETTLED


async def with_party(scene, login: str) -> str:
    """An officer who has a login with the seller too."""
    number = some_id_number()
    ours = await enrolled(scene.house, login, "王小明", number=number)
    await enrolled(scene.house, f"{login}-too", "王小明", number=number, org_id=scene.seller.org_id)
    return ours


async def tied(scene, user_id: str) -> str:
    """An officer who has declared a tie to the buyer."""
    await as_officer(scene, user_id, panel.declare_tie, org_id=scene.buyer.org_id)
    return user_id


async def officers_with_ties(scene) -> list[str]:
    return [await tied(scene, "usr_3"), await with_party(scene, "wang")]


async def test_who_is_related_to_a_party_does_not_say_what_became_of_its_payment(sqlite_scene) -> None:
    scene = sqlite_scene
    await scene.run_jobs(T_PLUS_1)
    due = scene.trades["ACCEPTED_GOODS"]
    book(scene, await scene.instruction(due))
    await scene.run_jobs(AFTER)
    for officer in await officers_with_ties(scene):
        async with refused(scene.database, OfficerRelated) as caught:
            await find(scene, due, Found.PAID, officer=officer)
        assert set(caught.value.facts["parties"]) < {scene.buyer.org_id, scene.seller.org_id}
    await find(scene, due, Found.PAID, officer="usr_1")
    await tied(scene, "usr_1")  # afterwards: the word does not count any more
    await find(scene, due, Found.PAID, officer="usr_2")
    assert (await scene.trade(due)).status is TradeState.ACCEPTED_GOODS


async def test_who_is_related_to_a_party_resolves_no_work_on_its_trade(sqlite_scene) -> None:
    scene = sqlite_scene
    scene.bank.mood = Mood.REJECTS
    await scene.run_jobs(T_PLUS_1)
    due = scene.trades["ACCEPTED_GOODS"]
    async with scene.database.read() as s:
        (item,) = await open_work_items_of(s, trade_id=due)

    async def close(s, act, *, trade_id):
        del trade_id
        said = {"resolution": Resolution.EXPLAINED, "note": "核对无误"}
        return await close_work_item(s, act, item_id=item.item_id, **said)

    for officer in await officers_with_ties(scene):
        for verb in (close, pay_again):
            async with refused(scene.database, OfficerRelated):
                await as_officer(scene, officer, verb, trade_id=due)
    await as_officer(scene, "usr_1", pay_again, trade_id=due)


async def test_an_exchange_of_a_partys_controller_settles_nothing_of_it_by_its_own_word(sqlite_scene) -> None:
    scene = sqlite_scene
    await scene.run_jobs(T_PLUS_1)
    due = scene.trades["ACCEPTED_GOODS"]
    book(scene, await scene.instruction(due))
    await scene.run_jobs(AFTER)
    async with scene.database.write() as s:
        sides = col(OrganisationRow.org_id).in_([scene.house.operator.org_id, scene.seller.org_id])
        await s.exec(update(OrganisationRow).where(sides).values(controller_id="湾区控股集团"))
    async with refused(scene.database, OfficerRelated):
        await find(scene, due, Found.PAID)


async def test_a_vote_of_somebody_who_declares_a_tie_afterwards_does_not_count(sqlite_scene) -> None:
    scene = sqlite_scene
    trade_id, number = await disputed(scene), some_id_number()
    await vote(scene, trade_id, "usr_1", "REFUND")
    await tied(scene, "usr_1")
    for officer in ("usr_2", "usr_3"):
        await vote(scene, trade_id, officer, "REFUND")
    assert (await scene.trade(trade_id)).status is TradeState.DISPUTED
    await vote(scene, trade_id, await enrolled(scene.house, "zhao", "赵敏", number=number), "REFUND")
    assert (await scene.trade(trade_id)).status is TradeState.REFUND_PENDING

"""One act, one transaction: what `perform` commits, what it takes back, and what a refusal leaves."""

from datetime import timedelta

import pytest
from sqlalchemy import Column, Text
from sqlmodel import Field, SQLModel, select

from base.clock import SimulatedClock
from base.db import Database, WriteSession
from base.errors import Conflict, Malformed
from ledger.acts import Once, perform
from ledger.reader import opening, statements_of
from ledger.recording import Act, Recorded, SignatureWanted, record, recorded_in
from ledger.statement import Draft, Saying, build
from tests.houses import Party, TestHouse, make_house
from tests.identity.unmoved import all_rows, nothing_moved, refused, statements


class Lamp(SQLModel, table=True):
    """A thing of no room."""

    __tablename__ = "test_acts_lamps"

    lamp_id: str = Field(sa_column=Column(Text, primary_key=True))


class TooDark(Conflict):
    code = "too-dark"
    rule_id = "LAMP1"


@pytest.fixture
async def house(database: Database, clock: SimulatedClock) -> TestHouse:
    return await make_house(database, clock)


@pytest.fixture
async def party(house: TestHouse) -> Party:
    return await house.admit("灯具公司", {"PROVIDER"})


async def light(
    s: WriteSession, act: Act, *, lamp_id: str = "lamp", fails: Exception | None = None
) -> Recorded:
    s.add(Lamp(lamp_id=lamp_id))
    await s.flush()
    made = await record(s, act, Draft("TST.LIGHT", lamp_id, public={"lamp_id": lamp_id}))
    if fails is not None:
        raise fails
    return made


async def lamps(database: Database) -> list[str]:
    async with database.read() as s:
        return sorted(await s.exec(select(Lamp.lamp_id)))


async def test_an_act_commits_its_rows_and_its_statement_together(house: TestHouse, party: Party) -> None:
    made = await party.do(light, attempted="TST.LIGHT", object_id="lamp")
    assert await lamps(house.database) == ["lamp"]
    (said,) = await statements(house.database, "TST.LIGHT")
    assert said["predicate"]["actor"] == party.org_id
    assert said["signers"] == [party.registered.keyid]
    async with house.database.read() as s:
        (found,) = await statements_of(s, object_id="lamp")
    assert (found.statement_id, found.envelope_sha256) == (made.statement_id, made.digest)


async def test_a_refusal_takes_back_what_was_begun_and_leaves_its_own_record(
    house: TestHouse, party: Party
) -> None:
    async with refused(house.database, TooDark):
        await party.do(light, attempted="TST.LIGHT", object_id="lamp", fails=TooDark("no oil", left=3))
    assert await lamps(house.database) == []
    (said,) = await statements(house.database, "REF.REFUSE")
    predicate = said["predicate"]
    assert {
        name: predicate[name] for name in ("code", "rule_id", "attempted", "refused", "object", "role")
    } == {
        "code": "too-dark",
        "rule_id": "LAMP1",
        "attempted": "TST.LIGHT",
        "refused": party.org_id,
        "object": "lamp",
        "role": "EXCHANGE_OPERATOR",
    }
    assert "no oil" not in str(predicate)  # the reason is in the opening
    async with house.database.read() as s:
        document = await opening(s, sha256=predicate["opening"]["sha256"])
    assert document is not None
    assert (document["detail"], document["facts"]) == ("no oil", {"left": "3"})


async def test_the_same_refusal_is_counted_for_an_hour_and_said_again_after_it(
    house: TestHouse, party: Party, clock: SimulatedClock
) -> None:
    for pause, said in ((0, 1), (59, 1), (0, 1), (2, 2)):
        clock.advance(timedelta(minutes=pause))
        with pytest.raises(TooDark):
            await party.do(light, attempted="TST.LIGHT", object_id="lamp", fails=TooDark("no oil"))
        assert len(await statements(house.database, "REF.REFUSE")) == said
    rows = await all_rows(house.database)
    assert sorted(row[-1] for row in rows["ledger_refusals"]) == [1, 3]
    with pytest.raises(TooDark):  # about another thing it is another refusal
        await party.do(light, attempted="TST.LIGHT", object_id="lamp2", fails=TooDark("no oil"))
    assert len(await statements(house.database, "REF.REFUSE")) == 3


@pytest.mark.parametrize("error", [Malformed("not a lamp"), RuntimeError("a surprise")])
async def test_what_is_no_refusal_leaves_nothing_at_all(
    house: TestHouse, party: Party, error: Exception
) -> None:
    before = await all_rows(house.database)
    with pytest.raises(type(error)):
        await party.do(light, attempted="TST.LIGHT", object_id="lamp", fails=error)
    assert await all_rows(house.database) == before


async def test_a_wanted_signature_leaves_nothing_at_all(house: TestHouse, party: Party) -> None:
    before = await all_rows(house.database)
    draft = Draft("TST.LIGHT", "lamp", public={"lamp_id": "lamp"})
    act = party.act()
    built = build(
        draft, Saying(party.org_id, act.role, act.occurred_at, simulated=True, custodial=False), act.nonce()
    )
    with pytest.raises(SignatureWanted):
        await party.do(light, attempted="TST.LIGHT", object_id="lamp", fails=SignatureWanted(built))
    assert await all_rows(house.database) == before


async def test_hooks_run_inside_the_transaction_and_see_what_was_recorded(
    house: TestHouse, party: Party
) -> None:
    seen: list[str] = []

    class Watching(Once):
        async def before(self, s: WriteSession) -> None:
            seen.append(f"before {len(recorded_in(s))}")

        async def after(self, s: WriteSession, result: object) -> None:
            assert isinstance(result, Recorded)
            assert [one.statement_id for one in recorded_in(s)] == [result.statement_id]
            seen.append(f"after {len((await s.exec(select(Lamp))).all())}")

        async def refused(self, s: WriteSession, refusal: Conflict) -> None:  # type: ignore[override]
            seen.append(f"refused {refusal.code} {len((await s.exec(select(Lamp))).all())}")

    async def lit(s: WriteSession, act: Act) -> Recorded:
        return await light(s, act)

    async def unlit(s: WriteSession, act: Act) -> Recorded:
        return await light(s, act, lamp_id="other", fails=TooDark("no"))

    once = Watching()
    await perform(house.house, party.act(), lit, attempted="TST.LIGHT", object_id="lamp", once=once)
    with pytest.raises(TooDark):
        await perform(house.house, party.act(), unlit, attempted="TST.LIGHT", object_id="other", once=once)
    assert seen == ["before 0", "after 1", "before 0", "refused too-dark 1"]


async def test_a_hook_that_fails_takes_the_whole_act_back(house: TestHouse, party: Party) -> None:
    class Failing(Once):
        async def after(self, s: WriteSession, result: object) -> None:
            raise Malformed("the disk is full")

    async def lit(s: WriteSession, act: Act) -> Recorded:
        return await light(s, act)

    async with nothing_moved(house.database, Malformed):
        await perform(house.house, party.act(), lit, attempted="TST.LIGHT", object_id="lamp", once=Failing())


async def test_ids_and_nonces_of_an_act_come_from_its_seed_alone(house: TestHouse, party: Party) -> None:
    act = party.act()
    again = house.house.act(act.actor, act.role, act.pen, seed=type(act.seed)(act.seed.secret))
    assert (act.new_id("lmp"), act.nonce()) == (again.new_id("lmp"), again.nonce())
    other = party.act()
    assert other.nonce() != again.nonce()
    assert act.as_exchange().actor == house.house.exchange.actor
    assert act.as_exchange().seed is act.seed

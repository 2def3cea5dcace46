"""The open list end to end: opened, had by whom it may be, closed by its level, checked."""

from dataclasses import replace
from datetime import timedelta

import orjson
import pytest

from registry.chiefs.errors import ChiefWanted
from registry.errors import ChannelClosed
from registry.evaluation.collecting import collect
from registry.evaluation.rules import Indicator
from registry.grading.describing import note_entry
from registry.grading.errors import AssessmentMissing
from registry.grading.raising import set_parts
from registry.grading.states import EntryState
from registry.grading.tables import ImportantRow
from registry.lists import cataloguing
from registry.lists.contents import entry_of
from registry.lists.rules import DataKind
from registry.opening import agreeing, listing, planning, repository
from registry.opening.checking import Found, document_of
from registry.opening.errors import (
    AgreementMissing,
    AgreementRepeated,
    OpeningClosed,
    OpeningConditionsMissing,
    OpeningFileChanged,
    OpeningHeld,
    OpeningListedBefore,
    OpeningMalformed,
    OpeningSamePerson,
    OpeningUnmounted,
    OpeningWrongRole,
    OpeningWrongState,
    PlanPublishedBefore,
    PurposeNotNamed,
    UserNotNamed,
)
from registry.opening.rules import NotOpenReason, SuspendReason, Use
from registry.opening.states import AgreementState, OpenState
from registry.opening.tables import OpenPlanRow
from registry.registration.rules import Update
from registry.rules import Hint, HintKind, Level
from tests.identity.unmoved import nothing_moved, refused
from tests.registry.assessments.passed import passed
from tests.registry.opening.desk import AUTHORISED, ROWS, TARGETED, TO_ALL, Desk, make_desk

DAY = timedelta(days=1)


@pytest.fixture
async def desk(office, tmp_path) -> Desk:
    return await make_desk(office, tmp_path / "files")


async def raised(desk: Desk, data_id: str, level: Level) -> None:
    """The classification officer decides a higher level: the row that every act asks."""
    house = desk.office.house.house
    async with desk.database.write() as s:
        await note_entry(s, house.exchange_act(), data_id=data_id)
        said = {"holder_id": desk.office.transport.org_id, "cause": "decided", "decided": level}
        await set_parts(s, house.exchange_act(), object_id=data_id, **said)


async def test_an_entry_is_proposed_reviewed_by_the_chief_opened_and_had_by_everybody(desk):
    data = await desk.data()
    open_id = await desk.proposed(data.data_id)
    async with refused(desk.database, OpeningListedBefore):
        await desk.proposed(data.data_id)
    for who, verb, why in [
        (desk.officer, listing.review, ChiefWanted),
        (desk.officer, listing.publish, OpeningWrongState),
    ]:
        async with refused(desk.database, why):
            await who(verb, open_id=open_id)
    async with refused(desk.database, OpeningWrongRole):
        await desk.office.police.do(listing.review, open_id=open_id)
    with pytest.raises(OpeningClosed):
        await desk.look(open_id)
    await desk.chief(listing.review, open_id=open_id)
    await desk.officer(listing.publish, open_id=open_id)
    taken = await desk.look(open_id)
    assert taken.file.sha256 == data.resource_sha256
    assert b"".join([piece async for piece in desk.files.read(taken.file)]) == ROWS
    said = await desk.office.said_of(open_id)
    assert [one["event"] for one in said] == ["OPN.PROPOSE", "OPN.REVIEW", "OPN.OPEN"]
    assert said[1]["chief_id"] == desk.office.chief.chief_id
    await desk.officer(listing.retire, open_id=open_id, text="不再更新")
    with pytest.raises(OpeningClosed):
        await desk.look(open_id)
    assert await desk.proposed(data.data_id) != open_id


async def test_who_proposes_does_not_review_and_what_is_unmounted_does_not_open(desk):
    data = await desk.data(None)
    row = await desk.chief(listing.propose, data_id=data.data_id, proposal=TO_ALL)
    async with refused(desk.database, OpeningSamePerson):
        await desk.chief(listing.review, open_id=row.open_id)
    await desk.officer(listing.retire, open_id=row.open_id, text="改由经办人提出")
    open_id = await desk.proposed(data.data_id)
    await desk.chief(listing.review, open_id=open_id)
    async with refused(desk.database, OpeningUnmounted):
        await desk.officer(listing.publish, open_id=open_id)
    mounted = await desk.mounted(data.data_id, ROWS)
    async with refused(desk.database, OpeningFileChanged):  # nobody has reviewed these bytes
        await desk.officer(listing.publish, open_id=open_id)
    assert await desk.scanned(data.data_id, mounted.resource_sha256)
    await desk.officer(listing.publish, open_id=open_id)
    assert (await desk.entry(open_id)).status is OpenState.OPEN


@pytest.mark.parametrize(
    ("level", "proposal", "why"),
    [
        (Level.GENERAL_4, TO_ALL, ChannelClosed),
        (Level.IMPORTANT, TO_ALL, ChannelClosed),
        (Level.CORE, TARGETED, ChannelClosed),
        (Level.GENERAL_2, replace(TO_ALL, conditions=""), OpeningConditionsMissing),
    ],
)
async def test_what_a_level_keeps_closed_is_not_even_proposed(desk, level, proposal, why):
    data = await desk.data(level=level)
    async with refused(desk.database, why):
        await desk.proposed(data.data_id, proposal)
    async with desk.database.read() as s:
        assert await repository.live_entry_of(s, data_id=data.data_id) is None


async def test_data_is_not_opened_by_its_chiefs_word_with_the_law(desk):
    open_id = await desk.proposed((await desk.data()).data_id)
    said = {"reason": NotOpenReason.TRADE_SECRET, "law": "政府信息公开条例第十五条", "text": "含企业秘密"}
    async with refused(desk.database, ChiefWanted):
        await desk.officer(listing.refuse, open_id=open_id, **said)
    row = await desk.chief(listing.refuse, open_id=open_id, **said)
    assert (row.status, row.reason_code, row.law) == (OpenState.NOT_OPEN, "TRADE_SECRET", said["law"])
    (*_, stated) = await desk.office.said_of(open_id)
    assert stated["reason_code"] == "TRADE_SECRET"
    assert "企业" not in orjson.dumps(stated).decode()


async def test_city_video_waits_for_a_security_review_beside_the_chief(desk):
    data = await desk.data(None, kind=DataKind.VIDEO, level=Level.GENERAL_3)
    open_id = await desk.proposed(data.data_id, TARGETED)
    async with refused(desk.database, AssessmentMissing):
        await desk.chief(listing.review, open_id=open_id)


async def test_video_and_readings_that_are_opened_after_their_review_count_for_their_agency(desk):
    now, agency_id = desk.office.clock.now(), desk.office.transport.org_id
    planned = []
    for kind in (DataKind.VIDEO, DataKind.IOT, DataKind.VIDEO):
        data = await desk.data(None, kind=kind, level=Level.GENERAL_3)
        reached = {"data_id": data.data_id, "interface": "https://sensing.example/stream"}
        await desk.office.transport.do(cataloguing.mount, **reached)
        planned.append(data.data_id)
        await passed(desk.database, holder_id=agency_id, object_id=data.data_id, now=now)
    for data_id in planned[:2]:
        open_id = await desk.proposed(data_id, TARGETED)
        await desk.chief(listing.review, open_id=open_id)
        await desk.officer(listing.publish, open_id=open_id)
        assert (await desk.entry(open_id)).status is OpenState.TARGETED
    plan = OpenPlanRow(
        plan_id="opl_" + "0" * 26,
        agency_id=agency_id,
        year=2026,
        version=1,
        rows=[{"data_id": one} for one in planned],
        rows_sha256="a" * 64,
        chief_id="cdo",
        published_at=now,
    )
    async with desk.database.write() as s:
        s.add(plan)
    until = now + timedelta(days=1)
    about = {"agency_id": agency_id, "since": now - timedelta(days=30), "until": until, "as_of": until}
    async with desk.database.read() as s:
        found = await collect(s, **about, current_months=12)
    groups = found[Indicator.OPENING]["groups"]
    counted = {name: (group["count"], group["ids"]) for name, group in groups.items()}
    assert counted == {"met": (2, sorted(planned[:2])), "late": (0, []), "missed": (1, planned[2:])}


async def test_a_raised_level_closes_the_entry_at_once_and_by_statement(desk):
    open_id, other = await desk.opened(), await desk.opened(TARGETED, level=Level.GENERAL_3)
    data_id = (await desk.entry(open_id)).data_id
    await raised(desk, data_id, Level.GENERAL_3)
    with pytest.raises(ChannelClosed):  # at the next download, before any clock
        await desk.look(open_id)
    await desk.work()
    row = await desk.entry(open_id)
    assert (row.status, row.reason_code) == (OpenState.SUSPENDED, "LEVEL_RAISED")
    await raised(desk, (await desk.entry(other)).data_id, Level.GENERAL_4)
    await desk.work()
    assert (await desk.entry(other)).status is OpenState.TARGETED  # its channel takes that level
    async with refused(desk.database, ChannelClosed):
        await desk.chief(listing.review, open_id=open_id)


async def test_data_that_is_retired_leaves_no_open_entry(desk):
    open_id = await desk.opened()
    data_id = (await desk.entry(open_id)).data_id
    await desk.office.transport.do(cataloguing.retire_data, data_id=data_id, reason="系统下线")
    with pytest.raises(OpeningClosed):
        await desk.look(open_id)
    await desk.work()
    row = await desk.entry(open_id)
    assert (row.status, row.reason_code) == (OpenState.SUSPENDED, "DATA_RETIRED")


PERSONS = "姓名,身份证\n张三,11010519491231002X\n".encode()
SEEN = (Hint(HintKind.CN_ID, "身份证", 1, 1, True),)


async def test_other_bytes_behind_an_open_entry_are_not_served_and_the_check_suspends_it(desk):
    open_id = await desk.opened()
    row, before = await desk.entry(open_id), await desk.look(open_id)
    assert row.file_sha256 == before.file.sha256
    swapped = await desk.mounted(row.data_id, PERSONS)
    with pytest.raises(OpeningFileChanged):
        await desk.look(open_id)
    async with refused(desk.database, OpeningFileChanged):
        await desk.take(desk.office.police, open_id)
    assert not await desk.scanned(row.data_id, swapped.resource_sha256, SEEN)  # it shows persons
    with pytest.raises(ChannelClosed):
        await desk.look(open_id)
    other = await desk.opened()
    await desk.mounted((await desk.entry(other)).data_id, PERSONS)
    (found,) = [one for one in await desk.looked() if one.open_id == other]
    assert found.closed_by == "opening-file-changed"
    assert not (await desk.check()).holds
    row = await desk.entry(other)
    assert (row.status, row.reason_code) == (OpenState.SUSPENDED, "FILE_CHANGED")
    await desk.chief(listing.review, open_id=other)  # the chief looks at the new file
    await desk.officer(listing.publish, open_id=other)
    assert (await desk.look(other)).file.bytes == len(PERSONS)


async def test_a_renewal_is_served_once_it_was_scanned_and_its_digest_is_stated(desk):
    open_id, never = await desk.opened(), await desk.opened(update=Update.NEVER)
    for one, renewed in ((open_id, True), (never, False)):
        data_id = (await desk.entry(one)).data_id
        newer = await desk.mounted(data_id, ROWS + "体育西路,3\n".encode())
        with pytest.raises(OpeningFileChanged):
            await desk.look(one)
        assert await desk.scanned(data_id, newer.resource_sha256) is renewed
    with pytest.raises(OpeningFileChanged):  # what never changes is reviewed anew
        await desk.look(never)
    assert (await desk.look(open_id)).file.sha256 == newer.resource_sha256
    (*_, said) = await desk.office.said_of(open_id)
    assert (said["event"], said["from"], said["to"]) == ("OPN.RENEW", "OPEN", "OPEN")
    desk.office.clock.advance(DAY)  # the same scan another day: nothing is new
    assert not await desk.scanned((await desk.entry(open_id)).data_id, newer.resource_sha256)
    interface = {"interface": "https://api.example.cn/stops"}
    data_id = (await desk.entry(open_id)).data_id
    await desk.office.transport.do(cataloguing.mount, data_id=data_id, **interface)
    with pytest.raises(OpeningFileChanged):  # nor is an interface what was reviewed
        await desk.look(open_id)


async def test_bytes_that_the_important_catalogue_names_are_not_reviewed(desk):
    data = await desk.data()
    await desk.scanned(data.data_id, data.resource_sha256)  # grading knows this file
    open_id = await desk.proposed(data.data_id)
    newer = await desk.mounted(data.data_id, PERSONS)
    said = {"objects": [], "keywords": [], "patterns": [], "digests": [newer.resource_sha256]}
    at = {"identified_at": desk.office.clock.now(), "changed_at": desk.office.clock.now()}
    named = ImportantRow(
        entry_id="imp_1",
        department_id=desk.office.ministry.org_id,
        status=EntryState.CONFIRMED,
        version=1,
        region="440100",
        sector="交通",
        name="乘客身份",
        description="乘客身份",
        level=Level.IMPORTANT,
        **said,
        **at,
    )
    async with desk.database.write() as s:
        s.add(named)
    async with refused(desk.database, ChannelClosed):
        await desk.chief(listing.review, open_id=open_id)


async def test_a_level_that_the_list_declares_higher_closes_it_too(desk):
    open_id = await desk.opened()
    async with desk.database.read() as s:
        _, data = await repository.entry_with_data(s, open_id=open_id)
    said = replace(entry_of(data), level=Level.IMPORTANT)
    about = {"data_id": data.data_id, "version": data.version}
    await desk.office.transport.do(cataloguing.change_data, **about, entry=said)
    with pytest.raises(ChannelClosed):
        await desk.look(open_id)
    await desk.work()
    assert (await desk.entry(open_id)).status is OpenState.SUSPENDED


async def test_what_an_authority_suspends_it_holds_until_it_lets_go(desk):
    open_id = await desk.opened()
    why = {"reason": SuspendReason.SECURITY, "text": "核查"}
    async with refused(desk.database, OpeningWrongRole):
        await desk.office.police.do(listing.suspend, open_id=open_id, **why)
    with pytest.raises(OpeningMalformed):
        await desk.officer(listing.suspend, open_id=open_id, reason=SuspendReason.FILE_DAMAGED, text="x")
    await desk.office.ministry.do(listing.suspend, open_id=open_id, **why)
    for verb, facts in [(listing.review, {}), (listing.retire, {"text": "不再开放"})]:
        async with refused(desk.database, OpeningHeld):
            await desk.chief(verb, open_id=open_id, **facts)
    desk.office.clock.advance(DAY)
    await desk.office.ministry.do(listing.release, open_id=open_id, text="核查完毕")
    await desk.chief(listing.review, open_id=open_id)
    await desk.officer(listing.publish, open_id=open_id)
    assert (await desk.entry(open_id)).status is OpenState.OPEN


async def test_named_users_have_it_for_their_purposes_and_nobody_else_does(desk):
    open_id, police, housing = await desk.opened(TARGETED), desk.office.police, desk.office.housing
    until = desk.office.clock.now() + 10 * DAY
    said = {"user_id": police.org_id, "purposes": [Use.RESEARCH, Use.PUBLIC_SERVICE], "until": until}
    await desk.officer(agreeing.name_user, open_id=open_id, **said)
    with pytest.raises(OpeningClosed):
        await desk.look(open_id)
    for who, purpose, why in [
        (housing, "RESEARCH", UserNotNamed),
        (police, "MARKETING", PurposeNotNamed),
        (police, None, PurposeNotNamed),
    ]:
        async with refused(desk.database, why):
            await desk.take(who, open_id, purpose)
    for _ in range(2):
        assert (await desk.take(police, open_id)).file.bytes == len(ROWS)
    await desk.take(police, open_id, "PUBLIC_SERVICE")
    events = [one["event"] for one in await desk.office.said_of(open_id)]
    assert events.count("OPN.ACCESS") == 2  # the first of a user, purpose and day
    desk.office.clock.advance(DAY)
    await desk.work()
    (*_, usage) = await desk.office.said_of(open_id)
    assert (usage["event"], usage["downloads"]) == ("OPN.USAGE", 3)
    assert police.org_id not in orjson.dumps(usage).decode()
    await desk.officer(agreeing.unname_user, open_id=open_id, user_id=police.org_id, text="项目结束")
    async with refused(desk.database, UserNotNamed):
        await desk.take(police, open_id)
    await desk.officer(agreeing.name_user, open_id=open_id, **said)
    desk.office.clock.advance(10 * DAY)
    async with refused(desk.database, UserNotNamed):
        await desk.take(police, open_id)


async def test_an_agreement_opens_when_both_have_signed_one_policy_and_closes_with_its_term(desk):
    open_id, police, housing = await desk.opened(AUTHORISED), desk.office.police, desk.office.housing
    now = desk.office.clock.now()
    term = {"valid_from": now, "valid_to": now + 30 * DAY}
    said = {"user_id": police.org_id, "purposes": [Use.RESEARCH], **term}
    offered = await desk.officer(agreeing.offer, open_id=open_id, **said)
    async with refused(desk.database, AgreementRepeated):
        await desk.officer(agreeing.offer, open_id=open_id, **said)
    async with refused(desk.database, AgreementMissing):
        await desk.take(police, open_id)
    about = {"agreement_id": offered.agreement_id}
    async with refused(desk.database, OpeningWrongRole):
        await housing.do(agreeing.sign, **about, policy_sha256=offered.policy_sha256)
    async with nothing_moved(desk.database, OpeningMalformed):
        await police.do(agreeing.sign, **about, policy_sha256="0" * 64)
    await police.do(agreeing.sign, **about, policy_sha256=offered.policy_sha256)
    assert (await desk.take(police, open_id)).purpose == "RESEARCH"
    for who, purpose, why in [
        (police, "MARKETING", PurposeNotNamed),
        (housing, "RESEARCH", AgreementMissing),
    ]:
        async with refused(desk.database, why):
            await desk.take(who, open_id, purpose)
    digests = {
        digest["digest"]["sha256"]
        for one in await desk.office.said_of(offered.agreement_id)
        for digest in one.get("subjects", ())
    }
    assert digests <= {offered.policy_sha256}
    desk.office.clock.advance(30 * DAY + timedelta(seconds=1))
    async with refused(desk.database, AgreementMissing):  # before the clock has said so
        await desk.take(police, open_id)
    await desk.work()
    async with desk.database.read() as s:
        agreed = await repository.agreement(s, agreement_id=offered.agreement_id)
    assert agreed.status is AgreementState.EXPIRED
    again = await desk.agreed(open_id, police)
    await police.do(agreeing.end, agreement_id=again.agreement_id, text="不再需要")
    async with refused(desk.database, AgreementMissing):
        await desk.take(police, open_id)


async def test_the_check_reads_every_file_and_suspends_what_is_damaged_or_closed(desk):
    good, stale = await desk.opened(update=Update.MONTHLY), await desk.opened(update=Update.DAILY)
    broken, closed = await desk.opened(), await desk.opened()
    desk.office.clock.advance(3 * DAY)
    taken = await desk.look(broken)
    path = desk.files.path(taken.file.file_id)
    path.write_bytes(b"x" + path.read_bytes()[1:])
    await raised(desk, (await desk.entry(closed)).data_id, Level.GENERAL_4)
    found = {one.open_id: one for one in await desk.looked()}
    assert [found[one].found for one in (good, stale, broken, closed)] == [
        Found.DOWNLOADS,
        Found.DOWNLOADS,
        Found.DAMAGED,
        Found.DOWNLOADS,
    ]
    assert [found[one].closed_by for one in (good, closed)] == [None, "level-channel-closed"]
    assert [found[one].stale_since is None for one in (good, stale)] == [True, False]
    first = await desk.check()
    assert not first.holds
    counts = document_of(first)["counts"]
    expected = {"standing": 4, "downloadable": 3, "by_interface": 0, "closed_level": 1}
    assert {name: counts[name] for name in expected} == expected
    states = {one: await desk.entry(one) for one in (good, stale, broken, closed)}
    assert [states[one].status.value for one in states] == ["OPEN", "OPEN", "SUSPENDED", "SUSPENDED"]
    assert [states[one].reason_code for one in (broken, closed)] == ["FILE_DAMAGED", "LEVEL_RAISED"]
    second = await desk.check()
    assert second.holds
    assert second.report_sha256 == (await desk.check()).report_sha256  # the same moment, the same bytes


async def test_the_clock_checks_once_a_week_as_long_as_something_is_open(desk):
    await desk.opened()
    for _ in range(2):
        desk.office.clock.advance(7 * DAY)
        await desk.work()
    async with desk.database.read() as s:
        assert len(await repository.checks(s)) == 2


async def test_a_plan_is_the_first_rows_by_demand_signed_and_done_by_what_is_opened(desk):
    asked, other = (
        await desk.data(name="学位供给"),
        await desk.data(name="印章备案", theme="", abstract="备案"),
    )
    async with desk.database.read() as s:
        rows = await planning.ranked(s, agency_id=desk.office.transport.org_id, at=desk.office.clock.now())
    assert [row.data_id for row in rows] == [asked.data_id, other.data_id]
    assert rows[0].reasons[0].what == "livelihood"
    async with refused(desk.database, ChiefWanted):
        await desk.officer(planning.publish_plan, year=2026, top=2)
    plan = await desk.chief(planning.publish_plan, year=2026, top=1)
    assert planning.planned_in(plan.rows) == [asked.data_id]
    async with refused(desk.database, PlanPublishedBefore):
        await desk.chief(planning.publish_plan, year=2026, top=1)
    async with nothing_moved(desk.database, OpeningMalformed):
        await desk.chief(planning.publish_plan, year=2029, top=1)
    open_id = await desk.proposed(asked.data_id)
    await desk.chief(listing.review, open_id=open_id)
    await desk.officer(listing.publish, open_id=open_id)
    revised = await desk.chief(planning.revise_plan, year=2026, top=2)
    assert (revised.version, planning.planned_in(revised.rows)) == (2, [asked.data_id, other.data_id])
    async with desk.database.read() as s:
        done = await planning.done_of(s, revised, until=desk.office.clock.now())
    assert (done.done, done.missing) == ((asked.data_id,), (other.data_id,))


async def test_a_search_is_for_eight_words_in_whatever_case_of_the_alphabet(desk):
    one = await desk.opened(name="BRT站点Å")

    async def found(words: str) -> list[str]:
        async with desk.database.read() as s:
            return [row.open_id for row, _ in await repository.entries(s, words=words)]

    for words in ("brt", "Brt 站点", "BRTÅ"[:3] + " Å", "b r t b r t b r nothing"):
        assert await found(words) == [one]
    for words in ("å", "b%t", "nothing"):
        assert await found(words) == []

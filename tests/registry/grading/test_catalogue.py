"""The important-data catalogue: who signs, who confirms, what it stops, what a person decides."""

from dataclasses import replace
from datetime import timedelta

from ledger.acts import perform
from ledger.recording import Actor
from registry.chiefs.errors import ChiefWanted
from registry.errors import ChannelClosed
from registry.grading import cataloguing
from registry.grading.comparing import require_decided
from registry.grading.depending import require_not_important
from registry.grading.errors import (
    GradingMalformed,
    GradingOwnDeclaration,
    GradingWrongRole,
    GradingWrongState,
    ImportantData,
    ImportantDataUndecided,
)
from registry.grading.repository import matches_of
from registry.grading.scanning import take_scan
from registry.grading.states import EntryState, MatchState
from registry.lists.repository import claim_data_entry
from registry.rules import Level
from tests.registry.chiefs.seats import by
from tests.registry.grading.bench import LOAD, MADE_OF_IT, PRODUCT
from tests.standstill import refused, untouched

L = Level


async def stops(bench, object_id):
    async with bench.database.read() as s:
        try:
            await require_not_important(s, object_id=object_id)
        except ImportantData as refusal:
            return refusal.facts["how"]
    return None


async def undecided(bench, object_id):
    async with bench.database.read() as s:
        try:
            await require_decided(s, object_id=object_id)
        except ImportantDataUndecided as refusal:
            return refusal.facts["match_id"]
    return None


async def test_an_entry_is_reported_by_the_chief_and_stops_trade_once_it_is_confirmed(bench):
    await bench.product()
    await bench.product(MADE_OF_IT, sources=[PRODUCT])
    row = await bench.of("clerk", cataloguing.identify, content=LOAD)
    row = await _with(bench, row.entry_id, objects=(PRODUCT,))
    async with refused(bench.database, GradingWrongState):
        await bench.of("cac", cataloguing.confirm_entry, entry_id=row.entry_id)
    async with refused(bench.database, ChiefWanted):
        await bench.of("clerk", cataloguing.report, entry_id=row.entry_id)
    reported = await bench.of("chief", cataloguing.report, entry_id=row.entry_id)
    assert reported.status is EntryState.REPORTED
    assert issubclass(ImportantData, ChannelClosed)  # who minds the channel minds the catalogue
    assert await stops(bench, PRODUCT) is None  # neither notified nor published
    async with refused(bench.database, GradingOwnDeclaration):  # a person confirms
        await by(bench.house, bench.cac, None, cataloguing.confirm_entry, entry_id=row.entry_id)
    confirmed = await bench.of("cac", cataloguing.confirm_entry, entry_id=row.entry_id)
    assert (confirmed.status, confirmed.version) == (EntryState.CONFIRMED, 1)
    assert await bench.level(PRODUCT) is L.IMPORTANT
    assert (await stops(bench, PRODUCT), await stops(bench, MADE_OF_IT)) == ("IDENTITY", "LINEAGE")
    assert await bench.said_of(row.entry_id) == ["IMP.IDENTIFY", "IMP.REPORT", "IMP.CONFIRM"]


async def _with(bench, entry_id, **changes):
    """The entry identified anew with other content; the first stays identified."""
    del entry_id
    return await bench.of("clerk", cataloguing.identify, content=replace(LOAD, **changes))


async def test_an_entry_is_removed_once_and_what_it_stopped_is_free(bench):
    await bench.product()
    row = await bench.notified(objects=(PRODUCT,))
    about = {"entry_id": row.entry_id}
    assert await stops(bench, PRODUCT) == "IDENTITY"
    async with refused(bench.database, GradingWrongState):  # nothing was asked
        await bench.of("authority", cataloguing.enter_change, **about)
    async with refused(bench.database, ChiefWanted):
        await bench.of("clerk", cataloguing.ask_change, **about, content=None)
    await bench.of("chief", cataloguing.ask_change, **about, content=None)
    async with refused(bench.database, GradingWrongState):  # one wish at a time
        await bench.of("chief", cataloguing.ask_change, **about, content=LOAD)
    async with refused(bench.database, GradingWrongRole):
        await bench.of("chief", cataloguing.enter_change, **about)
    assert (await bench.of("authority", cataloguing.enter_change, **about)).status is EntryState.REMOVED
    assert (await stops(bench, PRODUCT), await bench.level(PRODUCT)) == (None, L.GENERAL_2)
    for verb in (cataloguing.enter_change, cataloguing.confirm_entry):
        async with refused(bench.database, GradingWrongState):
            await bench.of("authority", verb, **about)


async def test_a_resemblance_waits_for_a_person_and_a_full_description_stops(bench):
    await bench.product(words="电网调度日志")
    described = MADE_OF_IT
    await bench.product(described, words="电网调度数据")
    async with bench.database.write() as s:
        from registry.grading.raising import set_parts

        act = bench.house.house.exchange_act()
        about = {"object_id": described, "holder_id": bench.provider.org_id, "cause": "scan"}
        await set_parts(s, act, **about, fields=["节点编号", "有功负荷"])
    row = await bench.notified()
    await bench.work()  # the look through all known objects
    assert await stops(bench, described) == "DESCRIPTION"
    assert await stops(bench, PRODUCT) is None
    match_id = await undecided(bench, PRODUCT)
    assert match_id is not None
    said = {"match_id": match_id, "reason": "经核实属于调度数据"}
    async with refused(bench.database, GradingWrongRole):
        await bench.of("clerk", cataloguing.decide_match, upheld=False, **said)
    await bench.of("cac", cataloguing.decide_match, upheld=True, **said)
    assert (await stops(bench, PRODUCT), await undecided(bench, PRODUCT)) == ("PARTLY", None)
    await bench.of("cac", cataloguing.decide_match, upheld=False, **said)
    assert (await stops(bench, PRODUCT), await bench.level(PRODUCT)) == (None, L.GENERAL_2)
    # an entry that is changed is compared anew: what a person dismissed stays so, what it covered lapses
    await bench.of(
        "chief", cataloguing.ask_change, entry_id=row.entry_id, content=replace(LOAD, keywords=("核电站",))
    )
    changed = await bench.of("authority", cataloguing.enter_change, entry_id=row.entry_id)
    assert (changed.status, changed.version) == (EntryState.CHANGED, 2)
    await bench.work()
    assert (await stops(bench, described), await bench.level(described)) == (None, L.GENERAL_2)
    async with bench.database.read() as s:
        found = {one.object_id: one.status for one in await matches_of(s, entry_id=row.entry_id)}
    assert found == {PRODUCT: MatchState.DISMISSED, described: MatchState.NEAR}


async def test_an_entry_without_form_or_of_another_department_is_refused(sqlite_bench):
    bench = sqlite_bench
    for wrong in (
        {"level": L.GENERAL_4},
        {"sector": "44"},
        {"name": " "},
        {"objects": ("lst_01jcw000000000000000000000",)},
        {"keywords": (), "patterns": (), "objects": ()},
    ):
        async with untouched(bench.database, GradingMalformed):
            await _with(bench, "", **wrong)
    row = await bench.of("clerk", cataloguing.identify, content=LOAD)
    other = await bench.house.admit("省交通厅", {"PUBLIC_AGENCY"})
    async with refused(bench.database, GradingWrongRole):
        await other.do(cataloguing.report, entry_id=row.entry_id)


async def test_a_data_entry_that_nobody_has_graded_is_covered_all_the_same(sqlite_bench):
    bench = sqlite_bench
    before = await bench.entry(name="电网调度日志", theme="能源")
    row = await bench.notified(objects=(before.data_id,), digests=("f" * 64,))
    assert (await stops(bench, before.data_id), await bench.level(before.data_id)) == (
        "IDENTITY",
        L.IMPORTANT,
    )
    later = await bench.entry(name="地市电网调度日志")
    async with bench.database.write() as s:
        found = await claim_data_entry(s, data_id=later.data_id)
        found.resource_sha256 = "f" * 64  # mounted after the entry was notified
        s.add(found)
    assert (await stops(bench, later.data_id), await bench.level(later.data_id)) == ("DIGEST", L.IMPORTANT)
    await bench.of("chief", cataloguing.ask_change, entry_id=row.entry_id, content=None)
    await bench.of("cac", cataloguing.enter_change, entry_id=row.entry_id)
    for data_id in (before.data_id, later.data_id):
        assert (await stops(bench, data_id), await bench.level(data_id)) == (None, L.GENERAL_2)


async def _found(bench, object_id=PRODUCT):
    async with bench.database.read() as s:
        (row,) = await matches_of(s, object_id=object_id)
    return row


async def _scanned(bench, object_id, digest, fields=(), **parts):
    about = {"object_id": object_id, "holder_id": bench.provider.org_id, "file_sha256": digest}
    async with bench.database.write() as s:
        act = bench.house.house.exchange_act()
        await take_scan(s, act, **about, level=L.GENERAL_1, hints=(), fields=fields, **parts)


async def test_what_was_dismissed_is_found_again_when_entry_or_file_are_others(sqlite_bench):
    bench = sqlite_bench
    await bench.product(words="电网调度日志")
    entry = await bench.notified()
    await bench.work()
    said = {"upheld": False, "reason": "日志不含数据"}
    await bench.of("cac", cataloguing.decide_match, match_id=(await _found(bench)).match_id, **said)
    await _scanned(bench, PRODUCT, "a" * 64)  # another file than was decided on, and part of it fits
    assert (await _found(bench)).status is MatchState.NEAR
    bench.clock.advance(timedelta(seconds=1))
    await bench.of("cac", cataloguing.decide_match, match_id=(await _found(bench)).match_id, **said)
    await _scanned(bench, PRODUCT, "a" * 64)
    assert (await _found(bench)).status is MatchState.DISMISSED
    await _scanned(bench, PRODUCT, "b" * 64, ["节点编号", "有功负荷"])
    assert await stops(bench, PRODUCT) == "DESCRIPTION"
    bench.clock.advance(timedelta(seconds=1))
    await bench.of("cac", cataloguing.decide_match, match_id=(await _found(bench)).match_id, **said)
    assert await stops(bench, PRODUCT) is None
    wish = replace(LOAD, objects=(PRODUCT,))
    await bench.of("chief", cataloguing.ask_change, entry_id=entry.entry_id, content=wish)
    await bench.of("cac", cataloguing.enter_change, entry_id=entry.entry_id)
    assert (await stops(bench, PRODUCT), await bench.level(PRODUCT)) == ("IDENTITY", L.IMPORTANT)


async def test_a_removed_entry_frees_more_objects_than_one_page_holds(sqlite_bench, monkeypatch):
    bench = sqlite_bench
    monkeypatch.setattr(matches_of, "__kwdefaults__", {**matches_of.__kwdefaults__, "limit": 1})
    covered = [f"prd_01jcw0000000000000000000{n:02d}" for n in range(3)]
    for one in covered:
        await bench.product(one)
    entry = await bench.notified(objects=tuple(covered))
    await bench.of("chief", cataloguing.ask_change, entry_id=entry.entry_id, content=None)
    await bench.of("cac", cataloguing.enter_change, entry_id=entry.entry_id)
    assert [await bench.level(one) for one in covered] == [L.GENERAL_2] * 3


async def test_an_entry_is_confirmed_by_another_house_and_person_than_reported_it(sqlite_bench):
    bench = sqlite_bench
    row = await bench.of("clerk", cataloguing.identify, content=LOAD)
    await bench.of("chief", cataloguing.report, entry_id=row.entry_id)
    about = {"entry_id": row.entry_id}
    async with refused(bench.database, GradingWrongRole):
        await _as_authority(bench, bench.agency, bench.officer, cataloguing.confirm_entry, **about)
    async with refused(bench.database, GradingOwnDeclaration):
        await _as_authority(bench, bench.authority, bench.chief, cataloguing.confirm_entry, **about)
    await bench.of("authority", cataloguing.confirm_entry, **about)
    await bench.of("chief", cataloguing.ask_change, **about, content=None)
    async with refused(bench.database, GradingWrongRole):
        await _as_authority(bench, bench.agency, bench.officer, cataloguing.enter_change, **about)
    async with refused(bench.database, GradingOwnDeclaration):
        await _as_authority(bench, bench.authority, bench.chief, cataloguing.enter_change, **about)
    removed = await bench.of("authority", cataloguing.enter_change, **about)
    assert removed.status is EntryState.REMOVED


async def _as_authority(bench, party, user_id, verb, **facts):
    """An act of a person in the role of the data authority, whichever house the person is of."""
    actor = Actor(party.org_id, frozenset({"DATA_AUTHORITY"}), user_id)
    act = bench.house.house.act(actor, "DATA_AUTHORITY", party.pen)
    about = {"attempted": verb.__name__, "object_id": facts["entry_id"]}
    return await perform(bench.house.house, act, lambda s, a: verb(s, a, **facts), **about)

"""A grading's way: declared, decided by another, confirmed, raised, lowered with proof, graded anew."""

from dataclasses import replace
from datetime import timedelta

import pytest

from base.jobs import JobRow
from registry.grading import declaring, repository, scanning
from registry.grading.depending import require_not_important
from registry.grading.errors import (
    DesensitisationUnproved,
    GradingBelowGrounds,
    GradingBelowScan,
    GradingMalformed,
    GradingOwnDeclaration,
    GradingUnderWay,
    GradingUnknown,
    GradingWrongRole,
    GradingWrongState,
    ImportantData,
)
from registry.grading.raising import LEVEL_RAISED_JOB
from registry.grading.rules import Amounts, Degree, Harmed, Reason
from registry.grading.states import GradingState
from registry.lists import cataloguing as lists
from registry.lists.rules import DataField, DataKind
from registry.rules import Hint, HintKind, Level
from tests.registry.assessments.passed import passed
from tests.registry.grading.bench import ENTRY, MADE_OF_IT, NOW, PRODUCT, harm
from tests.standstill import refused, untouched

L = Level
IDS = (Hint(HintKind.CN_ID, "证件", 3, 10, flagged=True),)


async def test_an_officer_decides_what_a_clerk_declared_and_never_the_clerk(bench):
    entry = await bench.entry()
    row = await bench.declared(entry.data_id, grounds=(harm(Harmed.ORGANISATION, Degree.SERIOUS),))
    assert (row.status, row.computed, row.version) == (GradingState.DECLARED, L.GENERAL_3, 1)
    async with refused(bench.database, GradingOwnDeclaration):
        await bench.decide(row, L.GENERAL_3, who="clerk")
    async with refused(bench.database, GradingBelowGrounds):
        await bench.decide(row, L.GENERAL_2)
    decided = await bench.decide(row, L.GENERAL_3)
    assert (decided.status, decided.decided, decided.decided_by) == (
        GradingState.IN_FORCE,
        L.GENERAL_3,
        bench.officer,
    )
    assert await bench.level(entry.data_id) is L.GENERAL_3
    assert await bench.said_of(row.grading_id) == ["GRD.DECLARE", "GRD.DECIDE"]
    assert await bench.said_of(entry.data_id) == ["DAT.ENTER", "GRD.LEVEL"]
    async with refused(bench.database, GradingWrongState):
        await bench.decide(row, L.GENERAL_4)


async def test_what_is_important_waits_for_the_authority_and_a_third_person(sqlite_bench):
    bench = sqlite_bench
    entry = await bench.entry()
    row = await bench.declared(entry.data_id, grounds=(harm(Harmed.ECONOMY, Degree.SERIOUS),))
    row = await bench.decide(row, L.IMPORTANT)
    assert (row.status, await bench.level(entry.data_id)) == (GradingState.TO_CONFIRM, L.IMPORTANT)
    async with refused(bench.database, GradingWrongRole):
        await bench.of("officer", declaring.confirm, grading_id=row.grading_id)
    again = await bench.of("authority", declaring.decline, grading_id=row.grading_id, opinion="请补充依据")
    assert (again.status, again.decided) == (GradingState.DECLARED, None)
    await bench.decide(row, L.IMPORTANT)
    await bench.of("authority", declaring.confirm, grading_id=row.grading_id)
    assert await bench.level(entry.data_id) is L.IMPORTANT
    async with bench.database.read() as s:
        jobs = [job for job in await s.exec(JobRow.__table__.select()) if job.kind == LEVEL_RAISED_JOB]
    assert [job.payload for job in jobs] == [
        {"object_id": entry.data_id, "level": "important", "before": "general-2"}
    ]
    lower = await bench.declared(entry.data_id, reason=Reason.CORRECTION)
    lower = await bench.decide(lower, L.GENERAL_2)
    assert (lower.status, await bench.level(entry.data_id)) == (GradingState.TO_CONFIRM, L.IMPORTANT)
    async with refused(bench.database, GradingOwnDeclaration):  # who proposed does not confirm
        await _decided_and_confirmed_by_one(bench, lower.grading_id)
    await bench.of("authority", declaring.confirm, grading_id=lower.grading_id)
    assert await bench.level(entry.data_id) is L.GENERAL_2
    assert (await bench.grading(row)).status is GradingState.SUPERSEDED


async def _decided_and_confirmed_by_one(bench, grading_id):
    async with bench.database.write() as s:
        row = await repository.claim_grading(s, grading_id=grading_id)
        row.decided_by = bench.people["authority"]
        s.add(row)
    try:
        await bench.of("authority", declaring.confirm, grading_id=grading_id)
    finally:
        async with bench.database.write() as s:
            row = await repository.claim_grading(s, grading_id=grading_id)
            row.decided_by = bench.officer
            s.add(row)


async def scan(bench, object_id, *, digest="a" * 64, hints=IDS):
    await bench.of("clerk", lists.mount, data_id=object_id, file_id=await mounted(bench, digest))
    about = {"object_id": object_id, "file_sha256": digest, "hints": hints, "fields": ["企业代码", "负荷"]}
    act = bench.house.house.exchange_act()
    async with bench.database.write() as s:
        return await scanning.record_scan(s, act, **about)


async def mounted(bench, digest):
    from registry.lists.tables import ListFileRow

    row = ListFileRow(
        file_id=bench.agency.act().new_id("fil"),
        owner_id=bench.agency.org_id,
        bytes=10,
        sha256=digest,
        name="负荷.csv",
        media_type="text/csv",
        stored_at=bench.clock.now(),
    )
    async with bench.database.write() as s:
        s.add(row)
    return row.file_id


async def test_a_file_that_lies_about_its_level_is_believed_rather_than_its_holder(sqlite_bench):
    bench = sqlite_bench
    entry = await bench.entry()
    await scan(bench, entry.data_id)
    assert await bench.level(entry.data_id) is L.GENERAL_4
    row = await bench.declared(entry.data_id)
    async with refused(bench.database, GradingBelowScan):
        await bench.decide(row, L.GENERAL_2)
    await bench.decide(row, L.GENERAL_4)
    lower = {"reason": Reason.DESENSITISED, "file_sha256": "b" * 64}
    unproved = await bench.declared(entry.data_id, **lower)
    await scan(bench, entry.data_id, digest="b" * 64, hints=())
    assert (await bench.grading(row)).status is GradingState.REVIEW_DUE  # another file than decided on
    assert await bench.level(entry.data_id) is L.GENERAL_4
    async with refused(bench.database, DesensitisationUnproved):
        await bench.decide(unproved, L.GENERAL_2)
    await bench.of("clerk", declaring.withdraw, grading_id=unproved.grading_id)
    proved = await bench.declared(entry.data_id, desensitised_sha256="c" * 64, **lower)
    await bench.decide(proved, L.GENERAL_2)
    assert await bench.level(entry.data_id) is L.GENERAL_2
    async with bench.database.write() as s:
        with pytest.raises(GradingMalformed):  # a scan of other bytes than those that are mounted
            await scanning.record_scan(
                s,
                bench.house.house.exchange_act(),
                object_id=entry.data_id,
                file_sha256="d" * 64,
                hints=(),
                fields=(),
            )


async def test_one_grading_is_open_at_a_time_and_its_holder_declares_it(sqlite_bench):
    bench = sqlite_bench
    entry = await bench.entry()
    await bench.product()
    await bench.declared(entry.data_id)
    async with refused(bench.database, GradingUnderWay):
        await bench.declared(entry.data_id)
    async with refused(bench.database, GradingWrongRole):
        await bench.declared(PRODUCT)
    async with untouched(bench.database, GradingUnknown):
        await bench.declared("prd_01jcw0000000000000000000zz")
    ours = await bench.declared(PRODUCT, who="provider")
    async with refused(bench.database, GradingWrongRole):  # an agency's officer, of a provider's product
        await bench.decide(ours, L.GENERAL_2)
    await bench.decide(ours, L.GENERAL_2, who="operator")
    back = await bench.of(
        "authority",
        declaring.send_back,
        grading_id=(await bench.declared(PRODUCT, who="provider")).grading_id,
        opinion="类别不符",
    )
    assert (back.status, back.version) == (GradingState.RETURNED, 2)


async def test_a_source_raises_what_was_made_of_it_until_people_decide_that(bench):
    entry = await bench.entry()
    await bench.graded(entry.data_id, L.GENERAL_2)
    await bench.product(sources=[entry.data_id])
    await bench.product(MADE_OF_IT, sources=[PRODUCT])
    await bench.product(PRODUCT, sources=[MADE_OF_IT])  # a circle is no end
    await bench.graded(entry.data_id, L.GENERAL_4, reason=Reason.CORRECTION)
    assert await bench.level(PRODUCT) is L.GENERAL_4
    assert await bench.level(MADE_OF_IT) is L.GENERAL_4
    ours = await bench.declared(PRODUCT, who="provider", reason=Reason.DERIVED)
    ours = await bench.decide(ours, L.GENERAL_2, who="operator")
    assert await bench.level(PRODUCT) is L.GENERAL_2
    assert await bench.level(MADE_OF_IT) is L.GENERAL_2
    await bench.graded(entry.data_id, L.GENERAL_3, reason=Reason.CORRECTION)
    assert (await bench.grading(ours)).status is GradingState.REVIEW_DUE
    assert await bench.level(PRODUCT) is L.GENERAL_2


async def test_a_review_falls_due_and_the_level_stays(sqlite_bench):
    bench = sqlite_bench
    entry = await bench.entry()
    row = await bench.graded(entry.data_id, L.GENERAL_4)
    bench.clock.move_to(NOW + timedelta(days=364))
    await bench.work()
    assert (await bench.grading(row)).status is GradingState.IN_FORCE
    bench.clock.move_to(NOW + timedelta(days=366))
    await bench.work()
    assert (await bench.grading(row)).status is GradingState.REVIEW_DUE
    assert await bench.level(entry.data_id) is L.GENERAL_4
    assert (await bench.said_of(row.grading_id))[-1] == "GRD.FALL_DUE"


async def test_city_video_stays_general_4_until_a_security_review_of_it_stands(sqlite_bench):
    bench = sqlite_bench
    entry = await bench.entry(kind=DataKind.VIDEO)
    assert await bench.level(entry.data_id) is L.GENERAL_4
    row = await bench.declared(entry.data_id, level=L.GENERAL_3)
    assert row.computed is L.GENERAL_4
    await bench.of("clerk", declaring.withdraw, grading_id=row.grading_id)
    await passed(
        bench.database, holder_id=bench.agency.org_id, object_id=entry.data_id, now=bench.clock.now()
    )
    await bench.graded(entry.data_id, L.GENERAL_3)
    assert await bench.level(entry.data_id) is L.GENERAL_3


async def test_ten_million_persons_make_it_important_whatever_is_declared(sqlite_bench):
    entry = await sqlite_bench.entry()
    row = await sqlite_bench.declared(entry.data_id, amounts=Amounts(persons=10_000_000))
    assert row.computed is L.IMPORTANT
    assert "persons>=10000000=important" in row.why
    assert ENTRY.level is L.GENERAL_2


async def test_a_file_mounted_after_the_decision_is_looked_at_and_makes_a_review_due(sqlite_bench):
    bench = sqlite_bench
    entry = await bench.entry()
    await scan(bench, entry.data_id, hints=())
    row = await bench.graded(entry.data_id, L.GENERAL_2)
    await bench.notified(digests=("b" * 64,), keywords=(), patterns=())
    about = {"data_id": entry.data_id}
    bench.clock.advance(timedelta(seconds=1))
    await bench.of("clerk", lists.mount, **about, file_id=await mounted(bench, "a" * 64))
    await bench.work()
    assert (await bench.grading(row)).status is GradingState.IN_FORCE  # the bytes it was decided on
    await bench.of("clerk", lists.mount, **about, file_id=await mounted(bench, "b" * 64))
    async with bench.database.read() as s:
        with pytest.raises(ImportantData):  # before any job has run
            await require_not_important(s, object_id=entry.data_id)
    assert await bench.level(entry.data_id) is L.IMPORTANT
    await bench.work()
    assert (await bench.grading(row)).status is GradingState.REVIEW_DUE
    async with bench.database.read() as s:
        known = await repository.grade_of(s, object_id=entry.data_id)
    assert (known.file_sha256, known.scanned_sha256) == ("b" * 64, "a" * 64)
    assert (known.level, known.matched) == (L.IMPORTANT, L.IMPORTANT)


async def test_fields_changed_after_the_decision_make_a_review_due_and_other_words_do_not(sqlite_bench):
    bench = sqlite_bench
    entry = await bench.entry()
    row = await bench.graded(entry.data_id, L.GENERAL_2)
    said = replace(ENTRY, abstract="同一数据，另行表述")
    await bench.of("clerk", lists.change_data, data_id=entry.data_id, version=1, entry=said)
    await bench.work()
    assert (await bench.grading(row)).status is GradingState.IN_FORCE
    more = replace(said, fields=(*ENTRY.fields, DataField(name="法人姓名", type="text")))
    await bench.of("clerk", lists.change_data, data_id=entry.data_id, version=2, entry=more)
    await bench.work()
    assert (await bench.grading(row)).status is GradingState.REVIEW_DUE
    async with bench.database.read() as s:
        known = await repository.grade_of(s, object_id=entry.data_id)
    assert known.fields == ["企业代码", "法人姓名", "负荷"]


async def test_a_level_comes_down_with_the_file_that_was_scanned_and_no_other(sqlite_bench):
    bench = sqlite_bench
    entry = await bench.entry()
    await scan(bench, entry.data_id)
    await bench.graded(entry.data_id, L.GENERAL_4)
    await scan(bench, entry.data_id, digest="b" * 64, hints=())
    third = await mounted(bench, "c" * 64)
    await bench.of("clerk", lists.mount, data_id=entry.data_id, file_id=third)
    for file in ("c" * 64, "b" * 64):  # the one that is mounted was not scanned, the scanned one not mounted
        said = {"file_sha256": file, "desensitised_sha256": "f" * 64}
        row = await bench.declared(entry.data_id, **said)
        async with refused(bench.database, DesensitisationUnproved) as caught:
            await bench.decide(row, L.GENERAL_2)
        assert caught.value.facts["missing"] == ["scan"]
        await bench.of("clerk", declaring.withdraw, grading_id=row.grading_id)
    assert await bench.level(entry.data_id) is L.GENERAL_4


async def test_what_comes_down_from_a_core_source_is_confirmed_by_the_authority(sqlite_bench):
    bench = sqlite_bench
    await bench.product()
    core = await bench.declared(PRODUCT, who="provider", level=L.CORE)
    core = await bench.decide(core, L.CORE, who="operator")
    await bench.of("authority", declaring.confirm, grading_id=core.grading_id)
    await bench.product(MADE_OF_IT, sources=[PRODUCT])
    assert await bench.level(MADE_OF_IT) is L.CORE
    row = await bench.declared(MADE_OF_IT, who="provider", reason=Reason.DERIVED)
    row = await bench.decide(row, L.GENERAL_2, who="operator")
    assert (row.status, await bench.level(MADE_OF_IT)) == (GradingState.TO_CONFIRM, L.CORE)
    await bench.of("authority", declaring.confirm, grading_id=row.grading_id)
    assert await bench.level(MADE_OF_IT) is L.GENERAL_2


async def test_a_proposal_is_not_confirmed_below_what_a_later_scan_shows(sqlite_bench):
    bench = sqlite_bench
    entry = await bench.entry()
    row = await bench.graded(entry.data_id, L.GENERAL_2)
    high = await bench.decide(await bench.declared(entry.data_id, level=L.IMPORTANT), L.IMPORTANT)
    await bench.of("authority", declaring.confirm, grading_id=high.grading_id)
    assert (await bench.grading(row)).status is GradingState.SUPERSEDED
    low = await bench.decide(await bench.declared(entry.data_id), L.GENERAL_2)
    await scan(bench, entry.data_id)
    async with refused(bench.database, GradingBelowScan):
        await bench.of("authority", declaring.confirm, grading_id=low.grading_id)
    assert await bench.level(entry.data_id) is L.IMPORTANT


async def test_grounds_count_at_once_and_nothing_takes_a_declaration_back_while_it_is_open(sqlite_bench):
    bench = sqlite_bench
    await bench.product()
    grounds = (harm(Harmed.NATIONAL_SECURITY, Degree.SERIOUS),)
    row = await bench.declared(PRODUCT, who="provider", grounds=grounds)
    assert (row.declared, row.computed) == (L.GENERAL_2, L.CORE)
    assert await bench.level(PRODUCT) is L.CORE
    about = {"object_id": PRODUCT, "holder_id": bench.provider.org_id, "file_sha256": "a" * 64}
    async with bench.database.write() as s:  # as a submission says its own level
        await scanning.take_scan(
            s,
            bench.house.house.exchange_act(),
            **about,
            level=L.GENERAL_1,
            hints=(),
            fields=(),
            declared=L.GENERAL_1,
        )
    assert await bench.level(PRODUCT) is L.CORE

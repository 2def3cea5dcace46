"""What persons ask of a holder, and what receivers are told: answered, refused, late, confirmed."""

from datetime import timedelta

import pytest

from registry.subjects import asking, telling
from registry.subjects.errors import (
    RequestAsked,
    SubjectMalformed,
    SubjectRecordUnknown,
    SubjectWrongState,
)
from registry.subjects.rules import AskedKind, ConsentKind, RefusalReason, listed_entry
from registry.subjects.states import AskedState, DeletionState
from tests.registry.subjects.persons import make_persons
from tests.standstill import refused, untouched

ONE, OTHER = "1a" * 32, "2b" * 32
TRADE = "trd_01jcw000000000000000000000"


async def test_a_request_is_answered_by_whom_it_was_put_to_and_done(bench):
    persons = await make_persons(bench)
    await persons.come("one", ONE)
    row = await persons.ask("one")
    assert row.due_at.isoformat() == "2026-12-16T15:59:59.999000+00:00", "30 days"
    assert "请提供".encode() not in row.sealed
    async with refused(bench.database, RequestAsked):
        await persons.ask("one")
    said = {"desk": persons.desk, "request_id": row.request_id, "text": "附上全部记录"}
    async with untouched(bench.database, SubjectRecordUnknown):
        await bench.of("clerk", asking.answer, **said)
    async with untouched(bench.database, SubjectMalformed):
        await bench.of("provider", asking.answer, **(said | {"text": " "}))
    row = await bench.of("provider", asking.answer, **said)
    assert persons.desk.open(f"{row.request_id}/answer", row.sealed_answer) == "附上全部记录"
    await persons.come("other", OTHER)
    own = {"desk": persons.desk, "request_id": row.request_id}
    async with untouched(bench.database, SubjectRecordUnknown):
        await persons.by_word(asking.finish_as_person, **own, subject_id=persons.subjects["other"])
    done = await persons.by_word(asking.finish_as_person, **own, subject_id=persons.subjects["one"])
    assert done.status is AskedState.DONE
    assert await bench.said_of(row.request_id) == ["SRQ.SUBMIT", "SRQ.ANSWER", "SRQ.FINISH"]


async def test_silence_is_escalated_after_the_last_moment_and_may_then_be_complained_of(sqlite_bench):
    bench = sqlite_bench
    persons = await make_persons(bench)
    await persons.come("one", ONE)
    row = await persons.ask("one", AskedKind.DELETE)
    assert row.due_at.isoformat() == "2026-12-07T15:59:59.999000+00:00", "15 working days"
    own = {"desk": persons.desk, "subject_id": persons.subjects["one"], "request_id": row.request_id}
    async with refused(bench.database, SubjectWrongState):
        await persons.by_word(asking.may_complain, **own)
    bench.clock.move_to(row.due_at)
    await persons.work()
    assert await bench.said_of(row.request_id) == ["SRQ.SUBMIT"]
    bench.clock.move_to(row.due_at + timedelta(seconds=1))
    await persons.work()
    assert await bench.said_of(row.request_id) == ["SRQ.SUBMIT", "SRQ.ESCALATE"]
    found, _ = await persons.by_word(asking.may_complain, **own)
    assert asking.is_late(found, bench.clock.now())
    told = {"reason": RefusalReason.RETENTION_BY_LAW, "text": "法律规定的保存期限未届满"}
    late = await bench.of("provider", asking.refuse, desk=persons.desk, request_id=row.request_id, **told)
    assert late.status is AskedState.REFUSED
    async with refused(bench.database, SubjectWrongState):
        await bench.of("provider", asking.finish, request_id=row.request_id)


async def test_who_received_is_told_an_entry_under_a_key_and_confirms_by_itself(bench):
    persons = await make_persons(bench)
    await persons.come("one", ONE)
    given = await persons.give("one", await persons.words(ConsentKind.PROCESS))
    about = {"given_id": given.given_id, "trade_id": TRADE, "receiver_id": bench.cac.org_id}
    row = await persons.by_word(telling.tell_receiver, **about)
    assert row.entry == listed_entry(row.entry_key, ONE)
    assert await persons.by_word(telling.tell_receiver, **about) is None, "once"
    said = {"deletion_id": row.deletion_id, "rows_deleted": 3, "proof_sha256": "ab" * 32}
    async with untouched(bench.database, SubjectRecordUnknown):
        await bench.of("provider", telling.confirm_deletion, **said)
    bench.clock.move_to(row.due_at + timedelta(seconds=1))
    await persons.work()
    done = await bench.of("cac", telling.confirm_deletion, **said)
    assert (done.status, done.rows_deleted) == (DeletionState.CONFIRMED, 3)
    assert await bench.said_of(row.deletion_id) == ["SDD.TELL", "SDD.OVERDUE", "SDD.CONFIRM"]
    async with refused(bench.database, SubjectWrongState):
        await bench.of("cac", telling.confirm_deletion, **said)


@pytest.mark.parametrize("text", ["", " ", "x" * 4001])
async def test_a_request_says_something_and_no_book(sqlite_bench, text):
    persons = await make_persons(sqlite_bench)
    await persons.come("one", ONE)
    async with untouched(sqlite_bench.database, SubjectMalformed):
        await persons.ask("one", text=text)

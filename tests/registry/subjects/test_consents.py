"""A person's consent: for one thing, by the person alone, taken back at once; what then stands still."""

from datetime import timedelta

import orjson
import pytest
from sqlmodel import select

from base.canonical import canonical, sha256_hex
from base.credential.multikey import did_key
from base.jobs import JobRow
from base.signing import SigningKey, parse_envelope, pre_authentication, signature_holds
from ledger.tables import StatementRow
from registry.grading.citing import require_records
from registry.grading.errors import ConsentMissing
from registry.rules import PersonalData
from registry.subjects import consenting, entering, repository, wordings
from registry.subjects.consenting import FELL_JOB, SETTLED_JOB, said_of
from registry.subjects.errors import (
    ConsentBeyondWording,
    ConsentGivenBefore,
    InvitationInvalid,
    InvitationTaken,
    ProofWrong,
    SubjectMalformed,
    SubjectRecordUnknown,
    SubjectSignInFailed,
    SubjectTiedBefore,
    SubjectWordForged,
    SubjectWrongRole,
    SubjectWrongState,
    WordingBundled,
    WordingRetired,
)
from registry.subjects.roots import path_of
from registry.subjects.rules import PAYLOAD_TYPE, ConsentKind, Wanted, word_of
from registry.subjects.states import GivenState
from registry.subjects.tables import GivenRow
from tests.registry.grading.bench import NOW
from tests.registry.grading.test_records import use
from tests.registry.subjects.persons import asked, make_persons
from tests.standstill import refused, untouched

ONE, OTHER = "1a" * 32, "2b" * 32


def _payload(envelope):
    return parse_envelope(orjson.loads(envelope)).payload.decode()


async def why(bench, consent_id, **changes):
    personal = PersonalData(True, True, True, True, consent_id=consent_id)
    async with bench.database.read() as s:
        try:
            await require_records(s, personal, use(bench, **changes))
        except ConsentMissing as refusal:
            return refusal.facts["why"]
    return None


async def test_a_person_answers_an_invitation_once_and_the_ledger_learns_no_pseudonym(bench):
    persons = await make_persons(bench)
    tie = await persons.come("one", ONE)
    assert await bench.said_of(tie.tie_id) == ["SBT.INVITE", "SBT.TIE"]
    async with bench.database.read() as s:
        said = (await s.exec(select(StatementRow.envelope))).all()
    assert not [one for one in map(_payload, said) if ONE in one or tie.did in one]
    async with refused(bench.database, SubjectTiedBefore):
        await bench.of("provider", entering.invite, pseudonym=ONE, code_mark="aa")
    async with refused(bench.database, InvitationTaken):
        await bench.of("provider", entering.invite, pseudonym=OTHER, code_mark=tie.code_mark)
    async with refused(bench.database, InvitationInvalid):
        await persons.by_word(entering.accept, desk=persons.desk, invitation="ANY", code="B")


async def test_an_invitation_lapses_after_its_last_moment(sqlite_bench):
    bench = sqlite_bench
    persons = await make_persons(bench)
    code = entering.new_code()
    tie = await bench.of("provider", entering.invite, pseudonym=ONE, code_mark=persons.desk.mark(code))
    bench.clock.move_to(tie.due_at + timedelta(seconds=1))
    async with refused(bench.database, InvitationInvalid):
        await persons.by_word(entering.accept, desk=persons.desk, invitation=code, code="B")
    await persons.work()
    assert await bench.said_of(tie.tie_id) == ["SBT.INVITE", "SBT.LAPSE"]


async def test_a_session_ends_after_half_an_hour_by_signing_out_and_cannot_be_made(sqlite_bench):
    bench = sqlite_bench
    persons = await make_persons(bench)
    await persons.come("one", ONE)
    one = persons.subjects["one"]
    session = persons.desk.session_for(one, NOW)

    async def who(session, at=NOW):
        async with bench.database.read() as s:
            return await entering.signed_in(s, desk=persons.desk, session=session, now=at)

    assert await who(session, NOW + timedelta(minutes=29)) == one
    for wrong in (session.replace("sub_", "sus_"), f"{one}.999999999999999.00", "", "é.1.é", session[:-1]):
        with pytest.raises(SubjectSignInFailed):
            await who(wrong)
    with pytest.raises(SubjectSignInFailed):
        await who(session, NOW + timedelta(minutes=30))
    async with bench.database.write() as s:
        await entering.sign_out(s, subject_id=one, now=NOW)
    with pytest.raises(SubjectSignInFailed):
        await who(session, NOW + timedelta(minutes=1))
    assert await who(persons.desk.session_for(one, NOW + timedelta(minutes=1)), NOW + timedelta(minutes=1))


async def test_consent_is_signed_by_the_person_and_is_what_was_asked_or_less(bench):
    persons = await make_persons(bench)
    tie = await persons.come("one", ONE)
    wording = await persons.words()
    row = await persons.give("one", wording, purposes=("RESEARCH",))
    assert (row.status, row.purposes, row.recipients) == (
        GivenState.GIVEN,
        ["RESEARCH"],
        [bench.authority.org_id],
    )
    message = pre_authentication(PAYLOAD_TYPE, row.word)
    assert signature_holds(entering.public_of(tie.did), message, row.sig)
    async with refused(bench.database, ConsentGivenBefore):
        await persons.give("one", wording)
    await persons.come("other", OTHER)
    async with refused(bench.database, ConsentBeyondWording) as caught:
        late = NOW + timedelta(days=500)
        await persons.give("other", wording, purposes=("MARKETING",), recipients=("x",), valid_until=late)
    assert caught.value.facts["fields"] == ["purposes", "recipients", "valid_until"]


async def test_a_person_with_an_own_key_signs_every_word_and_none_counts_twice(sqlite_bench):
    bench = sqlite_bench
    persons = await make_persons(bench)
    key = SigningKey.generate()
    tie = await persons.come("one", ONE, did_key(key.public))
    wording = await persons.words()

    def signed(challenge, act="consent.give", **args):
        said = {
            "args": args or said_of(wording.wording_id, wording.sha256, Wanted()),
            "holder_id": bench.provider.org_id,
            "origin": "data.example",
        }
        word = word_of(act=act, challenge=challenge, did=did_key(key.public), **said)
        return key.sign(pre_authentication(PAYLOAD_TYPE, word)).hex()

    first = tie.challenge
    for wrong in (None, "no hex", signed("00" * 32), signed(first, act="consent.withdraw"), "00" * 64):
        async with refused(bench.database, SubjectWordForged):
            await persons.give("one", wording, signature=wrong)
    given = await persons.give("one", wording, signature=signed(first))
    async with bench.database.read() as s:
        now = (await repository.get_tie(s, tie_id=tie.tie_id)).challenge
    assert now != first
    args = {"act": "consent.withdraw", "given_id": given.given_id}
    async with refused(bench.database, SubjectWordForged):
        await persons.withdraw("one", given, signature=signed(first, **args))
    fallen = await persons.withdraw("one", given, signature=signed(now, **args))
    assert fallen.status is GivenState.WITHDRAWN


async def test_one_wording_asks_one_thing_and_tells_all_that_the_law_wants_told(sqlite_bench):
    bench = sqlite_bench
    persons = await make_persons(bench)

    async def wrong(kind, **changes):
        async with untouched(bench.database, changes.pop("error")) as caught:
            await persons.words(kind, **changes)
        return caught.value.facts["fields"]

    told = dict(asked(ConsentKind.SENSITIVE).told)
    del told["impact"]
    assert await wrong(ConsentKind.SENSITIVE, told=told, error=SubjectMalformed) == ["impact"]
    more = asked(ConsentKind.PROCESS).told | {"rights_abroad": "x"}
    assert await wrong(ConsentKind.PROCESS, told=more, error=WordingBundled) == ["rights_abroad"]
    assert await wrong(ConsentKind.PROCESS, recipients=("x",), error=WordingBundled) == ["recipients"]
    assert await wrong(ConsentKind.PROVIDE, recipients=(), error=SubjectMalformed) == ["recipients"]
    first = await persons.words(ConsentKind.PROCESS)
    second = await persons.words(ConsentKind.PROCESS)
    assert (first.version, second.version) == (1, 2)
    assert second.sha256 == sha256_hex(
        canonical(asked(ConsentKind.PROCESS).document(holder_id=bench.provider.org_id, version=2))
    )
    assert await bench.said_of(first.wording_id) == ["SCW.PUBLISH", "SCW.REPLACE"]
    await persons.come("one", ONE)
    async with refused(bench.database, WordingRetired):
        await persons.give("one", first)
    async with refused(bench.database, SubjectWrongRole):
        await bench.of("clerk", wordings.publish, asked=asked(ConsentKind.PROCESS))


async def test_nobody_elses_consent_is_withdrawn_or_shown(bench):
    persons = await make_persons(bench)
    await persons.come("one", ONE)
    await persons.come("other", OTHER)
    given = await persons.give("one", await persons.words())
    record, entries = await persons.record(given)
    async with untouched(bench.database, SubjectRecordUnknown):
        await persons.withdraw("other", given)
    path = path_of(entries, persons.entry(given, persons.ties["one"]))
    about = {"given_id": given.given_id, "consent_id": record.consent_id, "path": path}
    async with untouched(bench.database, SubjectRecordUnknown):
        await persons.by_word(consenting.show, **about, subject_id=persons.subjects["other"])
    async with untouched(bench.database, SubjectRecordUnknown):
        await bench.of("clerk", consenting.show, **about)
    await persons.withdraw("one", given)
    async with refused(bench.database, SubjectWrongState):
        await persons.withdraw("one", given)


async def test_withdrawal_withholds_every_record_until_one_is_shown_to_lack_the_person(bench):
    persons = await make_persons(bench)
    await persons.come("one", ONE)
    given = await persons.give("one", await persons.words(ConsentKind.PROCESS))
    record, entries = await persons.record(given)
    await persons.show(given, record, entries)
    assert await why(bench, record.consent_id) is None
    fallen = await persons.withdraw("one", given)
    assert fallen.status is GivenState.WITHDRAWN
    assert await why(bench, record.consent_id) == "withdrawn-by-a-person"
    async with bench.database.read() as s:
        kinds = [job.kind for job in (await s.exec(select(JobRow))).all()]
    assert FELL_JOB in kinds
    shown = await persons.show(given, record, entries)
    assert shown.status is GivenState.WITHDRAWN, "the old record has the person: that settles nothing"
    bench.clock.move_to(NOW + timedelta(hours=1))
    after, without = await persons.record()
    assert await why(bench, after.consent_id) == "withdrawn-by-a-person", "not shown yet"
    async with refused(bench.database, ProofWrong):
        await persons.show(given, after, entries)
    shown = await persons.show(given, after, without)
    assert shown.status is GivenState.SETTLED
    assert await why(bench, after.consent_id) is None
    assert await why(bench, record.consent_id) == "withdrawn-by-a-person"
    assert await bench.said_of(given.given_id) == [
        *("SGC.GIVE", "SGC.SHOW", "SGC.WITHDRAW", "SGC.SHOW", "SGC.SHOW", "SGC.SETTLE")
    ]
    async with bench.database.read() as s:
        kinds = [job.kind for job in (await s.exec(select(JobRow))).all()]
    assert kinds.count(SETTLED_JOB) == 1


async def test_a_person_who_was_never_in_the_record_holds_it_no_longer_than_that_takes_to_show(sqlite_bench):
    bench = sqlite_bench
    persons = await make_persons(bench)
    await persons.come("one", ONE)
    given = await persons.give("one", await persons.words(ConsentKind.PROCESS))
    record, entries = await persons.record()
    await persons.withdraw("one", given)
    assert await why(bench, record.consent_id) == "withdrawn-by-a-person"
    await persons.show(given, record, entries)
    assert await why(bench, record.consent_id) is None


async def test_consent_for_named_recipients_withholds_from_those_alone(sqlite_bench):
    bench = sqlite_bench
    persons = await make_persons(bench)
    await persons.come("one", ONE)
    given = await persons.give("one", await persons.words())
    record, _ = await persons.record(given)
    await persons.withdraw("one", given)
    named = {"recipients": {bench.authority.org_id}}
    assert await why(bench, record.consent_id, **named) == "withdrawn-by-a-person"
    assert await why(bench, record.consent_id, recipients={"org_other"}) is None


async def test_a_consent_falls_with_its_last_moment_and_what_is_not_settled_is_overdue(sqlite_bench):
    bench = sqlite_bench
    persons = await make_persons(bench)
    await persons.come("one", ONE)
    until = NOW + timedelta(days=2)
    given = await persons.give("one", await persons.words(ConsentKind.SENSITIVE), valid_until=until)
    record, _ = await persons.record(given)
    bench.clock.move_to(until)
    await persons.work()
    assert await why(bench, record.consent_id) is None
    bench.clock.move_to(until + timedelta(seconds=1))
    await persons.work()
    assert await why(bench, record.consent_id) == "withdrawn-by-a-person"
    async with bench.database.read() as s:
        row = await s.get(GivenRow, given.given_id)
    assert row is not None
    assert row.settle_by is not None
    assert row.settle_by.isoformat() == "2026-12-09T15:59:59.999000+00:00", "15 working days"
    bench.clock.move_to(row.settle_by + timedelta(seconds=1))
    await persons.work()
    assert await bench.said_of(given.given_id) == ["SGC.GIVE", "SGC.EXPIRE", "SGC.OVERDUE"]


async def test_a_record_that_is_none_of_the_objects_shows_nothing(sqlite_bench):
    bench = sqlite_bench
    persons = await make_persons(bench)
    await persons.come("one", ONE)
    given = await persons.give("one", await persons.words())
    _, entries = await persons.record(given)
    path = path_of(entries, persons.entry(given, persons.ties["one"]))
    about = {"given_id": given.given_id, "consent_id": "cns_none", "path": path}
    async with untouched(bench.database, SubjectRecordUnknown):
        await bench.of("provider", consenting.show, **about)

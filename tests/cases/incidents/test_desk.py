"""What the desk of incidents refuses, its clocks, and that a refusal moves nothing."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from base.clock import SimulatedClock
from base.db import Database
from base.jobs import run_due
from cases.incidents import alarming, containing, detecting, ending, reporting, repository
from cases.incidents.clockwork import begin_watch, incident_handlers, watch
from cases.incidents.errors import (
    ClosingBeyondPower,
    IncidentMalformed,
    IncidentReportDue,
    IncidentSameOfficer,
    IncidentUnknown,
    IncidentWrongRole,
    IncidentWrongState,
    MeasureBeyondPower,
    ReportMisdirected,
    ReportUnknown,
    SignalNotTold,
    SubjectsNotNotified,
)
from cases.incidents.rules import Facts, Kind, Level, Matter, Measure, Receiver, ReportKind, Standing
from cases.incidents.seeing import reach_of
from cases.incidents.signals import Colour, Signal
from cases.incidents.states import IncidentState, WarningState
from cases.incidents.tables import IncidentRow, MeasureRow
from identity.failing import count_attempt
from ledger.acts import perform
from ledger.reader import statements_of
from ledger.sequencer import create_log
from registry.evaluation.incidents import incidents_of
from tests.houses import Party, TestHouse, make_house, officer

SMALL = Facts(kind=Kind.LEAK, persons=10)
LARGE = Facts(kind=Kind.LEAK, persons=1_000_000)
MAJOR = Facts(kind=Kind.LEAK, persons=10_000_000)
TEXT = {"title": "a leak", "text": "found outside"}
PARTS = dict.fromkeys(("cause", "course", "lessons", "actions"), "said")
TOLD = dict.fromkeys(("what", "harm", "measures", "contact"), "said")


@dataclass
class Room:
    """The house, who is in it, and two officers of each."""

    house: TestHouse
    parties: dict[str, Party]

    @property
    def clock(self) -> SimulatedClock:
        assert isinstance(self.house.clock, SimulatedClock)
        return self.house.clock

    async def do(self, who: str, verb: Any, **facts: Any) -> Any:
        """A verb as `name` or `name/2`: one of two officers, whose names are on record."""
        name, _, number = who.partition("/")
        party = self.parties[name]
        act = party.act()
        actor = replace(act.actor, user_id=f"usr_{_number(self, name, number)}")

        async def bound(s: Any, act: Any) -> Any:
            return await verb(s, act, **facts)

        about = {"attempted": verb.__name__, "object_id": facts.get("warning_id", party.org_id)}
        return await perform(self.house.house, replace(act, actor=actor), bound, **about)

    async def at(self, incident_id: str) -> IncidentRow:
        async with self.house.database.read() as s:
            return await repository.get_incident(s, incident_id=incident_id)

    async def events(self, object_id: str) -> list[str]:
        async with self.house.database.read() as s:
            return [one.event for one in await statements_of(s, object_id=object_id)]

    async def run(self) -> None:
        await run_due(self.house.database, self.house.clock.now(), incident_handlers(self.house.house))

    async def graded(self, who: str, facts: Facts, **more: Any) -> str:
        row = await self.do(who, detecting.detect, facts=facts, **TEXT, **more)
        await self.do(who, detecting.grade_incident, incident_id=row.incident_id, facts=facts)
        return str(row.incident_id)


def _number(room: Room, name: str, number: str) -> int:
    return 300 + 2 * sorted(room.parties).index(name) + (number == "2")


@pytest.fixture
async def room(database: Database, clock: SimulatedClock) -> Room:
    house = await make_house(database, clock)
    parties = {"exchange": house.operator}
    for name, role in (
        ("member", "PROVIDER"),
        ("cii", "PROVIDER"),
        ("agency", "PUBLIC_AGENCY"),
        ("cac", "CAC"),
        ("authority", "DATA_AUTHORITY"),
        ("police", "PUBLIC_SECURITY"),
    ):
        parties[name] = await house.admit(name, {role}, is_ciio=name == "cii")
    made = Room(house, parties)
    async with database.write() as s:
        for name, party in parties.items():
            for number in ("", "2"):
                row = officer(party.org_id, _number(made, name, number), clock)
                (role,) = party.actor.roles
                row.roles = f'["{role}"]'
                s.add(row)
    return made


async def test_a_critical_operator_reports_within_the_hour_and_it_is_handed_on(room: Room) -> None:
    clock = room.clock
    incident_id = await room.graded("cii", LARGE)  # says nothing of its standing: the register knows it
    clock.advance(timedelta(minutes=59))
    report = {"incident_id": incident_id, "kind": ReportKind.FIRST, "text": "a leak"}
    with pytest.raises(ReportMisdirected):
        await room.do("cii", reporting.report, receiver=Receiver.CAC, **report)
    made = await room.do("cii", reporting.report, receiver=Receiver.DATA_AUTHORITY, **report)
    assert made.late is False
    with pytest.raises(IncidentUnknown):  # nobody has told public security yet
        await room.do("police", reporting.receive_report, incident_id=incident_id, report_id=made.report_id)
    clock.advance(timedelta(minutes=2))
    await room.run()
    late = await room.do("cii", reporting.report, receiver=Receiver.PUBLIC_SECURITY, **report)
    assert late.late is True
    with pytest.raises(ReportUnknown):  # another office's
        await room.do("police", reporting.receive_report, incident_id=incident_id, report_id=made.report_id)
    clock.advance(timedelta(minutes=29))
    await room.run()
    forward = {"incident_id": incident_id, "report_id": made.report_id, "text": "seen"}
    handed = await room.do("authority", reporting.forward_report, **forward)
    assert (handed.receiver, handed.late, handed.forwarded) == (Receiver.CAC, True, True)
    events = await room.events(incident_id)
    assert events.count("INC.OVERDUE") == 2  # public security, and what was handed on
    assert events[-1] == "INC.FORWARD"


async def test_graded_upwards_the_clock_still_runs_from_the_detection(room: Room) -> None:
    clock = room.clock
    incident_id = await room.graded("member", SMALL)
    await room.do("member", containing.contain, incident_id=incident_id, text="shut")
    clock.advance(timedelta(hours=5))
    again = {"incident_id": incident_id, "reason": "more is known"}
    await room.do("member", detecting.regrade, facts=LARGE, **again)
    assert (await room.events(incident_id))[-2:] == ["INC.REGRADE", "INC.OVERDUE"]
    row = await room.at(incident_id)
    assert (row.status, row.level) == (IncidentState.CONTAINED, Level.LARGER)
    with pytest.raises(IncidentSameOfficer):  # downwards it is another person's word
        await room.do("member", detecting.regrade, facts=SMALL, **again)
    assert (await room.at(incident_id)).level is Level.LARGER
    await room.do("member/2", detecting.regrade, facts=SMALL, **again)
    async with room.house.database.read() as s:
        clocks = {one.matter: one for one in await repository.duties_of(s, incident_id=incident_id)}
    assert clocks[Matter.REPORT].overdue_at is not None  # what was late stays so
    assert clocks[Matter.REPORT_DATA].dropped_at is not None


async def test_a_slower_clock_is_a_second_persons_word_at_the_same_level(room: Room) -> None:
    central = replace(LARGE, standing=Standing.CENTRAL)
    incident_id = await room.graded("agency", central)
    again = {"incident_id": incident_id, "facts": LARGE, "reason": "we are none"}
    with pytest.raises(IncidentSameOfficer):
        await room.do("agency", detecting.regrade, **again)
    await room.do("agency/2", detecting.regrade, **again)
    async with room.house.database.read() as s:
        due = await repository.duty(s, incident_id=incident_id, matter=Matter.REPORT)
    assert due is not None
    assert due.due_at - (await room.at(incident_id)).detected_at == timedelta(hours=4)


async def test_what_is_nobody_elses_is_told_by_nobody_else(room: Room) -> None:
    member = room.parties["member"].org_id
    with pytest.raises(IncidentMalformed):
        await room.do("agency", detecting.detect, facts=LARGE, org_id=member, **TEXT)
    with pytest.raises(IncidentMalformed):
        later = room.house.clock.now() + timedelta(minutes=1)
        await room.do("member", detecting.detect, facts=LARGE, detected_at=later, **TEXT)
    with pytest.raises(IncidentMalformed):
        wrong = replace(LARGE, sensitive_persons=2_000_000)
        await room.do("member", detecting.detect, facts=wrong, **TEXT)
    async with room.house.database.read() as s:
        assert await repository.incidents(s) == []
    incident_id = await room.graded("exchange", LARGE, org_id=member)
    with pytest.raises(IncidentUnknown):
        await room.do("agency", containing.contain, incident_id=incident_id, text="mine")
    order = {"incident_id": incident_id, "object_id": "key_1", "reason": "theirs"}
    with pytest.raises(IncidentUnknown):
        await room.do("cac", containing.order_measure, measure=Measure.REVOKE_KEY, **order)
    await _report(room, "member", incident_id)
    with pytest.raises(MeasureBeyondPower):
        await room.do("cac", containing.order_measure, measure=Measure.REVOKE_KEY, **order)
    assert (await room.at(incident_id)).status is IncidentState.REPORTED


async def _report(room: Room, who: str, incident_id: str) -> None:
    for receiver in (Receiver.CAC, Receiver.DATA_AUTHORITY):
        said = {"receiver": receiver, "kind": ReportKind.FIRST, "text": "a leak"}
        await room.do(who, reporting.report, incident_id=incident_id, **said)


async def test_persons_are_spared_with_grounds_unless_it_is_ordered(room: Room) -> None:
    incident_id = await room.graded("member", LARGE)
    about = {"incident_id": incident_id}
    with pytest.raises(IncidentReportDue):
        await room.do("member", containing.contain, text="shut", **about)
    await _report(room, "member", incident_id)
    await room.do("member", containing.contain, text="shut", **about)
    with pytest.raises(SubjectsNotNotified):
        await room.do("member", ending.eradicate, text="gone", **about)
    await room.do("member", ending.spare_subjects, grounds="all was encrypted", **about)
    await room.do("cac", ending.order_notice, reason="the key leaked, too", **about)
    with pytest.raises(SubjectsNotNotified):
        await room.do("member", ending.spare_subjects, grounds="still", **about)
    with pytest.raises(SubjectsNotNotified):
        await room.do("member", ending.eradicate, text="gone", **about)
    assert (await room.at(incident_id)).status is IncidentState.CONTAINED
    await room.do("member", ending.notify_subjects, persons=1_000_000, **TOLD, **about)
    await room.do("member", ending.eradicate, text="gone", **about)
    assert (await room.at(incident_id)).status is IncidentState.ERADICATED


async def test_from_major_on_an_authority_closes_and_it_counts_in_the_evaluation(room: Room) -> None:
    clock = room.clock
    incident_id = await room.graded("agency", MAJOR)
    about = {"incident_id": incident_id}
    clock.advance(timedelta(hours=5))
    await room.run()
    await _report(room, "agency", incident_id)
    await room.do("agency", containing.contain, text="shut", **about)
    await room.do("agency", ending.spare_subjects, grounds="encrypted", **about)
    await room.do("agency", ending.eradicate, text="gone", **about)
    clock.advance(timedelta(days=31))
    await room.run()
    await room.do("agency", ending.review, **PARTS, **about)
    with pytest.raises(ClosingBeyondPower):
        await room.do("exchange", ending.close, reason="done", **about)
    assert (await room.at(incident_id)).status is IncidentState.REVIEWED
    await room.do("authority", ending.close, reason="done", **about)
    assert (await room.at(incident_id)).status is IncidentState.CLOSED
    assert (await room.events(incident_id)).count("INC.OVERDUE") == 2  # the report and the summary
    org_id, year = room.parties["agency"].org_id, {"since": datetime(2026, 1, 1, tzinfo=UTC)}
    async with room.house.database.read() as s:
        until = datetime(2027, 1, 1, tzinfo=UTC)
        found = await incidents_of(s, org_id=org_id, until=until, **year)
    assert found == ([incident_id], [incident_id])


async def test_a_clock_with_microseconds_runs_out_all_the_same(room: Room) -> None:
    clock = room.clock
    clock.advance(timedelta(microseconds=123_456))
    incident_id = await room.graded("member", LARGE)
    row = await room.do("exchange", alarming.tell_reading, signal=Signal.STORAGE_INTEGRITY, value=1)
    clock.advance(timedelta(hours=4, minutes=3))
    await room.run()
    assert (await room.events(incident_id))[-1] == "INC.OVERDUE"
    assert (await room.events(row.warning_id))[-1] == "WRN.OVERDUE"
    old = clock.now() - timedelta(days=3_000)
    with pytest.raises(IncidentMalformed):
        await room.do("member", detecting.detect, facts=LARGE, detected_at=old, **TEXT)


async def test_a_report_that_comes_before_the_clocks_job_is_late_all_the_same(room: Room) -> None:
    incident_id = await room.graded("member", LARGE)
    room.clock.advance(timedelta(hours=4, minutes=3))
    await _report(room, "member", incident_id)
    assert await room.events(incident_id) == [
        "INC.DETECT",
        "INC.GRADE",
        "INC.OVERDUE",
        "INC.REPORT",
        "INC.REPORT",
    ]
    async with room.house.database.read() as s:
        year = {"since": datetime(2026, 1, 1, tzinfo=UTC), "until": datetime(2027, 1, 1, tzinfo=UTC)}
        found = await incidents_of(s, org_id=room.parties["member"].org_id, **year)
    assert found == ([incident_id], [incident_id])


async def test_one_person_told_is_not_all_of_them(room: Room) -> None:
    incident_id = await room.graded("member", LARGE)
    about = {"incident_id": incident_id}
    room.clock.advance(timedelta(hours=73))
    await room.run()
    assert (await room.events(incident_id)).count("INC.OVERDUE") == 3  # reports, and the notice to persons
    await _report(room, "member", incident_id)
    await room.do("member", containing.contain, text="shut", **about)
    await room.do("member", ending.notify_subjects, persons=1, **TOLD, **about)
    with pytest.raises(SubjectsNotNotified):
        await room.do("member", ending.eradicate, text="gone", **about)
    await room.do("cac", ending.order_notice, reason="the others, too", **about)
    await room.do("member", ending.notify_subjects, persons=999_999, **TOLD, **about)
    await room.do("member", ending.eradicate, text="gone", **about)


async def test_nobody_escapes_the_authority_by_a_lower_level_nor_is_it_its_own(room: Room) -> None:
    incident_id = await room.graded("cac", replace(MAJOR, persons=0, loss_minor=2_000_000_000))
    about = {"incident_id": incident_id}
    await _report(room, "cac", incident_id)
    async with room.house.database.read() as s:
        report_id = (await repository.reports_of(s, **about))[0].report_id
    with pytest.raises(IncidentWrongRole):
        await room.do("cac", reporting.receive_report, report_id=report_id, **about)
    await room.do("cac", containing.contain, text="shut", **about)
    await room.do("cac", ending.eradicate, text="gone", **about)
    await room.do("cac", ending.review, **PARTS, **about)
    small = Facts(kind=Kind.LEAK)
    await room.do("cac/2", detecting.regrade, facts=small, reason="it was less", **about)
    for who in ("exchange", "cac/2"):
        with pytest.raises(ClosingBeyondPower):
            await room.do(who, ending.close, reason="done", **about)
    await room.do("authority", ending.close, reason="done", **about)


async def test_who_turns_out_to_be_critical_has_its_report_handed_on(room: Room) -> None:
    incident_id = await room.graded("member", LARGE)
    await _report(room, "member", incident_id)
    critical = replace(LARGE, standing=Standing.CII)
    again = {"incident_id": incident_id, "facts": critical, "reason": "the register was behind"}
    await room.do("member", detecting.regrade, **again)  # stricter: no second person
    async with room.house.database.read() as s:
        due = await repository.duty(s, incident_id=incident_id, matter=Matter.FORWARD)
    assert due is not None
    assert due.due_at == room.clock.now() + timedelta(minutes=30)


async def test_a_warning_that_gets_worse_or_lies_gains_no_time(room: Room) -> None:
    clock, tell = room.clock, {"signal": Signal.STORAGE_INTEGRITY, "about": "store"}
    row = await room.do("exchange", alarming.tell_reading, value=1, **tell)
    taken_at = clock.now()
    await room.do("exchange", alarming.acknowledge, warning_id=row.warning_id)
    clock.advance(timedelta(hours=20))
    await room.do("exchange", alarming.tell_reading, value=10, **tell)
    made = await room.do("exchange", alarming.escalate, warning_id=row.warning_id, facts=LARGE, **TEXT)
    assert made.detected_at == taken_at
    lying = await room.do("exchange", alarming.tell_reading, value=1, signal=Signal.RESTORE_REFUSED)
    due = lying.ack_by
    clock.advance(timedelta(hours=20))
    made = await room.do("exchange", alarming.escalate, warning_id=lying.warning_id, facts=LARGE, **TEXT)
    assert made.detected_at == due


async def test_what_goes_on_after_it_was_dismissed_warns_no_more_until_it_is_worse(room: Room) -> None:
    tell = {"signal": Signal.STORAGE_INTEGRITY, "about": "store"}

    async def told(value: int) -> str | None:
        room.clock.advance(timedelta(hours=1))
        row = await room.do("exchange", alarming.tell_reading, value=value, **tell)
        return None if row is None else str(row.warning_id)

    first = await told(2)
    await room.do("exchange", alarming.acknowledge, warning_id=first)
    await room.do("exchange/2", alarming.dismiss_warning, warning_id=first, reason="known")
    assert [await told(2), await told(2)] == [None, None]
    assert await told(0) is None
    again = await told(2)
    assert again is not None
    assert again != first


async def test_the_watch_warns_once_worsens_and_waits_for_an_officer(room: Room) -> None:
    clock = room.clock
    tell = {"signal": Signal.STORAGE_INTEGRITY, "about": "store"}
    with pytest.raises(SignalNotTold):
        await room.do("exchange", alarming.tell_reading, signal=Signal.SPLIT_VIEW, value=1)
    row = await room.do("exchange", alarming.tell_reading, value=1, **tell)
    assert (row.colour, row.status) == (Colour.ORANGE, WarningState.RAISED)
    clock.advance(timedelta(hours=2, milliseconds=1))
    await room.run()
    await room.do("exchange", alarming.acknowledge, warning_id=row.warning_id)
    same = await room.do("exchange", alarming.tell_reading, value=2, **tell)
    assert same.warning_id == row.warning_id
    clock.advance(timedelta(minutes=1))
    worse = await room.do("exchange", alarming.tell_reading, value=10, **tell)
    assert (worse.warning_id, worse.colour, worse.status) == (
        row.warning_id,
        Colour.RED,
        WarningState.RAISED,
    )
    await room.do("exchange", alarming.acknowledge, warning_id=row.warning_id)
    with pytest.raises(IncidentSameOfficer):
        await room.do("exchange", alarming.dismiss_warning, warning_id=row.warning_id, reason="a test")
    await room.do("exchange/2", alarming.dismiss_warning, warning_id=row.warning_id, reason="a test")
    assert await room.events(row.warning_id) == [
        "WRN.RAISE",
        "WRN.OVERDUE",
        "WRN.ACKNOWLEDGE",
        "WRN.WORSEN",
        "WRN.ACKNOWLEDGE",
        "REF.REFUSE",
        "WRN.DISMISS",
    ]


async def test_the_clock_reads_the_exchanges_own_signals(room: Room) -> None:
    database, clock = room.house.database, room.clock
    async with database.write() as s:
        await create_log(s, origin="exchange.example/test", at=clock.now())
        await begin_watch(s, now=clock.now())
        await begin_watch(s, now=clock.now())
        assert await watch(s, room.house.house.exchange_act(), at=clock.now()) == 0
    incident_id = await room.graded("member", SMALL)
    for who in ("member", "member", "exchange"):
        with pytest.raises(IncidentWrongState):
            await room.do(who, ending.eradicate, incident_id=incident_id, text="gone")
    async with database.write() as s:
        for login in range(10):  # one try each: passwords are sprayed
            await count_attempt(s, login=f"guessed.{login}", at=clock.now())
    clock.advance(timedelta(hours=1))
    await room.run()
    async with database.read() as s:
        found = await repository.warnings(s)  # two refusals and ten failures are below every limit
        assert [(one.signal, one.colour, one.numbers["value"]) for one in found] == [
            (Signal.SIGN_IN_ACCOUNTS, Colour.BLUE, "10")
        ]
        readings = await repository.history(
            s, signal=Signal.REFUSED_ACCESSES, about="", before=datetime(2100, 1, 1, tzinfo=UTC), limit=9
        )
    assert readings == [2]  # the same refusal within an hour is one statement


async def test_customs_sees_what_it_has_to_let_go_and_nothing_before_or_after(room: Room) -> None:
    incident_id = await room.graded("member", SMALL)
    cac = reach_of(room.parties["cac"].actor)

    async def seen() -> tuple[bool, int]:
        async with room.house.database.read() as s:
            row = await repository.get_incident(s, incident_id=incident_id)
            return await cac.covers(s, row), len(await repository.incidents(s, **cac.asked()))

    assert await seen() == (False, 0)
    halted = MeasureRow(
        order_id="ino_1",
        incident_id=incident_id,
        measure=Measure.HALT_CLEARANCE,
        object_id="xbd_1",
        stopped=["xbd_1"],
        reason="it leaks",
        ordered_at=room.clock.now(),
    )
    async with room.house.database.write() as s:
        s.add(halted)
    assert await seen() == (True, 1)
    async with room.house.database.write() as s:
        (row,) = await repository.measures_of(s, incident_id=incident_id)
        row.lifted_at = room.clock.now()
        s.add(row)
    assert await seen() == (False, 0)

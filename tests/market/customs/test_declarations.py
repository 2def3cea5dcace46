"""Declarations at work: routed with their group, looked at by one officer, carried by evidence, ended."""

import asyncio
import hashlib
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import col, update

from base.files import FileStore
from identity.tables import OrganisationRow
from ledger.reader import statements_of
from market.customs import carrying, deciding, declaring, entering
from market.customs.counting import CustomsDesk
from market.customs.declared import Ground, Kind
from market.customs.errors import (
    CustomsDocumentTaken,
    DeclarationMalformed,
    DeclarationTaken,
    DeclarationWrongRole,
    DeclarationWrongState,
    EvidenceRefused,
    RenewalTooLate,
)
from market.customs.proving import DocumentKind
from market.customs.repository import document_numbered
from market.customs.risk import lot_commitment, lot_of
from market.customs.routing import Way
from tests.market.customs.flows import ATTACHED, document, flow, shown
from tests.market.customs.post import MASTER, Post
from tests.standstill import refused


def lines(numbers):
    hashed = (hashlib.sha256(f"group:{n}".encode()).hexdigest() for n in numbers)
    return ("\n".join(hashed) + "\n").encode()


async def test_what_is_neither_personal_nor_important_is_exempt_and_its_lot_can_be_drawn_again(post: Post):
    row = await post.declare()
    assert (row.way, row.rule_id) == (Way.EXEMPT_NO_PERSONAL, "XBD-R4")
    async with post.database.read() as s:
        first, routed, *_ = await statements_of(s, object_id=row.declaration_id)
    opened = routed.predicate  # the secret was committed to before the root was read
    assert first.predicate["lot_commitment"] == lot_commitment(opened["lot_salt"])
    assert row.risk["lot"] == lot_of(opened["root"], row.declaration_id, opened["lot_salt"])
    looked_at = row.risk["lot"] < 500
    assert row.risk["drawn"] is looked_at
    last = "XBD.CHECK" if looked_at else "XBD.RELEASE"
    assert await post.said(row.declaration_id) == ["XBD.DECLARE", "XBD.AUTO_ROUTE", last]


async def test_splitting_over_affiliates_is_found_before_release_and_told_to_customs_alone(post: Post):
    first = await post.declare(flow(60_000))
    second = await post.declare(flow(39_999), who=post.affiliate)
    alone = await post.declare(flow(99_999), who=post.stranger)
    third = await post.declare(flow(1), who=post.third)
    assert [one.way for one in (first, second, alone)] == [Way.EXEMPT_SMALL] * 3
    assert third.way is Way.CONTRACT_OR_CERTIFICATION
    assert third.counts["persons"] == 100_000
    assert third.counts["by"] == sorted(one.declaration_id for one in (first, second, third))
    assert third.status == "ROUTED"


_SMALL, _CONTRACT, _ASSESSED = Way.EXEMPT_SMALL, Way.CONTRACT_OR_CERTIFICATION, Way.ASSESSMENT


@pytest.mark.parametrize(
    ("parts", "ways"),
    [
        ([(600_000, 0), (399_999, 0), (1, 0)], [_CONTRACT, _CONTRACT, _ASSESSED]),
        ([(0, 6_000), (0, 3_999), (0, 1)], [_CONTRACT, _CONTRACT, _ASSESSED]),
        ([(99_998, 0), (0, 9_999), (1, 0), (0, 1)], [_SMALL, _CONTRACT, _SMALL, _ASSESSED]),  # each apart
    ],
)
async def test_a_group_that_splits_meets_each_threshold_at_its_last_person_and_not_before(
    post: Post, parts, ways
):
    members = (post.exporter, post.affiliate, post.third, post.exporter)
    made = [await post.declare(flow(*part), who=who) for part, who in zip(parts, members, strict=False)]
    assert [one.way for one in made] == ways
    assert made[-1].counts["by"] == sorted(one.declaration_id for one in made)


async def test_of_two_affiliates_at_once_the_second_sees_the_first(post: Post):
    made = await asyncio.gather(post.declare(flow(60_000)), post.declare(flow(60_000), who=post.affiliate))
    assert sorted(one.way for one in made) == [Way.CONTRACT_OR_CERTIFICATION, Way.EXEMPT_SMALL]


async def test_the_year_begins_at_midnight_of_shanghai(post: Post):
    long = {"period_to": date(2027, 6, 30)}
    post.clock.move_to(datetime(2026, 12, 31, 15, 59, 59, tzinfo=UTC))
    old = await post.declare(flow(99_999, **long))
    last = await post.declare(flow(1, **long))
    assert (old.way, last.way) == (Way.EXEMPT_SMALL, Way.CONTRACT_OR_CERTIFICATION)
    assert old.valid_to == datetime(2026, 12, 31, 16, tzinfo=UTC) - timedelta(microseconds=1) or (
        old.valid_to < datetime(2026, 12, 31, 16, tzinfo=UTC)
    )
    post.clock.move_to(datetime(2026, 12, 31, 16, 0, 0, tzinfo=UTC))
    fresh = await post.declare(flow(99_999, **long))
    # what may go on into the new year counts in it: the one that waits for its contract, not the exempt one
    assert (fresh.way, fresh.year) == (Way.CONTRACT_OR_CERTIFICATION, 2027)
    assert fresh.counts["persons"] == 100_000
    other = await post.declare(flow(99_999, **long), who=post.stranger)
    assert (other.way, other.counts["persons"]) == (Way.EXEMPT_SMALL, 99_999)


async def test_what_is_declared_in_december_for_january_counts_and_lives_in_the_new_year(post: Post):
    post.clock.move_to(datetime(2026, 12, 31, 15, 59, 59, tzinfo=UTC))
    await post.declare(flow(99_999, period_to=date(2027, 6, 30)))
    ahead = {"period_from": date(2027, 1, 1), "period_to": date(2028, 6, 30)}
    first = await post.declare(flow(60_000, **ahead))
    assert (first.way, first.year, first.counts["persons"]) == (Way.EXEMPT_SMALL, 2027, 60_000)
    assert first.valid_from == datetime(2026, 12, 31, 16, tzinfo=UTC)
    assert timedelta(0) < datetime(2027, 12, 31, 16, tzinfo=UTC) - first.valid_to <= timedelta(seconds=1)
    second = await post.declare(flow(40_000, **ahead), who=post.affiliate)  # splitting ahead of the year
    assert (second.way, second.counts["persons"]) == (Way.CONTRACT_OR_CERTIFICATION, 100_000)
    this = await post.declare(flow(1, period_to=date(2026, 12, 31)), who=post.third)
    assert (this.year, this.counts["persons"]) == (2026, 100_000), "what is for January is not this year's"


async def test_a_group_is_counted_up_to_its_top_and_as_it_is_now(post: Post):
    parent = await post.house.admit("母公司", {"PROVIDER"}, controller_id="控股人")
    child = await post.house.admit("子公司", {"PROVIDER"}, controller_id=parent.org_id)
    first = await post.declare(flow(60_000), who=parent)
    second = await post.declare(flow(40_000), who=child)
    assert {first.group_id, second.group_id} == {"控股人"}
    assert (second.way, second.counts["persons"]) == (Way.CONTRACT_OR_CERTIFICATION, 100_000)
    alone = await post.declare(flow(60_000), who=post.stranger)
    assert alone.way is Way.EXEMPT_SMALL
    async with post.database.write() as s:  # bought by the parent's parent afterwards
        of_it = col(OrganisationRow.org_id) == post.stranger.org_id
        await s.exec(update(OrganisationRow).where(of_it).values(controller_id=child.org_id))
    joined = await post.declare(flow(1), who=child)
    assert joined.counts["persons"] == 160_001


async def test_exempt_flows_do_not_count_and_rejected_ones_neither(post: Post):
    proof = {"attachments": {"ground": "9" * 64}}
    employees = await post.declare(flow(0, 9_999, ground=Ground.EMPLOYEES, **proof))
    assert employees.way is Way.EXEMPT_EMPLOYEES
    unproved = await post.declare(flow(0, 9_999, ground=Ground.EMPLOYEES))
    assert (unproved.way, unproved.counts["sensitive"]) == (Way.CONTRACT_OR_CERTIFICATION, 9_999)
    secret = await post.declare(flow(99_999, state_secret=True))
    assert (secret.status, secret.reason_code) == ("REJECTED", "PROHIBITED")
    assert (await post.declare(flow(99_999))).way is Way.EXEMPT_SMALL


async def test_lists_of_persons_are_counted_once_over_the_group(post: Post, tmp_path):
    desk = CustomsDesk(FileStore(tmp_path / "files", MASTER, post.clock), lambda: tmp_path, MASTER)
    first = await post.declare(
        flow(0, 600), sensitive_file_id=await post.upload(desk.files, lines(range(600)))
    )
    assert first.status == "DECLARED"  # nothing is decided before it is counted
    await post.work(desk)
    second = await post.declare(
        flow(0, 500),
        who=post.affiliate,
        sensitive_file_id=await post.upload(desk.files, lines(range(300, 800)), who=post.affiliate),
    )
    await post.work(desk)
    counted = await post.row(second.declaration_id)
    assert (counted.status, counted.counts["sensitive"]) == ("ROUTED", 800)
    assert (await post.row(first.declaration_id)).counts["sensitive"] == 600
    plain = await post.declare(flow(0, 7), who=post.third)  # without a list: counted in full
    await post.work(desk)
    assert (await post.row(plain.declaration_id)).counts["sensitive"] == 807


async def test_a_list_that_counts_others_than_were_declared_goes_back_to_the_exporter(post: Post, tmp_path):
    desk = CustomsDesk(FileStore(tmp_path / "files", MASTER, post.clock), lambda: tmp_path, MASTER)
    row = await post.declare(flow(50), persons_file_id=await post.upload(desk.files, lines(range(49))))
    await post.work(desk)
    told = await post.row(row.declaration_id)
    assert (told.status, told.reason_code) == ("DECLARED", "PERSONS_FILE")
    assert told.note == "the list has 49 persons, the declaration says 50"
    other = await post.declare(
        flow(10),
        who=post.third,
        persons_file_id=await post.upload(desk.files, lines(range(10)), who=post.third),
    )
    await post.work(desk)  # a list that was refused stands in nobody's way, and its persons count in full
    assert (await post.row(other.declaration_id)).counts["persons"] == 60
    again = await post.exporter.do(
        declaring.redeclare,
        attempted="XBD.REDECLARE",
        declaration_id=row.declaration_id,
        declaration=flow(49),
        persons_file_id=await post.upload(desk.files, lines(range(49))),
    )
    await post.work(desk)
    assert (await post.row(again.declaration_id)).way is Way.EXEMPT_SMALL
    foreign = await post.upload(desk.files, lines(range(9)), who=post.stranger)
    with pytest.raises(Exception, match="file"):
        await post.declare(flow(9), persons_file_id=foreign)


async def reviewed(post: Post, **changes):
    """A declaration whose contract is on the register, before an officer."""
    await post.enter(**changes)
    row = await post.declare(flow(100_000))
    return await post.exporter.do(
        carrying.attach_evidence,
        attempted="XBD.ATTACH_EVIDENCE",
        declaration_id=row.declaration_id,
        shown=shown(),
    )


async def test_one_officer_takes_it_up_and_clears_it_and_the_other_hears_so(post: Post):
    row = await reviewed(post)
    about = {"declaration_id": row.declaration_id}
    async with refused(post.database, DeclarationTaken):
        await post.by("tao", deciding.clear, reason="at once", **about)
    both = await asyncio.gather(
        post.by("mei", deciding.take, **about),
        post.by("tao", deciding.take, **about),
        return_exceptions=True,
    )
    lost = [one for one in both if isinstance(one, Exception)]
    assert [type(one) for one in lost] == [DeclarationTaken]
    winner, other = ("mei", "tao") if isinstance(both[1], Exception) else ("tao", "mei")
    async with refused(post.database, DeclarationTaken):
        await post.by(other, deciding.clear, reason="mine", **about)
    cleared = await post.by(winner, deciding.clear, reason="in order", **about)
    assert (cleared.status, cleared.taken_by) == ("CLEARED", post.people[winner])
    async with refused(post.database, DeclarationWrongState):
        await post.by(winner, deciding.clear, reason="again", **about)
    events = [one for one in await post.said(row.declaration_id) if one.startswith("XBD.")]
    assert events[-3:] == ["XBD.ATTACH_EVIDENCE", "XBD.TAKE", "XBD.CLEAR"]


async def test_nobody_clears_its_own_and_no_exporter_acts_for_another(post: Post):
    row = await reviewed(post)
    about = {"declaration_id": row.declaration_id}
    async with refused(post.database, DeclarationWrongRole):
        await post.exporter.do(deciding.take, **about)
    for verb, more in ((carrying.complete, {}), (carrying.attach_evidence, {"shown": shown()})):
        async with refused(post.database, DeclarationWrongRole):
            await post.affiliate.do(verb, **about, **more)
    own = await post.house.admit("网信数据中心", {"CAC"}, controller_id="粤能集团")
    async with refused(post.database, DeclarationWrongRole):
        await own.do(deciding.take, **about)


async def test_evidence_that_fell_after_it_was_shown_clears_nothing(post: Post):
    row = await reviewed(post)
    about = {"declaration_id": row.declaration_id}
    await post.by("mei", deciding.take, **about)
    async with post.database.read() as s:
        kept = await document_numbered(s, number="GD-SC-2026-0001")
    assert kept is not None
    await post.by("tao", entering.end_document, document_id=kept.document_id, reason="withdrawn")
    async with refused(post.database, EvidenceRefused):
        await post.by("mei", deciding.clear, reason="late", **about)
    back = await post.by("mei", deciding.send_back, reason="show another", **about)
    assert (back.status, back.taken_by, back.note) == ("DECLARED", None, "show another")


async def test_a_number_stands_once_on_the_register_and_only_the_authority_writes_it(post: Post):
    await post.enter()
    with pytest.raises(CustomsDocumentTaken):
        await post.enter()
    async with refused(post.database, DeclarationWrongRole):
        await post.exporter.do(entering.enter_document, document=document(post.exporter.org_id, number="X"))
    with pytest.raises(DeclarationMalformed):
        await post.by("mei", entering.enter_document, document=document("org_nobody", number="Y"))


async def test_an_assessment_is_passed_by_its_number_and_lives_three_years_at_most(post: Post):
    row = await post.declare(flow(1_000_000, period_to=date(2029, 11, 15)))
    assert row.way is Way.ASSESSMENT
    about = {"declaration_id": row.declaration_id}
    async with refused(post.database, EvidenceRefused):
        await post.exporter.do(carrying.submit_assessment, attached=ATTACHED, **about)
    papers = ATTACHED | {"self_assessment": "4" * 64}
    await post.exporter.do(carrying.submit_assessment, attached=papers, **about)
    await post.by("mei", deciding.take, **about)
    async with refused(post.database, EvidenceRefused):
        await post.by("mei", deciding.pass_assessment, number="CAC-0", **about)
    await post.enter(
        kind=DocumentKind.ASSESSMENT,
        number="CAC-1",
        persons=1_000_000,
        issued_on=date(2026, 11, 10),
        valid_until=None,
    )
    passed = await post.by("mei", deciding.pass_assessment, number="CAC-1", **about)
    assert passed.status == "CLEARED"
    assert passed.valid_to.date() == date(2029, 11, 10)
    await post.enter(
        kind=DocumentKind.ASSESSMENT,
        number="CAC-2",
        persons=1_000_000,
        issued_on=date(2029, 8, 1),
        filed_on=date(2029, 8, 1),
        valid_until=None,
    )
    longer = shown(kind=DocumentKind.ASSESSMENT, number="CAC-2")
    renewal = {"shown": longer, "to": date(2031, 11, 10)}
    post.clock.move_to(datetime(2029, 8, 2, 1, tzinfo=UTC))
    renewed = await post.exporter.do(carrying.renew, **about, **renewal)
    assert (renewed.status, renewed.valid_to.date()) == ("CLEARED", date(2031, 11, 10))
    post.clock.move_to(datetime(2031, 9, 1, 1, tzinfo=UTC))  # fewer than sixty working days are left
    async with refused(post.database, RenewalTooLate):
        await post.exporter.do(carrying.renew, shown=longer, to=date(2031, 12, 1), **about)


async def test_what_is_over_expires_by_the_clock_and_a_foreign_request_waits_for_an_approval(post: Post):
    row = await post.cleared(flow(period_to=date(2026, 11, 20)))
    await post.work(later=timedelta(days=4, hours=14, minutes=59))
    assert (await post.row(row.declaration_id)).status == "CLEARED"
    await post.work(later=timedelta(minutes=2))
    assert (await post.row(row.declaration_id)).status == "EXPIRED"
    asked = await post.declare(flow(kind=Kind.FOREIGN_REQUEST, request_authority="a district court"))
    assert (asked.status, asked.way) == ("ROUTED", Way.MANUAL)
    async with refused(post.database, EvidenceRefused):
        await post.exporter.do(carrying.attach_evidence, declaration_id=asked.declaration_id, shown=shown())


async def test_a_zone_exempts_who_sits_in_it_from_what_its_list_in_force_leaves_out(post: Post):
    said = flow(
        200_000, ground=Ground.FREE_TRADE_ZONE, zone="nansha", attachments={"zone_number": "NS-SEAT-1"}
    )
    assert (await post.declare(said)).way is Way.CONTRACT_OR_CERTIFICATION  # nothing is on the register
    await post.enter(kind=DocumentKind.ZONE, number="NS-SEAT-1", recipient_name="nansha")
    assert (await post.declare(said)).way is Way.CONTRACT_OR_CERTIFICATION  # the zone has no list
    entry = {
        "entry_id": "NS-1",
        "industry": "J",
        "scenario": "",
        "data_desc": "credit records",
        "threshold": 100_000,
        "way": "ASSESSMENT",
    }
    zone = {"zone": "nansha", "source": "notice 1 of 2026", "effective_to": None}
    first = await post.by("mei", entering.enter_list, entries=[], effective_from=date(2026, 11, 16), **zone)
    assert (await post.declare(said)).way is Way.EXEMPT_ZONE
    assert (await post.declare(said, who=post.affiliate)).way is not Way.EXEMPT_ZONE  # another's seat
    second = await post.by(
        "mei", entering.enter_list, entries=[entry], effective_from=date(2026, 11, 17), **zone
    )
    assert (first.version, second.version) == (1, 2)
    assert (await post.declare(said)).way is Way.EXEMPT_ZONE  # the second is not in force yet
    post.clock.advance(timedelta(days=1))
    found = await post.declare(said)
    assert (found.way, found.rule_id) == (Way.ASSESSMENT, "XBD-R8")

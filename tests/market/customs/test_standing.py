"""What lives by the count of its group is halted when the group counts more, and not one person before."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import col, update

from base.errors import Malformed
from base.files import FileStore
from identity.control import controls_of
from identity.errors import OperatorOnly
from ledger.reader import opening, statements_of
from market.customs import carrying, deciding
from market.customs.counting import CustomsDesk
from market.customs.errors import EvidenceRefused
from market.customs.proving import DocumentKind
from market.customs.regrouping import change_controller
from market.customs.routing import Way
from market.customs.tables import DeclarationRow
from tests.market.customs.flows import flow, shown
from tests.market.customs.post import MASTER, Post
from tests.market.customs.test_hands import bought
from tests.market.customs.test_lists import lines
from tests.standstill import refused


async def by_contract(post: Post, said, who, desk=None, **lists):
    """A declaration that its standard contract carries, cleared by mei; its lists are counted before."""
    row = await post.declare(said, who=who, **lists)
    if desk is not None:
        await post.work(desk)
    about = {"declaration_id": row.declaration_id}
    await who.do(carrying.attach_evidence, shown=shown(), **about)
    await post.by("mei", deciding.take, **about)
    await post.by("mei", deciding.clear, reason="in order", **about)
    return row


@pytest.fixture
def desk(post: Post, tmp_path):
    return CustomsDesk(FileStore(tmp_path / "files", MASTER, post.clock), lambda: tmp_path, MASTER)


async def stands(post: Post, *rows):
    found = [await post.row(one.declaration_id) for one in rows]
    return [(one.status.value, one.reason_code) for one in found]


OPEN, STOPPED = ("CLEARED", None), ("HALTED", "ROUTE_TOO_LIGHT")


async def filed(post: Post):
    """One contract of the whole group."""
    await post.enter(exporter_ids=frozenset({post.exporter.org_id, post.affiliate.org_id, post.third.org_id}))


async def test_past_the_threshold_what_went_by_the_lighter_route_is_halted(post: Post):
    await filed(post)
    ours, others = await post.cleared(flow(60_000)), await post.cleared(flow(99_999), who=post.stranger)
    small = await post.cleared(flow(39_999), who=post.affiliate)  # the twin: 99,999 together
    waits = await post.declare(flow(1), who=post.third)
    assert waits.way is Way.CONTRACT_OR_CERTIFICATION
    assert await stands(post, ours, small, others) == [OPEN] * 3  # what waits has not left
    await post.third.do(carrying.attach_evidence, declaration_id=waits.declaration_id, shown=shown())
    await post.by("mei", deciding.take, declaration_id=waits.declaration_id)
    await post.by("mei", deciding.clear, declaration_id=waits.declaration_id, reason="in order")
    assert await stands(post, ours, small, waits, others) == [STOPPED, STOPPED, OPEN, OPEN]
    async with post.database.read() as s:
        told = (await statements_of(s, object_id=ours.declaration_id))[-1]
        opened = await opening(s, sha256=told.opening_sha256)
    assert (told.event, told.predicate["reason_code"]) == ("XBD.HALT", "ROUTE_TOO_LIGHT")
    assert "persons" not in told.predicate  # how many the group counts is nobody else's
    assert (opened["persons"], opened["sensitive"]) == (100_000, 0)
    async with refused(post.database, EvidenceRefused) as why:
        await post.by("mei", deciding.resume, declaration_id=ours.declaration_id, reason="let it")
    assert why.value.facts["why"] == "group"
    about = {"declaration_id": small.declaration_id, "reason_code": "OTHER", "reason": "declared again"}
    await post.by("mei", deciding.revoke, **about)
    again = await post.declare(flow(39_999), who=post.affiliate)
    assert again.way is Way.CONTRACT_OR_CERTIFICATION


async def test_who_is_cleared_second_is_asked_again_although_it_was_counted_first(post: Post):
    await filed(post)
    ours = await post.declare(flow(60_000, onward=("US",)))
    assert (ours.way, ours.status) == (Way.EXEMPT_SMALL, "UNDER_CHECK")
    await by_contract(post, flow(40_000), post.affiliate)
    await post.by("tao", deciding.take, declaration_id=ours.declaration_id)
    async with refused(post.database, EvidenceRefused) as why:
        await post.by("tao", deciding.clear, declaration_id=ours.declaration_id, reason="alone")
    assert why.value.facts["route"] == "CONTRACT_OR_CERTIFICATION"


async def test_a_group_that_grows_halts_what_both_had(post: Post):
    ours, theirs = await post.cleared(flow(60_000)), await post.cleared(flow(40_000), who=post.stranger)
    facts = {"org_id": post.stranger.org_id, "reason": "an extract of the register"}
    exporter = {"controller_id": post.exporter.org_id}
    with pytest.raises(OperatorOnly):
        await post.exporter.do(change_controller, **facts, **exporter)
    for wrong in ({"controller_id": post.stranger.org_id}, {"controller_id": None}):  # itself, as it is
        with pytest.raises(Malformed):
            await post.house.operator.do(change_controller, **facts, **wrong)
    assert await stands(post, ours, theirs) == [OPEN, OPEN]
    await bought(post, post.stranger, by=post.exporter.org_id)
    assert await stands(post, ours, theirs) == [STOPPED, STOPPED]  # at once
    await bought(post, post.stranger, by=None)  # sold again: what was sent in between stays counted
    async with post.database.read() as s:
        told = [(one.controller_id, one.known) for one in await controls_of(s, org_id=post.stranger.org_id)]
        said = (await statements_of(s, object_id=post.stranger.org_id))[-1]
    assert told == [(None, True), (post.exporter.org_id, True), (None, True)]
    assert (said.event, "controller_id" in said.predicate) == ("ORG.CONTROL", False)
    last = await post.declare(flow(1), who=post.stranger)
    assert last.counts["persons"] == 40_001


async def test_the_same_persons_twice_halt_nothing_and_one_more_does(post: Post, desk):
    await filed(post)

    async def listed(numbers, who, sensitive):
        file = await post.upload(desk.files, lines(numbers), who=who)
        return await by_contract(post, flow(0, sensitive), who, desk, sensitive_file_id=file)

    first = await listed(range(6_000), post.exporter, 6_000)
    second = await listed(range(6_000), post.affiliate, 6_000)
    await post.work(desk)
    assert await stands(post, first, second) == [OPEN, OPEN]  # 12,000 in sum, 6,000 of them
    third = await post.declare(
        flow(0, 4_000),
        who=post.third,
        sensitive_file_id=await post.upload(desk.files, lines(range(6_000, 10_000)), who=post.third),
    )
    await post.work(desk)
    assert (await post.row(third.declaration_id)).way is Way.ASSESSMENT
    about = {"declaration_id": third.declaration_id}
    papers = {"self_assessment": "1" * 64, "contract": "2" * 64, "pipia": "3" * 64}
    await post.third.do(carrying.submit_assessment, attached=papers, **about)
    who = frozenset({post.third.org_id})
    await post.enter(kind=DocumentKind.ASSESSMENT, number="CAC-1", exporter_ids=who)
    await post.by("mei", deciding.take, **about)
    await post.by("mei", deciding.pass_assessment, number="CAC-1", **about)
    assert await stands(post, first, second) == [OPEN, OPEN]  # not before the lists are counted
    await post.work(desk)
    assert await stands(post, first, second, third) == [STOPPED, STOPPED, OPEN]


@pytest.mark.parametrize(
    ("second_at", "way"),
    [
        (datetime(2026, 12, 31, 15, 59, 59, 999_000, tzinfo=UTC), Way.CONTRACT_OR_CERTIFICATION),
        (datetime(2026, 12, 31, 16, 0, tzinfo=UTC), Way.EXEMPT_SMALL),
    ],
    ids=["the last moment of the year", "the first of the next"],
)
async def test_midnight_of_31_december_in_shanghai_parts_the_years(post: Post, second_at, way):
    post.clock.move_to(datetime(2026, 12, 31, 15, 59, 59, tzinfo=UTC))
    long = {"period_to": date(2027, 6, 30)}
    old = await post.cleared(flow(99_999, **long))
    post.clock.move_to(second_at)
    fresh = await post.declare(flow(1, **long), who=post.affiliate)
    assert fresh.way is way
    post.clock.move_to(datetime(2026, 12, 31, 16, 0, tzinfo=UTC))
    await post.work(later=timedelta(seconds=1))
    assert (await post.row(old.declaration_id)).status == "EXPIRED"


@pytest.mark.parametrize(
    ("product_id", "sent", "counted"),
    [
        ("prd_of_the_exchange", 0, 80_000),  # nothing left by the gate
        ("prd_of_the_exchange", 1, 140_000),
        (None, 0, 140_000),  # it goes another way: nobody sees what left
    ],
    ids=["unused", "used", "another way"],
)
async def test_what_expires_unused_counts_no_more(post: Post, product_id, sent, counted):
    row = await post.cleared(flow(60_000, period_to=date(2026, 11, 30)))
    async with post.database.write() as s:
        of_it = col(DeclarationRow.declaration_id) == row.declaration_id
        values = {"product_id": product_id, "sent_uses": sent, "sent_bytes": sent}
        await s.exec(update(DeclarationRow).where(of_it).values(**values))
    assert (await post.declare(flow(40_000), who=post.affiliate)).way is Way.CONTRACT_OR_CERTIFICATION
    await post.work(later=timedelta(days=15))
    assert (await post.row(row.declaration_id)).status == "EXPIRED"
    said = replace(flow(40_000), period_from=date(2026, 12, 1))
    assert (await post.declare(said, who=post.third)).counts["persons"] == counted

"""Hands of a declaration: withdrawn, given back, taken over, lapsed; and groups that grow meanwhile."""

import asyncio
from datetime import date, timedelta

import pytest

from market.customs import carrying, deciding, declaring
from market.customs.errors import (
    DeclarationTaken,
    DeclarationWrongRole,
    DeclarationWrongState,
    EvidenceRefused,
)
from market.customs.regrouping import change_controller
from market.customs.routing import Way
from tests.market.customs.flows import flow
from tests.market.customs.post import Post
from tests.market.customs.test_declarations import reviewed
from tests.standstill import refused


async def test_an_exporter_withdraws_what_is_not_cleared_and_its_persons_count_no_more(post: Post):
    row = await post.declare(flow(99_999))
    assert (await post.row(row.declaration_id)).status in {"CLEARED", "UNDER_CHECK"}
    waits = await post.declare(flow(1))
    assert waits.way is Way.CONTRACT_OR_CERTIFICATION
    about = {"declaration_id": waits.declaration_id}
    async with refused(post.database, DeclarationWrongRole):
        await post.affiliate.do(carrying.withdraw, reason="not mine", **about)
    taken = await post.exporter.do(carrying.withdraw, reason="the trade fell", **about)
    assert (taken.status, taken.reason_code, taken.note) == ("WITHDRAWN", "WITHDRAWN", "the trade fell")
    async with refused(post.database, DeclarationWrongState):
        await post.exporter.do(carrying.withdraw, reason="again", **about)
    third = await post.declare(flow(1), who=post.third)
    assert third.counts["persons"] == 100_000


async def test_what_is_cleared_is_not_withdrawn_and_what_an_officer_had_is_seen_again(post: Post):
    cleared = await post.cleared(flow())
    async with refused(post.database, DeclarationWrongState):
        await post.exporter.do(carrying.withdraw, declaration_id=cleared.declaration_id, reason="late")
    looked_at = await post.declare(flow(50_000, onward=("US",)), who=post.stranger)  # no scan, passed on: 50
    assert looked_at.status == "UNDER_CHECK"
    await post.by("mei", deciding.take, declaration_id=looked_at.declaration_id)
    back = await post.stranger.do(
        carrying.withdraw, declaration_id=looked_at.declaration_id, reason="another form of it"
    )
    assert (back.status, back.reason_code, back.taken_by) == ("WITHDRAWN", "WITHDRAWN_FROM_OFFICER", None)
    again = await post.declare(flow(), who=post.stranger)  # of the same recipient, now said to be harmless
    assert (again.way, again.status) == (Way.EXEMPT_NO_PERSONAL, "UNDER_CHECK")


async def test_an_officer_gives_back_and_another_takes_over_who_was_away(post: Post):
    row = await reviewed(post)
    about = {"declaration_id": row.declaration_id}
    await post.by("mei", deciding.take, **about)
    async with refused(post.database, DeclarationTaken):
        await post.by("tao", deciding.give_back, **about)
    given = await post.by("mei", deciding.give_back, **about)
    assert (given.status, given.taken_by, given.taken_at) == ("UNDER_REVIEW", None, None)
    post.clock.advance(timedelta(seconds=1))
    await post.by("tao", deciding.take, **about)
    post.clock.move_to(post.clock.now().replace(hour=15, minute=59, second=59) + timedelta(days=2))
    async with refused(post.database, DeclarationTaken):  # two working days, their last second
        await post.by("mei", deciding.take, **about)
    post.clock.advance(timedelta(seconds=1))
    taken = await post.by("mei", deciding.take, **about)
    assert taken.taken_by == post.people["mei"]
    async with refused(post.database, DeclarationTaken):
        await post.by("tao", deciding.clear, reason="mine", **about)
    assert (await post.by("mei", deciding.clear, reason="in order", **about)).status == "CLEARED"


async def test_what_nobody_clears_within_its_period_lapses(post: Post):
    short = {"period_to": date(2026, 11, 20)}
    seen = await reviewed(post)
    waits = await post.declare(flow(100_000, **short), who=post.third)
    looked_at = await post.declare(flow(50_000, onward=("US",), **short), who=post.stranger)
    await post.by("mei", deciding.take, declaration_id=looked_at.declaration_id)
    await post.work(later=timedelta(days=4, hours=14, minutes=59, seconds=59))
    assert (await post.row(waits.declaration_id)).status == "ROUTED"
    await post.work(later=timedelta(seconds=2))
    ended = [await post.row(one.declaration_id) for one in (waits, looked_at, seen)]
    assert [one.status for one in ended] == ["LAPSED", "LAPSED", "UNDER_REVIEW"]
    assert [one.reason_code for one in ended[:2]] == ["LAPSED", "LAPSED_AT_OFFICER"]
    async with refused(post.database, DeclarationWrongState):
        await post.by("mei", deciding.clear, declaration_id=looked_at.declaration_id, reason="late")
    fresh = await post.declare(flow(1), who=post.stranger)
    assert fresh.counts["persons"] == 1


async def bought(post: Post, who, *, by):
    about = {"org_id": who.org_id, "controller_id": by, "reason": "an extract of the register"}
    await post.house.operator.do(change_controller, **about)


async def test_who_is_bought_while_customs_looks_is_counted_before_release(post: Post):
    ours = await post.declare(flow(60_000, onward=("US",)))
    theirs = await post.declare(flow(60_000, onward=("US",)), who=post.stranger)
    assert {one.way for one in (ours, theirs)} == {Way.EXEMPT_SMALL}
    assert {one.status for one in (ours, theirs)} == {"UNDER_CHECK"}
    for one in (ours, theirs):
        await post.by("mei", deciding.take, declaration_id=one.declaration_id)
    await bought(post, post.stranger, by=post.exporter.org_id)
    for one in (ours, theirs):  # neither has counted the other
        async with refused(post.database, EvidenceRefused) as told:
            await post.by("mei", deciding.clear, declaration_id=one.declaration_id, reason="alone")
        assert told.value.facts["why"] == "group"
    heavier = await post.by(
        "mei",
        deciding.reroute,
        declaration_id=theirs.declaration_id,
        way=Way.CONTRACT_OR_CERTIFICATION,
        reason="120,000 of one group",
    )
    assert heavier.status == "ROUTED"
    again = await post.by("mei", deciding.send_back, declaration_id=ours.declaration_id, reason="count again")
    routed = await post.exporter.do(
        declaring.redeclare, declaration_id=again.declaration_id, declaration=flow(60_000)
    )
    assert (routed.way, routed.counts["persons"]) == (Way.CONTRACT_OR_CERTIFICATION, 120_000)


async def test_a_near_miss_of_a_group_that_grew_is_released(post: Post):
    ours = await post.declare(flow(60_000, onward=("US",)))
    theirs = await post.declare(flow(39_999, onward=("US",)), who=post.stranger)
    await bought(post, post.stranger, by="粤能集团")
    for one in (ours, theirs):
        await post.by("mei", deciding.take, declaration_id=one.declaration_id)
        cleared = await post.by("mei", deciding.clear, declaration_id=one.declaration_id, reason="99,999")
        assert cleared.status == "CLEARED"


async def test_an_affiliate_bought_after_it_was_declared_shares_the_lock_and_the_counter(post: Post):
    await bought(post, post.stranger, by=post.affiliate.org_id)
    both = await asyncio.gather(
        post.declare(flow(60_000)), post.declare(flow(40_000), who=post.stranger), return_exceptions=True
    )
    assert sorted(one.way for one in both) == [Way.CONTRACT_OR_CERTIFICATION, Way.EXEMPT_SMALL]
    assert {one.group_id for one in both} == {"粤能集团"}


@pytest.mark.parametrize("where", ["clear", "declare"])
async def test_two_officers_or_affiliates_at_the_same_instant_do_not_both_pass(post: Post, where):
    if where == "declare":
        made = await asyncio.gather(
            *(post.declare(flow(40_000), who=who) for who in (post.exporter, post.affiliate, post.third))
        )
        ways = sorted(one.way for one in made)
        assert ways == [Way.CONTRACT_OR_CERTIFICATION, Way.EXEMPT_SMALL, Way.EXEMPT_SMALL]
        return
    ours = await post.declare(flow(60_000, onward=("US",)))
    theirs = await post.declare(flow(60_000, onward=("US",)), who=post.stranger)
    await bought(post, post.stranger, by="粤能集团")
    await post.by("mei", deciding.take, declaration_id=ours.declaration_id)
    await post.by("tao", deciding.take, declaration_id=theirs.declaration_id)
    both = await asyncio.gather(
        post.by("mei", deciding.clear, declaration_id=ours.declaration_id, reason="alone"),
        post.by("tao", deciding.clear, declaration_id=theirs.declaration_id, reason="alone"),
        return_exceptions=True,
    )
    assert [type(one) for one in both] == [EvidenceRefused, EvidenceRefused]

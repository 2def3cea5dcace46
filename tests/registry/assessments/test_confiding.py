"""Confidential items: who sees what, a chain of accesses without a gap, and a log that is checked offline."""

from datetime import timedelta

import orjson
import pytest

from base.clock import rfc3339
from registry.assessments import confiding, repository
from registry.assessments.confiding import Marked
from registry.assessments.errors import (
    AssessmentMalformed,
    ConfidentialityRefused,
    SecurityWrongRole,
    SecurityWrongState,
)
from registry.assessments.rules import Secrecy, access_of, digest_of
from registry.assessments.states import ItemState
from supervision.access_log import Access, verify_log
from tests.registry.grading.bench import NOW
from tests.standstill import refused, untouched

ITEM = Marked(sha256="a" * 64)
PURPOSE = {"purpose": "核对报价"}


async def marked(room, **changes):
    said = {
        "marked": ITEM,
        "secrecy": Secrecy.BUSINESS_INFORMATION,
        "title": "二〇二六年报价单",
        "until": NOW + timedelta(days=365),
        "readers": (room.assessor.org_id,),
    }
    return await room.of("provider", confiding.mark, **(said | changes))


async def exported(room, item):
    async with room.database.read() as s:
        row = await repository.got(s, confiding.ItemRow, item.item_id)
    return orjson.loads(b"".join([piece async for piece in confiding.log_pieces(room.database, row)]))


def on_ledger(log):
    """The accesses of a log as the ledger says them."""
    return [
        Access(one["statement_id"], one["org_id"], one["no"], one["previous"], one["sha256"])
        for one in log["accesses"]
    ]


async def test_every_access_is_chained_and_who_was_not_admitted_is_refused_and_recorded(room):
    item = await marked(room)
    about = {"item_id": item.item_id}
    async with refused(room.database, ConfidentialityRefused):
        await room.of("other", confiding.read, **about, **PURPOSE)
    async with refused(room.database, ConfidentialityRefused):
        await room.of("cac", confiding.read, **about, **PURPOSE)
    one = await room.of("assessor", confiding.read, **about, **PURPOSE)
    two = await room.of("provider", confiding.read, **about, **PURPOSE)  # its holder's own are no less stated
    assert (one.no, one.record["previous"]) == (1, ITEM.sha256)
    assert (two.no, two.record["previous"]) == (2, one.sha256)
    assert one.sha256 == digest_of(
        access_of(
            item_id=item.item_id,
            no=1,
            org_id=room.assessor.org_id,
            user_id=room.people["assessor"],
            purpose="核对报价",
            at=NOW,
            previous=ITEM.sha256,
        )
    )
    reason = {"reader_id": room.assessor.org_id, "reason": "项目结束"}
    await room.of("provider", confiding.exclude, **about, **reason)
    async with refused(room.database, ConfidentialityRefused):
        await room.of("assessor", confiding.read, **about, **PURPOSE)
    await room.of("provider", confiding.admit, **about, reader_id=room.other.org_id, reason="投标")
    assert (await room.of("other", confiding.read, **about, **PURPOSE)).no == 3
    async with refused(room.database, SecurityWrongRole):
        await room.of("other", confiding.lift, **about, reason="公开")
    log = await exported(room, item)
    assert verify_log(log, on_ledger(log)) == []
    assert log["head"] == log["accesses"][-1]["sha256"]


async def test_what_is_left_out_of_a_log_or_false_in_it_is_named(sqlite_room):
    room = sqlite_room
    item = await marked(room)
    for _ in range(3):
        await room.of("assessor", confiding.read, item_id=item.item_id, **PURPOSE)
    log = await exported(room, item)
    said = on_ledger(log)
    one, two, three = log["accesses"]

    def why(accesses, **changes):
        return verify_log({**log, "accesses": accesses, **changes}, said)

    assert why([one, three]) == [
        "access 2 is not in the log",
        "access 3 does not follow the one before it in the log",
    ]
    assert why([one, two]) == ["access 3 is not in the log", "the log does not end where its head says"]
    cut = why([one, two], head=two["sha256"])
    assert cut == ["access 3 is not in the log"]  # the ledger knows better
    false = {**two, "org_id": room.other.org_id}
    assert why([one, false, three])[0] == "access 2 does not have the digest that it claims"
    forged = {**two, "purpose": "另有用途"}
    forged["sha256"] = digest_of({k: v for k, v in forged.items() if k not in {"sha256", "statement_id"}})
    assert "access 2 is said otherwise on the ledger" in why([one, forged, three])
    added = {**three, "no": 4, "previous": three["sha256"]}
    assert "access 4 is not on the ledger" in why([one, two, three, added])
    assert verify_log({"form": "of another kind"}, said) == ["this is no log of accesses"]
    assert verify_log({**log, "accesses": [{"no": "x"}]}, said) == ["this is no log of accesses"]


async def test_content_is_for_who_has_just_stated_an_access_of_his_own(sqlite_room):
    room = sqlite_room
    item = await marked(room)
    access = await room.of("assessor", confiding.read, item_id=item.item_id, **PURPOSE)
    short = await marked(room, until=NOW + timedelta(minutes=3))
    await room.of("assessor", confiding.read, item_id=short.item_id, **PURPOSE)
    mine = {
        "item_id": item.item_id,
        "no": 1,
        "user_id": access.user_id,
        "org_id": access.org_id,
        "now": NOW + timedelta(minutes=10),
    }
    async with room.database.read() as s:
        assert (await confiding.require_access(s, **mine)).item_id == item.item_id
        for wrong in (
            {"now": NOW + timedelta(minutes=10, seconds=1)},
            {"item_id": short.item_id, "now": NOW + timedelta(minutes=4)},  # its term is over before
            {"user_id": "usr_colleague"},
            {"org_id": room.other.org_id},
            {"no": 2},
        ):
            with pytest.raises(ConfidentialityRefused):
                await confiding.require_access(s, **(mine | wrong))


async def test_it_ends_with_its_term_and_nobody_reads_it_as_secret_any_more(sqlite_room):
    room = sqlite_room
    item = await marked(room)
    room.clock.move_to(item.until + timedelta(seconds=1))
    async with refused(room.database, ConfidentialityRefused):
        await room.of("provider", confiding.read, item_id=item.item_id, **PURPOSE)
    await room.work()
    async with room.database.read() as s:
        assert (await repository.got(s, confiding.ItemRow, item.item_id)).status is ItemState.EXPIRED
    async with refused(room.database, SecurityWrongState):
        await room.of("provider", confiding.lift, item_id=item.item_id, reason="公开")


@pytest.mark.parametrize(
    "wrong",
    [
        {"until": NOW},
        {"until": NOW + timedelta(days=3700)},
        {"title": " "},
        {"readers": tuple(f"org_{n}" for n in range(51))},
    ],
)
async def test_marks_without_form_are_refused(sqlite_room, wrong):
    async with untouched(sqlite_room.database, AssessmentMalformed):
        await marked(sqlite_room, **wrong)


def test_a_log_says_its_times_as_the_ledger_does():
    record = access_of(item_id="i", no=1, org_id="o", user_id=None, purpose="p", at=NOW, previous="a" * 64)
    assert record["at"] == rfc3339(NOW)
    assert digest_of(record) != digest_of(replace_at(record))


def replace_at(record):
    return {**record, "at": rfc3339(NOW + timedelta(milliseconds=1))}

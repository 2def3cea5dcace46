"""What a broker discloses and tells, and when that is late."""

from datetime import UTC, datetime, timedelta

import pytest

from base.errors import Malformed
from brokers.conduct.errors import InterestDisclosedBefore, InterestUnknown, NoticeSubjectUnknown
from brokers.conduct.repository import interests_in
from brokers.conduct.rules import Change, InterestKind, change_is_late
from brokers.conduct.service import disclose_interest, end_interest, notify_change, report_suspicion
from brokers.errors import MandateWrongRole
from tests.identity.unmoved import statements
from tests.standstill import refused, untouched

LISTING = "lst_00000000000000000000000001"
HOUR = timedelta(hours=1)


async def disclosed(guild, who=None, **facts):
    said = {"party_id": guild.seller.org_id, "kind": InterestKind.OWNERSHIP, "share_bp": 500} | facts
    return await (who or guild.broker).do(disclose_interest, attempted="CND.DISCLOSE", **said)


async def test_an_interest_is_disclosed_once_and_ends_when_the_broker_says_so(guild):
    row = await disclosed(guild)
    async with refused(guild.database, InterestDisclosedBefore):
        await disclosed(guild)
    ended = await guild.broker.do(end_interest, object_id=row.interest_id, interest_id=row.interest_id)
    assert ended.ended_at is not None
    async with guild.database.read() as s:
        assert not await interests_in(s, broker_id=guild.broker.org_id, parties=[guild.seller.org_id])
    (said,) = await statements(guild.database, "CND.DISCLOSE")
    assert said["predicate"]["party_id"] == guild.seller.org_id
    assert "share_bp" not in said["predicate"]  # how much is for who holds the opening
    assert (await disclosed(guild)).interest_id != row.interest_id


@pytest.mark.parametrize(
    "wrong", [{"share_bp": None}, {"kind": InterestKind.CONTROL}, {"share_bp": 10_001}, {"share_bp": -1}]
)
async def test_a_disclosure_without_form_leaves_no_trace(guild, wrong):
    async with untouched(guild.database, Malformed):
        await disclosed(guild, **wrong)


async def test_only_a_broker_discloses_and_only_its_own(guild):
    async with refused(guild.database, MandateWrongRole):
        await disclosed(guild, guild.seller, party_id=guild.buyer.org_id)
    row = await disclosed(guild)
    async with refused(guild.database, MandateWrongRole):
        await guild.other.do(end_interest, object_id=row.interest_id, interest_id=row.interest_id)
    with pytest.raises(InterestUnknown):
        await guild.broker.do(end_interest, object_id="int_x", interest_id="int_x")


@pytest.mark.parametrize(("after", "late"), [(24 * HOUR, False), (24 * HOUR + timedelta(seconds=1), True)])
async def test_a_suspicion_is_told_within_a_day_and_late_ones_say_so(guild, after, late):
    noticed_at = guild.clock.now() - after
    about = guild.seller.org_id
    row = await guild.broker.do(report_suspicion, about=about, noticed_at=noticed_at, text="来源可疑")
    assert (row.late, row.about) == (late, about)
    (said,) = await statements(guild.database, "CND.REPORT")
    assert said["predicate"]["late"] is late
    # Nobody is warned: what it says, about whom and when it was noticed is in the opening.
    usual = {"object", "event", "actor", "role", "occurred_at", "clock", "custody", "opening"}
    assert said["predicate"].keys() - usual == {"notice_id", "kind", "late"}
    assert about not in str(said)


async def test_a_suspicion_is_about_something_that_is_there(guild):
    async with untouched(guild.database, NoticeSubjectUnknown):
        await guild.broker.do(
            report_suspicion, about=LISTING, noticed_at=guild.clock.now() - HOUR, text="来源可疑"
        )


async def test_nobody_notices_what_is_yet_to_come(guild):
    async with untouched(guild.database, Malformed):
        await guild.broker.do(
            report_suspicion, about=LISTING, noticed_at=guild.clock.now() + HOUR, text="来源可疑"
        )


@pytest.mark.parametrize(
    ("day", "late"),
    [(20, True), (22, True), (23, False), (30, False)],  # told on Monday the 16th
)
async def test_a_change_is_told_five_working_days_before(guild, day, late):
    effect = datetime(2026, 11, day, 1, tzinfo=UTC)
    row = await guild.broker.do(notify_change, change=Change.CONTROL, takes_effect_at=effect, text="股东变更")
    assert (row.late, row.about) == (late, "CONTROL")
    assert change_is_late(told_at=guild.clock.now(), takes_effect_at=effect) is late

"""A mandate ends with its time: stated once by the clock, whatever state it is in and however late."""

from datetime import timedelta

import pytest

from base.jobs import run_due
from brokers.clockwork import certificate_handlers
from brokers.mandating import end_mandate
from brokers.repository import get_mandate, mandates_of
from brokers.rules import MandateState
from brokers.service import suspend_certificate
from tests.brokers.test_service import ENDS
from tests.identity.unmoved import statements

JUST_OVER = timedelta(milliseconds=1)


async def work(guild, at):
    guild.clock.move_to(at)
    while await run_due(guild.database, guild.clock.now(), certificate_handlers(guild.house.house)):
        pass


async def said_of_mandates(guild):
    said = [one["predicate"] for one in await statements(guild.database)]
    return [(one["event"], one["object"], one["role"]) for one in said if one["event"].startswith("MND.")]


async def status_of(guild, mandate_id):
    async with guild.database.read() as s:
        return (await get_mandate(s, mandate_id=mandate_id)).status


async def test_the_end_is_stated_once_and_not_a_moment_before(guild):
    await guild.certify()
    mandate = await guild.sign()
    await guild.accept(mandate.mandate_id)
    await work(guild, ENDS)
    assert await status_of(guild, mandate.mandate_id) is MandateState.ACTIVE
    await work(guild, ENDS + JUST_OVER)
    await work(guild, ENDS + timedelta(days=1))
    expired = [one for one in await said_of_mandates(guild) if one[0] == "MND.EXPIRE"]
    assert expired == [("MND.EXPIRE", mandate.mandate_id, "EXCHANGE_OPERATOR")]
    for party in (guild.seller, guild.broker):  # both see it
        async with guild.database.read() as s:
            (seen,) = await mandates_of(s, org_id=party.org_id)
        assert seen.status is MandateState.EXPIRED


async def test_after_a_standstill_ends_are_stated_in_their_order(guild):
    await guild.certify()
    later = await guild.sign(ends_at=ENDS + timedelta(days=2))
    sooner = await guild.sign(guild.seller, ends_at=ENDS - timedelta(days=2))
    await guild.accept(later.mandate_id)
    await work(guild, ENDS + timedelta(days=90))
    expired = [one[1] for one in await said_of_mandates(guild) if one[0] == "MND.EXPIRE"]
    assert expired == [sooner.mandate_id, later.mandate_id]  # one that nobody had accepted ends too


async def test_a_frozen_mandate_ends_and_one_that_was_taken_back_does_not_end_again(guild):
    certificate = await guild.certify()
    frozen, gone = await guild.sign(), await guild.sign()
    for one in (frozen, gone):
        await guild.accept(one.mandate_id)
    await guild.take_back(gone.mandate_id)
    await guild.discipline(suspend_certificate, certificate.cert_id)
    await work(guild, ENDS + JUST_OVER)
    assert await status_of(guild, frozen.mandate_id) is MandateState.EXPIRED
    assert await status_of(guild, gone.mandate_id) is MandateState.REVOKED_BY_CLIENT


@pytest.mark.parametrize("state", [MandateState.ACTIVE, MandateState.REVOKED_BY_CLIENT])
async def test_a_job_that_comes_early_or_late_states_nothing(guild, state):
    await guild.certify()
    mandate = await guild.sign()
    await guild.accept(mandate.mandate_id)
    if state is MandateState.REVOKED_BY_CLIENT:
        await guild.take_back(mandate.mandate_id)
        guild.clock.move_to(ENDS + JUST_OVER)
    before = await said_of_mandates(guild)
    async with guild.database.write() as s:
        ended = await end_mandate(s, guild.house.house.exchange_act(), mandate_id=mandate.mandate_id)
    assert not ended
    assert await said_of_mandates(guild) == before

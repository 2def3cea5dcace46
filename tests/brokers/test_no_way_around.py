"""What a panel, a review or a suspension has begun is not got rid of by another way through the states."""

from datetime import timedelta
from typing import Any

from brokers import applying
from brokers.certifying import certify
from brokers.errors import ApplicationUnderWay
from tests.brokers.office import SCOPE
from tests.brokers.test_practice import as_broker
from tests.standstill import refused


async def enter_directly(office: Any) -> Any:
    async def entered(s: Any, act: Any, *, cert_id: str, **said: Any) -> Any:
        del cert_id
        return await certify(s, act, **said)

    now = office.clock.now()
    return await office.as_person(
        "zhao",
        entered,
        cert_id="x",
        org_id=office.broker.org_id,
        cert_no="GD-DB-M-2-2026-0009",
        scope=SCOPE,
        valid_from=now,
        valid_to=now + timedelta(days=1000),
    )


async def test_who_withdraws_before_a_panels_no_is_not_entered_by_one_officer(office):
    row = await office.apply()
    await office.as_person("chen", applying.review, cert_id=row.cert_id)
    for name in ("chen", "li", "wang"):
        await office.vote(row.cert_id, name, approves=False)
    await as_broker(office, applying.withdraw, row.cert_id)
    async with refused(office.database, ApplicationUnderWay):
        await enter_directly(office)
    office.clock.advance(timedelta(seconds=1))
    assert (await office.certified()).status.value == "ACTIVE"  # a panel may still pass it


async def test_an_application_that_lapsed_was_decided_here_too(office):
    row = await office.apply(evidence=())
    await office.as_person("chen", applying.ask_correction, cert_id=row.cert_id, remarks="材料不全")
    office.clock.advance(timedelta(days=30))
    await office.work()
    async with refused(office.database, ApplicationUnderWay):
        await enter_directly(office)

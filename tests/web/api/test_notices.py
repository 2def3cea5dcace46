"""What a broker suspects is read by whom it was told to, and warns nobody else."""

from base.clock import rfc3339
from tests.web.api.test_openings import desk
from tests.web.market import Market

FAKE = "lst_00000000000000000000000001"


async def test_supervisors_read_what_a_broker_suspects_and_nobody_else(market: Market) -> None:
    listing = market.ids["listed"]
    said = {"about": listing, "noticed_at": rfc3339(market.served.clock.now()), "text": "来源可疑"}
    async with market.served.client() as http:
        broker = await desk(market, http, "broker")
        await broker.step_up()
        unknown = await broker.call("POST", "/broker-notices/suspicions", {**said, "about": FAKE})
        assert (unknown.status_code, unknown.json()["code"]) == (404, "notice-subject-unknown")
        told = await broker.call("POST", "/broker-notices/suspicions", said)
        assert told.status_code == 201, told.text
        notice_id = told.json()["notice_id"]
        for name in ("authority", "samr", "operator", "broker"):
            who = await desk(market, http, name)
            assert [one["notice_id"] for one in await who.get("/broker-notices")] == [notice_id], name
            whole = await who.get(f"/broker-notices/{notice_id}")
            assert (whole["about"], whole["text"]) == (listing, "来源可疑")
        for name in ("provider", "auditor"):
            who = await desk(market, http, name)
            assert await who.get("/broker-notices") == []
            answer = await who.call("GET", f"/broker-notices/{notice_id}")
            assert (answer.status_code, answer.json()["code"]) == (404, "notice-unknown")

"""One's own password and second factor, as pages and over the API; what is done about a login is stated."""

import base64
import re
from datetime import timedelta
from pathlib import Path

import httpx

from base.clock import SimulatedClock
from identity.totp import code_at, step_of
from ledger.reader import statements_of
from tests.web.api.desk import Desk
from tests.web.nodes import PASSWORD, Served, serving
from tests.web.pages.browsing import Browser

NEW = "three green lanterns at noon"


async def test_a_person_sets_up_a_second_factor_and_signs_in_with_it(
    tmp_path: Path, clock: SimulatedClock
) -> None:
    async with serving(tmp_path, clock, second_factor_roles="EXCHANGE_OPERATOR") as served:
        browser = Browser(served)
        login = await browser.get("/login")
        page = await browser.send(login, "/en/login", {"login": "operator", "password": PASSWORD})
        place = browser.last.headers["location"]  # the role asks for it: nothing else is reached
        assert place == "/en/account/second-factor"
        async with served.client(cookies=dict(browser.client.cookies)) as elsewhere:
            assert (await elsewhere.get("/en/ops")).status_code == 303  # to the sign-in
        page = await browser.get("/account/second-factor")
        assert "set it up first" in page.words
        page = await browser.send(page, "/en/account/second-factor", {"password": PASSWORD}, expect=200)
        assert browser.last.headers["cache-control"] == "private, no-store"
        secret = base64.b32decode(re.search(r"<code>([A-Z2-7]{32})</code>", browser.last.text)[1])
        wrong = await browser.send(page, "/en/account/second-factor/confirm", {"code": "000000"}, expect=422)
        assert "The code is wrong" in wrong.words
        code = code_at(secret, step_of(clock.now()))
        page = await browser.send(page, "/en/account/second-factor/confirm", {"code": code}, expect=200)
        codes = re.findall(r"<code>([A-Z2-7]{4}(?:-[A-Z2-7]{4}){3})</code>", browser.last.text)
        assert len(set(codes)) == 10
        clock.advance(timedelta(seconds=30))
        login = await browser.get("/login")
        said = {"login": "operator", "password": PASSWORD}
        refused = await browser.send(login, "/en/login", said, expect=401)
        assert "A code of your second factor is needed" in refused.words
        fresh = code_at(secret, step_of(clock.now()))
        await browser.send(login, "/en/login", said | {"code": fresh})
        assert "Operations" in (await browser.get("/ops")).words
        await a_new_password(browser, code=codes[0])
        await over_the_api(served, codes)


async def a_new_password(browser: Browser, *, code: str) -> None:
    page = await browser.get("/account/password")
    for wrong, said, status in (
        ({"old": PASSWORD, "new": NEW, "again": f"{NEW}!"}, "The two new passwords differ", 422),
        ({"old": "wrong", "new": NEW, "again": NEW}, "password is wrong", 401),
        ({"old": PASSWORD, "new": NEW, "again": NEW}, "A code of your second factor is needed", 401),
    ):
        page = await browser.send(page, "/en/account/password", wrong, expect=status)
        assert said in page.words
        assert NEW not in browser.last.text
    await browser.send(
        page, "/en/account/password", {"old": PASSWORD, "new": NEW, "again": NEW, "code": code}
    )
    assert "is changed" in (await browser.get("/account/password?changed=1")).words


async def over_the_api(served: Served, codes: list[str]) -> None:
    """The same over the API; and another officer resets what its owner has lost, as the ledger tells."""
    async with served.client() as http:
        form = {"username": "operator", "password": NEW}
        answer = await http.post("/api/v1/token", data=form)
        assert (answer.status_code, answer.json()["code"]) == (401, "second-factor-needed")
        operator = await Desk(http, "operator", served.operator.org_id, password=NEW).sign_in(code=codes[1])
        assert (await operator.get("/second-factor"))["codes_left"] == 8
        body = {"login": "second.officer", "name": "王敏", "password": PASSWORD}
        person = await operator.act(f"/organisations/{served.operator.org_id}/people", body)
        other = await Desk(http, "second.officer", served.operator.org_id).sign_in()
        shut = await other.call("GET", "/trades")
        assert (shut.status_code, shut.json()["code"]) == (403, "second-factor-missing")
        offered = (await other.call("POST", "/second-factor", {"password": PASSWORD})).json()
        secret = base64.b32decode(offered["secret"])
        code = code_at(secret, step_of(served.clock.now()))
        done = await other.call("POST", "/second-factor/confirm", {"code": code})
        assert len(done.json()["recovery_codes"]) == 10
        own = await operator.call("POST", f"/people/{served.operator.user_id}/reset-second-factor")
        assert (own.status_code, own.json()["code"]) == (403, "persons-bound")
        await operator.act(f"/people/{person['user_id']}/reset-second-factor")
        again = await other.call("POST", "/token")  # nothing of it is asked for any more
        assert again.status_code == 422
        assert (await Desk(http, "second.officer").sign_in()).token
        await operator.act(f"/people/{person['user_id']}/close")
        gone = await http.post("/api/v1/token", data={"username": "second.officer", "password": PASSWORD})
        assert gone.status_code == 401
        await only_pseudonyms(served, person["user_id"], http)


async def only_pseudonyms(served: Served, user_id: str, http: httpx.AsyncClient) -> None:
    async with served.node.database.read() as s:
        said = await statements_of(s, object_id=user_id)
    assert [one.event for one in said] == ["PPL.ENROL", "PPL.RESET_FACTOR", "PPL.CLOSE"]
    assert {one.predicate["by_user"] for one in said} == {served.operator.user_id}
    for one in said:
        assert "王敏" not in str(one.payload)
        assert "second.officer" not in str(one.payload)

"""What holds at every door: who may come in, how much is taken, what every answer carries."""

import asyncio
import hashlib
import re
import sqlite3
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from fastapi import FastAPI
from sqlalchemy import event
from starlette.types import Message

from identity.rules import Role
from tests.houses import some_id_number
from tests.identity.unmoved import statements
from tests.standstill import all_rows
from tests.web.api.conftest import Room
from tests.web.api.desk import Desk
from tests.web.api.refusing import nothing_stored, problem
from tests.web.nodes import PASSWORD, Served
from web.acts import kinds
from web.main import MAX_BODY_BYTES, Bounds

AN_ID = "trd_" + "0" * 26
# What anybody may ask without a token. What is added here is public on purpose.
OPEN = {
    ("GET", "/api/v1/auctions"),
    ("GET", "/api/v1/auctions/{auction_id}"),
    ("GET", "/api/v1/auctions/{auction_id}/price"),
    ("GET", "/api/v1/brokers"),
    ("GET", "/api/v1/brokers/statistics"),
    ("GET", "/api/v1/brokers/{no}"),
    ("GET", "/api/v1/brokers/{cert_no}/credential"),
    ("GET", "/api/v1/brokers/{cert_no}/conduct"),
    ("GET", "/api/v1/certificate-notices"),
    ("GET", "/api/v1/chiefs"),
    ("GET", "/api/v1/maturity"),
    ("GET", "/api/v1/evaluation-periods"),
    ("GET", "/api/v1/evaluations"),
    ("GET", "/api/v1/evaluations.csv"),
    ("GET", "/api/v1/evaluations/{evaluation_id}"),
    ("GET", "/api/v1/evaluations/{evaluation_id}/recomputed"),
    ("GET", "/api/v1/grading/rules"),
    ("GET", "/api/v1/assessors"),
    ("GET", "/api/v1/grants"),
    ("GET", "/api/v1/grants/{grant_id}"),
    ("GET", "/api/v1/grants/{grant_id}/products/{product_id}/caps"),
    ("GET", "/api/v1/open-entries"),
    ("GET", "/api/v1/open-entries/{open_id}"),
    ("GET", "/api/v1/open-entries/{open_id}/uses"),
    ("GET", "/api/v1/operating-institutions"),
    ("GET", "/api/v1/negative-lists"),
    ("GET", "/api/v1/customs-networks"),
    ("GET", "/api/v1/fees"),
    ("GET", "/api/v1/procurements"),
    ("GET", "/api/v1/scenarios"),
    ("GET", "/api/v1/products/{product_id}/contributors"),
    ("GET", "/api/v1/rule-tables"),
    ("GET", "/api/v1/registrar-papers"),
    ("GET", "/api/v1/registrars"),
    ("GET", "/api/v1/registration-notices"),
    ("GET", "/api/v1/registrations/by-number/{number}"),
    ("GET", "/api/v1/registrations/{registration_id}/notice"),
    ("GET", "/api/v1/contract-models"),
    ("GET", "/api/v1/contract-models/{model_id}/{version}/{lang}"),
    ("GET", "/api/v1/facets"),
    ("GET", "/api/v1/ledger"),
    ("GET", "/api/v1/ledger/entries"),
    ("GET", "/api/v1/ledger/entries/{seq}"),
    ("GET", "/api/v1/ledger/entries/{seq}/federated"),
    ("GET", "/api/v1/ledger/consistency"),
    ("GET", "/api/v1/ledger/entries/{seq}/entry.json"),
    ("GET", "/api/v1/ledger/entries/{seq}/proof"),
    ("GET", "/api/v1/ledger/entries/{seq}/receipt"),
    ("GET", "/api/v1/ledger/statements/{statement_id}/receipt"),
    ("GET", "/api/v1/ledger/witnesses"),
    ("GET", "/api/v1/listings"),
    ("GET", "/api/v1/listings/{listing_id}"),
    ("GET", "/api/v1/listings/{listing_id}/buyers"),
    ("GET", "/api/v1/listings/{listing_id}/conditions"),
    ("GET", "/api/v1/listings/{listing_id}/sandbox"),
    ("GET", "/api/v1/listings/{listing_id}/contract.odcs.yaml"),
    ("GET", "/api/v1/listings/{listing_id}/plan"),
    ("GET", "/api/v1/listings/{listing_id}/price"),
    ("GET", "/api/v1/listings/{listing_id}/history"),
    ("GET", "/api/v1/listings/{listing_id}/quote"),
    ("GET", "/api/v1/listings/{listing_id}/quality"),
    ("GET", "/api/v1/listings/{listing_id}/requests"),
    ("GET", "/api/v1/products/{product_id}/provenance"),
    ("POST", "/api/v1/my-data/accounts"),
    ("POST", "/api/v1/my-data/session"),
    ("GET", "/api/v1/organisations"),
    ("GET", "/api/v1/organisations/{org_id}"),
    ("GET", "/api/v1/organisations/{org_id}/keys"),
    ("GET", "/api/v1/published-decisions"),
    ("POST", "/api/v1/reports"),
    ("POST", "/api/v1/reports/consent"),
    ("POST", "/api/v1/reports/follow-up"),
    ("POST", "/api/v1/reports/messages"),
    ("GET", "/api/v1/requests"),
    ("GET", "/api/v1/requests/{request_id}"),
    ("GET", "/api/v1/requests/{request_id}/matches"),
    ("GET", "/api/v1/requests/{request_id}/wishes"),
    ("GET", "/api/v1/matching/rules"),
    ("GET", "/api/v1/trade-certificates/{certificate_no}"),
    ("GET", "/api/v1/voucher-issuers"),
    ("GET", "/api/v1/voucher-types"),
    ("GET", "/api/v1/voucher-types/{type_id}"),
    ("POST", "/api/v1/weaknesses"),
    ("POST", "/api/v1/weaknesses/follow-up"),
    ("POST", "/api/v1/bank/notifications"),  # the bank's signature is its credential
    ("POST", "/api/v1/credentials/check"),  # reads; whoever holds a credential may ask about it
    ("POST", "/api/v1/token"),
}


def routes(app: FastAPI) -> Iterator[tuple[str, str]]:
    for path, methods in app.openapi()["paths"].items():
        if path.startswith("/api/"):
            for method in methods:
                yield method.upper(), path


def filled(path: str) -> str:
    """An address with something of the right form in every place."""
    known = {"cert_no": "GZ-DB-2026-0001", "seq": "0", "name": "x"}
    return re.sub(r"\{(\w+)\}", lambda found: known.get(found[1], AN_ID), path)


async def test_every_door_but_the_open_ones_asks_for_a_token(served: Served) -> None:
    named = set(routes(served.app))
    assert named >= OPEN
    async with served.client() as http, nothing_stored(served.node.database):
        for method, path in sorted(named - OPEN):
            body = None if method in {"GET", "HEAD"} else {}
            headers = {"idempotency-key": "k", "file-name": "x"}
            answer = await http.request(method, filled(path), json=body, headers=headers)
            assert answer.status_code == 401, (method, path, answer.text)
            if method != "HEAD":
                problem(answer, 401, "unauthenticated")


async def test_a_cookie_reads_and_opens_no_unsafe_door(room: Room) -> None:
    """A browser sends its cookie by itself; what changes something asks for a token that it does not send."""
    cookie = {"cookie": f"databourse_session={room.served.token(room.market.buyer)}"}
    async with nothing_stored(room.database):
        assert (await room.http.get("/api/v1/trades", headers=cookie)).status_code == 200
        for method, path in sorted(set(routes(room.served.app)) - OPEN):
            if method not in {"GET", "HEAD"}:
                headers = cookie | {"idempotency-key": "k", "file-name": "x"}
                answer = await room.http.request(method, filled(path), json={}, headers=headers)
                problem(answer, 401, "unauthenticated")


def test_every_kind_of_act_names_roles_that_exist_and_never_all_of_them_but_for_keys() -> None:
    named = {role.value for role in Role}
    assert kinds()
    for name, kind in kinds().items():
        assert kind.roles, name
        assert kind.roles <= named, name
        assert kind.roles < named or name.startswith("key."), name


async def test_every_body_above_the_limit_is_413_whether_its_length_is_told_or_not(room: Room) -> None:
    buyer = await room.desk("buyer")
    headers = {
        "authorization": f"Bearer {buyer.token}",
        "content-type": "application/json",
        "idempotency-key": "k",
    }

    async def pieces():
        for _ in range(9):
            yield b" " * (MAX_BODY_BYTES // 8)

    reading = [
        (method, path)
        for method, path in routes(room.served.app)
        if "requestBody" in room.served.app.openapi()["paths"][path][method.lower()]
        and path not in {"/api/v1/files", "/api/v1/lists/files", "/api/v1/token", "/api/v1/traces"}
    ]
    assert len(reading) > 20
    async with nothing_stored(room.database):
        for method, path in reading:
            for content in (b" " * (MAX_BODY_BYTES + 1), pieces()):
                answer = await room.http.request(method, filled(path), content=content, headers=headers)
                problem(answer, 413, "too-large")
                assert answer.headers["connection"] == "close"
        form = {"content-type": "application/x-www-form-urlencoded"}
        answer = await room.http.post("/api/v1/token", content=b"a" * (MAX_BODY_BYTES + 1), headers=form)
        problem(answer, 413, "too-large")


async def test_a_body_that_does_not_come_on_is_408_and_moves_nothing(served: Served) -> None:
    waiting = asyncio.Event()
    sent: list[Message] = []
    pieces = iter([{"type": "http.request", "body": b'{"uscc":', "more_body": True}])

    async def receive() -> Message:
        for piece in pieces:
            return piece
        await waiting.wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": "/api/v1/organisations",
        "raw_path": b"/api/v1/organisations",
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": [(b"content-type", b"application/json"), (b"host", b"x")],
        "state": {},
        "app": served.app,
    }
    stack = served.app.build_middleware_stack()
    assert isinstance(stack, Bounds)
    async with nothing_stored(served.node.database):
        await Bounds(stack._app, secure=True, patience_s=0.01)(scope, receive, send)
    headers = dict(sent[0]["headers"])
    assert sent[0]["status"] == 408
    assert orjson.loads(sent[1]["body"])["code"] == "too-slow"
    assert headers[b"connection"] == b"close"
    assert headers[b"strict-transport-security"] == b"max-age=31536000"


async def test_every_answer_carries_the_same_headers(room: Room) -> None:
    buyer = await room.desk("buyer")
    for method, path in (
        ("GET", "/api/v1/listings"),
        ("GET", "/nowhere"),
        ("DELETE", "/api/v1/listings"),
        ("GET", "/api/v1/trades"),
        ("GET", "/health"),
        ("GET", "/checkpoint"),
        ("GET", "/tile/0/000"),
        ("GET", "/api/v1/openapi.json"),
    ):
        answer = await room.http.request(method, path)
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert re.fullmatch("[0-9a-f]{16}", answer.headers["x-request-id"])
        assert "server" not in answer.headers
        assert "strict-transport-security" not in answer.headers  # served without TLS here
        if path.startswith("/api/"):
            assert answer.headers["cache-control"] == "no-store"
    assert (await buyer.call("GET", "/trades")).headers["cache-control"] == "no-store"


async def test_an_unknown_address_and_method_are_problems_and_no_redirect_is_built_from_the_host(
    room: Room,
) -> None:
    problem(await room.http.get("/api/v1/nothing"), 404, "not-found")
    allowed = await room.http.delete("/api/v1/listings")
    problem(allowed, 405, "method-not-allowed")
    assert "GET" in allowed.headers["allow"]
    slashed = await room.http.get("/api/v1/listings/", headers={"host": "evil.example"})
    problem(slashed, 404, "not-found")


async def test_a_person_with_two_roles_names_the_one_to_act_in(served: Served) -> None:
    both = await served.admit("一身二任", {"PROVIDER", "BUYER"})
    async with served.client() as http:
        desk = Desk(http, both.login, both.org_id, token=served.token(both))
        await served.prove(both)
        body = {"account": "CN25BANK0000000005", "holder": "一身二任"}
        document = problem(await desk.call("PUT", "/payee-account", body), 403, "forbidden")
        assert document["yours"] == ["BUYER", "PROVIDER"]
        for role, status in (("BROKER", 403), ("SELLER", 403), ("BUYER", 200)):
            answer = await desk.call("PUT", "/payee-account", body, databourse_role=role)
            assert answer.status_code == status, answer.text


async def test_a_token_reaches_as_far_as_its_scope(served: Served) -> None:
    both = await served.admit("一身二任", {"PROVIDER", "BUYER"})
    async with served.client() as http:
        desk = await Desk(http, both.login, both.org_id).sign_in(scope="BUYER", grant_type="password")
        answer = await http.put(
            "/api/v1/files",
            content=b"a\n1\n",
            headers={"authorization": f"Bearer {desk.token}", "file-name": "x.csv"},
        )
        problem(answer, 403, "forbidden")
        wide = {"username": both.login, "password": PASSWORD, "scope": "BUYER EXCHANGE_OPERATOR"}
        problem(await http.post("/api/v1/token", data=wide), 422, "malformed")
        other = wide | {"grant_type": "client_credentials"}
        problem(await http.post("/api/v1/token", data=other), 422, "malformed")


async def test_unknown_login_and_wrong_password_are_answered_alike(served: Served) -> None:
    async with served.client() as http:
        answers = [
            await http.post("/api/v1/token", data={"username": name, "password": word})
            for name, word in (("operator", "wrong wrong wrong"), ("nobody-here", PASSWORD), ("\x00", "x"))
        ]
    seen = [problem(answer, 401, "sign-in-failed") for answer in answers]
    assert len({(one["title"], one["detail"]) for one in seen}) == 1
    assert all(PASSWORD not in answer.text for answer in answers)


# --- a failing commit


@pytest.fixture
def failing_commits(room: Room, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """While the list is not empty every commit fails at the driver, as when the disk is full."""
    reasons: list[str] = []
    dialect = room.database.engine.dialect
    really = dialect.do_commit

    def do_commit(connection: Any) -> None:
        if reasons:
            raise sqlite3.OperationalError(reasons[0])
        really(connection)

    monkeypatch.setattr(dialect, "do_commit", do_commit)
    return reasons


async def test_a_commit_that_fails_gives_no_success_and_leaves_nothing(
    room: Room, failing_commits: list[str]
) -> None:
    buyer, provider, operator = [await room.desk(name) for name in ("buyer", "provider", "operator")]
    files = sorted(path for path in (room.folder / "files").rglob("*") if path.is_file())
    calls = [
        (buyer, "POST", f"/listings/{room.ids['listed']}/inquiries", INQUIRY),  # done at once
        (provider, "POST", f"/trades/{room.ids['negotiating']}/accept", {"offer_no": 2}),  # prepared
        (buyer, "POST", f"/trades/{room.ids['settled']}/accept", {"offer_no": 3}),  # refused
        (operator, "POST", f"/organisations/{operator.org_id}/people", PERSON),  # no statement
        (buyer, "POST", "/step-up", {"password": PASSWORD}),
        (buyer, "POST", "/sign-out", None),
        (buyer, "GET", f"/entitlements/{await right_of(buyer, room.ids['delivering'])}/file", None),
    ]
    headers = {"authorization": f"Bearer {provider.token}", "file-name": "x.csv"}
    async with nothing_stored(room.database):
        failing_commits.append("database or disk is full")
        for desk, method, path, body in calls:
            answer = await desk.call(method, path, body)
            problem(answer, 500, "internal")
        problem(await room.http.put("/api/v1/files", content=b"a\n1\n", headers=headers), 500, "internal")
        signed = await room.http.post("/api/v1/token", data={"username": "buyer", "password": PASSWORD})
        problem(signed, 500, "internal")
        failing_commits.clear()
    assert sorted(path for path in (room.folder / "files").rglob("*") if path.is_file()) == files
    for desk, method, path, body in calls[:2]:
        assert (await desk.call(method, path, body)).is_success


INQUIRY = {"purpose": "p", "scenario": "s", "quantity": 1}
PERSON = {"login": "somebody-new", "name": "某人", "password": "one long passphrase"}


async def right_of(buyer: Desk, trade_id: str) -> str:
    return next(r["entitlement_id"] for r in await buyer.get("/entitlements") if r["trade_id"] == trade_id)


async def test_a_database_that_is_away_is_503_and_may_be_asked_again(room: Room) -> None:
    def away(*_: Any) -> None:
        raise ConnectionRefusedError("no such socket")

    engine = room.database._reader.sync_engine
    event.listen(engine, "before_cursor_execute", away)
    try:
        answer = await room.http.get("/ready")
        document = (
            problem(answer, 503, "unavailable") if answer.headers.get("cache-control") else answer.json()
        )
    finally:
        event.remove(engine, "before_cursor_execute", away)
    assert (document["code"], answer.headers["retry-after"]) == ("unavailable", "1")
    assert (await room.http.get("/ready")).status_code == 200


# --- people


async def test_people_are_enrolled_once_for_a_key_and_their_password_is_nowhere_in_the_clear(
    room: Room,
) -> None:
    operator = await room.desk("operator")
    path = f"/organisations/{operator.org_id}/people"
    first = await operator.call("POST", path, PERSON, key="enrol")
    assert first.status_code == 201
    async with nothing_stored(room.database):
        again = await operator.call("POST", path, PERSON, key="enrol")
        assert (again.status_code, again.content) == (201, first.content)
        other = await operator.call("POST", path, PERSON | {"password": "another passphrase"}, key="enrol")
        problem(other, 422, "idempotency-key-reused")
    rows = repr(await all_rows(room.database))
    assert "somebody-new" in rows
    assert PERSON["password"] not in rows
    assert hashlib.sha256(orjson.dumps(PERSON, option=orjson.OPT_SORT_KEYS)).hexdigest() not in rows


async def test_nobody_enrols_for_another_organisation_or_beyond_his_own_roles(room: Room) -> None:
    buyer, operator = await room.desk("buyer"), await room.desk("operator")
    async with nothing_stored(room.database):
        answer = await buyer.call("POST", f"/organisations/{operator.org_id}/people", PERSON)
    problem(answer, 403, "not-your-organisation")
    own = await buyer.call("POST", f"/organisations/{buyer.org_id}/people", PERSON | {"roles": ["SAMR"]})
    problem(own, 403, "roles-beyond-grantor")


async def test_whose_login_it_is_is_said_once_and_the_number_is_nowhere(room: Room) -> None:
    operator, buyer = await room.desk("operator"), await room.desk("buyer")
    number, people = some_id_number(), f"/organisations/{operator.org_id}/people"
    known = await operator.act(people, PERSON | {"id_number": number})
    assert known["identified"] is True
    nobody = await operator.act(people, PERSON | {"login": "somebody-else"})
    assert nobody["identified"] is False
    path = f"/people/{nobody['user_id']}/identity"
    for wrong in ("", "1" * 18, number[:-1] + ("0" if number[-1] != "0" else "1")):
        async with nothing_stored(room.database):
            problem(await operator.call("POST", path, {"id_number": wrong}), 422, "id-number-invalid")
    async with nothing_stored(room.database):
        problem(await buyer.call("POST", path, {"id_number": number}), 404, "not-found")
    assert (await operator.act(path, {"id_number": number}))["identified"] is True
    assert (await operator.act(path, {"id_number": number.lower()}))["identified"] is True
    another = await operator.call("POST", path, {"id_number": some_id_number()})
    problem(another, 409, "person-identified-otherwise")
    renamed = await operator.call(
        "POST", people, PERSON | {"login": "somebody-third", "name": "另名", "id_number": number}
    )
    problem(renamed, 409, "person-name-differs")
    rows = repr(await all_rows(room.database))
    assert number not in rows
    assert hashlib.sha256(number.encode()).hexdigest() not in rows
    said = [one for one in await statements(room.database, "REF.REFUSE") if "PERSON." in str(one)]
    assert [one["predicate"]["object"] for one in said] == [operator.org_id] * 2

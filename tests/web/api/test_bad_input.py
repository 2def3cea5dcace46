"""Bad input, row by row: a problem with a stable code, nothing moved, a refusal on record where it is one."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from base.clock import rfc3339
from base.signing import SigningKey, sign_envelope
from cli.prepared import examine
from ledger.statement import PAYLOAD_TYPE
from tests.market.listings.goods import CLEAN, DECLARED
from tests.web.api import goods
from tests.web.api.conftest import Room
from tests.web.api.desk import Desk
from tests.web.api.refusing import nothing_stored, only_refused, problem
from tests.web.market import upload

UNKNOWN = "lst_00000000000000000000000000"


def terms(room: Room, price_minor: int = 70_000_000) -> dict[str, object]:
    expires_at = rfc3339(room.served.clock.now() + timedelta(days=3))
    return goods.offer(price_minor, expires_at, unit="set", licence_class="internal-use")


# --- members and files


async def test_a_wrong_credit_code_admits_nobody(room: Room) -> None:
    operator = await room.desk("operator")
    async with nothing_stored(room.database):
        for uscc in ("91440100MA0000001B", "91440100MA000000", "91440100MAO000001A"):
            asked = {"name": "某公司", "uscc": uscc, "roles": ["BUYER"]}
            problem(await operator.call("POST", "/organisations", asked), 422, "uscc-invalid")


async def test_a_file_with_a_broken_encoding_gets_no_report(room: Room) -> None:
    provider = await room.desk("provider")
    raw = b"county,month,index\n" + "广州,2025-01,1\n".encode("gb18030")
    file_id = await upload(room.served, room.market.provider, "gbk.csv", raw)
    draft = await provider.act("/listings", goods.drafted(file_id))
    async with nothing_stored(room.database):
        answer = await provider.call("POST", f"/listings/{draft['listing_id']}/measure", DECLARED.document())
    problem(answer, 422, "file-encoding-broken")
    scratch = room.served.node.scratch()
    assert list(scratch.iterdir()) == []


async def send(room: Room, content: Any, **more: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {room.served.token(room.market.provider)}", "file-name": "x.csv"}
    return await room.http.put("/api/v1/files", content=content, headers=headers | more)


def stored_files(room: Room) -> list[str]:
    return sorted(str(path) for path in (room.folder / "files").rglob("*") if path.is_file())


async def test_an_empty_file_is_not_taken_and_leaves_nothing_on_the_disk(room: Room) -> None:
    before = stored_files(room)
    async with nothing_stored(room.database):
        answer = await send(room, b"")
    problem(answer, 422, "file-empty")
    assert stored_files(room) == before


@pytest.mark.parametrize("told", [True, False])
async def test_a_file_above_the_limit_leaves_nothing_on_the_disk(room: Room, *, told: bool) -> None:
    limit = 200_000
    object.__setattr__(
        room.served.node,
        "settings",
        room.served.node.settings.model_copy(update={"upload_limit_bytes": limit}),
    )

    async def pieces():
        for _ in range(11):
            yield b"x" * (limit // 10)

    before = stored_files(room)
    async with nothing_stored(room.database):
        answer = await send(room, b"x" * (limit + 1) if told else pieces())
    document = problem(answer, 413, "file-too-large")
    assert document["limit_bytes"] == limit
    assert stored_files(room) == before


async def test_a_file_name_that_is_a_path_or_no_text_is_refused(room: Room) -> None:
    before = stored_files(room)
    async with nothing_stored(room.database):
        for name in ("../x.csv", "a%00b.csv", "%ff.csv", "a/b", "%0d%0ax", ""):
            answer = await send(room, b"a,b\n1,2\n", **{"file-name": name})
            problem(answer, 422, "malformed")
    assert stored_files(room) == before


async def test_an_unknown_listing_is_not_found_and_nothing_begins(room: Room) -> None:
    buyer = await room.desk("buyer")
    asked = {"purpose": "p", "scenario": "s", "quantity": 1}
    async with nothing_stored(room.database):
        inquiry = await buyer.call("POST", f"/listings/{UNKNOWN}/inquiries", asked)
        seen = await room.http.get(f"/api/v1/listings/{UNKNOWN}")
        draft = await room.http.get(f"/api/v1/listings/{room.ids['draft']}")
        report = await room.http.get(f"/api/v1/listings/{room.ids['reviewed']}/quality")
    for answer in (inquiry, seen, draft, report):
        problem(answer, 404, "listing-unknown")


# --- prices and negotiation


async def public_listing(room: Room) -> str:
    """Public data on offer at 50,000 under a cap of 60,000; three people of the operator have reviewed it."""
    provider, operator = await room.desk("provider"), await room.desk("operator")
    raw = CLEAN.replace("4401", "4406").encode()
    file_id = await upload(room.served, room.market.provider, "public.csv", raw)
    body = goods.drafted(file_id, list_price_minor=5_000_000, public_data=True, grant_id="AOG-2026-03")
    draft = await provider.act("/listings", body | {"cap_minor": 6_000_000})
    listing_id: str = draft["listing_id"]
    await provider.act(f"/listings/{listing_id}/measure", DECLARED.document())
    public = {"source": "AUTHORISED_OPERATION", "public_registration_no": "GD-ZY-2026-0001"}
    await provider.act(f"/listings/{listing_id}/submit", goods.SUBMITTED | public)
    reviewers = []
    for number in (1, 2, 3):  # each on the house's own word: who rests on one colleague's is no second person
        login = f"reviewer-{number}"
        await room.served.colleague(room.served.operator, login)
        reviewers.append(await Desk(room.http, login).sign_in())
    for reviewer in reviewers:
        await reviewer.act(f"/listings/{listing_id}/review", {"decision": "APPROVE"})
    await operator.act(f"/listings/{listing_id}/publish")
    return listing_id


async def test_an_offer_above_the_cap_of_public_data_is_refused_on_record(room: Room) -> None:
    listing_id = await public_listing(room)
    buyer, provider = await room.desk("buyer"), await room.desk("provider")
    trade = await buyer.act(
        f"/listings/{listing_id}/inquiries", {"purpose": "p", "scenario": "s", "quantity": 1}
    )
    async with only_refused(room.database, "price-above-cap"):
        answer = await provider.call("POST", f"/trades/{trade['trade_id']}/offers", terms(room, 6_000_001))
    document = problem(answer, 409, "price-above-cap")
    assert (document["price_minor"], document["cap_minor"]) == ("6000001", "6000000")


async def test_a_counter_offer_to_a_closed_negotiation_is_refused_on_record(room: Room) -> None:
    buyer = await room.desk("buyer")
    for closed in ("ready", "delivering", "settled"):
        async with only_refused(room.database, "trade-wrong-state"):
            answer = await buyer.call("POST", f"/trades/{room.ids[closed]}/offers", terms(room))
        problem(answer, 409, "trade-wrong-state")


async def test_the_same_refusal_within_an_hour_is_one_statement(room: Room) -> None:
    buyer = await room.desk("buyer")
    path = f"/trades/{room.ids['settled']}/offers"
    async with only_refused(room.database, "trade-wrong-state"):
        for _ in range(3):
            problem(await buyer.call("POST", path, terms(room)), 409, "trade-wrong-state")
    room.served.clock.advance(timedelta(minutes=61))
    buyer = await room.desk("buyer")
    async with only_refused(room.database, "trade-wrong-state"):
        problem(await buyer.call("POST", path, terms(room)), 409, "trade-wrong-state")


# --- keys and signatures


async def prepared_acceptance(room: Room, provider: Desk) -> bytes:
    """The provider, whose key is at home, is about to accept the buyer's offer."""
    answer = await provider.call("POST", f"/trades/{room.ids['negotiating']}/accept", {"offer_no": 2})
    assert answer.status_code == 202
    return answer.content


async def prepared_contract(room: Room) -> tuple[Desk, bytes]:
    """A second provider's contract, ready to be signed at home."""
    provider = await room.desk("provider")
    accepted = await provider.submit(await prepared_acceptance(room, provider))
    assert accepted.json()["status"] == "CONTRACT_READY", accepted.text
    answer = await provider.call("POST", f"/trades/{room.ids['negotiating']}/sign")
    assert answer.status_code == 202
    return provider, answer.content


async def test_a_contract_signed_with_a_wrong_key_is_refused_on_record(room: Room) -> None:
    provider, prepared = await prepared_contract(room)
    act = examine(prepared)
    path = f"/prepared/{act.prepared_id}/submit"
    stranger = sign_envelope(PAYLOAD_TYPE, act.payload, SigningKey.generate()).document()
    async with only_refused(room.database, "signature-invalid"):
        problem(await provider.call("POST", path, stranger), 409, "signature-invalid")
    assert provider.key is not None
    forged = sign_envelope(PAYLOAD_TYPE, act.payload, provider.key).document()
    forged["signatures"][0]["sig"] = stranger["signatures"][0]["sig"]
    async with nothing_stored(room.database, but=frozenset({"ledger_refusals", "idempotency_keys"})):
        problem(await provider.call("POST", path, forged), 409, "signature-invalid")
    other = sign_envelope(PAYLOAD_TYPE, act.payload.replace(b"TRD.SIGN", b"TRD.SINN"), provider.key)
    problem(await provider.call("POST", path, other.document()), 409, "signature-invalid")
    signed = await provider.submit(prepared)  # the right key may still come
    assert signed.status_code == 200, signed.text


async def test_a_contract_signed_with_a_revoked_key_is_refused_on_record(room: Room) -> None:
    provider, prepared = await prepared_contract(room)
    keys = await provider.get(f"/organisations/{provider.org_id}/keys")
    await provider.act(f"/keys/{keys[0]['key_id']}/revoke", {"reason": "compromised"})
    async with only_refused(room.database, "key-revoked"):
        answer = await provider.submit(prepared)
    problem(answer, 403, "key-revoked")
    async with only_refused(room.database, "key-revoked"):
        again = await provider.call("POST", f"/trades/{room.ids['inquired']}/offers", terms(room))
    problem(again, 403, "key-revoked")


async def test_a_prepared_act_of_somebody_else_does_not_exist(room: Room) -> None:
    provider, prepared = await prepared_contract(room)
    act = examine(prepared)
    assert provider.key is not None
    envelope = sign_envelope(PAYLOAD_TYPE, act.payload, provider.key).document()
    for name in ("buyer", "operator", "broker"):
        other = await room.desk(name)
        async with nothing_stored(room.database):
            seen = await other.call("GET", f"/prepared/{act.prepared_id}")
            sent = await other.call("POST", f"/prepared/{act.prepared_id}/submit", envelope)
        problem(seen, 404, "prepared-unknown")
        problem(sent, 404, "prepared-unknown")


async def test_a_prepared_act_expires_and_is_submitted_once(room: Room) -> None:
    provider, prepared = await prepared_contract(room)
    room.served.clock.advance(timedelta(minutes=10))
    provider.token = room.served.token(room.market.provider)
    async with only_refused(room.database, "prepared-expired"):
        problem(await provider.submit(prepared), 409, "prepared-expired")
    fresh = await provider.call("POST", f"/trades/{room.ids['negotiating']}/sign")
    assert (await provider.submit(fresh.content)).status_code == 200
    async with only_refused(room.database, "prepared-used"):
        problem(await provider.submit(fresh.content), 409, "prepared-used")


# --- tokens


async def test_without_a_good_token_nothing_is_reached(room: Room) -> None:
    path = f"/api/v1/trades/{room.ids['ready']}/sign"
    good = room.served.token(room.market.buyer)
    async with nothing_stored(room.database):
        for sent, code in (
            (None, "unauthenticated"),
            ("Basic eDp5", "unauthenticated"),
            ("Bearer ", "unauthenticated"),
            ("Bearer x.y.z", "token-invalid"),
            (f"Bearer {good[:-6]}AAAAAA", "token-invalid"),
        ):
            headers = {"idempotency-key": "k"} | ({"authorization": sent} if sent else {})
            answer = await room.http.post(path, headers=headers)
            problem(answer, 401, code)
            assert answer.headers["www-authenticate"].startswith('Bearer realm="databourse"')


async def test_an_expired_token_is_worth_nothing(room: Room) -> None:
    buyer = await room.desk("buyer")
    room.served.clock.advance(timedelta(seconds=room.served.node.settings.token_ttl_s))
    async with nothing_stored(room.database):
        answer = await buyer.call("POST", f"/trades/{room.ids['ready']}/sign")
    problem(answer, 401, "token-expired")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_a_token_that_was_signed_out_is_worth_nothing(room: Room) -> None:
    buyer = await Desk(room.http, "buyer").sign_in()
    assert (await buyer.call("POST", "/sign-out")).status_code == 204
    async with nothing_stored(room.database):
        problem(await buyer.call("GET", "/trades"), 401, "token-revoked")


async def test_a_role_that_does_not_reach_is_forbidden_and_not_on_the_ledger(room: Room) -> None:
    buyer = await room.desk("buyer")
    async with nothing_stored(room.database):
        for path, body in (
            ("/organisations", {"name": "x", "uscc": "91440100MA0000001A", "roles": ["BUYER"]}),
            (f"/listings/{room.ids['reviewed']}/review", {"decision": "APPROVE"}),
            (f"/certificates/{room.ids['certificate']}/suspend", {"reason_code": "OTHER"}),
            (f"/trades/{room.ids['delivering']}/start-delivery", None),
        ):
            problem(await buyer.call("POST", path, body), 403, "forbidden")
        wanted = await buyer.call("POST", f"/trades/{room.ids['ready']}/sign", databourse_role="BROKER")
        problem(wanted, 403, "forbidden")


# --- idempotency


async def test_a_key_reused_with_another_body_is_refused_and_moves_nothing(room: Room) -> None:
    buyer = await room.desk("buyer")
    path, asked = (
        f"/listings/{room.ids['listed']}/inquiries",
        {"purpose": "p", "scenario": "s", "quantity": 1},
    )
    first = await buyer.call("POST", path, asked, key="one")
    assert first.status_code == 201
    async with nothing_stored(room.database):
        again = await buyer.call("POST", path, asked, key="one")
        assert (again.status_code, again.content) == (201, first.content)
        other = await buyer.call("POST", path, asked | {"quantity": 2}, key="one")
        elsewhere = await buyer.call("POST", f"/trades/{room.ids['ready']}/sign", key="one")
    problem(other, 422, "idempotency-key-reused")
    problem(elsewhere, 422, "idempotency-key-reused")


async def test_a_refusal_is_given_again_as_it_was(room: Room) -> None:
    buyer = await room.desk("buyer")
    path = f"/trades/{room.ids['settled']}/offers"
    body = terms(room)
    first = await buyer.call("POST", path, body, key="again")
    async with nothing_stored(room.database):
        again = await buyer.call("POST", path, body, key="again")
    assert (again.status_code, again.content) == (409, first.content)
    assert again.headers["content-type"] == "application/problem+json"


async def test_the_key_of_one_person_says_nothing_to_another(room: Room) -> None:
    buyer, second = await room.desk("buyer"), await room.desk("second")
    path, asked = (
        f"/listings/{room.ids['listed']}/inquiries",
        {"purpose": "p", "scenario": "s", "quantity": 1},
    )
    one = await buyer.call("POST", path, asked, key="same")
    two = await second.call("POST", path, asked, key="same")
    assert one.json()["trade_id"] != two.json()["trade_id"]


async def test_an_unsafe_call_without_a_good_key_does_nothing(room: Room) -> None:
    buyer = await room.desk("buyer")
    path = f"/api/v1/trades/{room.ids['ready']}/sign"
    async with nothing_stored(room.database):
        for key, code in (
            (None, "idempotency-key-missing"),
            (b"", "idempotency-key-malformed"),
            (b"with space", "idempotency-key-malformed"),
            ("schlüssel".encode("latin-1"), "idempotency-key-malformed"),
            (b"x" * 65, "malformed"),
        ):
            headers: dict[str, Any] = {"authorization": f"Bearer {buyer.token}"}
            headers |= {} if key is None else {"idempotency-key": key}
            problem(await room.http.post(path, headers=headers), 422, code)


# --- malformed


MALFORMED: list[dict[str, Any]] = [
    {"price_minor": 0},
    {"price_minor": -5},
    {"price_minor": 10**30},
    {"price_minor": 1.5},
    {"price_minor": None},
    {"price_minor": True},
    {"price_minor": 70_000_000.0},
    {"term_months": True},
    {"quantity": 2**70},
    {"unit": "a\x00b"},
    {"unit": "\ud800"},
    {"purpose": ""},
    {"purpose": "x" * 501},
    {"expires_at": "2026-11-20T00:00:00"},
    {"expires_at": "9999-12-31T23:59:59Z"},
    {"unknown": 1},
]
NO_DOCUMENT = (b"", b"{", b"[]", b'"x"', b"[" * 100_000, b"\xff\xfe", b"1" * 5000)


async def test_a_malformed_offer_is_answered_422_and_is_not_on_the_ledger(room: Room) -> None:
    buyer = await room.desk("buyer")
    path = f"/api/v1/trades/{room.ids['negotiating']}/offers"
    headers = {"authorization": f"Bearer {buyer.token}", "content-type": "application/json"}
    async with nothing_stored(room.database):
        for change in MALFORMED:
            body = json.dumps(terms(room) | change)  # the standard one writes what orjson refuses
            answer = await room.http.post(path, content=body, headers=headers | {"idempotency-key": "k"})
            problem(answer, 422, "malformed")
        for raw in NO_DOCUMENT:
            answer = await room.http.post(path, content=raw, headers=headers | {"idempotency-key": "k"})
            problem(answer, 400 if answer.status_code == 400 else 422, "malformed")


async def test_an_address_that_holds_no_id_is_malformed_and_puts_nothing_onto_the_ledger(room: Room) -> None:
    buyer = await room.desk("buyer")
    zeros = "trd_" + "0" * 26
    async with nothing_stored(room.database):
        for trade_id in ("x", zeros + "0", zeros.upper(), "trd_" + "u" * 26, "%00", "王", zeros + "%0a"):
            problem(await buyer.call("GET", f"/trades/{trade_id}"), 422, "malformed")
            problem(await buyer.call("POST", f"/trades/{trade_id}/sign"), 422, "malformed")


async def test_a_reference_that_is_no_id_cannot_reach_the_public_ledger(room: Room) -> None:
    buyer = await room.desk("buyer")
    body = {"broker_id": "张三 13800138000", "side": "BUYER", "scope": "s", "fee_bp": 1}
    body |= {"ends_at": rfc3339(room.served.clock.now() + timedelta(days=9))}
    async with nothing_stored(room.database):
        problem(await buyer.call("POST", "/mandates", body), 422, "malformed")


async def test_what_nobody_foresaw_says_its_id_and_nothing_else(room: Room) -> None:
    buyer = await room.desk("buyer")
    async with room.database.write() as s:
        await (await s.connection()).execute(text("DROP TABLE market_offers"))
    answer = await buyer.call("GET", f"/trades/{room.ids['ready']}/offers")
    assert set(problem(answer, 500, "internal")) == {"type", "title", "status", "code", "request_id"}
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"

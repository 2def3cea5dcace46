"""How often an address may fail to sign in, whose address it is, and how much a member may leave lying."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from market.listings.tables import ListingFile
from tests.web.market import Market, upload
from tests.web.nodes import PASSWORD
from tests.web.pages.browsing import Browser
from web.limits import FORGIVEN_EVERY_S, Addresses, Attempts, TooManyAttempts, TooManyUploads, Uploads
from web.tidying import tidy


class Watch:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s


def test_an_address_that_failed_too_often_waits_and_is_forgiven_one_at_a_time() -> None:
    watch = Watch()
    attempts = Attempts(3, now_s=watch)
    for _ in range(3):
        attempts.count("a")
    with pytest.raises(TooManyAttempts) as caught:
        attempts.count("a")
    assert caught.value.facts == {"retry_after_s": 10}
    attempts.count("b")  # another address is not held up
    watch.s += FORGIVEN_EVERY_S
    attempts.count("a")
    with pytest.raises(TooManyAttempts):
        attempts.count("a")


def test_what_succeeded_was_no_failure_and_leaves_nothing_behind() -> None:
    attempts = Attempts(1, now_s=Watch())
    for _ in range(100):
        attempts.count("a")
        attempts.forgive("a")
    assert len(attempts) == 0


def test_the_memory_of_addresses_is_bounded_and_forgets_the_oldest() -> None:
    attempts = Attempts(1, capacity=3, now_s=Watch())
    for address in ("a", "b", "c", "d"):
        attempts.count(address)
    assert len(attempts) == 3
    attempts.count("a")  # forgotten
    with pytest.raises(TooManyAttempts):
        attempts.count("d")


def asked(peer: str, *forwarded: str) -> Request:
    headers = [(b"x-forwarded-for", one.encode()) for one in forwarded]
    return Request({"type": "http", "client": (peer, 1), "headers": headers})


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "caller"),
    [
        ("", "203.0.113.9", ["198.51.100.1"], "203.0.113.9"),  # nobody is believed
        ("10.0.0.0/8", "203.0.113.9", ["198.51.100.1"], "203.0.113.9"),  # not our proxy
        ("10.0.0.0/8", "10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.0/8", "10.0.0.1", ["192.0.2.66, 198.51.100.1, 10.0.0.7"], "198.51.100.1"),
        ("10.0.0.0/8", "10.0.0.1", ["192.0.2.66", "198.51.100.1"], "198.51.100.1"),  # claimed and added
        ("10.0.0.0/8", "10.0.0.1", ["198.51.100.1, nonsense"], "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1", [], "10.0.0.1"),
        ("", "2001:db8:1:2:3:4:5:6", [], "2001:db8:1:2::/64"),
        ("::1, 10.0.0.0/8", "::1", ["2001:db8::7"], "2001:db8::/64"),
        ("10.0.0.0/8", "::ffff:10.0.0.2", ["203.0.113.7"], "203.0.113.7"),  # both families on one socket
        ("10.0.0.0/8", "10.0.0.1", ["203.0.113.7, ::ffff:10.0.0.2"], "203.0.113.7"),
        ("10.0.0.0/8", "::ffff:203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
    ],
)
def test_the_caller_is_the_peer_or_what_our_own_proxy_says(
    trusted: str, peer: str, forwarded: list[str], caller: str
) -> None:
    assert Addresses(trusted).of(asked(peer, *forwarded)) == caller


async def token(market: Market, password: str, login: str = "buyer") -> Any:
    async with market.served.client() as http:
        return await http.post("/api/v1/token", data={"username": login, "password": password})


async def test_slow_guessing_over_many_accounts_is_stopped_at_the_address(market: Market) -> None:
    most = market.served.node.settings.sign_in_failures
    for n in range(most):
        assert (await token(market, "wrong", f"nobody-{n}")).status_code == 401
    answer = await token(market, PASSWORD)
    assert (answer.status_code, answer.json()["code"]) == (429, "too-many-attempts")
    assert 1 <= int(answer.headers["retry-after"]) <= 10
    browser = Browser(market.served)
    page = await browser.get("/login")
    page = await browser.send(page, "/login", {"login": "buyer", "password": PASSWORD}, expect=429)
    assert "too-many-attempts" in page.words


async def test_who_signs_in_rightly_is_never_held_up(market: Market) -> None:
    most = market.served.node.settings.sign_in_failures
    for _ in range(most + 2):
        assert (await token(market, PASSWORD)).status_code == 200


def allow(market: Market, files: int, size: int) -> None:
    node = market.served.node
    quota = {"upload_quota_files": files, "upload_quota_bytes": size}
    object.__setattr__(node, "settings", node.settings.model_copy(update=quota))


def stored(market: Market) -> list[Path]:
    return sorted(path for path in market.served.node.settings.files_dir.rglob("*") if path.is_file())


@pytest.mark.parametrize(("files", "size"), [(2, 10**6), (50, 100)])
async def test_a_member_leaves_only_so_much_lying_without_a_listing(
    market: Market, files: int, size: int
) -> None:
    allow(market, files, size)
    await upload(market.served, market.provider, "one.csv", b"a,b\n" + b"1,2\n" * 10)
    await upload(market.served, market.provider, "two.csv", b"a,b\n" + b"3,4\n" * 10)
    kept = stored(market)
    headers = {"authorization": f"Bearer {market.served.token(market.provider)}", "file-name": "three.csv"}
    async with market.served.client(headers=headers) as http:
        answer = await http.put("/api/v1/files", content=b"a,b\n" + b"5,6\n" * 10)
    assert (answer.status_code, answer.json()["code"]) == (413, "upload-quota-full")
    assert stored(market) == kept
    await upload(market.served, market.broker, "other.csv", b"a,b\n1,2\n")  # another member's own


async def test_uploads_that_come_in_at_once_share_what_the_quota_leaves(market: Market) -> None:
    allow(market, 50, 100)
    before, half, arrived, go = stored(market), b"a,b\n" + b"1,2\n" * 14, asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield half
        arrived.set()
        await go.wait()
        yield b"3,4\n"

    headers = {"authorization": f"Bearer {market.served.token(market.provider)}", "file-name": "one.csv"}
    async with market.served.client(headers=headers) as http:
        first = asyncio.create_task(http.put("/api/v1/files", content=slowly()))
        await arrived.wait()
        second = await http.put("/api/v1/files", content=half)
        assert (second.status_code, second.json()["code"]) == (413, "upload-quota-full")
        await upload(market.served, market.broker, "other.csv", half)  # another member's own
        go.set()
        assert (await first).status_code == 201
    assert len(stored(market)) == len(before) + 2
    assert len(market.served.node.uploads) == 0


def test_a_member_has_so_many_uploads_at_once_and_what_one_left_behind_counts_for_the_others() -> None:
    uploads = Uploads(2)
    with uploads.one("a") as slow:
        slow.bytes = 5
        with uploads.one("a") as kept:
            kept.bytes = 7
            assert uploads.brought("a", slow) == 12
            with pytest.raises(TooManyUploads) as caught, uploads.one("a"):
                pass
            assert caught.value.facts == {"most": 2, "retry_after_s": 1}
            with uploads.one("b") as other:
                assert uploads.brought("b", other) == 0
        assert uploads.brought("a", slow) == 12  # it is stored now, and was not when this one began
        with pytest.raises(ValueError, match="cut off"), uploads.one("a") as failed:
            failed.bytes = 9
            raise ValueError("cut off")
        assert uploads.brought("a", slow) == 12
    assert len(uploads) == 0


async def test_an_upload_of_which_nothing_was_drafted_is_forgotten_after_a_week(market: Market) -> None:
    node, before = market.served.node, stored(market)
    file_id = await upload(market.served, market.provider, "one.csv", b"a,b\n" + b"1,2\n" * 10)
    assert len(stored(market)) == len(before) + 1
    market.served.clock.advance(timedelta(days=6, hours=23))
    await tidy(node.database, node.clock, node.files, node.scratch())
    assert len(stored(market)) == len(before) + 1
    market.served.clock.advance(timedelta(hours=2))
    await tidy(node.database, node.clock, node.files, node.scratch())
    assert stored(market) == before  # what listings were drafted of stays
    async with node.database.read() as s:
        assert await s.get(ListingFile, file_id) is None

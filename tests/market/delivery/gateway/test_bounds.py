"""One seller's trouble is its own: names that hang, tables that hang, and failures that a buyer makes."""

import asyncio
import threading
from types import SimpleNamespace

import httpcore
import pytest

from market.delivery.gateway import readers
from market.delivery.gateway.errors import ProviderBusy, ProviderFailed, ProviderTooSlow
from market.delivery.gateway.readers import Readers
from market.delivery.gateway.repository import service_facts
from market.delivery.gateway.resolving import Resolver
from market.delivery.gateway.upstream import NotPublic, Outward
from registry.confined import module_command
from tests.market.delivery.gateway.bought import bought
from tests.market.delivery.gateway.provider import providing, whole


class NameServer:
    """Names that are answered, but for those that hang until they are let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.asked: list[str] = []
        self.addresses = {"good.example": ["203.0.113.1"]}

    def look_up(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        if host.startswith("hang"):
            self.let_go.wait(30)
        if host not in self.addresses:
            raise OSError("no such name")
        return self.addresses[host]


async def test_a_name_server_that_hangs_is_its_sellers_trouble_alone():
    server = NameServer()
    resolver = Resolver(server.look_up, at_once=4, of_one=2, deadline_s=0.05)
    try:
        for name in ("hang-1.example", "hang-1.example", "hang-2.example"):
            with pytest.raises(httpcore.ConnectTimeout):
                await resolver.addresses("org_bad", name, 443)
        assert server.asked == ["hang-1.example", "hang-2.example"]  # who asks again waits for the same
        with pytest.raises(httpcore.ConnectError):
            await resolver.addresses("org_bad", "good.example", 443)
        assert await resolver.addresses("org_good", "good.example", 443) == ["203.0.113.1"]
        with pytest.raises(httpcore.ConnectError):
            await resolver.addresses("org_good", "none.example", 443)
        for n in (1, 2):
            with pytest.raises(httpcore.ConnectTimeout):
                await resolver.addresses("org_worse", f"hang-{n}.example", 443)
        with pytest.raises(ProviderBusy):  # none of which its seller is to blame for
            await resolver.addresses("org_good", "good.example", 443)
    finally:
        server.let_go.set()
    while resolver._of:  # noqa: ASYNC110 - told by nothing else
        await asyncio.sleep(0.005)
    assert await resolver.addresses("org_bad", "good.example", 443) == ["203.0.113.1"]


async def test_a_look_up_for_which_there_is_no_thread_is_over_at_once(monkeypatch):
    server = NameServer()
    resolver = Resolver(server.look_up)

    def no_thread(_):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", no_thread)
        for _ in range(3):
            with pytest.raises(ProviderBusy):  # no fault of the seller's
                await resolver.addresses("org", "good.example", 443)
    assert await resolver.addresses("org", "good.example", 443) == ["203.0.113.1"]


async def test_a_name_that_changes_after_it_was_looked_up_leads_nowhere_else(monkeypatch):
    """DNS rebinding: the address that was judged is the one that is called; each time it is judged anew."""
    server, called = NameServer(), []
    outward = Outward((), Resolver(server.look_up), "org")

    async def connect(host, *_, **__):
        called.append(host)
        server.addresses["good.example"] = ["127.0.0.1"]
        return SimpleNamespace()

    monkeypatch.setattr(outward._backend, "connect_tcp", connect)
    server.addresses["good.example"] = ["8.8.8.8"]
    await outward.connect_tcp("good.example", 443)
    for inside in (["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::ffff:169.254.169.254"], ["64:ff9b::7f00:1"]):
        server.addresses["good.example"] = inside
        with pytest.raises(NotPublic):
            await outward.connect_tcp("good.example", 443)
    assert called == ["8.8.8.8"]


CHILD = """
import sys, time
while head := sys.stdin.buffer.read(4):
    asked = sys.stdin.buffer.read(int.from_bytes(head))
    if asked == b"hang":
        time.sleep(600)
    if asked == b"break":
        sys.exit(1)
    sys.stdout.buffer.write(len(asked).to_bytes(4) + asked)
    sys.stdout.buffer.flush()
"""


async def test_a_table_that_hangs_takes_no_more_than_its_sellers_part_and_no_longer_than_its_time(
    monkeypatch, tmp_path
):
    monkeypatch.setattr(readers, "module_command", lambda *_: [*module_command("x")[:1], "-SEs", "-c", CHILD])
    desk = Readers(readers=2, question_s=60)
    hanging = [asyncio.create_task(desk.told("org_bad", tmp_path, b"hang")) for _ in range(8)]
    await asyncio.sleep(0)
    assert [await desk.told("org_good", tmp_path, b"%d" % n) for n in range(5)] == [
        b"%d" % n for n in range(5)
    ]
    assert not any(one.done() for one in hanging)
    for one in hanging:
        one.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)
    desk._question_s = 0.2
    with pytest.raises(ProviderTooSlow):
        await desk.told("org_bad", tmp_path, b"hang")
    desk._question_s = 60
    with pytest.raises(ProviderFailed):
        await desk.told("org_bad", tmp_path, b"break")
    assert await desk.told("org_bad", tmp_path, b"again") == b"again"  # by a new child
    assert (desk._turns, len(desk._free)) == ({}, 2)
    await desk.stop()


@pytest.mark.parametrize("deal", ["sqlite"], indirect=True)  # the rows are alike on both
async def test_what_a_buyer_makes_fail_does_not_count_against_the_seller(deal):
    async with providing() as provider, bought(deal, provider) as tool:
        provider.answers["/too-much"] = whole(b"{}", "413 Content Too Large")
        assert (await tool.call("/ok")).status_code == 200
        assert (await tool.call("/large")).json()["reason"] == "oversize"  # as large a page as it asked for
        assert (await tool.call("/too-much")).status_code == 413
        for accept in ("text/html", "application/json", "*/*"):
            assert (await tool.call("/ok", headers={"accept": accept})).status_code == 200
        assert all("accept: application/json\r\n" in head.lower() for head in provider.heard)
        facts = await level(deal)
        assert ([one.ok for one in facts.calls], len(await tool.calls())) == ([True] * 5, 6)
        assert (await tool.call("/broken")).status_code == 502  # what is its own still counts
        assert [one.ok for one in (await level(deal)).calls].count(False) == 1


@pytest.mark.parametrize("deal", ["sqlite"], indirect=True)
async def test_what_the_exchange_fails_in_does_not_count_against_the_seller(deal, monkeypatch):
    async with bought(deal) as tool:
        monkeypatch.setattr(readers, "module_command", lambda *_: [*module_command("x")[:1], "-c", "1"])
        failed = await tool.call("/rows")
        assert (failed.status_code, failed.json()["reason"]) == (502, "unreadable")
        assert [one.outcome for one in await tool.calls()] == ["table-unreadable"]
        assert await level(deal) is None


async def level(deal):
    async with deal.house.database.read() as s:
        return await service_facts(s, entitlement_id=(await deal.entitlement()).entitlement_id)

"""A log whose newest entries are lost goes on as a new one: by a data authority's order, and nothing less."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from base.clock import SimulatedClock
from base.errors import Malformed
from base.signing import SigningKey, sign_envelope
from cli import recovering
from cli.exporting import export_bundle, export_closed
from ledger.bundle import Edition
from ledger.errors import LogForked, LogKeyRefused
from ledger.recovery import PAYLOAD, Order
from supervision.audit_row import audit_in_a_row
from tests.cli.drilling import Drill, everything_in, opened_drill
from tests.cli.test_backup import AT
from tests.web.nodes import lay_foundations, opened
from web.node import load_keys, open_node


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SigningKey, SigningKey]:
    """An exchange with a data authority and a seller, each with a key of its own."""
    folder = tmp_path_factory.mktemp("founded") / "var"
    folder.mkdir()

    async def build() -> tuple[Path, SigningKey, SigningKey]:
        clock = SimulatedClock(AT)
        await lay_foundations(folder, clock)
        async with opened(folder, clock) as served:
            authority = await served.admit("数据局", {"DATA_AUTHORITY"}, custody="self-held")
            seller = await served.admit("seller", {"PROVIDER"}, custody="self-held")
            await served.settle_down()
        assert authority.key is not None
        assert seller.key is not None
        return folder, authority.key, seller.key

    return asyncio.run(build())


async def test_the_next_log_begins_on_a_signed_order_and_on_nothing_less(
    tmp_path: Path, clock: SimulatedClock, founded: tuple[Path, SigningKey, SigningKey]
) -> None:
    folder, authority, seller = founded
    async with opened_drill(tmp_path, clock, founded=folder) as drill:
        with pytest.raises(LogKeyRefused, match="nothing to recover"):
            await recovering.plan(drill.settings, "no reason")
        first = load_keys(drill.settings).checkpoint.vkey
        old = await drill.back_up("old.backup")
        await drill.acts("lost")
        lost = await drill.head()
        kept = (await drill.restore(old, though_behind=True)).manifest.size
        payload = await recovering.plan(drill.settings, "the disk is gone")
        order = Order.read(payload)
        assert (order.size, order.published_size, order.published_root) == (kept, lost.size, lost.root)
        before = everything_in(drill.settings)
        for bad, signer in (
            (payload, seller),
            (payload, SigningKey.generate()),
            (payload, load_keys(drill.settings).exchange),
            (replace(order, size=kept - 1).payload(), authority),
            (replace(order, published_size=lost.size + 1).payload(), authority),
        ):
            with pytest.raises(LogKeyRefused):
                await recovering.apply(drill.settings, sign_envelope(PAYLOAD, bad, signer).document())
            assert everything_in(drill.settings) == before
        with pytest.raises(Malformed):
            await recovering.apply(drill.settings, sign_envelope("other", payload, authority).document())
        signed = sign_envelope(PAYLOAD, payload, authority).document()
        keys = await recovering.apply(drill.settings, signed)
        assert keys.origin == "exchange.example/test-2"
        await drill.acts("again")
        await audited_both(drill, first)


async def audited_both(drill: Drill, first: object) -> None:
    out = [drill.folder.parent / name for name in ("one", "two", "forged")]
    async with open_node(drill.settings, clock=drill.clock) as node:
        await node.publisher.check_head()
        await export_closed(node, out[0], Edition.REGULATOR, "exchange.example/test")
        await export_bundle(node, out[1], Edition.REGULATOR)
    reports = audit_in_a_row(out[:2], [first])
    assert [report.clean for report in reports] == [True, True], [report.problems for report in reports]


@pytest.mark.soak
async def test_an_abandoned_log_without_an_order_is_no_end(
    tmp_path: Path, clock: SimulatedClock, founded: tuple[Path, SigningKey, SigningKey]
) -> None:
    """Whoever left the order out, as an operator could who writes the database, is found by the audit."""
    folder, authority, _ = founded
    async with opened_drill(tmp_path, clock, founded=folder) as drill:
        first = load_keys(drill.settings).checkpoint.vkey
        old = await drill.back_up("old.backup")
        await drill.acts("lost")
        await drill.restore(old, though_behind=True)
        with pytest.raises(LogForked):
            async with open_node(drill.settings, clock=clock) as node:
                await node.publisher.check_head()
        signed = sign_envelope(PAYLOAD, await recovering.plan(drill.settings, "x"), authority).document()
        really = recovering.begin_log

        async def without(*args, recovery, **more):
            return await really(*args, **more)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(recovering, "begin_log", without)
            await recovering.apply(drill.settings, signed)
        out = [tmp_path / name for name in ("one", "two")]
        async with open_node(drill.settings, clock=clock) as node:
            await export_closed(node, out[0], Edition.PUBLIC, "exchange.example/test")
            await export_bundle(node, out[1], Edition.PUBLIC)
        reports = audit_in_a_row(out, [first])
        assert [report.clean for report in reports] == [True, False]
        assert "was not closed" in str(reports[1].problems)

"""A process killed with SIGKILL at any statement of the exchange's own work files and certifies once.

Every kill is a real one, of a process of its own; another process then does what is left.
"""

from collections import Counter
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from base.canonical import sha256_hex
from base.db import Database
from base.signing import envelope_signed_by, parse_envelope
from market.filing import repository
from market.orders.rules import TradeState
from tests.market.filing.filing import invoice, licence_until
from tests.market.settlement.bank_side import BankSide
from tests.market.settlement.test_killed_at_every_statement import FiledBank, killed, on
from tests.market.trade.scene import Scene

END: Final = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)  # the licence ends on the day of the invoice
STRIDE: Final = 23


async def file_certify_and_close(scene: Scene) -> None:
    """Everything that follows from an invoice, and from the licence's end."""
    await scene.run_jobs(max(END, scene.clock.now()))


async def check(scene: Scene) -> None:
    """Each step once, and the papers as the ledger names them."""
    trade_id = scene.trades["SETTLED"]
    assert (await scene.trade(trade_id)).status is TradeState.CLOSED
    said = await scene.events(trade_id)
    after = Counter(said[said.index("TRD.SETTLE") + 1 :])
    assert after == Counter(
        ["TRD.INVOICE", "TRD.FILE", "TRD.ISSUE_TRADE_CERT", "TRD.LICENCE_END", "FIL.DESTRUCTION_ASKED"]
    )
    async with scene.database.read() as s:
        filing = await repository.filing_of(s, trade_id=trade_id)
        certificate = await repository.certificate_of(s, trade_id=trade_id)
        duties = await repository.duties_of(s, trade_id=trade_id)
    assert sha256_hex(filing.document) == filing.filing_sha256
    envelope = parse_envelope(orjson.loads(certificate.envelope))
    assert envelope_signed_by(envelope, scene.house.exchange_key.public)
    assert orjson.loads(envelope.payload)["filing_sha256"] == filing.filing_sha256
    assert len(duties) == 1


async def every(scene_of: Any, stride: int, tmp_path: Path) -> tuple[int, int]:
    """Kill at every `stride`-th point on a fresh copy of the market each; answers (points, kills)."""
    points, kills, at = None, 0, 0
    while points is None or at <= points:
        async with scene_of() as scene:
            scene.bank = FiledBank(
                **{one.name: getattr(scene.bank, one.name) for one in fields(BankSide)},
                post=tmp_path / f"post-{at}",
            )
            await scene.run_jobs()
            await invoice(scene, scene.trades["SETTLED"])
            await licence_until(scene, scene.trades["SETTLED"], END)
            await scene.database.dispose()
            ended = killed(scene, file_certify_and_close, at)
            again = on(scene, Database(scene.database.url))
            try:
                for _ in range(2):
                    await file_certify_and_close(again)
                await check(again)
            finally:
                await again.database.dispose()
        if at == 0:
            assert ended is not None
            points = ended
        else:
            assert ended is None, at
            kills += 1
        at += 1 if at == 0 else stride
    return points, kills


async def test_killed_anywhere_the_work_is_done_once(scene_of, tmp_path):
    points, kills = await every(scene_of, STRIDE, tmp_path)
    assert kills == -(-points // STRIDE)


@pytest.mark.soak
async def test_at_every_single_statement(scene_of, tmp_path):
    points, kills = await every(scene_of, 1, tmp_path)
    assert kills == points

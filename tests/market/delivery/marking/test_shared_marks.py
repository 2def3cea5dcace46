"""A table that was shared is made from the buyer's own copy: what leaks of it names the delivery too."""

import asyncio
import random
from pathlib import Path

import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from sqlmodel import select

from market.delivery.access import Declared
from market.delivery.errors import CopyBeingMade
from market.delivery.keys import issue_key
from market.delivery.marking.finding import find_source
from market.delivery.marking.tables import MarkState
from market.delivery.sharing.service import shared_by
from market.delivery.tabular import table_of
from market.orders.tables import Offer
from tests.market.delivery.funded import MASTER_KEY
from tests.market.delivery.marking.test_copying import sale_of
from tests.market.trade.scene import Scene


async def test_a_shared_table_names_the_buyer_it_leaked_from(scene: Scene, tmp_path: Path) -> None:
    sale, database = await sale_of(scene, tmp_path), scene.database
    async with database.write() as s:
        for offer in await s.exec(select(Offer)):
            offer.delivery_mode = "share"
            s.add(offer)
    right = (await scene.start_delivery(sale.trade_id)).entitlement_id
    key = await scene.buyer.do(
        issue_key,
        attempted="DLV.ISSUE_KEY",
        object_id=right,
        entitlement_id=right,
        declared=Declared(),
        days=1,
    )
    now = scene.house.clock.now()
    async with database.read() as s:
        with pytest.raises(CopyBeingMade):
            await shared_by(s, key, now=now)
    await sale.run()
    mark = await sale.mark()
    assert mark is not None
    assert mark.status is MarkState.MARKED
    async with database.read() as s:
        shared = await shared_by(s, key, now=now)
    assert shared.source.sha256 == mark.copy_sha256
    made = await table_of(database, sale.files, shared.source, scratch=sale.folder)
    await sale.files.copy_to(made, tmp_path / "loaded.parquet")
    table = await asyncio.to_thread(pq.read_table, tmp_path / "loaded.parquet")
    half = table.take(random.Random(3).sample(range(table.num_rows), table.num_rows // 2))
    await asyncio.to_thread(pa_csv.write_csv, half, tmp_path / "leaked.csv")
    assert (await find_source(database, MASTER_KEY, tmp_path / "leaked.csv")).named == (right,)
    assert (await find_source(database, bytes(32), tmp_path / "leaked.csv")).named == ()

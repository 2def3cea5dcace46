"""From the contract that allows a mark to the bytes that the buyer gets: its own copy, stated beforehand."""

import asyncio
import random
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from base.canonical import sha256_hex
from base.files import FileStore, FileTooLarge
from base.homes import StoreUnavailable
from base.jobs import run_due
from cli.main import app
from ledger.acts import perform
from ledger.recording import Act
from market.delivery.checks import EVENT as CHECKED
from market.delivery.downloads import Opened, download_act, open_download, open_stream
from market.delivery.errors import CopyBeingMade
from market.delivery.marking.copying import MarkDesk, NotCopied, keep_copy
from market.delivery.marking.finding import find_source
from market.delivery.marking.planning import wanted
from market.delivery.marking.repository import mark_of_trade
from market.delivery.marking.tables import Mark, MarkState
from market.delivery.repository import checks_of, entitlement_of, stored_file
from market.delivery.rules import GoodsCheck
from market.delivery.service import accept_goods, confirm_receipt
from market.delivery.tables import Entitlement
from market.listings.conditions import conditions_from
from market.listings.errors import ListingMalformed
from market.listings.repository import get_file
from market.listings.tables import ListingFile
from market.listings.uploads import forget_uploads
from market.orders.repository import get_contract, get_trade
from market.orders.rules import TradeState
from market.trade.checking import GoodsDesk
from market.trade.clockwork import handlers
from registry.errors import FileNotTabular
from registry.measure import remeasure
from supervision.rules import uc2
from tests.market.delivery.funded import MASTER_KEY, chunks, set_file
from tests.market.exported import exported
from tests.market.listings.goods import listed, report_on, said
from tests.market.trade.scene import Scene

RND = random.Random(5)
TEXT = "county,month,index\n" + "".join(
    f"{440000 + n},2025-{n % 12 + 1:02d},{RND.uniform(80, 140):.2f}\n" for n in range(900)
)
FEW = "".join(TEXT.splitlines(keepends=True)[:60])


@dataclass
class Sale:
    """A funded trade of a listing whose copies may be marked."""

    scene: Scene
    files: FileStore
    folder: Path
    trade_id: str

    async def run(self) -> None:
        """Do what is due, with the files at hand."""
        house, one = self.scene.house.house, asyncio.Semaphore(1)
        desk = GoodsDesk(self.files, lambda: self.folder, one)
        marks = MarkDesk(self.files, lambda: self.folder, one, MASTER_KEY)
        await run_due(self.scene.database, house.clock.now(), handlers(house, None, None, desk, marks))

    async def entitlement(self) -> Entitlement:
        async with self.scene.database.read() as s:
            found = await entitlement_of(s, trade_id=self.trade_id)
        assert found is not None
        return found

    async def mark(self) -> Mark | None:
        async with self.scene.database.read() as s:
            return await mark_of_trade(s, trade_id=self.trade_id)

    async def take(self) -> bytes:
        """Download the file as the buyer."""
        house, entitlement = self.scene.house.house, await self.entitlement()

        async def bound(s: Any, act: Act) -> Opened:
            return await open_download(s, act, entitlement_id=entitlement.entitlement_id)

        act = download_act(house, self.scene.buyer.actor)
        opened = await perform(
            house, act, bound, attempted="DLV.DOWNLOAD", object_id=entitlement.entitlement_id
        )
        stream = await open_stream(house, self.files, self.scene.buyer.actor, opened)
        return b"".join([piece async for piece in stream])


async def sale_of(
    scene: Scene, folder: Path, text: str = TEXT, marking: tuple[str, ...] = ("index",)
) -> Sale:
    """Sell a file through the services, up to the paid escrow."""
    files = FileStore(folder / "files", MASTER_KEY, scene.house.clock)
    listing = await listed(
        scene.house, scene.seller, text, salt="marked", conditions=conditions_from({"marking": marking})
    )
    stored = await files.put(chunks(text.encode()), limit_bytes=2**20)
    async with scene.database.write() as s:
        await set_file(s, listing, stored)
    trade = await scene.inquire(listing_id=listing.listing_id, broker_id=None)
    await scene.offer(trade.trade_id, scene.seller)
    await scene.accept(trade.trade_id, scene.buyer)
    await scene.sign(trade.trade_id, scene.seller, scene.buyer)
    await scene.fund(trade.trade_id)
    (folder / "scratch").mkdir()
    return Sale(scene, files, folder / "scratch", trade.trade_id)


async def test_what_leaves_is_the_buyers_own_copy_and_the_log_knew_it_before(
    scene: Scene, tmp_path: Path
) -> None:
    sale, database = await sale_of(scene, tmp_path), scene.database
    async with database.read() as s:
        contract = await get_contract(s, trade_id=sale.trade_id)
    assert contract is not None
    assert orjson.loads(contract.document)["delivery"]["marking"] == ["index"]
    entitlement = await scene.start_delivery(sale.trade_id)
    source = (entitlement.file_id, entitlement.sha256)
    with pytest.raises(CopyBeingMade):
        await sale.take()
    with pytest.raises(CopyBeingMade):
        await scene.buyer.do(
            confirm_receipt, attempted="TRD.DELIVERED", object_id=sale.trade_id, trade_id=sale.trade_id
        )
    assert (await scene.trade(sale.trade_id)).status is TradeState.DELIVERING
    await sale.run()
    mark, entitlement = await sale.mark(), await sale.entitlement()
    assert mark is not None
    assert mark.status is MarkState.MARKED
    assert (mark.source_file_id, mark.source_sha256) == source
    assert entitlement.sha256 == mark.copy_sha256 != source[1]
    assert mark.places > 300
    public, opening = await said(database, "DLV.MARK", sale.trade_id)
    assert {name: public[name] for name in ("source_sha256", "file_sha256", "commitment")} == {
        "source_sha256": source[1],
        "file_sha256": mark.copy_sha256,
        "commitment": mark.commitment,
    }
    assert opening["changed"] == mark.changed

    raw = await sale.take()
    assert sha256_hex(raw) == entitlement.sha256
    delivered, _ = await said(database, "TRD.DELIVERED", sale.trade_id)
    assert (delivered["file_sha256"], delivered["bytes"]) == (entitlement.sha256, len(raw))
    await sale.run()
    async with database.read() as s:
        (check,) = await checks_of(s, trade_id=sale.trade_id)
    assert check.passed
    found = {item["name"]: item for item in orjson.loads(check.report)["items"]}
    assert found["file_sha256"]["promised"] == entitlement.sha256
    assert found["rows"]["found"] == 900
    assert CHECKED in await scene.events(sale.trade_id)
    await leaks(sale, tmp_path / "leaked.csv", raw)
    if database.dialect == "sqlite":
        await is_sold_on(sale, mark, raw, tmp_path)
    await is_accepted(sale, entitlement, mark)


async def is_sold_on(sale: Sale, mark: Mark, raw: bytes, folder: Path) -> None:
    """A stranger offers the buyer's very copy: the log alone tells whose it is, and names no key."""
    theirs = await listed(sale.scene.house, sale.scene.stranger, raw.decode(), salt="sold on")
    log = await exported(sale.scene, folder / "told")
    (row,) = log.tables["watermarks"]
    async with sale.scene.database.read() as s:
        product_id = (await get_trade(s, trade_id=sale.trade_id)).product_id
    assert (row["mark_sha256"], row["product_id"]) == (mark.commitment, product_id)
    (hit,) = log.tables["mark_hits"]
    assert (hit["mark_sha256"], hit["listing_id"]) == (mark.commitment, theirs.listing_id)
    (finding,) = log.found(uc2.RULE)
    assert finding.subjects == (sale.scene.stranger.org_id,)
    assert b"places" not in log.public


async def leaks(sale: Sale, leaked: Path, raw: bytes) -> None:
    """Half of its rows in another order name the delivery, by the keys of its own node alone."""
    database, entitlement = sale.scene.database, await sale.entitlement()
    lines = raw.decode().splitlines()
    leaked.write_text("\n".join([lines[0], *random.Random(1).sample(lines[1:], 450)]) + "\n")
    traced = await find_source(database, MASTER_KEY, leaked)
    assert traced.named == (entitlement.entitlement_id,)
    (one,) = traced.document()["named"]
    assert (one["trade_id"], one["buyer_id"]) == (sale.trade_id, sale.scene.buyer.org_id)
    assert (await find_source(database, bytes(32), leaked)).named == ()
    if database.dialect == "sqlite":
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("cli.running.require_schema", made_without_steps)
            await asyncio.to_thread(commanded, sale, leaked, entitlement.entitlement_id, one["commitment"])


async def made_without_steps(_: Any) -> None:
    """The tests' database has the newest tables, and no number of a step."""


def commanded(sale: Sale, leaked: Path, entitlement_id: str, commitment: str) -> None:
    """By the operator's command; and by anybody, with what that has opened."""
    key, proof = sale.folder / "master.key", sale.folder / "proof.json"
    key.touch(mode=0o600)
    key.write_bytes(MASTER_KEY)
    env = {"DATABOURSE_DATABASE_URL": sale.scene.database.url, "DATABOURSE_MASTER_KEY_FILE": str(key)}
    said = CliRunner().invoke(app, ["trace", str(leaked), "--proof", str(proof)], env=env)
    assert said.exit_code == 0, said.output
    assert f"named   {entitlement_id}" in said.output
    assert f"trade {sale.trade_id}, buyer {sale.scene.buyer.org_id}" in said.output
    nowhere = {"DATABOURSE_DATABASE_URL": f"sqlite+aiosqlite:///{sale.folder}/none/none.db"}
    again = ["trace", str(leaked), "--opened-by", str(proof), "--commitment"]
    offline = CliRunner().invoke(app, [*again, commitment], env=nowhere)
    assert offline.exit_code == 0, offline.output
    assert f"named   {entitlement_id}" in offline.output
    other = CliRunner().invoke(app, [*again, "0" * 64], env=nowhere)
    assert (other.exit_code, other.stdout) == (2, "")
    assert other.stderr.startswith("trace-proof-broken")
    for half in (again[:-1], [*again[:2], "--commitment", commitment]):
        alone = CliRunner().invoke(app, half, env=nowhere)
        assert (alone.exit_code, alone.stdout) == (2, "")


async def is_accepted(sale: Sale, entitlement: Entitlement, mark: Mark) -> None:
    """What the buyer measures is compared with the report of its own copy, and nobody forgets the copy."""
    scene = sale.scene
    copy = sale.folder / "copy"
    await sale.files.copy_to(stored_file(entitlement), copy)
    measured = (await remeasure(copy, await asyncio.to_thread(report_on, TEXT))).report.sha256
    assert measured == mark.report_sha256
    await scene.buyer.do(
        accept_goods,
        attempted="TRD.ACCEPT_GOODS",
        object_id=sale.trade_id,
        trade_id=sale.trade_id,
        check=GoodsCheck(entitlement.sha256, 900, measured),
    )
    assert (await scene.trade(sale.trade_id)).status is TradeState.ACCEPTED_GOODS
    async with scene.database.write() as s:
        await forget_uploads(s, before=scene.clock.now().replace(year=2030))
        assert isinstance(await get_file(s, file_id=entitlement.file_id), ListingFile)


async def test_what_has_too_few_places_is_delivered_as_it_is(sqlite_scene: Scene, tmp_path: Path) -> None:
    sale = await sale_of(sqlite_scene, tmp_path, FEW)
    entitlement = await sqlite_scene.start_delivery(sale.trade_id)
    await sale.run()
    mark = await sale.mark()
    assert mark is not None
    assert (mark.status, mark.reason, mark.commitment) == (MarkState.UNMARKED, "too-few-places", None)
    desk = MarkDesk(sale.files, lambda: sale.folder, asyncio.Semaphore(1), MASTER_KEY)
    async with sqlite_scene.database.write() as s:  # a job that comes late changes nothing
        act = sqlite_scene.house.house.exchange_act()
        late = NotCopied("late")
        again = await keep_copy(s, act, desk, entitlement_id=entitlement.entitlement_id, made=late)
        assert again.reason == "too-few-places"
    assert await sale.take() == FEW.encode()
    assert "DLV.MARK" not in await sqlite_scene.events(sale.trade_id)


def test_only_numbers_that_nothing_else_binds_are_marked() -> None:
    asked = wanted(report_on(FEW), ["month", "nothing", "index"])
    assert asked.columns == ("index",)
    assert asked.anchors == ("county", "month")
    assert wanted(report_on(FEW), ["month"]).columns == ()


async def test_a_copy_that_would_break_a_promise_is_thrown_away(
    sqlite_scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = await sale_of(sqlite_scene, tmp_path)
    monkeypatch.setattr("market.delivery.marking.copying._keeps", lambda *_: False)
    await sqlite_scene.start_delivery(sale.trade_id)
    await sale.run()
    mark = await sale.mark()
    assert mark is not None
    assert (mark.status, mark.reason) == (MarkState.UNMARKED, "breaks-a-promise")
    assert await sale.take() == TEXT.encode()
    assert list(sale.folder.iterdir()) == []  # no plaintext stays


@pytest.mark.parametrize(
    "failing",
    [
        (FileTooLarge("a copy far above its source"), 1, "too-large"),
        (FileNotTabular("the copy cannot be read"), 3, "broken-off"),
        (StoreUnavailable("the store is away"), 3, "broken-off"),
        (OSError("no space"), 3, "broken-off"),
    ],
)
async def test_a_copy_that_cannot_be_made_holds_up_no_delivery(
    sqlite_scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: tuple[Exception, int, str]
) -> None:
    raises, attempts, reason = failing

    async def fails(*_: Any) -> None:
        raise raises

    sale = await sale_of(sqlite_scene, tmp_path)
    monkeypatch.setattr("market.delivery.marking.copying.make_copy", fails)
    await sqlite_scene.start_delivery(sale.trade_id)
    for _ in range(attempts):
        mark = await sale.mark()
        assert mark is not None
        assert mark.status is MarkState.PENDING
        await sale.run()
        sqlite_scene.clock.advance(timedelta(minutes=10))
    mark = await sale.mark()
    assert mark is not None
    assert (mark.status, mark.reason) == (MarkState.UNMARKED, reason)


async def test_a_contract_without_such_columns_marks_nothing(sqlite_scene: Scene) -> None:
    trade_id = sqlite_scene.trades["FUNDED"]
    await sqlite_scene.start_delivery(trade_id)
    async with sqlite_scene.database.read() as s:
        assert await mark_of_trade(s, trade_id=trade_id) is None


@pytest.mark.parametrize("marking", [[""], [" x"], ["a\nb"], ["x" * 201], [7], [f"c{n}" for n in range(13)]])
def test_columns_to_be_marked_are_a_few_names(marking: list[Any]) -> None:
    with pytest.raises(ListingMalformed):
        conditions_from({"marking": marking})


def test_a_condition_that_names_no_columns_is_as_it_was() -> None:
    assert "marking" not in conditions_from({}).document()
    named = conditions_from({"marking": ["b", "a", "b"]})
    assert named.document()["marking"] == ["a", "b"]
    assert conditions_from(named.document()) == named

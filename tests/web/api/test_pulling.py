"""`databourse pull` and `open` beside an exchange over HTTP: what they take is counted as it should be."""

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvicorn
from typer.testing import CliRunner

from cli.main import app
from cli.packages import identity_in
from cli.server import server_config
from tests.web.api.live import free_port
from tests.web.market import Market
from tests.web.nodes import PASSWORD


def left(out: Path) -> list[str]:
    return sorted(path.name for path in out.parent.iterdir() if path.is_file())


@asynccontextmanager
async def over_http(market: Market):
    """The market's application on a port of its own."""
    port = free_port()
    config = server_config(market.served.app, host="127.0.0.1", port=port, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells it in no other way
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


async def said_to(url: str, *words: str) -> Any:
    """Run a command beside the exchange, signed in as the buyer."""
    environment = {"DATABOURSE_PASSWORD": PASSWORD}
    command = [*words, "--url", url, "--login", "buyer"]
    return await asyncio.to_thread(CliRunner().invoke, app, command, env=environment)


async def test_a_bought_file_is_pulled_from_an_exchange_by_its_buyer_and_by_package(market, tmp_path) -> None:
    rights = await market.served.api(market.buyer, "GET", "/entitlements")
    (right,) = [one for one in rights if one["trade_id"] == market.ids["delivering"]]
    ent, out = right["entitlement_id"], tmp_path / "taken" / "goods"
    out.parent.mkdir()

    async def now() -> tuple[str, int]:
        trade = await market.served.api(market.buyer, "GET", f"/trades/{market.ids['delivering']}")
        rights = await market.served.api(market.buyer, "GET", "/entitlements")
        return trade["status"], next(one["used"] for one in rights if one["entitlement_id"] == ent)

    async with over_http(market) as url:
        ahead = await said_to(url, "pull", ent, "--out", str(out), "--ahead")
        assert (ahead.exit_code, left(out)) == (0, ["goods.package"])
        assert await now() == ("DELIVERING", 0)
        sealed = out.with_name("goods.package").read_bytes()

        opened = await said_to(url, "pull", ent, "--out", str(out), "--package")
        assert (opened.exit_code, opened.stdout) == (0, f"{out}: sha256 {right['sha256']}\n")
        assert left(out) == ["goods"]
        assert await now() == ("DELIVERED", 1)

        plain = await said_to(url, "pull", ent, "--out", str(out.parent / "plain"))
        assert plain.exit_code == 0
        assert (out.parent / "plain").read_bytes() == out.read_bytes()
        assert await now() == ("DELIVERED", 2)
        await by_hand(market, ent, sealed, out.parent)

        wrong = await said_to(url, "pull", "ent_" + "0" * 26, "--out", str(tmp_path / "none"))
        assert (wrong.exit_code, "entitlement-unknown" in wrong.stderr) == (1, True)


async def by_hand(market: Market, ent: str, sealed: bytes, folder: Path) -> None:
    """A package, a key by the API, an identity in a file, and no network; then each of them changed."""
    package, key, me = folder / "package", folder / "key", folder / "me"
    package.write_bytes(sealed)
    form = {"age_recipient": identity_in(me, make=True).recipient}
    told = await market.served.api(market.buyer, "POST", f"/entitlements/{ent}/package/key", form)
    key.write_text(told["header"])

    def opened(name: str, *more: str) -> Any:
        command = ["open", str(package), str(key), "--identity", str(me), "--out", str(folder / name), *more]
        return CliRunner().invoke(app, command)

    assert opened("opened").exit_code == 0
    assert (folder / "opened").read_bytes() == (folder / "goods").read_bytes()
    assert opened("opened").exit_code == 2  # it is there already
    assert opened("wrong", "--sha256", "00" * 32).exit_code == 4
    package.write_bytes(sealed[:-1])
    assert opened("wrong").exit_code == 4
    me.unlink()
    identity_in(me, make=True)
    package.write_bytes(sealed)
    assert opened("wrong").exit_code == 4
    assert not (folder / "wrong").exists()

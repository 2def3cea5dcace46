"""Calls of a bought interface through the gateway, against a proxy of the same server that counts nothing.

The provider and the callers are processes of their own; the server, its batch writer and its bounds are the
exchange's. After every round each call that was answered is one use, and the log's statement holds them all.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from base.clock import SimulatedClock
from base.settings import Settings
from ledger.acts import perform
from market.delivery.gateway.rules import interface_from
from market.delivery.gateway.target import target_of
from market.delivery.gateway.upstream import Asked, Providers
from market.delivery.meter.rollup import roll_up
from tests.bench.ground import Ground
from tests.bench.measuring import Broken, Measured, in_turns
from tests.bench.over_http import _answer_of, _served
from tests.conftest import MONDAY
from tests.houses import make_house
from tests.market.delivery.funded import make_deal
from tests.market.delivery.gateway.bought import Bought, bought
from web.main import Application
from web.problems import install

_CALLS: Final = Path(__file__).with_name("http_calls.py")
_UPSTREAM: Final = Path(__file__).with_name("http_upstream.py")
_CALLERS: Final = 64  # as many as may wait for one provider
_FIRST: Final = 8  # a fresh server answers its first calls late, and sends a crowd of them away
_A_SIDE: Final = 1_500  # calls a second of a side
_PATH: Final = "/index?county=440103"


async def meter(ground: Ground) -> Measured:
    """Calls a second of the server's processor time: metered, against the proxy alone."""
    count = max(int(_A_SIDE * ground.budget.side_s), 8 * _CALLERS)
    async with ground.empty_database() as (database, _), _provider() as port:
        folder = ground.folder / "metered" / "files"
        folder.mkdir(parents=True)
        house = await make_house(database, SimulatedClock(MONDAY))
        deal = await make_deal(house, folder)
        url = f"http://127.0.0.1:{port}"
        async with bought(deal, SimpleNamespace(url=url), uses=10**8) as tool:  # type: ignore[arg-type]
            spent, away = dict[str, float](), dict[str, int]()

            async def side(name: str, app: Any, path: str) -> float:
                async with _served(app) as at:
                    await _called(at, path, tool.token, 2 * _CALLERS, callers=_FIRST)
                    began, cpu = time.perf_counter(), time.process_time()
                    away[name] = await _called(at, path, tool.token, count, callers=_CALLERS)
                    used_s = time.process_time() - cpu
                    spent[name] = count / (time.perf_counter() - began)
                return count / used_s

            async def metered() -> float:
                rate = await side("ours", tool.app, f"/gateway/{tool.entitlement_id}{_PATH}")
                await _check(tool)
                return rate

            proxy = _proxy(url, folder)
            rates = await in_turns(metered, lambda: side("floor", proxy, _PATH))
    unit = f"calls/s of the server's processor time, {_CALLERS} callers, against a proxy that counts nothing"
    clock = {name: round(rate) for name, rate in spent.items()}
    beside = {"name": "calls", "beside": "meter", "unit": "calls/s", **clock, "sent_away": away["ours"]}
    return Measured(*rates, unit, (beside,))


def _proxy(url: str, folder: Path) -> Application:
    """The same server and the same way to the provider, and no right, key or meter."""
    interface = interface_from(
        {"answered_by": "PROVIDER", "base_url": url, "paths": ["/*"], "methods": ["GET"]}, hosts={"127.0.0.1"}
    )
    providers = Providers(hosts={"127.0.0.1"}, folder=folder)

    async def through(request: Request) -> Response:
        target = target_of(request.scope["raw_path"], request.scope["query_string"])
        asked = Asked("GET", target, tuple(request.scope["headers"]))
        answer = await providers.ask(interface, asked, None, owner="org")
        return Response(answer.spool.whole, answer.status, {"content-type": answer.content_type or ""})

    app = Application()
    app.state.settings = Settings()
    install(app)
    app.router.routes.insert(0, Route("/{rest:path}", through, methods=["GET"]))
    return app


async def _called(port: int, path: str, token: str, count: int, *, callers: int) -> int:
    """Call so often; how often a caller was sent away first, for the server was busy."""
    answers = await _answer_of(str(_CALLS), str(port), path, token, str(callers), str(count))
    away = int(answers.pop("503", 0))
    if answers != {"200": count}:
        raise Broken(f"of {count} calls: {str(answers)[:300]}")
    return away


async def _check(tool: Bought) -> None:
    """Every call is one use, numbered one after the other, and stated."""
    house = tool.deal.house.house
    used = (await tool.deal.entitlement()).used
    made = await perform(
        house,
        house.exchange_act(),
        lambda s, act: roll_up(s, act, entitlement_id=tool.entitlement_id),
        attempted="DLV.USAGE",
        object_id=tool.entitlement_id,
    )
    calls = len(await tool.calls())
    if not made or made[-1].last != used or calls != used:
        raise Broken(f"{used} uses, {calls} calls, stated up to {made[-1].last if made else None}")


@asynccontextmanager
async def _provider() -> AsyncIterator[int]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(_UPSTREAM), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield int(await process.stdout.readline())
    finally:
        process.stdin.close()
        await process.wait()

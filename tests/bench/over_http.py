"""A notification of the bank over HTTP that settles its trade: the server's processor time for each.

The route, its bounds and its server are the exchange's own; around them is nothing else of the application.
The floor is the same server with an endpoint that checks the same bytes against a model, and no more.
"""

import asyncio
import socket
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import httpx
import orjson
from fastapi import FastAPI
from pydantic import BaseModel

from base.settings import Settings
from cli.server import Server, collect_less, server_config
from ledger.batch import BatchWriter
from tests.bench.ground import Ground
from tests.bench.load import Load
from tests.bench.measuring import Broken, Measured, in_turns, quantile
from tests.bench.settlements import MANY, settling
from tests.bench.stock import Due
from tests.market.settlement.bank_side import ESCROW
from tests.market.trade.scene import Scene
from web.api import bank
from web.main import Application
from web.problems import install

_CLIENT: Final = Path(__file__).with_name("http_client.py")
_ARRIVALS: Final = Path(__file__).with_name("http_arrivals.py")
_A_SIDE: Final = 1_500  # notifications a second of a side
_SUSTAINED: Final = 0.8  # of what as many connections as a batch has places get through
_TIMES: Final = (1, 2, 5, 10)
_UNDER_WAY: Final = 400  # at most, when the arrivals end


class Signature(BaseModel):
    keyid: str
    sig: str


class Envelope(BaseModel):
    payload: str
    payloadType: str  # noqa: N815 - as DSSE has it
    signatures: list[Signature]


class Answer(BaseModel):
    outcome: str
    trade_id: str
    statement_id: str


async def http_settle(ground: Ground) -> Measured:
    """Microseconds of the server's process a notification, ours against the model alone."""
    ours = await settling(ground, "postgresql")
    await ours.begin(MANY)
    scene = (await ground.stock("postgresql")).scene
    count = max(int(_A_SIDE * ground.budget.side_s), MANY)
    path = ground.folder / "notifications"

    async def real() -> float:
        spent: list[float] = []

        async def carry(due: list[Due], writer: BatchWriter) -> Load:
            _write(path, due)
            async with _served(_bank_side(scene, writer)) as port:
                used_s, answers = await _posted(port, "/bank/notifications", path)
            spent.append(1e6 * used_s / len(answers))
            return Load(answers, 1.0, [])

        await ours.through(count, carry)
        return spent[0]

    async def model() -> float:
        app = FastAPI()

        @app.post("/model")
        async def model_only(envelope: Envelope) -> Answer:
            return Answer(outcome="settled", trade_id=envelope.payloadType, statement_id="")

        async with _served(app) as port:
            used_s, answers = await _posted(port, "/model", path)
        return 1e6 * used_s / len(answers)

    costs = await in_turns(real, model)
    unit = f"us of the server's process a notification, {MANY} connections, against a model of its JSON alone"
    return Measured(*costs, unit)


async def settle_flat(ground: Ground) -> Measured:
    """p99 of those accepted at ten times what the server sustains, against at once: arrivals over HTTP."""
    ours = await settling(ground, "postgresql")
    await ours.begin(MANY)
    scene = (await ground.stock("postgresql")).scene
    path = ground.folder / "arrivals"
    seconds = max(2 * ground.budget.side_s, 0.5)
    told: dict[str, Any] = {}

    async def sustained(due: list[Due], writer: BatchWriter) -> Load:
        _write(path, due)
        async with _served(_bank_side(scene, writer)) as port:
            began = time.perf_counter()
            _, answers = await _posted(port, "/bank/notifications", path)
            return Load(answers, time.perf_counter() - began, [])

    rate = _SUSTAINED * (await ours.through(_A_SIDE, sustained)).rate
    beside = []
    p99: dict[int, float] = {}
    for times in _TIMES:

        async def arriving(due: list[Due], writer: BatchWriter, times: int = times) -> Load:
            _write(path, due)
            async with _served(_bank_side(scene, writer)) as port:
                program = (str(_ARRIVALS), str(port), "/bank/notifications", str(path))
                told.update(await _answer_of(*program, str(times * rate), str(seconds)))
            if told["odd"]:
                raise Broken(f"{len(told['odd'])} odd answers, such as {told['odd'][0]}")
            return Load(told["answers"], told["seconds"], told["waited_ms"])

        load = await ours.through(int(1.5 * rate * seconds) + _UNDER_WAY, arriving)
        p99[times] = quantile(load.waited_s, 0.99)
        beside.append(
            {
                "name": "arrivals",
                "beside": "settle_flat",
                "times": round(told["arrived"] / told["seconds"] / rate, 1),
                "p50_ms": round(quantile(load.waited_s, 0.5), 1),
                "p99_ms": round(p99[times], 1),
                "accepted_a_second": round(load.rate),
                "sent_away": round(told["sent_away"] / told["arrived"], 3),
            }
        )
    unit = f"ms, p99 of those accepted at {_TIMES[-1]} times {rate:.0f} notifications/s, against at once"
    return Measured(p99[_TIMES[-1]], p99[_TIMES[0]], unit, tuple(beside))


def _bank_side(scene: Scene, writer: BatchWriter) -> Application:
    """The application with the bank's route alone."""
    app = Application()
    app.state.settings = settings = Settings()
    app.state.node = SimpleNamespace(
        settings=settings,
        bank=SimpleNamespace(bank_key=scene.bank.key.public),
        escrow=ESCROW,
        house=scene.house.house,
        batch=writer,
    )
    install(app)
    app.include_router(bank.router)
    return app


def _write(path: Path, due: Sequence[Due]) -> None:
    path.write_bytes(b"\n".join(orjson.dumps(one.notification.document()) for one in due))


@asynccontextmanager
async def _served(app: Any) -> AsyncIterator[int]:
    door = socket.create_server(
        ("127.0.0.1", 0)
    )  # ours from now on: uvicorn ends the run where a port is taken
    port = door.getsockname()[1]
    collect_less()  # as `databourse serve` does
    server = Server(server_config(app, host="127.0.0.1", port=port, log_config=None, lifespan="off"))
    task = asyncio.create_task(server.serve([door]))
    try:
        async with httpx.AsyncClient(trust_env=False) as http, asyncio.timeout(30):
            while not server.started:  # noqa: ASYNC110 - uvicorn tells it in no other way
                await asyncio.sleep(0.01)
            await http.get(f"http://127.0.0.1:{port}/nothing")  # the first request makes the middleware
        yield port
    finally:
        server.should_exit = True
        await task


async def _posted(port: int, path: str, bodies: Path) -> tuple[float, list[dict[str, str]]]:
    """Seconds of this process, and the answers, while another one posts the bodies."""
    began = time.process_time()
    answers = await _answer_of(str(_CLIENT), str(port), path, str(bodies), str(MANY))
    return time.process_time() - began, answers


async def _answer_of(*program: str) -> Any:
    """What a client prints."""
    client = await asyncio.create_subprocess_exec(sys.executable, *program, stdout=asyncio.subprocess.PIPE)
    told, _ = await client.communicate()
    if client.returncode:
        raise Broken(f"the client ended with {client.returncode}")
    return orjson.loads(told)

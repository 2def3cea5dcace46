"""A notification of the bank over HTTP that settles its trade: the server's processor time for each.

The route, its bounds and its server are the exchange's own; around them is nothing else of the application.
The floor is the same server with an endpoint that checks the same bytes against a model, and no more.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import httpx
import orjson
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from base.settings import Settings
from cli.server import server_config
from ledger.batch import BatchWriter
from tests.bench.ground import Ground
from tests.bench.load import Load
from tests.bench.measuring import Broken, Measured, in_turns
from tests.bench.settlements import MANY, settling
from tests.bench.stock import Due
from tests.market.settlement.bank_side import ESCROW
from tests.web.api.live import free_port
from web.api import bank
from web.main import Application
from web.problems import install

_CLIENT: Final = Path(__file__).with_name("http_client.py")
_A_SIDE: Final = 1_500  # notifications a second of a side


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
            _write(path, due)
            async with _served(app) as port:
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


def _write(path: Path, due: Sequence[Due]) -> None:
    path.write_bytes(b"\n".join(orjson.dumps(one.notification.document()) for one in due))


@asynccontextmanager
async def _served(app: Any) -> AsyncIterator[int]:
    port = free_port()
    server = uvicorn.Server(server_config(app, host="127.0.0.1", port=port, log_config=None, lifespan="off"))
    task = asyncio.create_task(server.serve())
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
    client = await asyncio.create_subprocess_exec(
        *(sys.executable, str(_CLIENT), str(port), path, str(bodies), str(MANY)),
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await client.communicate()
    used_s = time.process_time() - began
    if client.returncode:
        raise Broken(f"the client ended with {client.returncode}")
    answers: list[dict[str, str]] = orjson.loads(told)
    return used_s, answers

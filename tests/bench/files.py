"""A large file that was bought, through the exchange's own server, against nginx serving the same plain file.

The server is a process of its own (`databourse serve`), the client another: it reads and throws away. A last
download, which nobody times, is held against the digest of what was sold.
"""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import httpx
import orjson
from sqlmodel import col, delete, select

from base.clock import SimulatedClock
from base.files import StoredFile
from market.delivery.tables import Entitlement
from market.listings.tables import ListingFile
from market.orders.tables import ContractPolicy
from tests.bench.ground import Ground
from tests.bench.measuring import Broken, CannotRun, Measured, in_turns
from tests.web.api.live import free_port
from tests.web.market import _trade, small_market
from tests.web.nodes import ORIGIN, PASSWORD, kept_bank_key, serving, settings_in

_MIB: Final = 2**20
_CLIENT: Final = Path(__file__).with_name("file_client.py")
_ROLES: Final = {"authority": "DATA_AUTHORITY", "provider": "PROVIDER", "buyer": "BUYER", "broker": "BROKER"}
_PEAK: Final = re.compile(r"VmHWM:\s+(\d+) kB")
_DEADLINE_S: Final = 180.0
_CLEAR_PEAK: Final = "5"


async def file(ground: Ground) -> Measured:
    """MiB a second of a purchased file, decrypted on the way, against nginx and the plain file."""
    nginx = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if nginx is None:
        raise CannotRun("nginx is not installed (Debian: nginx-light)")
    size = ground.budget.size(1024, least=64, most=1024) * _MIB
    folder = ground.folder / "files"
    folder.mkdir()
    plain = folder / "plain.bin"
    ground.say(f"a trade of {size // _MIB} MiB")
    digest = await asyncio.to_thread(_write, plain, size)
    entitlement_id = await _bought(folder, plain, size)
    with _exchange(folder) as (server, port), _nginx(nginx, folder) as floor_port:
        token = await _token(port)
        path = f"/api/v1/entitlements/{entitlement_id}/file"
        before = _peak_mib(server.pid, afresh=True)

        async def ours() -> float:
            return await _taken(port, path, token, size)

        async def floor() -> float:
            return await _taken(floor_port, f"/{plain.name}", token, size)

        await ours()  # what is made once is made now
        await floor()
        rates = await in_turns(ours, floor)
        if await _digest_of(port, path, token) != digest:
            raise Broken("other bytes came than were sold")
        more = _peak_mib(server.pid) - before
    unit = f"MiB/s of a file of {size // _MIB} MiB opened on the way, against nginx and the plain file"
    memory = {
        "name": "memory",
        "beside": "file",
        "ours": round(more, 1),
        "unit": "MiB more of the server at its peak than before the first download",
    }
    return Measured(*rates, unit, (memory,))


def _write(path: Path, size: int) -> str:
    """A file that compresses no better than chance; returns its digest."""
    digest = sha256()
    with path.open("wb") as out:
        for _ in range(0, size, _MIB):
            piece = os.urandom(_MIB)
            digest.update(piece)
            out.write(piece)
    return digest.hexdigest()


async def _bought(folder: Path, plain: Path, size: int) -> str:
    """A trade in delivery whose file is the large one, as if it had been listed; the right to receive it."""
    clock = SimulatedClock(datetime(2026, 11, 16, 1, 0, tzinfo=UTC))
    async with serving(folder, clock) as served:
        market = await small_market(served, _ROLES, at_home="provider")
        trade_id = await _trade(market, "DELIVERING")

        async def content() -> AsyncIterator[bytes]:
            with plain.open("rb") as read:
                while piece := read.read(_MIB):
                    yield piece

        stored = await served.node.files.put(content(), limit_bytes=size)
        async with served.node.database.write() as s:
            right = (await s.exec(select(Entitlement).where(Entitlement.trade_id == trade_id))).one()
            entitlement_id = right.entitlement_id
            await _put_in_place(s, right, stored)
    return entitlement_id


async def _put_in_place(s: Any, right: Entitlement, stored: StoredFile) -> None:
    row = (await s.exec(select(ListingFile).where(ListingFile.file_id == right.file_id))).one()
    sold = row.model_dump() | {"file_id": stored.file_id, "sha256": stored.sha256, "bytes": stored.bytes}
    s.add(ListingFile(**sold))
    await s.flush()
    # A contract from before there were policies: the real one names the listed file, and counts to three.
    await s.exec(delete(ContractPolicy).where(col(ContractPolicy.trade_id) == right.trade_id))
    right.file_id, right.sha256, right.bytes = stored.file_id, stored.sha256, stored.bytes
    right.max_downloads = 10_000
    s.add(right)


@contextmanager
def _exchange(folder: Path) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """`databourse serve` on the folder of that market."""
    port = free_port()
    told = settings_in(folder, kept_bank_key(folder), clock="simulated").model_dump(
        exclude_none=True, exclude_defaults=True, mode="json"
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DATABOURSE_")}
    environment = clean | {f"DATABOURSE_{name.upper()}": str(value) for name, value in told.items()}
    program = "from cli.main import app; app()"
    command = (sys.executable, "-c", program, "serve", "--no-sequencer", "--port", str(port))
    with _running(command, port, env=environment) as server:
        yield server, port


@contextmanager
def _nginx(program: str, folder: Path) -> Iterator[int]:
    port = free_port()
    user = "user root;" if os.getuid() == 0 else ""
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; {user} worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;\n"
        "events { worker_connections 64; }\n"
        "http { access_log off; sendfile on; tcp_nopush on; default_type application/octet-stream;\n"
        f"  server {{ listen 127.0.0.1:{port}; root {folder}; }} }}\n"
    )
    with _running((program, "-e", f"{folder}/nginx.log", "-c", str(config)), port):
        yield port


@contextmanager
def _running(command: tuple[str, ...], port: int, **more: Any) -> Iterator["subprocess.Popen[bytes]"]:
    """A server while the block lasts, once it answers."""
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)
    try:
        ends = time.monotonic() + _DEADLINE_S
        while True:
            if server.poll() is not None or time.monotonic() > ends:
                raise CannotRun(f"{Path(command[0]).name} does not serve")
            with suppress(httpx.HTTPError):
                httpx.get(f"http://127.0.0.1:{port}/", trust_env=False, timeout=5)
                break
            time.sleep(0.05)
        yield server
    finally:
        server.terminate()
        server.wait()


async def _token(port: int) -> str:
    form = {"grant_type": "password", "username": "buyer", "password": PASSWORD}
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        answer = await http.post(
            f"http://127.0.0.1:{port}/api/v1/token", data=form, headers={"host": ORIGIN.partition("//")[2]}
        )
    token: str = answer.raise_for_status().json()["access_token"]
    return token


async def _taken(port: int, path: str, token: str, size: int) -> float:
    """MiB a second of one GET, of a client that looks at nothing."""
    told = await _client(port, path, token)
    if told["status"] != httpx.codes.OK or told["bytes"] != size:
        raise Broken(f"{told['bytes']} bytes of {size} came, status {told['status']}: {told.get('said')}")
    return float(size / _MIB / told["seconds"])


async def _digest_of(port: int, path: str, token: str) -> str:
    told: str = (await _client(port, path, token, "digest"))["digest"]
    return told


async def _client(*arguments: object) -> Any:
    program = (sys.executable, str(_CLIENT), *map(str, arguments))
    client = await asyncio.create_subprocess_exec(*program, stdout=asyncio.subprocess.PIPE)
    told, _ = await client.communicate()
    if client.returncode:
        raise Broken(f"the client ended with {client.returncode}")
    return orjson.loads(told)


def _peak_mib(pid: int, *, afresh: bool = False) -> float:
    """The most memory that a process had resident; `afresh` counts from now on."""
    if afresh:
        Path(f"/proc/{pid}/clear_refs").write_text(_CLEAR_PEAK)
    found = _PEAK.search(Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024
